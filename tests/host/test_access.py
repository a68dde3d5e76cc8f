from __future__ import annotations

from enum import StrEnum
from types import SimpleNamespace

import litellm
import pytest
from fastapi import HTTPException

from litellm_obs_plugin.host import access

ROLES = ("proxy_admin", "proxy_admin_viewer")


class Role(StrEnum):
    ADMIN = "proxy_admin"
    USER = "internal_user"


def check(user, path="/metrics"):
    access.check_reader(user, path=path, roles=ROLES)


@pytest.mark.parametrize(
    "user",
    [
        SimpleNamespace(user_role=Role.ADMIN),
        SimpleNamespace(user_role="proxy_admin_viewer"),
        SimpleNamespace(user_role=Role.USER, allowed_routes=["/chat/completions", "/metrics"]),
        SimpleNamespace(allowed_routes=["/metrics"]),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_who_may_read(user, path):
    check(user, path)


@pytest.mark.parametrize(
    "user",
    [
        None,
        SimpleNamespace(),
        SimpleNamespace(user_role=None, allowed_routes=None),
        SimpleNamespace(user_role=Role.USER),
        SimpleNamespace(user_role="PROXY_ADMIN"),
        SimpleNamespace(user_role=Role.USER, allowed_routes=[]),
        SimpleNamespace(user_role=Role.USER, allowed_routes=["/metrics/other", "/"]),
    ],
)
def test_who_may_not(user):
    """The answer says what would do."""
    with pytest.raises(HTTPException) as caught:
        check(user)

    assert 403 == caught.value.status_code
    assert "/metrics: expected a key with role proxy_admin, proxy_admin_viewer" in (
        caught.value.detail
    )


def test_other_roles_by_setting():
    access.check_reader(
        SimpleNamespace(user_role=Role.USER), path="/metrics", roles=["internal_user"]
    )


@pytest.mark.parametrize(("told", "public"), [(False, True), (True, False), (None, False)])
def test_the_page_is_public_only_when_the_host_says_so(monkeypatch, told, public):
    monkeypatch.setattr(litellm, "require_auth_for_metrics_endpoint", told, raising=False)

    assert public == access.metrics_are_public()
