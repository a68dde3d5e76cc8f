"""The doctor on real files and real sockets: what it says, how it ends."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest
import yaml
from typer.testing import CliRunner

from litellm_obs_plugin.cli import app
from litellm_obs_plugin.doctor import traces
from litellm_obs_plugin.doctor.inclusion import read_config
from litellm_obs_plugin.doctor.patient import read_patient
from litellm_obs_plugin.doctor.state import check_state
from litellm_obs_plugin.doctor.traces import check_traces
from litellm_obs_plugin.host.address import Address
from litellm_obs_plugin.settings import read_settings
from tests.health.upstream import Upstream

LINE = "litellm_obs_plugin.proxy_callback"
GOOD = {
    "model_list": [{"model_name": "chat", "litellm_params": {"model": "openai/gpt-4o-mini"}}],
    "litellm_settings": {"callbacks": [LINE]},
    "general_settings": {"master_key": "sk-1"},
}
HERE = Address("127.0.0.1", "4567")
_NOISE = ("LANGFUSE_", "LITELLM_", "HTTP", "http", "OPENAI_", "AWS_", "ALL_PROXY", "all_proxy")


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch, tmp_path):
    import os

    for name in list(os.environ):
        if name.startswith(_NOISE):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))


@pytest.fixture
def write(tmp_path):
    """A configuration file with these sections in the place of the good ones."""

    def write(**changed):
        path = tmp_path / "proxy_config.yaml"
        path.write_text(yaml.safe_dump({**GOOD, **changed}))
        return path

    return write


def run(path, *arguments):
    """(exit code, findings) of the command."""
    answer = CliRunner().invoke(app, ["doctor", "--config", str(path), "--json", *arguments])
    found = json.loads(answer.stdout)
    assert found["ok"] == (answer.exit_code == 0)
    return answer.exit_code, found["findings"]


def said(findings, subject, level):
    """What is said of *subject* at *level*, and what to do."""
    found = [f for f in findings if (f["subject"], f["level"]) == (subject, level)]
    assert found, findings
    return " ".join(f"{one['message']} {one['remedy']}" for one in found)


def test_a_good_configuration(write):
    code, findings = run(write())

    assert code == 0
    assert {"ok"} == {one["level"] for one in findings}
    assert "1 of 1 deployments" in said(findings, "providers", "ok")
    assert "127.0.0.1:4567" in said(
        run(write(), "--host", "127.0.0.1", "--port", "4567")[1], "state_dir", "ok"
    )


def test_every_trouble_has_a_remedy(write, tmp_path):
    path = write(
        litellm_settings={"success_callback": [LINE, "prometheus"]},
        general_settings={"background_health_checks": True},
        model_list=[{"model_name": "far", "litellm_params": {"model": "bedrock/anthropic.claude"}}],
        callback_settings={"litellm_obs": {"state_dir": str(tmp_path / "shared")}},
    )
    code, findings = run(path)

    assert code == 1
    assert "another list" in said(findings, "callback", "fail")
    assert "whoever reaches" in said(findings, "access", "warn")
    assert "prometheus" in said(findings, "prometheus", "warn")
    assert "paid calls" in said(findings, "health", "warn")
    assert "far (bedrock)" in said(findings, "providers", "warn")
    assert "shared by every proxy" in said(findings, "state_dir", "warn")
    assert all(one["remedy"] for one in findings if one["level"] != "ok")


@pytest.mark.parametrize(
    ("text", "told"),
    [("a: [", "proxy_config.yaml"), ("- a", "expected a mapping"), ("\x00", "proxy_config.yaml")],
)
def test_what_is_no_configuration(tmp_path, text, told):
    path = tmp_path / "proxy_config.yaml"
    path.write_text(text)
    code, findings = run(path)

    assert code == 1
    assert told in said(findings, "configuration", "fail")


def test_included_files_are_read(write, tmp_path):
    """As LiteLLM merges them, which is asked itself: lists grow, sections are replaced."""
    from litellm.proxy.proxy_server import ProxyConfig

    (tmp_path / "more").mkdir()
    files = {
        "more/models.yaml": {"include": ["../last.yaml", "keys.yaml"], "model_list": [{"n": 1}]},
        "more/keys.yaml": {"general_settings": {"master_key": "sk-2"}, "include": ["models.yaml"]},
        "last.yaml": {"model_list": GOOD["model_list"], "router_settings": {"num_retries": 1}},
        "keys.yaml": {"general_settings": {"master_key": "not this one"}},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(yaml.safe_dump(content))
    path = write(include=["more/models.yaml"], router_settings={"timeout": 9}, model_list=[])
    theirs = asyncio.run(ProxyConfig().get_config(str(path)))

    assert theirs == read_config(path)
    assert {"num_retries": 1} == theirs["router_settings"]
    assert "sk-2" == theirs["general_settings"]["master_key"]
    write(include=["last.yaml"], model_list=[])
    assert "1 of 1 deployments" in said(run(path)[1], "providers", "ok")


@pytest.mark.parametrize("include", [["nowhere.yaml"], "models.yaml", [1]])
def test_what_cannot_be_included(write, include):
    code, findings = run(write(include=include))

    assert code == 1
    told = said(findings, "configuration", "fail")
    assert "nowhere.yaml" in told or "include: expected a list of files" in told


def test_models_in_the_database(write, monkeypatch):
    """They cannot be seen in the file: that is no fault."""
    assert "model_list is empty" in said(run(write(model_list=[]))[1], "providers", "warn")

    stored = write(model_list=[], general_settings={"master_key": "s", "store_model_in_db": True})
    code, findings = run(stored)
    assert code == 0
    assert "--url" in said(findings, "providers", "ok")
    assert {"ok"} == {one["level"] for one in findings}

    monkeypatch.setenv("STORE_MODEL_IN_DB", "True")
    assert "--url" in said(run(write(model_list=[]))[1], "providers", "ok")


def test_a_missing_file(tmp_path):
    code, findings = run(tmp_path / "none.yaml")

    assert code == 1
    assert "none.yaml" in said(findings, "configuration", "fail")


def test_a_bad_setting_is_named(write):
    code, findings = run(write(callback_settings={"litellm_obs": {"max_serie": 1}}))

    assert code == 1
    assert "max_serie: unknown setting" in said(findings, "settings", "fail")


def test_a_callback_outside_a_list(write):
    code, findings = run(write(litellm_settings={"callbacks": LINE}))

    assert code == 1
    assert "is no list" in said(findings, "callback", "fail")


def test_a_file_in_the_plugins_place(write, tmp_path):
    (tmp_path / "litellm_obs_plugin.py").touch()

    assert "rename" in said(run(write())[1], "callback", "fail")


def test_a_damaged_history(write, tmp_path):
    place = tmp_path / "home" / "litellm-obs" / "0.0.0.0-4000"
    place.mkdir(parents=True)
    history = place / "history.sqlite"
    with sqlite3.connect(history) as database:
        database.execute("create table a (b)")
    database.close()
    assert "opens" in said(run(write())[1], "history", "ok")

    history.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    before = sorted(place.iterdir())
    assert "damaged" in said(run(write())[1], "history", "fail")
    assert before == sorted(place.iterdir())


def test_a_state_on_the_network(write, tmp_path):
    patient = read_patient(write(), {"HOME": str(tmp_path)})
    mounts = f"server:/export {tmp_path} nfs4 rw 0 0\n"
    first, *_ = check_state(patient, read_settings(None, {}), HERE, mounts=mounts)

    assert (first.level, "nfs4" in first.message) == ("fail", True)


def test_a_state_in_a_file(write, tmp_path):
    (tmp_path / "file").touch()
    settings = {"litellm_obs": {"state_dir": str(tmp_path / "file" / "state")}}

    assert "cannot be written" in said(
        run(write(callback_settings=settings))[1], "state_dir", "fail"
    )


KEYS = {"public_key": "pk-1", "secret_key": "sk-secret-1"}


@pytest.mark.parametrize(
    ("status", "level", "told"), [(200, "ok", "accepts"), (401, "fail", "refuses the keys")]
)
def test_langfuse_answers(write, status, level, told):
    with Upstream(port=0, status=status) as langfuse:
        host = langfuse.base.removesuffix("/v1")
        path = write(callback_settings={"litellm_obs": {"langfuse": {**KEYS, "host": host}}})
        _, findings = run(path)

    assert told in said(findings, "langfuse", level)
    assert KEYS["secret_key"] not in json.dumps(findings)
    assert "/api/public/projects" in langfuse.seen[0]


def test_langfuse_is_away(write, free_port):
    host = f"http://127.0.0.1:{free_port()}"
    path = write(callback_settings={"litellm_obs": {"langfuse": {**KEYS, "host": host}}})
    code, findings = run(path)

    assert code == 1
    assert "cannot be reached" in said(findings, "langfuse", "fail")


def test_the_trap_of_sdk_five(write, monkeypatch):
    monkeypatch.setattr(traces, "installed", lambda _: "5.0.1")
    patient = read_patient(write(litellm_settings={"callbacks": [LINE, "langfuse"]}), {})
    found = list(check_traces(patient, read_settings(None, {}).langfuse))

    assert [one.remedy for one in found if one.level == "fail"] == [
        "pip install 'langfuse>=4.7,<5'"
    ]


def test_a_proxy_that_is_away(write, free_port):
    code, findings = run(write(), "--url", f"http://127.0.0.1:{free_port()}")

    assert code == 1
    assert "does not answer" in said(findings, "proxy", "fail")


@pytest.mark.parametrize(
    ("status", "told"),
    [(404, "without the plugin"), (401, "refuses the key"), (500, "answers 500")],
)
def test_a_proxy_that_gives_no_report(write, status, told):
    with Upstream(port=0, status=status) as proxy:
        code, findings = run(write(), "--url", proxy.base, "--key", "sk-1")

    assert code == 1
    assert told in said(findings, "proxy", "fail")


def test_the_table_says_it_all(write, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    answer = CliRunner().invoke(app, ["doctor", "--config", str(write(litellm_settings={}))])

    assert answer.exit_code == 1
    assert "FAIL" in answer.stdout
    assert f'→ litellm_settings: {{callbacks: ["{LINE}"]}}' in answer.stdout
    assert "1 fail" in answer.stdout
