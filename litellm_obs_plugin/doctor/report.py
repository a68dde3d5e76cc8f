"""What was found, as a table or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from litellm_obs_plugin.doctor.finding import Finding, Level

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def to_json(findings: Sequence[Finding]) -> str:
    """``{"ok": bool, "findings": [{subject, level, message, remedy}]}``."""
    return json.dumps({"ok": is_well(findings), "findings": [asdict(one) for one in findings]})


def is_well(findings: Sequence[Finding]) -> bool:
    """Whether nothing fails."""
    return all(one.level is not Level.FAIL for one in findings)


def print_table(findings: Sequence[Finding], console: Console) -> None:
    """One row each, with what to do below it; a line of counts at the end."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        said = Text(one.message)
        if one.remedy:
            said.append(f"\n→ {one.remedy}", style="bold")
        table.add_row(Text(one.level.upper(), style=_STYLES[one.level]), Text(one.subject), said)
    console.print(table)
    counts = {level: sum(one.level is level for one in findings) for level in Level}
    console.print(", ".join(f"{n} {level}" for level, n in counts.items()))
