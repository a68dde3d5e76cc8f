"""A file of rings that one worker writes and any process reads: the last entries of each kind.

A slot holds one entry with its number, length and checksum; a reader that meets a slot while it is
written sees a wrong checksum and passes over it. Nothing is flushed, nothing waits.

    header  magic · format · rings · slots · slot bytes, 4,096 bytes
    slot    number · length · checksum · entry
"""

import fcntl
import mmap
import os
import struct
import uuid
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from litellm_obs_plugin.metrics.file_reader import is_alive, open_regular
from litellm_obs_plugin.metrics.layout import FormatError

SUFFIX = ".ring"
SLOT_BYTES = 2048

_MAGIC = b"LLMRING\x01"
_HEADER = struct.Struct("=8sqqq")
_HEADER_BYTES = 4096
_SLOT = struct.Struct("=QII")
MAX_ENTRY_BYTES = SLOT_BYTES - _SLOT.size


class RingFile:
    """This worker's rings, numbered from 0, of *slots* entries each."""

    def __init__(self, *, directory: Path, rings: int, slots: int) -> None:
        """Make the file. Call after fork.

        Raises:
            OSError: the directory cannot be written.
        """
        name = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        temporary = directory / f"{name}{SUFFIX}.new"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(temporary, flags, 0o600)
        size = _HEADER_BYTES + rings * slots * SLOT_BYTES
        os.ftruncate(self._descriptor, size)
        os.pwrite(self._descriptor, _HEADER.pack(_MAGIC, rings, slots, SLOT_BYTES), 0)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.path = directory / (name + SUFFIX)
        temporary.rename(self.path)
        self._memory = mmap.mmap(self._descriptor, size)
        self._slots = slots
        self._written = [0] * rings

    def append(self, ring: int, entry: bytes) -> None:
        """Put *entry* in the place of the oldest one in *ring*.

        Raises:
            ValueError: it is longer than :data:`MAX_ENTRY_BYTES`.
        """
        if len(entry) > MAX_ENTRY_BYTES:
            msg = f"entry: expected at most {MAX_ENTRY_BYTES} bytes, got {len(entry)}"
            raise ValueError(msg)
        number = self._written[ring]
        self._written[ring] = number + 1
        at = _HEADER_BYTES + (ring * self._slots + number % self._slots) * SLOT_BYTES
        start = at + _SLOT.size
        self._memory[start : start + len(entry)] = entry
        _SLOT.pack_into(self._memory, at, number + 1, len(entry), zlib.crc32(entry))

    def close(self) -> None:
        """Give up the lock; the entries stay until newer files push this one out."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)


def read_ring(path: Path, ring: int) -> Iterator[bytes]:
    """The entries of one ring that are whole, in no order; none when the file is not ours.

    Raises:
        OSError: the file cannot be read.
    """
    data = _read_slots(path, ring)
    for at in range(0, len(data) - SLOT_BYTES + 1, SLOT_BYTES):
        number, length, checksum = _SLOT.unpack_from(data, at)
        entry = data[at + _SLOT.size : at + _SLOT.size + length]
        if number and length <= MAX_ENTRY_BYTES and zlib.crc32(entry) == checksum:
            yield entry


def _read_slots(path: Path, ring: int) -> bytes:
    """The bytes of one ring; none when the file is not ours or is damaged."""
    with suppress(FormatError), open(open_regular(path), "rb") as file:
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size:
            return b""
        magic, rings, slots, slot_bytes = _HEADER.unpack(head)
        is_ours = magic == _MAGIC and slot_bytes == SLOT_BYTES and 0 <= ring < rings
        expected = _HEADER_BYTES + rings * slots * SLOT_BYTES
        if is_ours and slots >= 0 and expected == os.fstat(file.fileno()).st_size:
            file.seek(_HEADER_BYTES + ring * slots * SLOT_BYTES)
            return file.read(slots * SLOT_BYTES)
    return b""


def remove_old(directory: Path, *, keep: int) -> None:
    """Delete the files of workers that are gone, but for the *keep* newest.

    Raises:
        OSError: the directory cannot be written.
    """
    gone = [path for path in directory.glob("*" + SUFFIX) if not _is_locked(path)]
    gone.sort(key=lambda path: path.lstat().st_mtime, reverse=True)
    for path in gone[keep:]:
        path.unlink(missing_ok=True)


def _is_locked(path: Path) -> bool:
    with suppress(FormatError):  # a link or a pipe is nobody's
        return is_alive(path)
    return False
