"""Which Langfuse mode it will be, and whether Langfuse answers."""

from collections.abc import Iterator

import httpx

from litellm_obs_plugin.doctor.finding import Finding, fail, ok, warn
from litellm_obs_plugin.doctor.installation import installed
from litellm_obs_plugin.doctor.patient import Patient
from litellm_obs_plugin.health.target import clean_url
from litellm_obs_plugin.langfuse.choice import Surroundings, choose_mode
from litellm_obs_plugin.langfuse_settings import LangfuseSettings, Mode

_SUBJECT = "langfuse"
_OWN = frozenset({"langfuse", "langfuse_otel"})
_REFUSED = (401, 403)


def check_traces(patient: Patient, settings: LangfuseSettings) -> Iterator[Finding]:
    """The mode and why; then one authenticated question to Langfuse, if it is on."""
    sdk = installed("langfuse")
    choice = choose_mode(
        settings,
        Surroundings(
            callbacks=_OWN & set(patient.callbacks()),
            public_key=patient.environ.get("LANGFUSE_PUBLIC_KEY"),
            sdk_version=sdk,
        ),
    )
    for warning in choice.warnings:
        if "langfuse<5" in warning:
            yield fail(_SUBJECT, warning, "pip install 'langfuse>=4.7,<5'")
        else:
            yield warn(_SUBJECT, warning, "see docs/langfuse.md, Modes")
    yield ok(_SUBJECT, f"mode {choice.mode}: {choice.reason}")
    if choice.mode is not Mode.OFF:
        yield _ask(settings)


def _ask(settings: LangfuseSettings) -> Finding:
    secret = settings.secret_key.get_secret_value() if settings.secret_key is not None else ""
    shown = clean_url(settings.host) or "the host"
    try:
        answer = httpx.get(
            f"{settings.host.rstrip('/')}/api/public/projects",
            auth=(settings.public_key or "", secret),
            timeout=settings.timeout_s,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        told = f"{shown} cannot be reached: {type(error).__name__}: {error}"
        return fail(_SUBJECT, told, "check langfuse.host (LANGFUSE_HOST) and the way there")
    if answer.status_code in _REFUSED:
        remedy = "check public_key and secret_key: both of the same project, on this host"
        return fail(_SUBJECT, f"{shown} refuses the keys ({answer.status_code})", remedy)
    if not answer.is_success:
        return warn(_SUBJECT, f"{shown} answers {answer.status_code}", "check langfuse.host")
    return ok(_SUBJECT, f"{shown} answers and accepts the keys")
