from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from types import ModuleType

import litellm
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from litellm.router_utils import cooldown_handlers

import litellm_obs_plugin
from litellm_obs_plugin import plugin
from litellm_obs_plugin.exposition import text
from litellm_obs_plugin.host import compat
from litellm_obs_plugin.host.callback import InertCallback, ObsCallback, QuietCallback
from litellm_obs_plugin.settings import LedgerSettings, Settings
from tests.host.garbage import arbitrary_hooks, damaged_recordings
from tests.host.recording import SCENARIOS, play, read_recording

SERVER = "litellm.proxy.proxy_server"


@pytest.fixture
def build(tmp_path):
    """Builds plugins, each in a directory of its own unless told, and closes them."""
    built = []

    def build(name=None, **settings):
        directory = tmp_path / (name or f"state-{len(built)}")
        built.append(plugin.build(Settings(state_dir=directory, **settings)))
        return built[-1]

    yield build
    for one in built:
        one.close()


async def snapshot_of(one):
    return await one.reader.view("test", lambda snapshot: snapshot)


async def requests_of(one):
    return (await snapshot_of(one)).total("requests_total")


async def test_two_plugins_share_nothing(build):
    first, second = build(), build()

    await play(first.callback, read_recording("chat"))

    assert (1.0, 0.0) == (await requests_of(first), await requests_of(second))
    assert first.callback is not second.callback


async def test_workers_of_one_proxy_share_the_state(build):
    """Each answers for all, whichever is asked."""
    first, second = build("state"), build("state")

    await play(first.callback, read_recording("chat"))
    await play(second.callback, read_recording("retry"))

    assert [2.0, 2.0] == [await requests_of(first), await requests_of(second)]
    assert 2 == (await snapshot_of(first)).workers


async def test_what_was_counted_outlives_its_worker(build, tmp_path):
    first = plugin.build(Settings(state_dir=tmp_path / "state"))
    await play(first.callback, read_recording("chat"))
    first.close()

    assert 1.0 == await requests_of(build("state"))


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s != "health_check"])
async def test_every_recording_is_one_request_on_the_page(build, scenario):
    one = build()

    await play(one.callback, read_recording(scenario))

    snapshot = await snapshot_of(one)
    assert 1.0 == snapshot.total("requests_total")
    assert 0.0 == snapshot.total("plugin_errors_total")
    assert 0.0 == snapshot.total("plugin_events_dropped_total")


async def test_an_error_is_counted_under_its_stage(build):
    one = build()

    await one.callback.async_log_success_event(None, None, None, None)

    assert {"request_success": 1.0} == (await snapshot_of(one)).by("plugin_errors_total", "stage")


@settings(deadline=None, max_examples=25)
@given(hooks=st.lists(st.one_of(damaged_recordings(), st.lists(arbitrary_hooks)), max_size=5))
async def test_no_event_spoils_the_page(hooks):
    """Whatever is sent, the page has whole numbers in it and can be written."""
    with tempfile.TemporaryDirectory() as name:
        one = plugin.build(Settings(state_dir=name))
        try:
            for some in hooks:
                await play(one.callback, some)
            snapshot = await snapshot_of(one)
        finally:
            one.close()

    page = text.render(snapshot).decode()
    values = [line.rpartition(" ")[2] for line in page.splitlines() if line[0] != "#"]
    assert not {"NaN", "+Inf", "-Inf"}.intersection(values)
    assert not any(value.startswith("-") for value in values)


async def test_settings_reach_their_place(build):
    quiet = build(response_headers=False, ledger=LedgerSettings(slow_ms=1))

    assert QuietCallback is type(quiet.callback)
    assert ObsCallback is type(build().callback)


def state_dir_of(one):
    one.close()
    return one.state_dir


def test_the_state_goes_to_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["litellm", "--port", "4321"])

    assert tmp_path / "litellm-obs" / "0.0.0.0-4321" == state_dir_of(plugin.build(Settings()))


def test_a_home_that_cannot_be_written(monkeypatch, tmp_path, caplog):
    """In a container without one the state goes to the temporary directory, and that is told."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    found = state_dir_of(plugin.build(Settings()))

    assert tmp_path == found.parent.parent
    assert f"state goes to {found}" in caplog.text


def test_a_directory_that_was_asked_for_has_no_substitute(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match="file"):
        plugin.build(Settings(state_dir=tmp_path / "file" / "state"))


@pytest.fixture
def app(monkeypatch):
    """An application where the proxy's would be, and everything put back afterwards."""
    module = ModuleType(SERVER)
    module.app = FastAPI()
    module.llm_router = None
    module.general_settings = {}
    module.proxy_shutdown_event = _shut_down
    monkeypatch.setitem(sys.modules, SERVER, module)
    original = cooldown_handlers.router_cooldown_event_callback
    monkeypatch.setattr(cooldown_handlers, "router_cooldown_event_callback", original)
    return module.app


@pytest.fixture
async def configured(monkeypatch, tmp_path):
    """Sets the section of the proxy's configuration; ends what was set running."""

    def configure(**section):
        named = {"litellm_obs": {"state_dir": str(tmp_path), **section}}
        monkeypatch.setattr(litellm, "callback_settings", named, raising=False)

    yield configure
    for task in tuple(compat._running):
        task.cancel()
    await asyncio.sleep(0)


async def _shut_down(worker_heartbeat=None) -> None:
    """Stands where the proxy has what it runs at its end."""


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.INFO, logger="litellm_obs_plugin")
    return lambda: [
        (r.levelname, r.getMessage()) for r in caplog.records if r.name == plugin.__name__
    ]


async def test_in_a_proxy(app, configured, told, tmp_path):
    configured()

    assert isinstance(plugin.build_in_proxy(), ObsCallback)

    ((level, message),) = told()
    assert ("INFO", True) == (level, message.endswith(f"is on; state in {tmp_path}"))
    assert "/api/gateway/metrics" in app.openapi()["paths"]


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"max_seris": 1}, "callback_settings.litellm_obs.max_seris: unknown setting"),
        ({"max_series": "many"}, "callback_settings.litellm_obs.max_series: Input should be"),
    ],
)
async def test_a_bad_setting_leaves_the_proxy_alone(app, configured, told, section, named):
    """It boots and serves; one line says which key."""
    configured(**section)

    assert InertCallback is type(plugin.build_in_proxy())

    ((level, message),) = told()
    assert ("ERROR", True) == (level, message.startswith(f"litellm_obs is off: {named}"))
    assert "/api/gateway/metrics" not in app.openapi()["paths"]


async def test_outside_a_proxy_it_is_off(configured, told, monkeypatch):
    monkeypatch.delitem(sys.modules, SERVER, raising=False)
    configured()

    assert InertCallback is type(plugin.build_in_proxy())
    assert ["ERROR"] == [level for level, _ in told()]


async def test_names_that_have_gone_are_told(app, configured, told):
    del sys.modules[SERVER].general_settings
    configured()

    plugin.build_in_proxy()

    assert ("WARNING", True) in [
        (level, "this LiteLLM has no litellm.proxy.proxy_server.general_settings" in message)
        for level, message in told()
    ]


async def test_the_callback_is_built_once(app, configured, monkeypatch):
    configured()
    monkeypatch.delitem(vars(litellm_obs_plugin), "proxy_callback", raising=False)

    assert litellm_obs_plugin.proxy_callback is litellm_obs_plugin.proxy_callback
    del litellm_obs_plugin.proxy_callback


def test_the_package_has_no_other_lazy_names():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        litellm_obs_plugin.nothing  # noqa: B018
