"""What a probe found."""

from dataclasses import dataclass
from enum import StrEnum


class Finding(StrEnum):
    """How far a probe came. Any answer below 500 shows that the provider can be reached."""

    OK = "ok"
    DNS = "dns"
    CONNECTION = "connection"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    PROXY = "proxy"
    SERVER_ERROR = "server_error"
    AUTH = "auth"
    RATE_LIMIT = "rate_limit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Seconds of each step; None: it was not taken or did not end."""

    dns_s: float | None = None
    tcp_s: float | None = None
    tls_s: float | None = None
    http_s: float | None = None

    @property
    def total_s(self) -> float:
        return sum(s for s in (self.dns_s, self.tcp_s, self.tls_s, self.http_s) if s is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One probe: when (seconds since the epoch), how it ended, how long it took."""

    at: float
    finding: Finding
    phases: Phases = Phases()
    status_code: int | None = None
    detail: str = ""
    authenticated: bool = False

    @property
    def latency_s(self) -> float | None:
        """Until the answer, whichever it was; None without one."""
        answered = self.finding is Finding.OK or self.status_code is not None
        return self.phases.total_s if answered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedProbe:
    """A probe and the ids of the deployments it is about."""

    deployments: tuple[str, ...]
    probed: Probed
