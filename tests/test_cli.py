"""The command line as a stranger uses it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from litellm_obs_plugin.cli import app, default_config, reset_state
from litellm_obs_plugin.host.address import Address
from litellm_obs_plugin.host.place import prepare_default
from litellm_obs_plugin.metrics.fleet import Fleet
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.metrics.worker_file import WorkerFile

ADDRESS = Address("127.0.0.1", "4321")


def test_help_lists_the_commands():
    answer = CliRunner().invoke(app, ["--help"])

    assert answer.exit_code == 0
    assert "demo" in answer.stdout


def test_a_bad_option_is_named():
    answer = CliRunner().invoke(app, ["demo", "--port", "99999"])

    assert answer.exit_code == 2
    assert "--port" in answer.output


def test_the_configuration_here_wins(tmp_path):
    (tmp_path / "proxy_config.yaml").write_text("model_list: []")

    assert tmp_path / "proxy_config.yaml" == default_config(tmp_path)


def test_else_the_shipped_one(tmp_path):
    assert Path(__file__).parents[1] / "proxy_config.yaml" == default_config(tmp_path)


def test_an_import_without_a_proxy_says_what_to_do(tmp_path):
    url = "postgresql://u:geheim@127.0.0.1:1/x"
    given = ["--database-url", url, "--state-dir", str(tmp_path)]
    answer = CliRunner().invoke(app, ["import-spend-logs", *given])

    assert answer.exit_code == 1
    assert "start the proxy first" in answer.output
    assert "geheim" not in answer.output


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """A state directory in which a worker has counted; yields its file."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = prepare_default(ADDRESS, max_series=500)
    file = WorkerFile.create(directory=place, started_at=1.0)
    Recorder(file).count("plugin_errors_total", "test")
    yield file
    file.close()


def total(directory: Path) -> float:
    fleet = Fleet(directory, clock=lambda: 2.0)
    try:
        return fleet.read().total("plugin_errors_total")
    finally:
        fleet.close()


def test_reset_forgets(counted):
    counted.close()
    assert total(counted.path.parent) == 1

    reset_state(ADDRESS)

    assert total(counted.path.parent) == 0


def test_reset_leaves_a_running_proxy_alone(counted):
    with pytest.raises(Exception, match="stop the proxy first"):
        reset_state(ADDRESS)

    assert total(counted.path.parent) == 1
