"""A connection to PostgreSQL that does not wait forever.

The server's own timeouts, and TCP's, do not help against something in between that keeps
connections open and passes nothing on.
"""

import time
from collections.abc import Generator
from typing import Any

import psycopg

SILENCE_S = 20.0  # longer than the server lets anybody wait for a lock


class PatientConnection(psycopg.Connection[Any]):
    """Gives up, and closes, when *silence_s* seconds pass without a word from the server."""

    silence_s = SILENCE_S

    def wait(self, gen: Any, *how: Any, **more: Any) -> Any:
        """As psycopg's own.

        Raises:
            psycopg.OperationalError: also when the server was silent for too long.
        """
        try:
            return super().wait(_listen(gen, self.silence_s), *how, **more)
        except _SilenceError as error:
            self.close()
            raise psycopg.OperationalError(str(error)) from error


class _SilenceError(Exception):
    """Not psycopg's own, at which it would ask the server to cancel, and wait again."""


def _listen(gen: Any, silence_s: float) -> Generator[Any, Any, Any]:
    """*gen*, which is told nothing whenever an interval has passed without an event."""
    heard_at = time.monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > silence_s:
                msg = f"the database does not answer for {silence_s:g} s"
                raise _SilenceError(msg)
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value
