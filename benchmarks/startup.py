"""What the plugin adds to the start of a worker that has LiteLLM's proxy loaded.

Budget: 150 ms and 25 MB, for importing the plugin, building it, and its routes.
"""

import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile

from proxy_overhead import table, write_readme

_CHILD = """
import json, os, pathlib, sys, time
import litellm.proxy.proxy_server
from litellm.proxy import proxy_cli

def rss():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024

before, start, cpu = rss(), time.perf_counter(), time.process_time()
from litellm_obs_plugin import plugin
from litellm_obs_plugin.settings import Settings
imported = time.perf_counter()
from litellm_obs_plugin.host import compat
from litellm_obs_plugin.routes.register import register
built = plugin.build(Settings(state_dir=pathlib.Path(sys.argv[1]) / "state"))
register(compat.proxy_app(), built.surfaces)
end = time.perf_counter()
print(json.dumps({"import_ms": 1000 * (imported - start), "build_ms": 1000 * (end - imported),
                  "cpu_ms": 1000 * (time.process_time() - cpu), "mb": (rss() - before) / 1e6}))
built.close()
"""


def measure() -> dict[str, float]:
    """Milliseconds and megabytes, of a process of its own."""
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, directory],
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    compileall.compile_dir("litellm_obs_plugin", quiet=1)  # as an installation does
    runs = [measure() for _ in range(5)]
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    total = statistics.median(run["import_ms"] + run["build_ms"] for run in runs)
    rows = [
        ["from import to routes, ms", f"{total:.0f}", "150"],
        ["of that the import", f"{found['import_ms']:.0f}", ""],
        ["CPU, ms", f"{found['cpu_ms']:.0f}", ""],
        ["memory, MB", f"{found['mb']:.1f}", "25"],
    ]
    told = table(["median of five", "measured", "budget"], rows)
    print(told)
    write_readme({"startup": told})


if __name__ == "__main__":
    main()
