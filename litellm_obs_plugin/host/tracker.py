"""Joins the attempts of one request and emits it once, finished.

LiteLLM shares one call id among all attempts of a request, but callers may choose it, so a request
is known by (call id, time of receipt). Lives on the proxy's event loop: not thread-safe.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from litellm_obs_plugin.record import (
    Attempt,
    Deployment,
    ErrorType,
    Failure,
    Outcome,
    Request,
    Source,
)

MAX_OPEN = 10_000
MAX_FINISHED = 10_000
TIME_TO_LIVE_S = 2 * 3600.0

Key = tuple[str, float | None]


@dataclass(slots=True)
class OpenRequest:
    """A request that is under way. *running* is the attempt that has not ended.

    *broken* is the same as it would end if a failure that was told late is its own.
    """

    seen_at: float
    attempts: list[Attempt] = field(default_factory=list)
    running: Attempt | None = None
    broken: Attempt | None = None


class Tracker:
    """Holds at most *max_open* requests, *time_to_live_s* each; what it gives up is counted."""

    def __init__(
        self,
        *,
        emit: Callable[[Request], None],
        dropped: Callable[[str], None],
        clock: Callable[[], float],
        max_open: int = MAX_OPEN,
        time_to_live_s: float = TIME_TO_LIVE_S,
    ) -> None:
        self._emit = emit
        self._dropped = dropped
        self._clock = clock
        self._max_open = max_open
        self._time_to_live_s = time_to_live_s
        self._open: OrderedDict[Key, OpenRequest] = OrderedDict()
        self._finished: OrderedDict[Key, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def attempt_started(
        self, key: Key, deployment: Deployment, *, started_at: float | None = None
    ) -> None:
        """A deployment is about to be called, or was at *started_at*.

        A second start of the deployment that is running is LiteLLM translating one API to another,
        not another attempt.
        """
        if key in self._finished:
            return
        request = self._open.get(key) or self._begin(key)
        running = request.running
        if running is not None:
            same = running.deployment.id == deployment.id
            if same and running.outcome is not Outcome.SUCCESS and request.broken is None:
                return
            request.attempts.append(request.broken or _superseded(running, self._clock()))
        request.broken = None
        request.running = Attempt(
            deployment=deployment,
            started_at=self._clock() if started_at is None else started_at,
            duration_s=None,
            outcome=Outcome.ERROR,
        )

    def running(self, key: Key) -> Attempt | None:
        """The attempt whose end has not been told, if any."""
        request = self._open.get(key)
        return request.running if request is not None else None

    def broken(self, key: Key) -> Attempt | None:
        """The running attempt as a failure told it, if one did."""
        request = self._open.get(key)
        return request.broken if request is not None else None

    def attempts(self, key: Key) -> tuple[Attempt, ...]:
        """The attempts of an open request until now, the running one last."""
        request = self._open.get(key)
        if request is None:
            return ()
        running = () if request.running is None else (request.running,)
        return (*request.attempts, *running)

    def open_groups(self) -> Iterator[str]:
        """For every request under way, the model group that was tried first."""
        for request in self._open.values():
            first = request.attempts[0] if request.attempts else request.running
            if first is not None:
                yield first.deployment.model_group

    def first_deployment(self, key: Key) -> Deployment | None:
        """What was tried first for this request."""
        request = self._open.get(key)
        if request is None:
            return None
        first = request.attempts[0] if request.attempts else request.running
        return first.deployment if first is not None else None

    def attempt_answered(self, key: Key, attempt: Attempt) -> None:
        """The running attempt got its answer; its tokens and cost come when the request ends."""
        request = self._open.get(key)
        if request is not None and request.running is not None:
            request.running = attempt

    def attempt_perhaps_broke(self, key: Key, attempt: Attempt) -> None:
        """The running attempt ended as *attempt* says, unless the next event says that it answered.

        A start or the request's failure confirms it, the request's success denies it.
        """
        request = self._open.get(key)
        if request is not None and request.running is not None:
            request.broken = attempt

    def attempt_ended(self, key: Key, attempt: Attempt) -> None:
        """The running attempt ended as *attempt* says; without one running, nothing happens."""
        request = self._open.get(key)
        if request is not None and request.running is not None:
            request.attempts.append(attempt)
            request.running = request.broken = None

    def finish(self, key: Key, request: Request) -> None:
        """Emit *request*, the ended attempts in front of its own. The second time, nothing.

        An attempt that is still running is forgotten: end it before, unless it called no provider.
        """
        if key in self._finished:
            return
        known = self._open.pop(key, None)
        attempts = tuple(known.attempts) if known is not None else ()
        if key[1] is not None:  # without a time of receipt the id alone could be any caller's
            self._remember(key)
        self._emit(replace(request, attempts=attempts + request.attempts) if attempts else request)

    def _begin(self, key: Key) -> OpenRequest:
        now = self._clock()
        while self._open and self._is_due(next(iter(self._open.values())), now):
            self._open.popitem(last=False)
            self._dropped("expired")
        if len(self._open) >= self._max_open:
            self._open.popitem(last=False)
            self._dropped("tracker_full")
        request = self._open[key] = OpenRequest(seen_at=now)
        return request

    def _is_due(self, request: OpenRequest, now: float) -> bool:
        return now - request.seen_at > self._time_to_live_s

    def _remember(self, key: Key) -> None:
        self._finished[key] = None
        if len(self._finished) > MAX_FINISHED:
            self._finished.popitem(last=False)


def _superseded(attempt: Attempt, now: float) -> Attempt:
    """An attempt that another replaced before its end was told: it broke in mid-stream."""
    if attempt.outcome is Outcome.SUCCESS:
        return attempt
    failure = Failure(error_type=ErrorType.CONNECTION, source=Source.PROVIDER)
    return replace(attempt, duration_s=max(now - attempt.started_at, 0.0), failure=failure)
