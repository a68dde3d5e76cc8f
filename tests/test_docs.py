"""The README is true: every metric, setting and route stands there as it is."""

import re
from pathlib import Path

import pytest

from litellm_obs_plugin.metrics.catalog import CATALOG
from litellm_obs_plugin.routes import surfaces as routes
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
    documented = [
        (row[0].strip("`"), row[1], re.findall(r"`(\w+)`", row[2])) for row in table("metrics")
    ]

    assert documented == [
        (m.full_name, str(m.kind), list(m.labels)) for m in CATALOG if not m.hidden
    ]


def test_the_words_for_a_metric_are_its_help():
    assert [row[3] for row in table("metrics")] == [m.help for m in CATALOG if not m.hidden]


def test_settings():
    assert {row[0].strip("`") for row in table("settings")} == set(Settings.model_fields)


@pytest.mark.parametrize("path", [routes.METRICS_PATH, routes.GATEWAY_METRICS_PATH])
def test_routes(path):
    assert f"`GET {path}`" in README


def test_the_configuration_that_the_readme_gives_is_the_shipped_one():
    shipped = (ROOT / "proxy_config.yaml").read_text()

    for line in ('callbacks: ["litellm_obs_plugin.proxy_callback"]', "litellm_obs: {}"):
        assert line in README
        assert line in shipped
