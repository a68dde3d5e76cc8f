"""The base as a reader knows it: read again only when a fold has replaced it."""

from pathlib import Path

from litellm_obs_plugin.metrics import base_file, layout
from litellm_obs_plugin.metrics.base_file import Base
from litellm_obs_plugin.metrics.file_reader import FileReader


class CurrentBase:
    """*base* is the last one that could be read; *problem* is why the file's own cannot be."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / base_file.NAME
        self._reader: FileReader | None = None  # open, so that its inode is not used again
        self._identity: tuple[int, int] | None = None
        self.base = Base()
        self.problem: layout.FormatError | None = None

    def is_current(self) -> bool:
        """Whether the file is still the one that was loaded."""
        return self._identity == self._look()

    def load(self) -> None:
        """Read the file, which may be missing.

        Raises:
            OSError: it cannot be read.
        """
        self.close()
        self._identity, self.problem = self._look(), None
        try:
            self._reader = FileReader(self._path)
            self._identity = self._reader.identity
            self.base = base_file.decode_base(self._reader)
        except FileNotFoundError:
            self._identity, self.base = None, Base()
        except layout.FormatError as error:
            self.problem = error

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader, self._identity = None, None

    def _look(self) -> tuple[int, int] | None:
        try:
            status = self._path.lstat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino
