"""Which mode it is, and why. Pure; loads nothing of Langfuse."""

from collections.abc import Collection
from dataclasses import dataclass

from litellm_obs_plugin.langfuse_settings import LangfuseSettings, Mode

_LANGFUSE = "langfuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """*mode* is never AUTO. *reason* and *warnings* are sentences for people."""

    mode: Mode
    reason: str
    warnings: tuple[str, ...] = ()
    joins: bool = False  # ours go into the traces that LiteLLM's own callback begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What was found: LiteLLM's callbacks by name, their project's key, the SDK's version."""

    callbacks: Collection[str] = ()
    public_key: str | None = None
    sdk_version: str | None = None


def choose_mode(settings: LangfuseSettings, found: Surroundings) -> Choice:
    """The mode for *settings* in these surroundings."""
    warnings = _warnings(found)
    if settings.mode is Mode.OFF:
        return Choice(mode=Mode.OFF, reason="langfuse.mode is off", warnings=warnings)
    missing = [
        name for name in ("public_key", "secret_key") if getattr(settings, name) in (None, "")
    ]
    if missing:
        reason = f"no langfuse.{' and no langfuse.'.join(missing)}"
        if len(missing) == 1 or settings.mode is not Mode.AUTO:
            warnings = (*warnings, f"Langfuse is off: {reason}")
        return Choice(mode=Mode.OFF, reason=reason, warnings=warnings)
    if found.callbacks and found.public_key == settings.public_key:
        return _beside(settings, found, warnings)
    if settings.mode is Mode.ENRICH:
        reason = "langfuse.mode is enrich, but LiteLLM's own callback is not on for this project"
        return Choice(mode=Mode.ENRICH, reason=reason, warnings=(*warnings, reason))
    other = " for this project" if found.callbacks else ""
    reason = f"credentials are there, and LiteLLM's own callback is not on{other}"
    return Choice(mode=Mode.REPLACE, reason=reason, warnings=warnings)


def _beside(settings: LangfuseSettings, found: Surroundings, warnings: tuple[str, ...]) -> Choice:
    """LiteLLM traces into the same project: whatever is asked for, cost must not count twice."""
    names = " and ".join(sorted(found.callbacks))
    reason = f"LiteLLM's own callback ({names}) is on for the same project"
    if settings.mode is Mode.REPLACE:
        told = f"{reason}: langfuse.mode replace would count all cost twice; it is enrich now"
        warnings = (*warnings, told)
    joins = _LANGFUSE in found.callbacks
    if not joins:
        told = f"{names} begins a trace of its own for each attempt, which ours cannot join"
        warnings = (*warnings, told)
    return Choice(mode=Mode.ENRICH, reason=reason, warnings=warnings, joins=joins)


def _warnings(found: Surroundings) -> tuple[str, ...]:
    major = (found.sdk_version or "").partition(".")[0]
    if _LANGFUSE in found.callbacks and major.isdecimal() and int(major) >= 5:
        return (
            f"langfuse {found.sdk_version} is installed beside LiteLLM's langfuse callback, which "
            "needs langfuse<5: the first request of each worker will answer 500",
        )
    return ()
