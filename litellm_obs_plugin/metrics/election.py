"""One of the processes on this host that share a directory: whoever has the lock."""

import fcntl
import os
from pathlib import Path


class Election:
    """Won by the first to ask; lost only with the process, so a successor follows by itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._process = 0

    def is_won(self) -> bool:
        """Whether this process is the one, now or by asking again.

        Raises:
            OSError: the directory cannot be written.
        """
        if self._descriptor is not None and self._process == os.getpid():
            return True
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor, self._process = descriptor, os.getpid()
        return True

    def close(self) -> None:
        """Let another one have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
