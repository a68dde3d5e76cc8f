"""What the dashboard costs: a tick, an open page, many pages, and the wait for the first paint.

    python benchmarks/bench_dashboard.py [tick] [leak] [paint] [sessions]

It serves a gateway's JSON made up of 90 steps, so that only the dashboard is measured. All but
``tick`` need Chromium; every visit has an empty cache. Exit status 1 when a budget is
missed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bokeh.document import Document  # noqa: E402

from dashboard_app.config import Config  # noqa: E402
from dashboard_app.dashboard import Dashboard  # noqa: E402
from dashboard_app.picture import Choice, Gallery  # noqa: E402
from dashboard_app.serve import start  # noqa: E402
from dashboard_app.store import Store  # noqa: E402
from dashboard_app.view import View  # noqa: E402
from tests.dashboard.fake_gateway import FakeGateway, metrics  # noqa: E402

STANDING = 2  # Panel's own, and the one that it still shows to late callbacks; not a page's each
TICK_MS, SHARE, PAINT_S, SESSIONS, VISITS = 5.0, 0.5, 3.0, 40, 50
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def tick() -> bool:
    """Milliseconds of CPU for a page to take a new frame, and for drawing its picture."""
    gateway, gallery = FakeGateway(), Gallery()
    store = Store(gateway)
    boards: list[Any] = []
    for _ in range(5):
        board, document = Dashboard(store, gallery=gallery), Document()
        for chart in board.charts.values():
            document.add_root(chart.figure)
        boards.append(board)
    spent: list[float] = []
    drawn: list[float] = []
    for n in range(60):
        gateway.body = metrics(requests=17_100 + n)
        past = gateway.body["history"]
        past["requests"] = [None if v is None else v + n for v in past["requests"]]
        past["p95"] = [v + n for v in past["p95"]]
        frame = asyncio.run(store.poll_once(View()))
        began = time.process_time()
        gallery.picture(frame, View(), Choice())
        drawn.append((time.process_time() - began) * 1000)
        began = time.process_time()
        for board in boards:
            board.apply(frame)
        spent.append((time.process_time() - began) * 1000)
    each, once = statistics.median(spent) / len(boards), statistics.median(drawn)
    print(f"tick: {each:.2f} ms a page, and {once:.2f} ms once for all pages of a view")
    return each <= TICK_MS


class Served:
    """A server in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.store = Store(FakeGateway())
        ready = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(asyncio.new_event_loop())
            config = Config(gateway_url="http://127.0.0.1:1", port=port, session_lifetime_s=1)
            self.server = start(config, self.store)
            self.server.io_loop.add_callback(lambda: asyncio.ensure_future(self.store.run()))
            self.server.io_loop.add_callback(ready.set)
            self.server.io_loop.start()

        threading.Thread(target=run, daemon=True).start()
        ready.wait(60)


def leak() -> bool:
    """Documents that are left after many visits of a browser that closed each page."""
    from playwright.sync_api import sync_playwright

    served = Served(_free_port())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(VISITS):
            page = browser.new_page()
            page.goto(served.url)
            page.locator("#live.shown").wait_for(timeout=60_000)
            page.close()
        browser.close()
    kept = _until(_documents, lambda n: n <= STANDING, timeout_s=60)
    print(f"leak: {kept} documents kept after {VISITS} visits, {served.store.watchers} watchers")
    served.server.io_loop.add_callback(served.server.io_loop.stop)
    return kept <= STANDING and served.store.watchers == 0


def _documents() -> int:
    gc.collect()
    return sum(1 for one in gc.get_objects() if type(one) is Document)


def sessions() -> bool:
    """Share of a core that the server takes for many pages that are open in a browser."""
    from playwright.sync_api import sync_playwright

    port = _free_port()
    process = subprocess.Popen([sys.executable, __file__, "serve", str(port)])
    try:
        url = f"http://127.0.0.1:{port}"
        _until(lambda: _answers(url), bool, timeout_s=60)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for _ in range(SESSIONS):
                page = browser.new_page()
                page.goto(url)
                page.locator("#live.shown").wait_for(timeout=60_000)
            page.wait_for_timeout(5_000)
            before, began = _cpu_s(process.pid), time.monotonic()
            page.wait_for_timeout(30_000)
            share = (_cpu_s(process.pid) - before) / (time.monotonic() - began)
            browser.close()
        print(f"sessions: {SESSIONS} pages at 2 s take {share:.1%} of a core")
    finally:
        process.terminate()
        process.wait()
    return share < SHARE


def paint() -> bool:
    """Seconds until the browser has painted numbers, and until the page is live."""
    from playwright.sync_api import sync_playwright

    port = _free_port()
    process = subprocess.Popen([sys.executable, __file__, "serve", str(port)])
    painted, live = [], []
    try:
        url = f"http://127.0.0.1:{port}"
        _until(lambda: _answers(url), bool, timeout_s=60)
        with sync_playwright() as playwright:
            for _ in range(5):
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                page = browser.new_page(viewport={"width": 1440, "height": 2100})
                began = time.perf_counter()
                page.goto(url)
                page.locator("#live.shown").wait_for(timeout=60_000)
                live.append(time.perf_counter() - began)
                said = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
                painted.append(page.evaluate(said) / 1000)
                browser.close()
    finally:
        process.terminate()
        process.wait()
    first, ready = statistics.median(painted), statistics.median(live)
    print(
        f"paint: numbers after {first:.2f} s (worst {max(painted):.2f}), live after {ready:.2f} s"
    )
    return first <= PAINT_S


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _answers(url: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def _until(read: Callable[[], Any], done: Callable[[Any], bool], *, timeout_s: float) -> Any:
    end = time.monotonic() + timeout_s
    while not done(value := read()) and time.monotonic() < end:
        time.sleep(0.2)
    return value


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main() -> None:
    """Measure what is named, else everything."""
    parts = {"tick": tick, "leak": leak, "paint": paint, "sessions": sessions}
    if sys.argv[1:2] == ["serve"]:
        served = Served(int(sys.argv[2]))
        _until(lambda: served, lambda _: False, timeout_s=3600)
        return
    met = [parts[name]() for name in sys.argv[1:] or parts]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
