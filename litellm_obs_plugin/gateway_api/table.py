"""Tables as CSV that a spreadsheet may open. Pure.

Text that a spreadsheet would take for a formula gets an apostrophe in front: names of models, tags
and error messages are chosen by callers and providers. Empty is "not known".
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from litellm_obs_plugin.gateway_api import models

Cell = str | float | bool | datetime | None

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_UNITS = {
    **dict.fromkeys(("p50", "p95", "p99", "ttft_p50", "ttft_p95"), "_ms"),
    **dict.fromkeys(("overhead_p50", "overhead_p95"), "_ms"),
}


def write_table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """RFC 4180, UTF-8, times in RFC 3339 UTC."""
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow([_cell(name) for name in header])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return page.getvalue().encode("utf-8", "replace")


def write_history(history: models.History) -> bytes:
    """One row per step, one column per line; units stand in the header."""
    lines: dict[str, Sequence[float | None]] = {}
    for name in models.History.model_fields:
        value = getattr(history, name)
        if name in ("t", "step_seconds") or value is None:
            continue
        if isinstance(value, Mapping):
            lines.update(_lines(name, value))
        else:
            lines[name + _UNITS.get(name, "")] = value
    columns = list(lines.values())
    rows = ([t, *(column[at] for column in columns)] for at, t in enumerate(history.t))
    return write_table(["time", *lines], rows)


def _lines(
    name: str, parts: Mapping[str, models.Points | models.Part]
) -> Iterable[tuple[str, Sequence[float | None]]]:
    for value, line in parts.items():
        if isinstance(line, models.Part):
            for field in models.Part.model_fields:
                yield f"{name}[{value}].{field}{_UNITS.get(field, '')}", getattr(line, field)
        else:
            yield f"{name}[{value}]", line


def _cell(value: Cell) -> str | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if not isinstance(value, str):
        return value
    text = value.replace("\x00", "")
    risky = text.lstrip()[:1] in _FORMULA if text.strip() else False
    return "'" + text if risky or text[:1] in ("\t", "\r", "\n") else text
