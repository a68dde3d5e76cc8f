"""The directory of one proxy's state: ours alone, on a disk whose locks can be trusted."""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "lock"
MOUNTS = Path("/proc/self/mounts")
NETWORK_FILESYSTEMS = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre", "gpfs",
    "beegfs", "ocfs2", "gfs2", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs",
    "fuse.gcsfuse", "fuse.rclone", "fuse.juicefs", "fuse.blobfuse",
})  # fmt: skip


class StateDirError(OSError):
    """The state directory cannot be used; the message names the setting and what to do."""


def make_directory(directory: Path, *, mounts: str | None = None) -> None:
    """Make *directory* if need be, readable by its owner alone. *mounts*: as in /proc/self/mounts.

    Raises:
        StateDirError: it is on a network file system, or others own it or may write to it.
        OSError: it cannot be made.
    """
    _check_filesystem(directory, read_mounts() if mounts is None else mounts)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    _check_owner(directory)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """The right to add files to *directory* and to fold them; waits for whoever has it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(directory / LOCK, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child forked meanwhile holds it open, too
        os.close(descriptor)


def read_mounts() -> str:
    """The host's table of mounts; empty where there is none to read."""
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def find_filesystem(path: Path, mounts: str) -> tuple[str, str]:
    """(type, mount point) of the file system that holds *path*; empty strings when not listed."""
    found = ("", "")
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[1])
        covers = path == Path(point) or Path(point) in path.parents
        if covers and len(point) >= len(found[1]):  # a later mount on the same point hides it
            found = (fields[2], point)
    return found


def _check_filesystem(directory: Path, mounts: str) -> None:
    kind, point = find_filesystem(directory.resolve(), mounts)
    if kind in NETWORK_FILESYSTEMS:
        msg = (
            f"state_dir: {directory} is on {kind} (mounted at {point}), where locks and shared "
            "memory cannot be trusted; name a directory on a local disk or tmpfs"
        )
        raise StateDirError(msg)


def _check_owner(directory: Path) -> None:
    link, target, user = directory.lstat(), directory.stat(), os.geteuid()
    if target.st_uid != user:
        msg = (
            f"state_dir: {directory} belongs to user {target.st_uid}, expected {user}; "
            "name a directory of this user, for example one below it"
        )
        raise StateDirError(msg)
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (0, user):
        msg = f"state_dir: {directory} is a link made by user {link.st_uid}; name what it points to"
        raise StateDirError(msg)
    if target.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(target.st_mode)
        msg = f"state_dir: {directory} has mode {mode:o}, others may write; chmod 700 {directory}"
        raise StateDirError(msg)
