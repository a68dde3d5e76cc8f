"""Tracebacks without what may be secret in them: places and names, no source lines, no values."""

from collections import deque
from traceback import walk_tb

_KEPT = 8


def read_frames(error: BaseException) -> str:
    """The innermost frames of *error*, the last call last; empty when there are none."""
    kept = deque(walk_tb(error.__traceback__), maxlen=_KEPT)
    return "\n".join(
        f"{_place(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}"
        for frame, line in kept
    )


def _place(path: str) -> str:
    """*path* from the package on."""
    _, found, package = path.rpartition("/site-packages/")
    return package if found else "/".join(path.split("/")[-2:])
