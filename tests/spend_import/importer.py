"""An import in a process of its own: ``importer.py <url> <state directory> <now>``."""

import sys
from pathlib import Path

from rich.console import Console

from litellm_obs_plugin.spend_import.command import import_spend_logs
from tests.history.house import KEEP_S


def main() -> None:
    url, directory, now = sys.argv[1:]
    import_spend_logs(
        url=url,
        directory=Path(directory),
        keep_s=KEEP_S,
        max_series=500,
        since=None,
        until=None,
        dry=False,
        price_of=lambda key: {"input_cost_per_token": 1e-6},
        console=Console(quiet=True),
        clock=lambda: float(now),
    )


main()
