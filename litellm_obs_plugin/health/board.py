"""The last round of probes, in a file that all workers of a host read. It holds no URL, no key."""

import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from litellm_obs_plugin.health.finding import Probed, SharedProbe

_NAME = "probes.json"
_ROUND = TypeAdapter(tuple[SharedProbe, ...])


class Board:
    """Replaced whole, so that a reader never sees half a round."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _NAME

    def write(self, probes: Sequence[SharedProbe]) -> None:
        """Show *probes* in the place of the round before.

        Raises:
            OSError: the directory cannot be written.
        """
        temporary = self._path.with_suffix(f".{os.getpid()}-{uuid.uuid4().hex[:8]}")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with open(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(_ROUND.dump_json(tuple(probes)))
            temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)

    def read(self) -> Mapping[str, Probed]:
        """The last probe of each deployment, by its id; nothing when there was no round yet."""
        try:
            probes = _ROUND.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return {}
        return {one: shared.probed for shared in probes for one in shared.deployments}
