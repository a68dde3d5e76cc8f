import pytest

from dashboard_app.__main__ import parse
from dashboard_app.config import ConfigError, read_secrets


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
