"""Langfuse away for a minute under load, through a real proxy: what callers, memory and books see.

Stretches of one run: Langfuse is there, away, there again, for as many rounds as asked. Away it
refuses connections or hangs. Latencies of a stretch without it stand beside its neighbours'.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from gateways import OURS, Gateway, quantile, start_gateway, start_upstream

from tests.conftest import _free_port, _wait_for
from tests.peers.langfuse_peer import LangfusePeer
from tests.proxy.page import Page
from tests.proxy.server import AUTH

ITEMS = 400  # traces that may wait
SIZE = 2  # observations of a request: itself and its one attempt
CALLERS = 16
BODY = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "[tokens:20,10] hi"}]})
RECOVERED_S = 10.0
T_95 = (0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)  # by degrees of freedom
COLUMNS = (
    *("Langfuse", "requests", "per s", "p50, ms", "p95, ms", "RSS, MiB"),
    *("traces wait", "MiB", "dropped", "recovery, s"),
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


@dataclass(slots=True, kw_only=True)
class Stretch:
    """What was seen while Langfuse was in one state."""

    name: str
    took_s: list[float] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    lasted_s: float = 0.0
    rss_mb: float = 0.0
    queue_items: float = 0.0
    queue_mb: float = 0.0
    dropped: float = 0.0
    recovery_s: float | None = None

    def row(self) -> str:
        p50, p95 = (1000 * quantile(self.took_s, at) for at in (0.5, 0.95))
        recovery = f"{self.recovery_s:.1f}" if self.recovery_s is not None else ""
        return (
            f"| {self.name} | {len(self.took_s)} | {len(self.took_s) / self.lasted_s:.0f} "
            f"| {p50:.1f} | {p95:.1f} | {self.rss_mb:.1f} | {self.queue_items:.0f} "
            f"| {self.queue_mb:.1f} | {self.dropped:.0f} | {recovery} |"
        )


class Callers:
    """Threads with a connection each; requests start on time, however long others take."""

    def __init__(self, gateway: Gateway, *, rate: float) -> None:
        self._port = int(gateway.server.url.rpartition(":")[2])
        self._rate = rate
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(CALLERS)

    def load(self, stretch: Stretch, seconds: float) -> None:
        began, pause, futures = time.monotonic(), threading.Event(), []
        for n in range(int(seconds * self._rate)):
            pause.wait(max(began + n / self._rate - time.monotonic(), 0))
            futures.append(self._pool.submit(self._ask, stretch))
        for future in futures:
            future.result()
        stretch.lasted_s += time.monotonic() - began

    def _ask(self, stretch: Stretch) -> None:
        start = time.perf_counter()
        try:
            answer = self._post()
        except (ConnectionError, http.client.BadStatusLine):  # the proxy closes what was idle
            self._own.connection.close()
            answer = self._post()
        stretch.took_s.append(time.perf_counter() - start)
        assert answer.status == http.HTTPStatus.OK, answer.status
        stretch.trace_ids.append(answer.headers["x-gateway-trace-id"])

    def _post(self) -> http.client.HTTPResponse:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            self._own.connection = connection
        headers = {**AUTH, "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", BODY, headers)
        answer = connection.getresponse()
        answer.read()
        return answer

    def close(self) -> None:
        self._pool.shutdown()


class Run:
    """The stretches, and what must hold in the end."""

    def __init__(
        self, *, fault: str, rounds: int, rate: float, up_s: float, away_s: float, directory: Path
    ) -> None:
        self._fault, self._rounds, self._up_s, self._away_s = fault, rounds, up_s, away_s
        self._port = _free_port()
        self._peers = [LangfusePeer(port=self._port)]
        self._peer.__enter__()
        self._simulator = start_upstream(directory)
        self._gateway = start_gateway(
            "outage",
            callbacks=[OURS],
            simulator=self._simulator,
            directory=directory,
            env=self._peer.env(),
            langfuse={"queue_items": ITEMS},
            everything=True,
        )
        self._callers = Callers(self._gateway, rate=rate)

    @property
    def _peer(self) -> LangfusePeer:
        return self._peers[-1]

    def measure(self) -> list[Stretch]:
        warm_up, before = Stretch(name="warm-up"), self._page()
        self._callers.load(warm_up, 10)
        name, least = "langfuse_observations_total", SIZE * len(warm_up.trace_ids)
        _wait_for(lambda: self._page().since(before).total(name) >= least, timeout_s=60)
        self._settle()
        for peer in self._peers:
            peer.records.clear()
        self._start = self._page()
        stretches = []
        for name in ("there", *(self._fault, "there") * self._rounds):
            stretches.append(self._stretch(name))
            print(stretches[-1].row(), flush=True)
        self._judge(stretches)
        return stretches

    def _stretch(self, name: str) -> Stretch:
        stretch, before = Stretch(name=name), self._page()
        if name == "refused":
            self._peer.__exit__()
        elif name == "hanging":
            self._peer.fault = "hang"
        self._callers.load(stretch, self._up_s if name == "there" else self._away_s)
        page = self._page()
        stretch.rss_mb = self._gateway.rss_bytes() / 2**20
        stretch.queue_items = page.total("langfuse_queue_items")
        stretch.queue_mb = page.total("langfuse_queue_bytes") / 2**20
        results = page.since(before)
        stretch.dropped = results.total("langfuse_observations_total", result="queue_full") / SIZE
        if name == "refused":
            self._peers.append(LangfusePeer(port=self._port))
            self._peer.__enter__()
        elif name == "hanging":
            self._peer.fault = None  # tries that hang already stay without an answer
        began = time.monotonic()
        self._settle()
        if name != "there":
            stretch.recovery_s = time.monotonic() - began
        return stretch

    def _judge(self, stretches: list[Stretch]) -> None:
        asked = {trace_id for stretch in stretches for trace_id in stretch.trace_ids}
        dropped = sum(stretch.dropped for stretch in stretches)

        def count(**result: str) -> float:
            page = self._page().since(self._start)
            return page.total("langfuse_observations_total", **result) / SIZE

        _wait_for(lambda: count() >= len(asked), timeout_s=60)  # LiteLLM logs behind the answer
        sent = count(result="sent")
        arrived = {trace_id for peer in self._peers for trace_id in peer.trace_ids()} & asked
        print(
            f"asked {len(asked)}, counted as sent {sent:.0f}, as dropped {dropped:.0f}; "
            f"Langfuse has {len(arrived)}, lacks {len(asked) - len(arrived)}"
        )
        assert (len(arrived), len(asked) - len(arrived)) == (sent, dropped)
        assert all(s.queue_items <= ITEMS for s in stretches)
        assert all((s.recovery_s or 0.0) < RECOVERED_S for s in stretches)

    def _settle(self) -> None:
        """Until nothing waits."""
        _wait_for(lambda: self._page().total("langfuse_queue_items") == 0, timeout_s=60)

    def _page(self) -> Page:
        connection = http.client.HTTPConnection(self._gateway.server.url.rpartition("/")[2])
        connection.request("GET", "/metrics", headers=AUTH)
        page = Page.parse(connection.getresponse().read().decode())
        connection.close()
        return page

    def close(self) -> None:
        self._callers.close()
        self._gateway.server.stop()
        self._simulator.stop()
        self._peer.__exit__()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", choices=("refused", "hanging"))
    parser.add_argument("--rounds", type=int, default=1, help="times that Langfuse goes away")
    parser.add_argument("--rate", type=float, default=20.0, help="requests per second")
    parser.add_argument("--there", type=float, default=20.0, help="seconds of each such stretch")
    parser.add_argument("--away", type=float, default=60.0, help="seconds of each such stretch")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        run = Run(
            fault=asked.fault,
            rounds=asked.rounds,
            rate=asked.rate,
            up_s=asked.there,
            away_s=asked.away,
            directory=Path(directory),
        )
        try:
            print(HEAD)
            stretches = run.measure()
        finally:
            run.close()
    for at in (0.5, 0.95):
        found = ratios(stretches, at)
        print(f"{asked.fault}: p{at * 100:.0f} is {interval(found)} of that with Langfuse")


def ratios(stretches: list[Stretch], at: float) -> list[float]:
    """A quantile of each stretch without Langfuse, of the mean of its two neighbours."""
    found = [quantile(stretch.took_s, at) for stretch in stretches]
    return [
        away / statistics.fmean((found[n - 1], found[n + 1]))
        for n, away in enumerate(found)
        if n % 2
    ]


def interval(values: list[float]) -> str:
    """The mean, with its 95 % confidence interval (Student) when there are several."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:.2f}"
    half = T_95[len(values) - 1] * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.2f} ({mean - half:.2f} to {mean + half:.2f})"


if __name__ == "__main__":
    sys.exit(main())
