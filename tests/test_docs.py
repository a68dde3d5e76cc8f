"""The README is true: every metric, setting and route stands there as it is."""

import re
from pathlib import Path

import pytest

from litellm_obs_plugin.metrics import document
from litellm_obs_plugin.metrics.catalog import CATALOG
from litellm_obs_plugin.metrics.note import NOTES
from litellm_obs_plugin.routes import surfaces
from litellm_obs_plugin.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def table(marker: str) -> list[list[str]]:
    """The rows of the table behind a marker, as cells."""
    lines = README.split(f"<!-- {marker}:")[1].splitlines()[3:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_metrics():
    """`make docs` writes the tables; a metric that is not in them fails here."""
    spec = (ROOT / "docs" / "metrics.md").read_text()

    assert (README, spec) == document.rewrite(README, spec)


def test_every_metric_is_in_the_readme():
    documented = [(row[0].strip("`"), re.findall(r"`(\w+)`", row[2])) for row in table("metrics")]

    assert documented == [(m.full_name, list(m.labels)) for m in CATALOG if not m.hidden]


def test_notes_are_about_metrics():
    assert set(NOTES) <= {metric.name for metric in CATALOG}


def test_settings():
    assert {row[0].strip("`") for row in table("settings")} == set(Settings.model_fields)


@pytest.mark.parametrize(
    "path", [value for name, value in vars(surfaces).items() if name.endswith("_PATH")]
)
def test_routes(path):
    assert re.search(rf"`(GET|POST) {path}`", README)


def test_the_configuration_that_the_readme_gives_is_the_shipped_one():
    shipped = (ROOT / "proxy_config.yaml").read_text()

    for line in ('callbacks: ["litellm_obs_plugin.proxy_callback"]', "litellm_obs:"):
        assert line in README
        assert line in shipped
