"""What ships for Prometheus and Grafana: rules that fire when they should, our own names."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from litellm_obs_plugin.metrics.catalog import BY_NAME, Kind
from tests.prometheus import running_prometheus

OPS = Path(__file__).parents[2] / "ops"
RULES = OPS / "prometheus"
NAME = re.compile(r"llm_gateway_(\w+)(?:{([^}]*)})?")


def expressions() -> dict[str, str]:
    """Every query by where it stands, with Grafana's variables filled in."""
    found = {}
    for file in ("recording.yml", "alerts.yml"):
        for group in yaml.safe_load((RULES / file).read_text())["groups"]:
            for rule in group["rules"]:
                found[f"{file}: {rule.get('alert') or rule['record']}"] = rule["expr"]
    for panel in json.loads((OPS / "grafana" / "llm-gateway.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$__rate_interval", "5m").replace("$model_group", ".*")
            found[f"{panel['title']} {target['refId']}"] = query
    return found


@pytest.mark.parametrize("query", expressions().values(), ids=expressions())
def test_queries_name_what_the_catalogue_has(query):
    """Names, and of names the labels that are selected."""
    for name, selected in NAME.findall(query):
        metric = BY_NAME.get(name) or BY_NAME[re.sub("_(bucket|sum|count)$", "", name)]
        assert name == metric.name or metric.kind is Kind.SKETCH
        assert set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', selected)) <= set(metric.labels)


def test_recorded_names_that_are_used_are_recorded():
    recorded = {
        rule["record"]
        for group in yaml.safe_load((RULES / "recording.yml").read_text())["groups"]
        for rule in group["rules"]
    }
    used = {name for query in expressions().values() for name in re.findall(r"\w+:\w+:\w+", query)}

    assert used <= recorded


def test_panels_do_not_overlap():
    panels = json.loads((OPS / "grafana" / "llm-gateway.json").read_text())["panels"]
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, (panel["title"], taken[x, y])
                taken[x, y] = panel["title"]
    assert max(x for x, _ in taken) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.peers
def test_the_rules_do_what_they_say():
    """Promtool plays an outage, a quiet night, a provider that is down, a budget, a silence."""
    for command in (
        ["check", "rules", "recording.yml", "alerts.yml"],
        ["test", "rules", "tests.yml"],
    ):
        run = subprocess.run(["promtool", *command], cwd=RULES, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.peers
def test_a_real_prometheus_takes_every_query(tmp_path, free_port, wait_for):
    with running_prometheus(
        targets=[],
        features="native-histograms",
        home=tmp_path,
        port=free_port(),
        wait_for=wait_for,
    ) as prometheus:
        for query in expressions().values():
            prometheus.get("query", query=query)


def test_every_alert_is_documented():
    documented = re.findall(
        r"^\| `(LLM\w+)`", (OPS.parent / "docs" / "prometheus.md").read_text(), re.MULTILINE
    )
    alerts = [name for name in expressions() if name.startswith("alerts.yml")]

    assert [f"alerts.yml: {name}" for name in documented] == alerts
