"""What the plugin costs a real proxy, beside LiteLLM's built-in ``prometheus`` callback.

Two ways, as an A/B of whole proxies resolves no less than some tenths of a millisecond:

1. Accounting: in one proxy with both callbacks, the CPU time of every hook, task and thread of each
   (:mod:`accounting`); and in a second one ours with everything on.
2. A/B: proxies side by side, batches interleaved, differences to the one without a callback paired
   per round, with a 95 % confidence interval.

Budget per request: ours 0.15 ms and a fifteenth of the built-in; everything on 0.4 ms. A scrape
every second: 1 % of a core at 1,000 series.
Run ``python benchmarks/proxy_overhead.py``; it writes the tables into ``benchmarks/README.md``.
With ``--keep FILE`` the comparison's batches are added to those of earlier runs, and accounting
goes on with the proxy that an earlier run did not come to.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gateways import (
    ACCOUNT,
    BUILT_IN,
    LOADS,
    OURS,
    Gateway,
    interval,
    quantile,
    start_gateway,
    start_upstream,
)
from plot import bar_chart

from tests.peers.langfuse_peer import LangfusePeer

HERE = Path(__file__).parent
BUDGET_MS = {"ours": 0.15, "ours, everything on": 0.4}
SHARE = 15
SERIES = (80, 1_000)  # sketches and counters in turn: 80 are some 1,000 samples
_IDLE_S = 20


def read_totals(path: Path) -> dict:
    return json.loads(path.read_text())


async def account(gateway: Gateway, path: Path, *, rounds: int) -> dict[str, dict[str, float]]:
    """CPU milliseconds per request by owner and hook, each the median over *rounds*.

    ``idle.`` before a name: milliseconds per second without a request; ``rate``: requests per
    second in the batches, with the pauses between them.
    """
    found: dict[str, list[float]] = {}
    for load in LOADS:
        await gateway.run(load, requests=40)
    for _ in range(rounds):
        for load in LOADS:
            await asyncio.sleep(0.3)
            before, begun_s = read_totals(path), time.perf_counter()
            await gateway.run(load, requests=60)
            await asyncio.sleep(0.5)
            after, took_s = read_totals(path), time.perf_counter() - begun_s
            found.setdefault("rate", []).append(60 / took_s)
            spent = {
                name: ns - before["spent_ns"].get(name, 0) for name, ns in after["spent_ns"].items()
            }
            for name, ns in spent.items():
                found.setdefault(name, []).append(ns / 60 / 1e6)
            for owner in ("ours", "built-in", "nothing"):
                total = sum(ns for name, ns in spent.items() if name.startswith(owner + "."))
                found.setdefault(owner, []).append(total / 60 / 1e6)
    before = read_totals(path)
    await asyncio.sleep(_IDLE_S)
    for name, ns in read_totals(path)["spent_ns"].items():
        found[f"idle.{name}"] = [(ns - before["spent_ns"].get(name, 0)) / _IDLE_S / 1e6]
    return {
        name: {
            "median": statistics.median(values),
            "low": quantile(values, 0.1),
            "high": quantile(values, 0.9),
        }
        for name, values in found.items()
    }


async def compare(gateways: list[Gateway], *, rounds: int, requests: int) -> dict:
    """Batches of every load at every proxy in turn; the order is turned round every time."""
    cpu = {(g.name, load): [] for g in gateways for load in LOADS}
    took = {(g.name, load): [] for g in gateways for load in LOADS}
    for gateway in gateways:
        for load in LOADS:
            await gateway.run(load, requests=30)
    for number in range(rounds):
        for load in LOADS:
            for gateway in gateways if number % 2 else reversed(gateways):
                cpu_s, latencies = await gateway.run(load, requests=requests)
                cpu[gateway.name, load].append(cpu_s * 1000)
                took[gateway.name, load].append(latencies)
    return {"cpu": cpu, "took": took}


async def scrape_cost(gateway: Gateway) -> tuple[float, float]:
    """(CPU milliseconds of a scrape, median milliseconds until it is answered)."""
    await gateway.client.get("/metrics")
    before, took = gateway.cpu_s(), []
    for _ in range(20):
        start = time.perf_counter()
        answer = await gateway.client.get("/metrics")
        took.append(1000 * (time.perf_counter() - start))
        assert answer.status_code == 200
    return 1000 * (gateway.cpu_s() - before) / 20, statistics.median(took)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def accounting_table(both: dict, full: dict) -> str:
    built_in = both["built-in"]["median"]
    rows = [
        ["built-in `prometheus`", _spread(both["built-in"]), "", ""],
        ["the same three hooks, empty", _spread(both["nothing"]), "", ""],
    ]
    for name, figures in (("ours", both["ours"]), ("ours, everything on", full["ours"])):
        share = f"1/{built_in / figures['median']:.0f}" if figures["median"] else ""
        wanted = f"{BUDGET_MS[name]} ms" + (f", 1/{SHARE}" if name == "ours" else "")
        rows.append([name, _spread(figures), share, wanted])
    told = table(["callback", "CPU per request, ms", "of the built-in", "budget"], rows)
    rates = " and ".join(f"{one['rate']['median']:.0f}" for one in (both, full))
    return f"{told}\n\nRequests per second meanwhile, with pauses: {rates}."


def parts_table(both: dict, full: dict) -> str:
    names = sorted({n for n in both | full if n.startswith("ours.")})
    nothing = {"median": 0.0, "low": 0.0, "high": 0.0}
    rows = [
        [
            f"`{n.removeprefix('ours.')}`",
            _spread(both.get(n, nothing)),
            _spread(full.get(n, nothing)),
            f"{full.get(f'idle.{n}', nothing)['median']:.3f}",
        ]
        for n in names
    ]
    return table(["hook, task or thread", "ours, ms", "everything on, ms", "idle, ms/s"], rows)


def _spread(figures: dict[str, float]) -> str:
    return f"{figures['median']:.3f} ({figures['low']:.3f} to {figures['high']:.3f})"


def comparison_table(gateways: list[Gateway], measured: dict) -> str:
    base, rows = gateways[0].name, []
    for gateway in gateways:
        every = [c for load in LOADS for c in measured["cpu"][gateway.name, load]]
        zero = [c for load in LOADS for c in measured["cpu"][base, load]]
        mean, half = interval([a - b for a, b in zip(every, zero, strict=True)])
        added = "" if gateway.name == base else f"{mean:+.2f} ± {half:.2f}"
        rows.append(
            [
                gateway.name,
                f"{statistics.median(every):.2f}",
                added,
                f"{gateway.rss_bytes() / 1e6:.0f}",
            ]
        )
    return table(["proxy", "CPU per request, ms", "added (95 %)", "RSS, MB"], rows)


def latency_table(gateways: list[Gateway], measured: dict) -> str:
    rows = []
    for load in LOADS:
        base = [t for batch in measured["took"][gateways[0].name, load] for t in batch]
        for gateway in gateways:
            took = [t for batch in measured["took"][gateway.name, load] for t in batch]
            cells = []
            for q in (0.5, 0.95, 0.99):
                mine, none = 1000 * quantile(took, q), 1000 * quantile(base, q)
                cells.append(f"{mine:.1f} ({mine - none:+.1f})")
            rows.append([load.name, gateway.name, *cells])
    return table(["load", "proxy", "p50, ms (added)", "p95", "p99"], rows)


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    name = model[1] if model else platform.processor()
    return (
        f"{name}, {os.cpu_count()} cores; Linux {platform.release()}; "
        f"Python {platform.python_version()}; LiteLLM {version('litellm')}"
    )


def write_readme(sections: dict[str, str]) -> None:
    """Replace what stands between the marks of each section."""
    path = HERE / "README.md"
    text = path.read_text()
    for name, body in sections.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)"
        text = re.sub(pattern, lambda m, b=body: f"{m[1]}{b}\n{m[2]}", text, flags=re.DOTALL)
    path.write_text(text)


async def run_accounting(directory: Path, *, rounds: int, kept_in: Path | None) -> dict[str, str]:
    upstream, stop = start_upstream(directory), []
    measured = read_kept(kept_in, {})
    try:
        with LangfusePeer() as peer:
            for name, callbacks, everything, env in (
                ("both", [ACCOUNT, BUILT_IN, OURS], False, {}),
                ("full", [ACCOUNT, OURS], True, peer.env()),
            ):
                if name in measured:
                    continue
                path = directory / f"{name}-proxy.json"
                gateway = start_gateway(
                    name,
                    callbacks=callbacks,
                    simulator=upstream,
                    directory=directory,
                    everything=everything,
                    env={**env, "ACCOUNT_TO": str(path)},
                )
                stop.append(gateway.server)
                measured[name] = await account(gateway, path, rounds=rounds)
                await gateway.client.aclose()
                gateway.server.stop()
                print(name, {k: round(v["median"], 4) for k, v in measured[name].items()})
                write_kept(kept_in, measured)
                assert not everything or peer.trace_ids(), "no trace arrived"
    finally:
        for server in (*stop, upstream):
            server.stop()
    both, full = measured["both"], measured["full"]
    figures = {
        "built-in": both["built-in"]["median"],
        "ours": both["ours"]["median"],
        "ours, everything on": full["ours"]["median"],
    }
    await asyncio.to_thread(
        bar_chart,
        figures,
        to=HERE / "overhead.png",
        title="CPU per request by accounting, ms; dashed: budget",
        budget=BUDGET_MS["ours"],
    )
    print(accounting_table(both, full))
    return {
        "machine": machine(),
        "accounting": accounting_table(both, full),
        "parts": parts_table(both, full),
    }


async def scrape_every_second(gateway: Gateway, *, seconds: int, turns: int) -> tuple[float, float]:
    """Percent of a core that a scrape a second adds, with half of the 95 % confidence interval."""

    async def used(*, scraping: bool) -> float:
        before, begun_s = gateway.cpu_s(), time.perf_counter()
        for _ in range(seconds):
            next_s = time.perf_counter() + 1
            if scraping:
                await gateway.client.get("/metrics")
            await asyncio.sleep(max(next_s - time.perf_counter(), 0.0))
        return 100 * (gateway.cpu_s() - before) / (time.perf_counter() - begun_s)

    await used(scraping=True)
    pairs = [(await used(scraping=True), await used(scraping=False)) for _ in range(turns)]
    return interval([one - other for one, other in pairs])


async def run_scrapes(directory: Path) -> dict[str, str]:
    upstream, rows = start_upstream(directory), []
    try:
        for series in SERIES:
            gateway = start_gateway(
                f"scraped-{series}",
                callbacks=[OURS],
                simulator=upstream,
                directory=directory,
                series=series,
            )
            try:
                await asyncio.sleep(5)
                page = (await gateway.client.get("/metrics")).text
                samples = sum(not line.startswith("#") for line in page.splitlines())
                mean, half = await scrape_every_second(gateway, seconds=6, turns=3)
                cost_ms, answer_ms = await scrape_cost(gateway)
                await gateway.client.aclose()
            finally:
                gateway.server.stop()
            cells = [f"{samples:,}", f"{mean:.2f} ± {half:.2f}", "1"]
            rows.append([f"{series:,}", *cells, f"{cost_ms:.1f}", f"{answer_ms:.1f}"])
    finally:
        upstream.stop()
    head = ["series of ours", "samples on the page", "a scrape a second, % of a core (95 %)"]
    told = table([*head, "budget", "CPU of one, ms", "answered in, ms"], rows)
    print(told)
    return {"scrape": told}


def read_kept(path: Path | None, otherwise: Any) -> Any:
    return json.loads(path.read_text()) if path is not None and path.exists() else otherwise


def write_kept(path: Path | None, value: Any) -> None:
    if path is not None:
        path.write_text(json.dumps(value))


def keep(measured: dict, path: Path | None) -> dict:
    """*measured* with what *path* has of earlier runs, and there from now on."""
    if path is None:
        return measured
    rows = [
        {"proxy": name, "load": load.name, "cpu": cpu, "took": measured["took"][name, load]}
        for (name, load), cpu in measured["cpu"].items()
    ]
    earlier = read_kept(path, [])
    write_kept(path, [*earlier, *rows])
    loads = {load.name: load for load in LOADS}
    kept: dict = {"cpu": {}, "took": {}}
    for row in [*earlier, *rows]:
        at = row["proxy"], loads[row["load"]]
        kept["cpu"].setdefault(at, []).extend(row["cpu"])
        kept["took"].setdefault(at, []).extend(row["took"])
    return kept


async def run_comparison(
    directory: Path, *, rounds: int, requests: int, kept_in: Path | None
) -> dict[str, str]:
    upstream, gateways = start_upstream(directory), []
    try:
        with LangfusePeer() as peer:
            for name, callbacks, everything, env in (
                ("no callback", [], False, {}),
                ("built-in", [BUILT_IN], False, {}),
                ("ours", [OURS], False, {}),
                ("ours, everything on", [OURS], True, peer.env()),
            ):
                gateways.append(
                    start_gateway(
                        name,
                        callbacks=callbacks,
                        simulator=upstream,
                        directory=directory,
                        everything=everything,
                        env=env,
                    )
                )
            measured = keep(await compare(gateways, rounds=rounds, requests=requests), kept_in)
            compared = {
                "comparison": comparison_table(gateways, measured),
                "latency": latency_table(gateways, measured),
            }
    finally:
        for gateway in gateways:
            gateway.server.stop()
        upstream.stop()
    print(*compared.values(), sep="\n\n")
    return compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "part", choices=["accounting", "comparison", "scrapes", "all"], nargs="?", default="all"
    )
    parser.add_argument("--keep", type=Path, help="what earlier runs measured, as JSON")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=40, help="per batch of the comparison")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for part in "abc":
            (Path(name) / part).mkdir()
        if chosen.part in ("accounting", "all"):
            kept_in = chosen.keep.with_suffix(".accounting") if chosen.keep else None
            accounting = run_accounting(Path(name) / "a", rounds=chosen.rounds, kept_in=kept_in)
            write_readme(asyncio.run(accounting))
        if chosen.part in ("comparison", "all"):
            comparing = run_comparison(
                Path(name) / "b",
                rounds=chosen.rounds,
                requests=chosen.requests,
                kept_in=chosen.keep,
            )
            write_readme(asyncio.run(comparing))
        if chosen.part in ("scrapes", "all"):
            write_readme(asyncio.run(run_scrapes(Path(name) / "c")))


if __name__ == "__main__":
    main()
