"""Sign-in at an OpenID Connect provider: where it is, and who may come in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_URLS = ("authorize_url", "token_url")
_PREFIX = "GATEWAY_DASHBOARD_OAUTH_"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """A client of a provider. *users* are names, or ``@domain`` for all of a domain."""

    key: str
    secret: str = field(default="", repr=False)
    authorize_url: str = ""
    token_url: str = ""
    user_url: str = ""
    redirect_url: str = ""
    claim: str = "email"
    users: tuple[str, ...] = ()

    def lets_in(self, user: str) -> bool:
        """Whether *user*, as the provider names it, may see the page."""
        name = user.casefold()
        return name in self.users or f"@{name.rpartition('@')[2]}" in self.users

    def problem(self) -> str | None:
        """What is missing, by the name of its variable; None when nothing is."""
        if not self.secret:
            return f"{_PREFIX}SECRET: expected the client's secret, got nothing"
        for name in _URLS:
            if not getattr(self, name).startswith(("https://", "http://")):
                given = getattr(self, name)
                return f"{_PREFIX}{name.upper()}: expected https://…, got {given!r}"
        if not self.users:
            return (
                f"{_PREFIX}USERS: expected names or @domains that may come in, parted by commas, "
                "got none"
            )
        return None


def read_oauth(environ: Mapping[str, str]) -> OAuth | None:
    """The client that the environment describes; None without a client id."""
    key = environ.get(f"{_PREFIX}KEY")
    if not key:
        return None
    users = environ.get(f"{_PREFIX}USERS", "").casefold().split(",")
    return OAuth(
        key=key,
        secret=environ.get(f"{_PREFIX}SECRET", ""),
        authorize_url=environ.get(f"{_PREFIX}AUTHORIZE_URL", ""),
        token_url=environ.get(f"{_PREFIX}TOKEN_URL", ""),
        user_url=environ.get(f"{_PREFIX}USER_URL", ""),
        redirect_url=environ.get(f"{_PREFIX}REDIRECT_URL", ""),
        claim=environ.get(f"{_PREFIX}CLAIM", "email"),
        users=tuple(name.strip() for name in users if name.strip()),
    )
