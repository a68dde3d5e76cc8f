"""Whatever is wrong with the plugin, the proxy starts and serves."""

from __future__ import annotations

import httpx
import pytest

from tests.proxy.conftest import TEMPLATE
from tests.proxy.server import AUTH, start_proxy, write_config

pytestmark = pytest.mark.proxy


def test_a_bad_setting(tmp_path, free_port, simulator, wait_for):
    """The plugin is off, one log line names the key, what was expected and what came."""
    config = write_config(
        TEMPLATE,
        simulator=simulator.url,
        closed=simulator.url,
        to=tmp_path / "config.yaml",
        callback_settings={"litellm_obs": {"max_series": "many"}},
    )
    with start_proxy(
        config=config,
        port=free_port(),
        state_dir=tmp_path / "state",
        log=tmp_path / "log",
        wait_for=wait_for,
    ) as server:
        body = {"model": "chat", "messages": [{"role": "user", "content": "[tokens:5,5]"}]}
        url = f"{server.url}/v1/chat/completions"
        assert httpx.post(url, json=body, headers=AUTH, timeout=60).status_code == 200
        assert httpx.get(f"{server.url}/metrics", headers=AUTH).status_code == 404

    lines = [line for line in server.log_text().splitlines() if "litellm_obs" in line]
    assert len(lines) == 1
    assert "callback_settings.litellm_obs.max_series" in lines[0]
    assert "integer" in lines[0]
    assert "'many'" in lines[0]
