"""A custom auth that knows five keys; the proxy's own check of routes is skipped with it."""

from itertools import count

from fastapi import Request
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth

_ROLES = {
    "sk-admin": (LitellmUserRoles.PROXY_ADMIN, []),
    "sk-viewer": (LitellmUserRoles.PROXY_ADMIN_VIEW_ONLY, []),
    "sk-user": (LitellmUserRoles.INTERNAL_USER, []),
    "sk-allowed": (LitellmUserRoles.INTERNAL_USER, ["/metrics", "/api/gateway/metrics"]),
    "sk-budget": (LitellmUserRoles.INTERNAL_USER, []),
}
_calls = count()


async def authenticate(request: Request, api_key: str) -> UserAPIKeyAuth:
    role, allowed = _ROLES[api_key]
    budget = _budget() if api_key == "sk-budget" else {}
    return UserAPIKeyAuth(api_key=api_key, user_role=role, allowed_routes=allowed, **budget)


def _budget() -> dict[str, object]:
    """As LiteLLM's database would have it: a quarter dollar more with every call."""
    return {
        "key_alias": "ci",
        "max_budget": 10.0,
        "spend": 1.0 + 0.25 * next(_calls),
        "budget_reset_at": "2099-01-01T00:00:00+00:00",
        "team_id": "t-1",
        "team_alias": "search",
        "team_max_budget": 40.0,
        "team_spend": 30.0,
    }
