"""Where the state of this proxy lies: one directory per proxy, the same for all of its workers."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from litellm_obs_plugin.host.address import Address, default_state_dirs
from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.file_reader import is_alive
from litellm_obs_plugin.metrics.layout import FormatError
from litellm_obs_plugin.metrics.worker_file import SUFFIX

log = logging.getLogger(__name__)

_MOST_NEIGHBOURS = 20


def prepare_default(address: Address, *, max_series: int) -> Path:
    """The default directory of the proxy at *address*, made ready.

    Raises:
        OSError: neither the user's state directory nor the temporary one can be used.
    """
    preferred, fallback = default_state_dirs(address, os.environ)
    try:
        return _prepare_free(preferred, max_series=max_series)
    except OSError as error:
        log.warning("litellm_obs: %s; state goes to %s", error, fallback)
        return _prepare_free(fallback, max_series=max_series)


def _prepare_free(directory: Path, *, max_series: int) -> Path:
    """*directory*, or the next name when another proxy records there.

    LiteLLM takes a random port when 4000 is in use, and its workers are not told.
    """
    for number in range(1, _MOST_NEIGHBOURS + 1):
        place = directory if number == 1 else directory.with_name(f"{directory.name}-{number}")
        if not any(map(_is_foreign, _living_pids(place))):
            fleet.prepare(place, max_series=max_series)
            return place
        log.warning("litellm_obs: another proxy records in %s", place)
    msg = f"{directory}: {_MOST_NEIGHBOURS} other proxies record here; set state_dir"
    raise OSError(msg)


def _living_pids(directory: Path) -> Iterator[int]:
    """The processes that hold a worker file in *directory*."""
    for path in directory.glob("*" + SUFFIX):
        pid = path.name.partition("-")[0]
        try:
            if pid.isdecimal() and is_alive(path):
                yield int(pid)
        except (FormatError, OSError):
            continue


def _is_foreign(pid: int) -> bool:
    """Whether *pid* is neither this process nor a worker beside it; unknown counts as ours."""
    return pid != os.getpid() and _parent_of(pid) not in (None, os.getppid())


def _parent_of(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])
