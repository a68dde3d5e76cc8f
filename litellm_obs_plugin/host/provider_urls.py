"""Where a provider is when the configuration leaves its address to LiteLLM. Never a guess."""

from collections.abc import Mapping
from dataclasses import dataclass

from litellm_obs_plugin.host.payload import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """LiteLLM's own address for a provider, and the variables that change it."""

    variables: tuple[str, ...] = ()
    url: str | None = None


# Those that `litellm.get_llm_provider` does not tell; as litellm/main.py reads them.
_HOMES = {
    "openai": Home(
        variables=("OPENAI_BASE_URL", "OPENAI_API_BASE"), url="https://api.openai.com/v1"
    ),
    "anthropic": Home(
        variables=("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"), url="https://api.anthropic.com"
    ),
    "gemini": Home(
        variables=("GEMINI_API_BASE",), url="https://generativelanguage.googleapis.com/v1beta"
    ),
    "openrouter": Home(variables=("OPENROUTER_API_BASE",), url="https://openrouter.ai/api/v1"),
    "cohere": Home(variables=("COHERE_API_BASE",), url="https://api.cohere.com/v1"),
    "cohere_chat": Home(variables=("COHERE_API_BASE",), url="https://api.cohere.com/v1"),
    "huggingface": Home(
        variables=("HF_API_BASE", "HUGGINGFACE_API_BASE"), url="https://router.huggingface.co/v1"
    ),
    "azure": Home(variables=("AZURE_API_BASE",)),
}
_HOMES["text-completion-openai"] = _HOMES["openai"]
_BEDROCK_REGIONS = ("AWS_REGION_NAME", "AWS_REGION")
_VERTEX_LOCATIONS = ("VERTEXAI_LOCATION", "VERTEX_LOCATION")


def home_of(
    provider: str, given: Mapping[str, object], environ: Mapping[str, str], *, told: str | None
) -> str | None:
    """The base URL for a deployment with the parameters *given*, which name none.

    *told* is what LiteLLM says of the provider. None: it depends on what we do not know.
    """
    match provider:
        case "bedrock" | "bedrock_converse":
            return _bedrock(given, environ)
        case "vertex_ai" | "vertex_ai_beta":
            return _vertex(given, environ)
        case _:
            home = _HOMES.get(provider)
            return told if home is None else _first(environ, home.variables) or home.url


def _bedrock(given: Mapping[str, object], environ: Mapping[str, str]) -> str | None:
    endpoint = text(given.get("aws_bedrock_runtime_endpoint"))
    region = text(given.get("aws_region_name")) or _first(environ, _BEDROCK_REGIONS)
    if endpoint is not None or region is None:
        return endpoint
    return f"https://bedrock-runtime.{region}.amazonaws.com"


def _vertex(given: Mapping[str, object], environ: Mapping[str, str]) -> str | None:
    location = text(given.get("vertex_location")) or _first(environ, _VERTEX_LOCATIONS)
    if location is None:
        return None
    prefix = "" if location == "global" else f"{location}-"
    return f"https://{prefix}aiplatform.googleapis.com"


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)
