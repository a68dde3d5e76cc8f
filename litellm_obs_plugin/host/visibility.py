"""Which deployments a caller of ``/health`` may see, by LiteLLM's own rules."""

import sys
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException

from litellm_obs_plugin.host import compat
from litellm_obs_plugin.host.payload import mapping, text

_NOT_FOUND, _FORBIDDEN = 404, 403
_HEALTH = "litellm.proxy.health_endpoints._health_endpoints"


def built_in_router() -> Any:
    """The router of LiteLLM's own health routes; None outside a proxy."""
    return _own("router")


def visible_ids(
    user: Any, *, is_admin: bool, model: str | None, model_id: str | None
) -> frozenset[str] | None:
    """The deployments that *user* asked for and may see; None: all.

    Raises:
        HTTPException: 404 for an id that nobody has, 403 for one that the key may not see.
    """
    every = compat.deployments()
    if model_id is not None and model_id not in _ids(every):
        raise HTTPException(_NOT_FOUND, {"error": f"Model with ID {model_id} not found"})
    allowed = _allowed(user, every, is_admin=is_admin)
    if model is None and model_id is None:
        return None if is_admin and len(allowed) == len(every) else _ids(allowed)
    found = _targeted(allowed, model=model, model_id=model_id, team_id=_team(user))
    if not found and not (is_admin and len(allowed) == len(every)):
        asked = model_id if model_id is not None else model
        raise HTTPException(_FORBIDDEN, {"error": f"key not allowed to health-check {asked}"})
    return found


def _allowed(user: Any, every: list[Mapping[str, Any]], *, is_admin: bool) -> list[Any]:
    """LiteLLM keeps these two functions to itself; without them only admins see deployments."""
    names_of = _own("_health_accessible_model_names")
    may_see = _own("_caller_may_probe_deployment")
    if names_of is None or may_see is None:
        return every if is_admin else []
    router = compat.router()
    names = names_of(user, router)
    if is_admin and names is None:
        return every
    return [one for one in every if may_see(one, names, router, _team(user), is_admin)]


def _targeted(
    allowed: list[Any], *, model: str | None, model_id: str | None, team_id: str | None
) -> frozenset[str]:
    if model_id is not None:
        return _ids(allowed) & {model_id}
    resolve = _own("_resolve_targeted_model_ids")
    if resolve is not None:
        return frozenset(resolve(allowed, model, None, team_id) or ())
    return _ids([one for one in allowed if one.get("model_name") == model])


def _own(name: str) -> Any:
    """What LiteLLM's health module, which a proxy has loaded, has under *name*."""
    return getattr(sys.modules.get(_HEALTH), name, None)


def _ids(entries: list[Any]) -> frozenset[str]:
    found = (text(mapping(entry.get("model_info")).get("id")) for entry in entries)
    return frozenset(one for one in found if one is not None)


def _team(user: Any) -> str | None:
    return text(getattr(user, "team_id", None))
