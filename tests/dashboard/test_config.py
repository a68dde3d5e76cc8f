import pytest

from dashboard_app.__main__ import parse
from dashboard_app.config import ConfigError, read_secrets
from dashboard_app.oauth import read_oauth


def test_the_command_line(monkeypatch):
    monkeypatch.setenv("GATEWAY_DASHBOARD_KEY", "sk-1")
    config = parse(["--gateway-url", "http://proxy:4000/", "--port", "7000", "--origin", "a:1"])

    assert "http://proxy:4000" == config.gateway_url
    assert ("sk-1", 7000, ("a:1",)) == (config.gateway_key, config.port, config.origins)
    assert "sk-1" not in repr(config)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--gateway-url", "proxy:4000"], "gateway-url"),
        (["--address", "0.0.0.0"], "address"),
        (["--max-pages", "0"], "max-pages"),
        (["--frame-ancestor", "*"], "frame-ancestor"),
    ],
)
def test_what_cannot_be_used_is_named(monkeypatch, arguments, named):
    monkeypatch.delenv("GATEWAY_DASHBOARD_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match=named):
        parse(arguments)


def test_the_proxy_s_own_key_serves_too():
    assert "sk-2" == read_secrets({"LITELLM_MASTER_KEY": "sk-2"})["gateway_key"]


@pytest.mark.parametrize(
    ("set_to", "named"),
    [
        ({"OAUTH_KEY": "c"}, "OAUTH_SECRET"),
        ({"OAUTH_KEY": "c", "OAUTH_SECRET": "s"}, "OAUTH_AUTHORIZE_URL"),
        (
            {
                "OAUTH_KEY": "c",
                "OAUTH_SECRET": "s",
                "OAUTH_AUTHORIZE_URL": "https://a",
                "OAUTH_TOKEN_URL": "https://b",
            },
            "OAUTH_USERS",
        ),
        ({"PLUGIN_KEY": "short"}, "PLUGIN_KEY"),
        ({"PLUGIN_KEY": "A" * 43 + "="}, "frame-ancestor"),
    ],
)
def test_a_way_to_sign_in_that_lacks_something_is_named(monkeypatch, set_to, named):
    for name, value in set_to.items():
        monkeypatch.setenv(f"GATEWAY_DASHBOARD_{name}", value)
    with pytest.raises(ConfigError, match=named):
        parse([])


def test_users_of_a_provider_are_named_or_of_a_domain():
    oauth = read_oauth(
        {"GATEWAY_DASHBOARD_OAUTH_KEY": "c", "GATEWAY_DASHBOARD_OAUTH_USERS": "Ada@x.org, @y.org"}
    )
    assert [True, True, False, False] == [
        oauth.lets_in(user) for user in ("ada@X.org", "bo@y.org", "bo@x.org", "bo@sub.y.org")
    ]
