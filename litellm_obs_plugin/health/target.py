"""What a probe asks: one address per deployment, or why there is none."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from litellm_obs_plugin.record import Deployment

Verify = bool | str  # whether certificates are checked, or by which bundle
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A deployment and where it is asked.

    *base_url* is what people see, *url* what is fetched; neither has user info or a query that
    came from the configuration. *url* is None when the address is not known: *problem* says why.
    *headers* hold the key of an authenticated probe and are never shown or written.
    """

    deployment: Deployment
    base_url: str | None = None
    url: str | None = None
    problem: str = ""
    headers: Headers = field(default=(), repr=False)
    verify: Verify = field(default=True, repr=False)

    @property
    def key(self) -> tuple[Any, ...]:
        """Deployments with equal keys share one probe."""
        return (self.url, self.headers, self.verify)


def clean_url(text: str) -> str | None:
    """*text* without user info, query and fragment; None unless it is an http(s) address."""
    try:
        parts = urlsplit(text.strip())
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"
