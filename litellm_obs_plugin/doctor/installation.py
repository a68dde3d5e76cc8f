"""Whether the versions fit."""

import platform
from collections.abc import Iterator
from importlib import metadata

from litellm_obs_plugin import __version__
from litellm_obs_plugin.doctor.finding import Finding, ok, warn
from litellm_obs_plugin.host import compat

_LITELLM = "1.106."  # the one that our names were checked against


def check_installation() -> Iterator[Finding]:
    """Python, LiteLLM, and the names in it that we lean on. Imports the proxy: takes seconds."""
    yield ok("python", f"{platform.python_version()}, litellm-obs-plugin {__version__}")
    litellm = compat.litellm_version()
    if litellm.startswith(_LITELLM):
        yield ok("litellm", litellm)
    else:
        yield warn("litellm", f"{litellm} was not tried", f"install litellm {_LITELLM}x")
    missing = compat.missing_names()
    if missing:
        told = f"this LiteLLM has no {', '.join(missing)}; some figures may be missing"
        yield warn("litellm names", told, f"install litellm {_LITELLM}x with its proxy extra")
    else:
        yield ok("litellm names", "all that we lean on are there")


def installed(package: str) -> str | None:
    """Its version, if it is installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
