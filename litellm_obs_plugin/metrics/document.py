"""The metric tables of README.md and docs/metrics.md, written from the catalogue.

``python -m litellm_obs_plugin.metrics.document`` rewrites both in the current directory.
"""

import re
from pathlib import Path

from litellm_obs_plugin.metrics.catalog import CATALOG
from litellm_obs_plugin.metrics.metric import Metric
from litellm_obs_plugin.metrics.note import NOTES

_README_ROWS = re.compile(r"(<!-- metrics:[^\n]*\n)(?:\|[^\n]*\n)*")
_SPEC_ROWS = re.compile(r"(<!-- catalogue -->\n).*?(<!-- end of catalogue -->)", re.DOTALL)


def shown() -> list[Metric]:
    """The rows that are families of the page."""
    return [metric for metric in CATALOG if not metric.hidden]


def readme_table() -> str:
    """One line per metric."""
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    lines += [f"| `{m.full_name}` | {m.kind} | {_labels(m)} | {m.help} |" for m in shown()]
    return "\n".join(lines) + "\n"


def specification() -> str:
    """One section per metric."""
    return "\n".join(_section(metric) for metric in shown())


def _section(metric: Metric) -> str:
    unit = f", {metric.unit}" if metric.unit else ""
    lines = [
        f"### `{metric.full_name}`",
        "",
        f"{metric.kind.capitalize()}{unit}. Labels: {_labels(metric) or 'none'}.",
        "",
        metric.help,
    ]
    if metric.name in NOTES:
        lines += ["", NOTES[metric.name]]
    return "\n".join((*lines, ""))


def _labels(metric: Metric) -> str:
    return ", ".join(f"`{label}`" for label in metric.labels)


def rewrite(readme: str, spec: str) -> tuple[str, str]:
    """Both documents with their tables made anew."""
    return (
        _README_ROWS.sub(lambda m: m[1] + readme_table(), readme),
        _SPEC_ROWS.sub(lambda m: f"{m[1]}\n{specification()}\n{m[2]}", spec),
    )


def main() -> None:
    paths = Path("README.md"), Path("docs/metrics.md")
    for path, text in zip(paths, rewrite(*(p.read_text() for p in paths)), strict=True):
        path.write_text(text)


if __name__ == "__main__":
    main()
