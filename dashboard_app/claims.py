"""LiteLLM's identity claims: who comes from the entry of the dashboard in the gateway's own UI.

A claim is a Fernet token of ``{plugin, user_id, user_role, exp}``, made for one plugin with a key
that LiteLLM derives from its salt and the plugin's name. It lives half a minute.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

ROLES = frozenset({"proxy_admin", "proxy_admin_viewer"})
_LIFETIME_S = 30
_KEPT_S = 120.0  # longer than a claim can be of use, with clocks that differ


class ClaimError(Exception):
    """A claim that buys nothing; the message says why."""


def plugin_key(salt: str, name: str) -> str:
    """The key that LiteLLM signs the claims of plugin *name* with. The salt itself stays there."""
    digest = hmac.new(salt.encode(), name.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()


class Claims:
    """Takes each claim once."""

    def __init__(self, *, key: str, name: str, clock: Callable[[], float] = time.time) -> None:
        self._fernet = Fernet(key)
        self._name = name
        self._clock = clock
        self._taken: dict[bytes, float] = {}

    def redeem(self, token: str) -> str:
        """The user's id.

        Raises:
            ClaimError: signed with another key, too old, of another plugin, of a role that may not
                see the gateway, or taken before.
        """
        now = self._clock()
        body = self._opened(token, now=now)
        user, role, until = body.get("user_id"), body.get("user_role"), body.get("exp")
        if body.get("plugin") != self._name:
            msg = f"it is of plugin {body.get('plugin')!r}, expected {self._name!r}"
            raise ClaimError(msg)
        if not isinstance(until, int | float) or until < now:
            msg = "it has expired"
            raise ClaimError(msg)
        if role not in ROLES:
            msg = f"role {role!r} may not see the gateway, expected one of {sorted(ROLES)}"
            raise ClaimError(msg)
        if not isinstance(user, str) or not user:
            msg = "it names no user"
            raise ClaimError(msg)
        self._take(token, now=now)
        return user

    def _opened(self, token: str, *, now: float) -> dict[str, Any]:
        try:
            raw = self._fernet.decrypt_at_time(token.encode(), _LIFETIME_S, int(now))
            body = json.loads(raw)
        except (InvalidToken, ValueError) as error:
            msg = "it is too old, or signed with another key"
            raise ClaimError(msg) from error
        if not isinstance(body, dict):
            msg = "it is not an object"
            raise ClaimError(msg)
        return body

    def _take(self, token: str, *, now: float) -> None:
        # Of what it decodes to: the same token can be written in more than one way.
        fingerprint = hashlib.sha256(base64.urlsafe_b64decode(token)).digest()
        self._taken = {one: at for one, at in self._taken.items() if now - at < _KEPT_S}
        if fingerprint in self._taken:
            msg = "it was taken before"
            raise ClaimError(msg)
        self._taken[fingerprint] = now
