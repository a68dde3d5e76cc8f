"""Whether a worker grows: 1,000,000 requests across 500 series into its state, ledger and answers.

Budget: RSS flat within 2 MB after 50,000 of them. Run ``python benchmarks/growth.py``; it writes
its line into ``benchmarks/README.md``.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from bench_state import SERIES, make_request
from proxy_overhead import table, write_readme

from litellm_obs_plugin.host.answers import Answers
from litellm_obs_plugin.ledger.book import LedgerWriter
from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.fleet import Fleet
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.metrics.worker_file import WorkerFile

WARM_UP = 50_000
BUDGET_MB = 2.0


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(directory: Path, *, records: int) -> dict[str, float]:
    """RSS before, at the largest and after *records* requests beyond the warm-up."""
    fleet.prepare(directory)
    file = WorkerFile.create(directory=directory, started_at=1.0)
    sinks = (
        Recorder(file),
        LedgerWriter(directory=directory, size=500, slow_s=1.5),
        Answers(),
    )
    reader = Fleet(directory, clock=lambda: 2.0)
    groups = 0
    while len(reader.read()) < SERIES:
        sinks[0].record(make_request(group=f"group-{groups}", number=groups))
        groups += 1
    seen, begun, cpu_s = [], 0.0, 0.0
    for number in range(WARM_UP + records):
        request = make_request(group=f"group-{number % groups}", number=number)
        start = time.perf_counter()
        for sink in sinks:
            sink.record(request)
        cpu_s += time.perf_counter() - start
        if number == WARM_UP:
            begun, cpu_s = rss_mb(), 0.0
        if number > WARM_UP and number % 10_000 == 0:
            seen.append(rss_mb())
    counted = reader.read().total("requests_total")
    assert counted == groups + WARM_UP + records
    return {
        "series": len(reader.read()),
        "begun": begun,
        "most": max(seen),
        "ended": rss_mb(),
        "each_us": 1e6 * cpu_s / records,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    records = parser.parse_args().records
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name) / "state", records=records)
    grown = found["most"] - found["begun"]
    told = table(
        ["requests", "series", "RSS before, MB", "largest", "after", "grown, MB", "budget"],
        [
            [
                f"{records:,}",
                f"{found['series']:.0f}",
                *(f"{found[name]:.1f}" for name in ("begun", "most", "ended")),
                f"{grown:+.1f}",
                f"± {BUDGET_MB:.0f} MB",
            ]
        ],
    )
    print(told, f"{found['each_us']:.0f} µs a request", sep="\n")
    write_readme({"growth": told})
    assert abs(grown) <= BUDGET_MB, grown


if __name__ == "__main__":
    main()
