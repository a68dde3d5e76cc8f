import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import coverage
import httpx
import pytest

from litellm_obs_plugin.demo.ports import PortTakenError, check_ports

ROOT = Path(__file__).parents[2]
CONFIG = """
model_list:
  - model_name: gpt-4o-mini
    litellm_params:
      {model: openai/gpt-4o-mini, api_base: "http://127.0.0.1:4010/openai/v1", api_key: simulated}
litellm_settings: {num_retries: 0}
general_settings:
  {master_key: os.environ/LITELLM_MASTER_KEY, disable_model_info_refresh: true}
"""
RUNNER = """
import coverage
coverage.process_startup()  # measures only where the test that starts it is measured
import sys
from pathlib import Path
from litellm_obs_plugin.demo.stack import run
config, port, providers_port = sys.argv[1:]
sys.exit(run(config=Path(config), host="127.0.0.1", port=int(port),
             providers_port=int(providers_port), rate=20, stdout=sys.stdout))
"""


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PortTakenError, match=f"port {port} for the proxy"):
            check_ports("127.0.0.1", ports={"proxy": port})


@pytest.fixture
def start(tmp_path, free_port):
    """Starts a stack as a process of its own; kills it at the end if it still runs."""
    started = []

    def begin(config: str) -> tuple[subprocess.Popen, int, int]:
        path = tmp_path / "config.yaml"
        path.write_text(config)
        port, providers_port = free_port(), free_port()
        argv = [sys.executable, "-c", RUNNER, str(path), str(port), str(providers_port)]
        env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        env.pop("LITELLM_MASTER_KEY", None)
        if coverage.Coverage.current() is not None:
            env["COVERAGE_PROCESS_START"] = str(ROOT / "pyproject.toml")
        with (tmp_path / "out").open("wb") as out:
            process = subprocess.Popen(argv, stdout=out, stderr=out, cwd=ROOT, env=env)
        started.append(process)
        return process, port, providers_port

    yield begin
    for process in started:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def children_of(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def traffic_flows(providers_port: int) -> bool:
    try:
        totals = httpx.get(f"http://127.0.0.1:{providers_port}/_sim/totals", trust_env=False).json()
    except httpx.HTTPError:
        return False
    return totals["calls"] >= 3


linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux_only
@pytest.mark.proxy
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_the_end_leaves_no_process(start, wait_for, tmp_path, number, code):
    """
    Ctrl-C ends with 0; and even a runner that is killed takes its children along.
    """
    runner, port, providers_port = start(CONFIG)
    wait_for(lambda: runner.poll() is not None or traffic_flows(providers_port), timeout_s=90)
    assert runner.poll() is None, (tmp_path / "out").read_text()
    children = children_of(runner.pid)
    assert 2 == len(children)

    runner.send_signal(number)

    assert code == runner.wait(timeout=30), (tmp_path / "out").read_text()
    wait_for(lambda: not any(map(alive, children)))
    wait_for(lambda: not (answers(port) or answers(providers_port)))
    out = (tmp_path / "out").read_text()
    assert f"http://127.0.0.1:{port}/api/gateway/metrics" in out
    assert 'curl -H "Authorization: Bearer sk-' in out


@linux_only
@pytest.mark.proxy
def test_a_proxy_that_dies_is_explained(start, tmp_path):
    """
    The last lines of its log are shown, and the simulator does not stay behind.
    """
    runner, _, providers_port = start("model_list: [")

    assert 1 == runner.wait(timeout=90)

    out = (tmp_path / "out").read_text()
    assert "proxy ended with code" in out
    assert "yaml" in out
    assert not answers(providers_port)
