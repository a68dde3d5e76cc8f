"""Parts of a test that the tracer of a coverage run must not slow or swell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def untraced() -> Iterator[None]:
    """
    Other tests of the suite show that the lines run; here it is their number, time or memory.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
