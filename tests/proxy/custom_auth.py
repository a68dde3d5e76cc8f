"""A custom auth that knows three keys; the proxy's own check of routes is skipped with it."""

from fastapi import Request
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth

_ROLES = {
    "sk-admin": (LitellmUserRoles.PROXY_ADMIN, []),
    "sk-viewer": (LitellmUserRoles.PROXY_ADMIN_VIEW_ONLY, []),
    "sk-user": (LitellmUserRoles.INTERNAL_USER, []),
    "sk-allowed": (LitellmUserRoles.INTERNAL_USER, ["/metrics", "/api/gateway/metrics"]),
}


async def authenticate(request: Request, api_key: str) -> UserAPIKeyAuth:
    role, allowed = _ROLES[api_key]
    return UserAPIKeyAuth(api_key=api_key, user_role=role, allowed_routes=allowed)
