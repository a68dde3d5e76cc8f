"""Real proxies side by side: started, loaded with requests, and their CPU time read."""

import asyncio
import math
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from litellm_obs_plugin.metrics import fleet  # noqa: E402
from litellm_obs_plugin.metrics.catalog import CATALOG, GEN_AI, Kind  # noqa: E402
from litellm_obs_plugin.metrics.recorder import Recorder  # noqa: E402
from litellm_obs_plugin.metrics.worker_file import WorkerFile  # noqa: E402
from tests.conftest import _free_port, _wait_for  # noqa: E402
from tests.proxy.server import AUTH, Server, start_proxy, start_simulator  # noqa: E402

OURS = "litellm_obs_plugin.proxy_callback"
BUILT_IN = "prometheus"
ACCOUNT = "accounting.account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One kind of traffic: a batch is *concurrency* callers in turn."""

    stream: bool
    concurrency: int

    @property
    def name(self) -> str:
        return f"{'streaming' if self.stream else 'plain'}, {self.concurrency} at a time"


LOADS = tuple(Load(stream=s, concurrency=c) for s in (False, True) for c in (1, 8))


@dataclass(slots=True, kw_only=True)
class Gateway:
    """A proxy under measurement."""

    name: str
    server: Server
    client: httpx.AsyncClient

    def cpu_s(self) -> float:
        """CPU time of the process and its children, seconds since they began."""
        return sum(_cpu_of(pid) for pid in _tree(self.server.process.pid))

    def rss_bytes(self) -> int:
        return sum(_rss_of(pid) for pid in _tree(self.server.process.pid))

    async def ask(self, load: Load) -> float:
        """Seconds of one request."""
        body = {
            "model": "chat",
            "messages": [{"role": "user", "content": "[latency:0.0] [tokens:20,10] hello"}],
            "stream": load.stream,
        }
        start = time.perf_counter()
        answer = await self.client.post("/v1/chat/completions", json=body)
        took_s = time.perf_counter() - start
        assert answer.status_code == 200, answer.text
        return took_s

    async def run(self, load: Load, *, requests: int) -> tuple[float, list[float]]:
        """(CPU seconds per request, latencies) of one batch, after the log events have run."""
        before, left, took = self.cpu_s(), iter(range(requests)), []

        async def call() -> None:
            took.extend([await self.ask(load) for _ in left])

        await asyncio.gather(*(call() for _ in range(load.concurrency)))
        await asyncio.sleep(0.15)  # LiteLLM logs behind the answer
        return (self.cpu_s() - before) / requests, took


def start_gateway(
    name: str,
    *,
    callbacks: list[str],
    simulator: Server,
    directory: Path,
    env: dict[str, str] | None = None,
    everything: bool = False,
    langfuse: dict[str, float] | None = None,
    series: int = 0,
) -> Gateway:
    """A proxy with *callbacks*; ours is as much as the built-in one: no headers, no history.

    *everything*: with those, and Langfuse. *series*: so many are in its state from the beginning.
    """
    home = directory / name.replace(" ", "-")
    home.mkdir(parents=True)
    fill_state(home / "state", series=series)
    settings = {
        "response_headers": everything,
        "history": {"enabled": everything},
        "langfuse": langfuse or {},
    }
    if everything:
        settings["langfuse"]["capture_io"] = "truncated"
    config = {
        "model_list": [
            {
                "model_name": "chat",
                "litellm_params": {
                    "model": "openai/gpt-4o-mini",
                    "api_base": f"{simulator.url}/openai/v1",
                    "api_key": "simulated",
                },
            }
        ],
        "litellm_settings": {"callbacks": callbacks},
        "callback_settings": {"litellm_obs": settings},
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    }
    (home / "config.yaml").write_text(yaml.safe_dump(config))
    (home / "accounting.py").write_text((Path(__file__).parent / "accounting.py").read_text())
    server = start_proxy(
        config=home / "config.yaml",
        port=_free_port(),
        state_dir=home / "state",
        log=home / "log",
        wait_for=_wait_for,
        env={"PYTHONPATH": f"{home}:{ROOT}", **(env or {})},
    )
    client = httpx.AsyncClient(
        base_url=server.url, headers=AUTH, timeout=60, trust_env=False, follow_redirects=True
    )
    return Gateway(name=name, server=server, client=client)


def fill_state(directory: Path, *, series: int) -> None:
    """What a worker that is gone has left: *series* of all the labelled metrics in turn."""
    if not series:
        return
    fleet.prepare(directory)
    file = WorkerFile.create(directory=directory, started_at=time.time())
    recorder = Recorder(file, max_series=series)
    labelled = [m for m in CATALOG if m.labels and m.kind is not Kind.GAUGE and m not in GEN_AI]
    for number in range(series):
        metric = labelled[number % len(labelled)]
        labels = [f"{name}-{number}" for name in metric.labels]
        for value in range(1, 51):
            recorder.count(metric.name, *labels, value=value / 10)
    file.close()


def start_upstream(directory: Path) -> Server:
    return start_simulator(port=_free_port(), log=directory / "simulator.log", wait_for=_wait_for)


def interval(differences: list[float]) -> tuple[float, float]:
    """Mean and half of its 95 % confidence interval (normal approximation, paired)."""
    mean = statistics.fmean(differences)
    if len(differences) < 2:
        return mean, math.inf
    return mean, 1.96 * statistics.stdev(differences) / math.sqrt(len(differences))


def quantile(values: list[float], at: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(at * len(ordered)), len(ordered) - 1)]


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _tree(int(child))
    return found


def _cpu_of(pid: int) -> float:
    """To the nanosecond, of living threads; the pools of a proxy keep theirs."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _rss_of(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
