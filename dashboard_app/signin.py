"""Who may see the page: by a password, an OpenID Connect provider, or a claim of LiteLLM's UI."""

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import panel as pn
from panel.auth import BasicAuthProvider, BasicLoginHandler, GenericLoginHandler, LogoutHandler
from tornado.web import HTTPError, RequestHandler

from dashboard_app.claims import ClaimError, Claims
from dashboard_app.config import Config

_COOKIE = "gateway_claim"
_DAYS = 1
_LONGEST_BODY = 8192
_log = logging.getLogger(__name__)
Handlers = list[tuple[Any, ...]]


def guard(config: Config) -> tuple[dict[str, Any], Handlers]:
    """Options and handlers for the server; none when everyone may come in."""
    if not (config.password or config.oauth or config.plugin_key):
        return {}, []
    _configure(config)
    handlers: Handlers = [(r"/logout", LeaveHandler), (r"/refused", RefusedHandler)]
    if config.oauth or config.password:
        handlers.append((r"/login", GenericLoginHandler if config.oauth else PasswordHandler))
    if config.plugin_key:
        claims = Claims(key=config.plugin_key, name=config.plugin_name)
        own = (f"{config.address}:{config.port}", f"localhost:{config.port}", *config.origins)
        given = {"claims": claims, "parents": config.frame_ancestors, "hosts": own}
        handlers.append((r"/claim", ClaimHandler, given))
    return {"auth_provider": SignIn(config)}, handlers


def _configure(config: Config) -> None:
    """Panel's login handlers read these of its own, one for the process."""
    pn.config.cookie_secret = config.cookie_secret or secrets.token_urlsafe(32)
    if config.oauth:
        client = config.oauth
        pn.config.oauth_provider = "generic"
        pn.config.oauth_key = client.key
        pn.config.oauth_secret = client.secret
        pn.config.oauth_redirect_uri = client.redirect_url or None
        pn.config.oauth_extra_params = {
            "AUTHORIZE_URL": client.authorize_url,
            "TOKEN_URL": client.token_url,
            "USER_URL": client.user_url or None,
            "USER_KEY": client.claim,
            "scope": ["openid", "email", "profile"],
        }
    elif config.password:
        pn.config.basic_auth = config.password


class SignIn(BasicAuthProvider):
    """Knows visitors by their signed cookies; what a cookie says is judged at every request."""

    def __init__(self, config: Config) -> None:
        self._oauth = config.oauth
        self._claims = bool(config.plugin_key)
        self._forms = bool(config.oauth or config.password)
        super().__init__()

    @property
    def get_user(self) -> None:
        """None: Bokeh takes only one of the two."""

    @property
    def get_user_async(self) -> Callable[[Any], Awaitable[str | None]]:
        known = BasicAuthProvider.get_user.fget(self)

        async def get_user(handler: Any) -> str | None:
            claimed = _cookie(handler, _COOKIE) if self._claims else None
            if claimed is not None:
                return f"litellm:{claimed}"
            return known(handler) if self._forms and self._lets_in(handler) else None

        return get_user

    @property
    def get_login_url(self) -> Callable[[Any], str]:
        def get_login_url(handler: Any) -> str:
            framed = handler.request.headers.get("Sec-Fetch-Dest") == "iframe"
            if self._claims and (framed or not self._forms):
                return "/claim"
            named = _cookie(handler, "user") is not None
            return "/refused" if named and not self._lets_in(handler) else "/login"

        return get_login_url

    def _lets_in(self, handler: Any) -> bool:
        user = _cookie(handler, "user")
        return user is not None and (self._oauth is None or self._oauth.lets_in(user))

    @property
    def login_url(self) -> None:
        """None: it depends on the request."""

    @property
    def login_handler(self) -> None:
        """None: it is one of the server's own handlers."""

    @property
    def logout_url(self) -> None:
        """None, for the same reason."""

    @property
    def logout_handler(self) -> None:
        """None, for the same reason."""


def _cookie(handler: Any, name: str) -> str | None:
    value = handler.get_secure_cookie(name, max_age_days=_DAYS)
    return value.decode() if value else None


class PasswordHandler(BasicLoginHandler):
    """Panel's form; after a wrong password it still knows where to go, and what the prefix is."""

    def get(self) -> None:
        to = self.get_cookie("next_url") or self.request.path.removesuffix("login")
        self.request.arguments.setdefault("next", [to.encode()])
        super().get()


class RefusedHandler(RequestHandler):
    """Says to somebody whom the provider knows that this page is not for them."""

    def get(self) -> None:
        self.set_status(403)
        self.finish("<p>You are signed in, but may not see this page. <a href=logout>Log out</a>")


class LeaveHandler(LogoutHandler):
    """Forgets the claim, too."""

    def get(self) -> None:
        self.clear_cookie(_COOKIE)
        super().get()


class ClaimHandler(RequestHandler):
    """Waits in LiteLLM's frame for a claim, and trades it for a cookie of ours."""

    def initialize(self, claims: Claims, parents: Sequence[str], hosts: Sequence[str]) -> None:
        self._claims = claims
        self._parents = parents
        self._hosts = hosts

    def get(self) -> None:
        page = files("dashboard_app").joinpath("assets", "claim.html").read_text(encoding="utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(page.replace("PARENTS", json.dumps(list(self._parents))))

    def post(self) -> None:
        """204 and a cookie for ``{claim, origin}``; *origin* is who told the page."""
        try:
            claim, parent = self._told()
            if urlsplit(self.request.headers.get("Origin", "")).netloc not in self._hosts:
                _refuse("the request is not of this page")
            if parent not in self._parents:
                _refuse(f"{parent} may not tell who somebody is")
            user = self._claims.redeem(claim)
        except ClaimError as error:
            _log.warning("A claim was refused: %s", error)
            raise HTTPError(403, reason="Claim refused") from error
        self._remember(user)
        self.set_status(204)

    def _told(self) -> tuple[str, str]:
        if len(self.request.body) > _LONGEST_BODY:
            raise HTTPError(413)
        try:
            told = json.loads(self.request.body)
            claim, parent = told["claim"], told["origin"]
        except (ValueError, KeyError, TypeError) as error:
            raise HTTPError(400, reason="Expected claim and origin") from error
        if not (isinstance(claim, str) and isinstance(parent, str)):
            raise HTTPError(400, reason="Expected claim and origin")
        return claim, parent

    def _remember(self, user: str) -> None:
        # On another site than the proxy a cookie in a frame must say so, which needs https.
        over_tls = self.request.protocol == "https"
        options: dict[str, Any] = {"samesite": "None" if over_tls else "Lax", "secure": over_tls}
        self.set_secure_cookie(_COOKIE, user, expires_days=None, httponly=True, **options)


def _refuse(why: str) -> None:
    raise ClaimError(why)
