"""LiteLLM's claims, signed here as LiteLLM signs them."""

import json

import pytest
from cryptography.fernet import Fernet

from dashboard_app.claims import ClaimError, Claims, plugin_key

NOW = 1_800_000_000.0
KEY = plugin_key("salt", "llm-obs")


def sign(*, key=KEY, at=NOW, **changed):
    told = {"plugin": "llm-obs", "user_id": "ada", "user_role": "proxy_admin", "exp": at + 30}
    return Fernet(key).encrypt_at_time(json.dumps({**told, **changed}).encode(), int(at)).decode()


@pytest.fixture
def claims():
    return Claims(key=KEY, name="llm-obs", clock=lambda: NOW)


def test_litellm_s_own_claim_is_understood(monkeypatch):
    from litellm.proxy.plugin_routes import issue_plugin_session_claim

    monkeypatch.setenv("LITELLM_SALT_KEY", "salt")
    claim = issue_plugin_session_claim("llm-obs", "ada", "proxy_admin")

    assert "ada" == Claims(key=KEY, name="llm-obs").redeem(claim)


def test_a_good_claim_names_its_user(claims):
    assert "ada" == claims.redeem(sign())


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (sign(key=plugin_key("other salt", "llm-obs")), "another key"),
        (sign(at=NOW - 40), "too old"),
        (sign(exp=NOW - 1), "expired"),
        (sign(exp=None), "expired"),
        (sign(plugin="other"), "plugin 'other'"),
        (sign(user_role="internal_user"), "role 'internal_user'"),
        (sign(user_id=""), "no user"),
        ("", "another key"),
        ("ä", "another key"),
    ],
)
def test_a_bad_one_is_refused(claims, claim, why):
    with pytest.raises(ClaimError, match=why):
        claims.redeem(claim)


def test_none_is_taken_twice_however_it_is_written(claims):
    claim = sign()
    claims.redeem(claim)
    for again in (claim, f"{claim[:9]}\n{claim[9:]}"):
        with pytest.raises(ClaimError):
            claims.redeem(again)
