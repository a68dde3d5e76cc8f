"""Who may read, and what a request for the page may ask."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.proxy.conftest import TEMPLATE
from tests.proxy.server import Server, start_proxy, write_config

pytestmark = pytest.mark.proxy

PATHS = ["/metrics", "/metrics/", "/api/gateway/metrics"]


@pytest.mark.parametrize("path", PATHS)
def test_without_a_key(proxy, path):
    assert httpx.get(proxy.url + path).status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_with_a_wrong_key(proxy, path):
    answer = httpx.get(proxy.url + path, headers={"authorization": "Bearer sk-wrong"})

    assert answer.status_code in (400, 401)


@pytest.mark.parametrize("path", PATHS)
def test_with_the_master_key(gateway, path):
    assert gateway.client.get(path).status_code == 200


def test_the_page_is_compressed_when_that_is_accepted(gateway):
    plain = gateway.client.get("/metrics", headers={"accept-encoding": "identity"})
    zipped = gateway.client.get("/metrics", headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) < len(plain.content)
    assert zipped.text.splitlines()[:4] == plain.text.splitlines()[:4]


def test_a_page_of_one_family(gateway):
    answer = gateway.client.get("/metrics", params={"name[]": "llm_gateway_plugin_info"})

    names = {line.split("{")[0] for line in answer.text.splitlines() if line[0] != "#"}
    assert names == {"llm_gateway_plugin_info"}


@pytest.mark.parametrize("window", ["banana", "-5m", "0s", "1.5h", "", "99999999999d"])
def test_a_bad_window(gateway, window):
    answer = gateway.client.get("/api/gateway/metrics", params={"window": window})

    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert (["query", "window"], window) == (problem["loc"], problem["input"])
    assert "such as 90s, 15m" in problem["msg"]


@pytest.mark.peers
def test_promtool_has_no_complaint(gateway):
    promtool = shutil.which("promtool")
    assert promtool, "promtool is needed: Debian's package prometheus"
    page = gateway.client.get("/metrics").content

    check = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True)

    assert (0, b"", b"") == (check.returncode, check.stdout, check.stderr)


@pytest.fixture(scope="module")
def lenient(tmp_path_factory, free_port, simulator, wait_for) -> Iterator[Server]:
    """A proxy whose custom auth lets every known key through to every route."""
    directory = tmp_path_factory.mktemp("lenient")
    shutil.copy(Path(__file__).with_name("custom_auth.py"), directory / "custom_auth.py")
    config = write_config(
        TEMPLATE,
        simulator=simulator.url,
        closed=simulator.url,
        to=directory / "config.yaml",
        general_settings={"custom_auth": "custom_auth.authenticate"},
    )
    server = start_proxy(
        config=config,
        port=free_port(),
        state_dir=directory / "state",
        log=directory / "log",
        wait_for=wait_for,
    )
    yield server
    server.stop()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("key", "status"),
    [("sk-admin", 200), ("sk-viewer", 200), ("sk-user", 403), ("sk-allowed", 200)],
)
def test_the_role_is_checked_again(lenient, path, key, status):
    answer = httpx.get(lenient.url + path, headers={"authorization": f"Bearer {key}"})

    assert answer.status_code == status, answer.text


def test_the_hosts_own_budgets(lenient, wait_for):
    """Of the caller's key and team, as LiteLLM told them with the last request."""

    def ask() -> None:
        messages = [{"role": "user", "content": "[tokens:5,5]"}]
        answer = httpx.post(
            f"{lenient.url}/v1/chat/completions",
            json={"model": "chat", "messages": messages},
            headers={"authorization": "Bearer sk-budget"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text

    def rows() -> dict[str, dict]:
        auth = {"authorization": "Bearer sk-admin"}
        answer = httpx.get(f"{lenient.url}/api/gateway/slo", headers=auth, timeout=30)
        return {row["owner"]: row for row in answer.json()["keyBudgets"]}

    ask()
    wait_for(lambda: set(rows()) == {"key", "team"})
    first = rows()
    ask()
    wait_for(lambda: rows()["key"]["seenAt"] > first["key"]["seenAt"])
    key, team = rows()["key"], rows()["team"]

    assert ("ci", 10.0, first["key"]["spentUsd"] + 0.25) == (
        key["name"],
        key["limitUsd"],
        key["spentUsd"],
    )
    assert key["remainingRatio"] == pytest.approx(1 - key["spentUsd"] / 10)
    assert key["resetsAt"].startswith("2099-01-01")
    elapsed_h = (at(key["seenAt"]) - at(first["key"]["seenAt"])) / 3600
    assert key["usdPerHour"] == pytest.approx(0.25 / elapsed_h, rel=1e-3)
    left_h = (at(key["exhaustsAt"]) - at(key["seenAt"])) / 3600
    assert left_h == pytest.approx((10 - key["spentUsd"]) / key["usdPerHour"], rel=1e-3)
    assert ("search", 0.25, None) == (team["name"], team["remainingRatio"], team["exhaustsAt"])


def at(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
