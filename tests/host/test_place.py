"""Where the state lies: two proxies never share, workers of one do."""

import subprocess
import sys

import pytest

from litellm_obs_plugin.host.address import Address
from litellm_obs_plugin.host.place import prepare_default
from litellm_obs_plugin.metrics.worker_file import WorkerFile

ADDRESS = Address("0.0.0.0", "4000")
RECORD = """
import sys
from pathlib import Path
from litellm_obs_plugin.metrics.worker_file import WorkerFile
WorkerFile.create(directory=Path(sys.argv[1]), started_at=1.0)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path


@pytest.fixture
def other_proxy():
    """Starts a process of another parent than ours that records in a directory."""
    started = []

    def start(directory):
        argv = [sys.executable, "-c", RECORD, str(directory)]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.communicate()


def test_the_default_is_named_after_the_address(home):
    place = prepare_default(ADDRESS, max_series=500)

    assert home / "home" / "litellm-obs" / "0.0.0.0-4000" == place
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_worker_of_ours_is_no_neighbour():
    place = prepare_default(ADDRESS, max_series=500)
    file = WorkerFile.create(directory=place, started_at=1.0)

    assert place == prepare_default(ADDRESS, max_series=500)
    file.close()


def test_two_proxies_do_not_share(other_proxy):
    """LiteLLM takes a random port when 4000 is in use; its arguments still say 4000."""
    place = prepare_default(ADDRESS, max_series=500)
    process = other_proxy(place)

    assert place.with_name("0.0.0.0-4000-2") == prepare_default(ADDRESS, max_series=500)
    process.communicate()
    assert place == prepare_default(ADDRESS, max_series=500)


def test_without_a_home_it_goes_to_temporary_files(home):
    (home / "home").write_text("a file where a directory should be")

    place = prepare_default(ADDRESS, max_series=500)

    assert place.is_relative_to(home / "temporary")
    assert place.is_dir()
