"""Who may read our routes: the proxy's own authentication, then a role check of ours.

The proxy's check of routes is skipped with a custom auth that does not ask for it, so the role is
checked again here.
"""

from collections.abc import Collection
from typing import Any

import litellm
from fastapi import HTTPException, Request
from litellm.proxy.auth.user_api_key_auth import user_api_key_auth

__all__ = ["authenticate", "check_reader", "has_role", "metrics_are_public", "user_api_key_auth"]

_FORBIDDEN = 403


async def authenticate(request: Request) -> Any:
    """The proxy's verdict on the key of *request*.

    Raises:
        HTTPException, ProxyException: whatever the proxy raises for a bad key.
    """
    headers = request.headers
    return await user_api_key_auth(
        request=request,
        api_key=headers.get("Authorization") or "",
        azure_api_key_header=headers.get("API-Key") or "",
        anthropic_api_key_header=headers.get("x-api-key"),
        google_ai_studio_api_key_header=headers.get("x-goog-api-key"),
        azure_apim_header=headers.get("Ocp-Apim-Subscription-Key") or "",
        custom_litellm_key_header=headers.get("x-litellm-api-key"),
    )


def check_reader(user: Any, *, path: str, roles: Collection[str]) -> None:
    """Let *user* pass with one of *roles*, or when the key's ``allowed_routes`` lists *path*.

    Raises:
        HTTPException: 403 otherwise.
    """
    if has_role(user, roles):
        return
    if path.rstrip("/") in (getattr(user, "allowed_routes", None) or ()):
        return
    expected = ", ".join(sorted(roles))
    raise HTTPException(
        _FORBIDDEN, f"{path}: expected a key with role {expected} or with this route allowed"
    )


def has_role(user: Any, roles: Collection[str]) -> bool:
    role = getattr(user, "user_role", None)
    return str(getattr(role, "value", role)) in roles


def metrics_are_public() -> bool:
    """Whether ``litellm_settings.require_auth_for_metrics_endpoint`` is false."""
    return getattr(litellm, "require_auth_for_metrics_endpoint", None) is False
