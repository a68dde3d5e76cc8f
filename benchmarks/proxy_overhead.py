"""What the plugin costs a real proxy, beside LiteLLM's built-in ``prometheus`` callback.

Two ways, as an A/B of whole proxies resolves no less than some tenths of a millisecond:

1. Accounting: in one proxy with both callbacks, the CPU time of every hook, task and thread of each
   (:mod:`accounting`); and in a second one ours with everything on.
2. A/B: proxies side by side, batches interleaved, differences to the one without a callback paired
   per round, with a 95 % confidence interval.

Budget per request: ours 0.15 ms and a fifteenth of the built-in; everything on 0.4 ms.
Run ``python benchmarks/proxy_overhead.py``; it writes the tables into ``benchmarks/README.md``.
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


def read_totals(path: Path) -> dict:
    return json.loads(path.read_text())


async def account(gateway: Gateway, path: Path, *, rounds: int) -> dict[str, dict[str, float]]:
    """CPU milliseconds per request by owner and hook, each the median over *rounds*."""
    found: dict[str, list[float]] = {}
    for load in LOADS:
        await gateway.run(load, requests=40)
    for _ in range(rounds):
        for load in LOADS:
            await asyncio.sleep(0.3)
            before = read_totals(path)
            await gateway.run(load, requests=60)
            await asyncio.sleep(0.5)
            after = read_totals(path)
            spent = {
                name: ns - before["spent_ns"].get(name, 0) for name, ns in after["spent_ns"].items()
            }
            for name, ns in spent.items():
                found.setdefault(name, []).append(ns / 60 / 1e6)
            for owner in ("ours", "built-in"):
                total = sum(ns for name, ns in spent.items() if name.startswith(owner + "."))
                found.setdefault(owner, []).append(total / 60 / 1e6)
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
    rows = [["built-in `prometheus`", _spread(both["built-in"]), "", ""]]
    for name, figures in (("ours", both["ours"]), ("ours, everything on", full["ours"])):
        share = f"1/{built_in / figures['median']:.0f}" if figures["median"] else ""
        wanted = f"{BUDGET_MS[name]} ms" + (f", 1/{SHARE}" if name == "ours" else "")
        rows.append([name, _spread(figures), share, wanted])
    return table(["callback", "CPU per request, ms", "of the built-in", "budget"], rows)


def parts_table(both: dict, full: dict) -> str:
    names = sorted({n for n in both | full if n.startswith("ours.")})
    nothing = {"median": 0.0, "low": 0.0, "high": 0.0}
    rows = [
        [
            f"`{n.removeprefix('ours.')}`",
            _spread(both.get(n, nothing)),
            _spread(full.get(n, nothing)),
        ]
        for n in names
    ]
    return table(["hook", "ours, ms", "everything on, ms"], rows)


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


async def run_accounting(directory: Path, *, rounds: int) -> dict[str, str]:
    upstream, stop = start_upstream(directory), []
    try:
        with LangfusePeer() as peer:
            measured = {}
            for name, callbacks, everything, env in (
                ("both", [ACCOUNT, BUILT_IN, OURS], False, {}),
                ("full", [ACCOUNT, OURS], True, peer.env()),
            ):
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
            assert peer.trace_ids(), "no trace arrived"
    finally:
        for server in (*stop, upstream):
            server.stop()
    both, full = measured["both"], measured["full"]
    figures = {
        "built-in": both["built-in"]["median"],
        "ours": both["ours"]["median"],
        "ours, everything on": full["ours"]["median"],
    }
    bar_chart(figures, to=HERE / "overhead.svg", title="CPU per request by accounting, ms")
    print(accounting_table(both, full))
    return {
        "machine": machine(),
        "accounting": accounting_table(both, full),
        "parts": parts_table(both, full),
    }


async def run_comparison(directory: Path, *, rounds: int, requests: int) -> dict[str, str]:
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
            measured = await compare(gateways, rounds=rounds, requests=requests)
            compared = {
                "comparison": comparison_table(gateways, measured),
                "latency": latency_table(gateways, measured),
            }
            scrapes = [
                [g.name, *(f"{ms:.1f}" for ms in await scrape_cost(g))] for g in gateways[1:]
            ]
    finally:
        for gateway in gateways:
            gateway.server.stop()
        upstream.stop()
    scraped = table(["proxy", "CPU of a scrape, ms", "answered within (median), ms"], scrapes)
    print(compared["comparison"], scraped, sep="\n\n")
    return {**compared, "scrape": scraped}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "part", choices=["accounting", "comparison", "all"], nargs="?", default="all"
    )
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=40, help="per batch of the comparison")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for part in "ab":
            (Path(name) / part).mkdir()
        if chosen.part in ("accounting", "all"):
            write_readme(asyncio.run(run_accounting(Path(name) / "a", rounds=chosen.rounds)))
        if chosen.part in ("comparison", "all"):
            comparing = run_comparison(
                Path(name) / "b", rounds=chosen.rounds, requests=chosen.requests
            )
            write_readme(asyncio.run(comparing))


if __name__ == "__main__":
    main()
