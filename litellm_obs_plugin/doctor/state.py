"""Whether the state can be kept. Nothing is made or changed."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from litellm_obs_plugin.doctor.finding import Finding, fail, ok, warn
from litellm_obs_plugin.doctor.patient import Patient
from litellm_obs_plugin.host.address import Address, default_state_dirs
from litellm_obs_plugin.metrics.state_dir import (
    NETWORK_FILESYSTEMS,
    find_filesystem,
    read_mounts,
)
from litellm_obs_plugin.settings import Settings

_HISTORY = "history.sqlite"
_SUBJECT = "state_dir"


def check_state(
    patient: Patient, settings: Settings, address: Address, *, mounts: str | None = None
) -> Iterator[Finding]:
    """The directory and the history in it. *mounts*: as in /proc/self/mounts."""
    directory = settings.state_dir or default_state_dirs(address, patient.environ)[0]
    yield _check_place(directory, read_mounts() if mounts is None else mounts)
    if settings.state_dir is not None:
        told = "state_dir is set: it is shared by every proxy that reads this configuration"
        yield warn(_SUBJECT, told, "give each proxy its own, or leave it out for one per port")
    else:
        yield ok(_SUBJECT, f"is the one of {address.host}:{address.port}, no other proxy's")
    if settings.history.enabled:
        yield _check_history(directory / _HISTORY)
    else:
        yield ok("history", "is off")


def _check_place(directory: Path, mounts: str) -> Finding:
    kind, _ = find_filesystem(directory, mounts)
    if kind in NETWORK_FILESYSTEMS:
        told = f"{directory} is on {kind}, whose locks cannot be trusted"
        return fail(_SUBJECT, told, "set state_dir to a directory on a local disk")
    there = next(one for one in (directory, *directory.parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        told = f"{directory} cannot be written ({there} is not writable)"
        return fail(_SUBJECT, told, "set state_dir to a directory that the proxy's user may write")
    return ok(_SUBJECT, f"{directory} is on a local disk and can be written")


def _check_history(path: Path) -> Finding:
    if not path.exists():
        return ok("history", "not begun; it begins with the proxy")
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as database:
            (problem,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        problem = str(error)
    if problem == "ok":
        return ok("history", f"{path.name} opens, {path.stat().st_size / 2**20:.1f} MiB")
    remedy = "restart the proxy: it sets the file aside and begins anew"
    return fail("history", f"{path} is damaged: {problem}", remedy)
