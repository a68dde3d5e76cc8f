"""The router's deployments -> what a probe asks. The only place that touches a provider's key."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from litellm_obs_plugin.health.target import Headers, Target, Verify, clean_url
from litellm_obs_plugin.host import compat, endpoints
from litellm_obs_plugin.host.payload import mapping, text
from litellm_obs_plugin.host.provider_urls import home_of
from litellm_obs_plugin.record import Deployment

_SECRET = "os.environ/"
_NO_ADDRESS = "unknown: the configuration leaves the address open"
_NOT_HTTP = "unknown: api_base is no http(s) address"
_AZURE_VERSION = "2024-10-21"
_KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
# They sign requests; a bearer key would mean nothing to them.
_KEYLESS = frozenset({"bedrock", "bedrock_converse", "vertex_ai", "vertex_ai_beta", "sagemaker"})


class Endpoints(Protocol):
    """What the host tells of providers; :mod:`endpoints` asks LiteLLM."""

    def default_endpoint(
        self, model: str, *, provider: str | None
    ) -> tuple[str | None, str | None]: ...
    def tls_verification(self, own: Any) -> Verify: ...


class Upstream:
    """Targets of all deployments. *with_key*: for probes that tell a bad key from a dead host."""

    def __init__(
        self,
        *,
        of_router: Callable[[Mapping[str, Any]], Deployment],
        with_key: bool,
        deployments: Callable[[], list[Mapping[str, Any]]] = compat.deployments,
        endpoints: Endpoints = endpoints,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._of_router = of_router
        self._with_key = with_key
        self._deployments = deployments
        self._endpoints = endpoints
        self._environ = environ
        self._told: dict[tuple[str, str | None], tuple[str | None, str | None]] = {}

    def targets(self) -> Sequence[Target]:
        """One for each deployment that the operator has configured."""
        return [self._target(entry) for entry in self._deployments() if _is_ours(entry)]

    def _target(self, entry: Mapping[str, Any]) -> Target:
        given, deployment = mapping(entry.get("litellm_params")), self._of_router(entry)
        told, told_key = self._tell(given)
        asked = self._text(given, "api_base") or self._text(given, "base_url")
        found = asked or home_of(deployment.provider, given, self._environ, told=told)
        base = clean_url(found) if found is not None else None
        if base is None:
            problem = _NO_ADDRESS if found is None else _NOT_HTTP
            return Target(deployment=deployment, problem=problem)
        key = self._key(deployment.provider, given, told_key) if self._with_key else None
        return Target(
            deployment=deployment,
            base_url=base,
            url=_models_url(deployment.provider, base),
            headers=_headers(deployment.provider, key) if key is not None else (),
            verify=self._endpoints.tls_verification(given.get("ssl_verify")),
        )

    def _tell(self, given: Mapping[str, Any]) -> tuple[str | None, str | None]:
        asked = (text(given.get("model")) or "", text(given.get("custom_llm_provider")))
        if asked not in self._told:
            self._told[asked] = self._endpoints.default_endpoint(asked[0], provider=asked[1])
        return self._told[asked]

    def _key(self, provider: str, given: Mapping[str, Any], told: str | None) -> str | None:
        if provider in _KEYLESS:
            return None
        by_variable = self._environ.get(_KEY_VARIABLES.get(provider, ""))
        return self._text(given, "api_key") or told or by_variable

    def _text(self, given: Mapping[str, Any], name: str) -> str | None:
        value = text(given.get(name))
        if value is not None and value.startswith(_SECRET):
            return self._environ.get(value.removeprefix(_SECRET))
        return value


def _is_ours(entry: Mapping[str, Any]) -> bool:
    """Not one that a caller made by sending an address or a key of their own."""
    return "original_model_id" not in mapping(entry.get("model_info"))


def _models_url(provider: str, base: str) -> str:
    match provider:
        case "anthropic" if not base.endswith("/v1"):
            return f"{base}/v1/models"
        case "azure":
            return f"{base.removesuffix('/openai')}/openai/models?api-version={_AZURE_VERSION}"
        case _:
            return f"{base}/models"


def _headers(provider: str, key: str) -> Headers:
    match provider:
        case "anthropic":
            return (("x-api-key", key), ("anthropic-version", "2023-06-01"))
        case "azure":
            return (("api-key", key),)
        case "gemini":
            return (("x-goog-api-key", key),)
        case _:
            return (("authorization", f"Bearer {key}"),)
