"""What each host event means: attempts start and end, requests succeed and fail."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from litellm_obs_plugin.host import compat, failures, payload
from litellm_obs_plugin.host.details import Describer
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.host.price import read_cost
from litellm_obs_plugin.host.stand_in import with_payload
from litellm_obs_plugin.host.trace import trace_id_of
from litellm_obs_plugin.host.tracker import Key, Tracker
from litellm_obs_plugin.record import (
    Attempt,
    Deployment,
    Failure,
    Operation,
    Outcome,
    Request,
    Source,
)

_WINDOW_SLACK_S = 0.05
_CLIENT_DISCONNECTED = "499"


class Observer:
    """Turns host events into tracker calls. Bad input raises: the callback counts that."""

    def __init__(
        self,
        *,
        tracker: Tracker,
        directory: Directory,
        clock: Callable[[], float],
        describer: Describer | None = None,
    ) -> None:
        self._tracker = tracker
        self._directory = directory
        self._clock = self.now = clock
        self._describer = describer  # when requests are traced
        # What is about to be called. Ask at once: a retry changes what the kwargs refer to.
        self.deployment_of = directory.of_attempt

    def attempt_started(
        self, kwargs: Mapping[str, Any], deployment: Deployment, started_at: float
    ) -> None:
        held = payload.held_by(kwargs)
        key = _key_of(kwargs, payload.metadata_of(kwargs, held))
        if key is not None and not payload.is_health_check(kwargs, held):
            self._tracker.attempt_started(key, deployment, started_at=started_at)
            if self._describer is not None:
                self._describer.attempt_started(kwargs)

    def attempt_answered(self, kwargs: Mapping[str, Any], answered_at: float) -> None:
        metadata = payload.metadata_of(kwargs)
        key = _key_of(kwargs, metadata)
        running = self._tracker.running(key) if key is not None else None
        if key is not None and running is not None:
            started_at, duration_s = self._time_of(
                running, metadata, ended_at=answered_at, stream=False
            )
            answered = replace(
                running, started_at=started_at, duration_s=duration_s, outcome=Outcome.SUCCESS
            )
            self._tracker.attempt_answered(key, answered)

    def attempt_failed(self, kwargs: Mapping[str, Any], error: BaseException) -> None:
        metadata = payload.metadata_of(kwargs)
        key = _key_of(kwargs, metadata)
        running = self._tracker.running(key) if key is not None else None
        if key is not None and running is not None:
            timed = self._timed(running, metadata, ended_at=self._clock(), stream=False)
            failed = replace(
                timed,
                outcome=Outcome.ERROR,
                failure=failures.provider_failure(error),
                provider_request_id=failures.request_id_of(error),
            )
            self._tracker.attempt_ended(key, failed)

    def attempt_logged_as_failed(self, kwargs: Mapping[str, Any]) -> None:
        """A failure event: of a broken stream, as the deployment hook tells of every other.

        It also comes when all of a group rests, and then perhaps after the fallback has begun: that
        attempt has had no answer from a provider yet, so there is no window of its own. Of a stream
        that broke before its first word it may come when the fallback answers already, and in the
        fallback's name: what comes next tells whose it was.
        """
        metadata = payload.metadata_of(kwargs)
        key = _key_of(kwargs, metadata)
        running = self._tracker.running(key) if key is not None else None
        if key is None or running is None or running.outcome is Outcome.SUCCESS:
            return
        logged = payload.payload_of(kwargs)
        told = payload.text(logged.get("model_id"))
        if self._window_of(running, metadata) is None or told not in (None, running.deployment.id):
            return
        failure = failures.logged_failure(payload.mapping(logged.get("error_information")))
        broken = self._consumed(
            running,
            kwargs,
            logged,
            metadata,
            operation=None,
            outcome=Outcome.ERROR,
            failure=failure,
        )
        self._tracker.attempt_perhaps_broke(key, broken)

    def request_succeeded(self, kwargs: Mapping[str, Any], response: Any = None) -> None:
        """The one event of a request that got its answer, or whose caller hung up in mid-stream."""
        held = payload.held_by(kwargs)
        metadata = payload.metadata_of(kwargs, held)
        key = _key_of(kwargs, metadata)
        if key is None or payload.is_health_check(kwargs, held):
            return
        logged = payload.payload_of(kwargs)
        if not logged:
            kwargs = with_payload(kwargs, response)
            logged = payload.payload_of(kwargs)
        operation = payload.operation_of_call(logged.get("call_type") or kwargs.get("call_type"))
        outcome = _outcome_of(logged)
        first = self._tracker.first_deployment(key)
        own: tuple[Attempt, ...] = ()
        if outcome is not Outcome.CACHE_HIT:
            own = self._close(key, kwargs, logged, metadata, operation=operation, outcome=outcome)
        asked = payload.text(metadata.get("original_model_group"))
        request = self._request(
            key,
            kwargs,
            logged,
            metadata,
            operation=operation,
            stream=bool(kwargs.get("stream")),
            model_group=self._directory.asked_group(
                asked or payload.text(logged.get("model_group")), first
            ),
            outcome=outcome,
            failure=failures.client_disconnect() if outcome is Outcome.CLIENT_DISCONNECT else None,
            ended_at=payload.seconds(logged.get("endTime")),
            attempts=own,
            cache_saved_usd=payload.seconds(logged.get("saved_cache_cost")),
            held=held,
        )
        self._tracker.finish(key, request)

    def request_failed(
        self, kwargs: Mapping[str, Any], error: BaseException, route: str | None
    ) -> None:
        """The caller gets an error. Routes on which no work is asked for do not count."""
        operation = payload.operation_of_route(route)
        metadata = payload.metadata_of(kwargs)
        key = _key_of(kwargs, metadata)
        if operation is None or key is None:
            return
        first = self._tracker.first_deployment(key)
        running = self._tracker.running(key)
        if running is not None:
            self._end_with(key, running, metadata, error)
        failure = failures.provider_failure(error) if first else failures.gateway_failure(error)
        rejected = first is None and failure.source is Source.CLIENT
        request = self._request(
            key,
            kwargs,
            payload.payload_of(kwargs),
            metadata,
            operation=operation,
            stream=kwargs.get("stream") is True,
            model_group=self._directory.asked_group(payload.text(kwargs.get("model")), first),
            outcome=Outcome.REJECTED if rejected else Outcome.ERROR,
            failure=failure,
            ended_at=self._clock(),
        )
        self._tracker.finish(key, request)

    def _end_with(
        self, key: Key, running: Attempt, metadata: Mapping[str, Any], error: BaseException
    ) -> None:
        """End an attempt that no deployment hook ended: it answered, or it broke."""
        broken = self._tracker.broken(key)
        if broken is not None:
            self._tracker.attempt_ended(key, broken)
            return
        if running.outcome is Outcome.SUCCESS:
            self._tracker.attempt_ended(key, running)
            return
        failure = failures.provider_failure(error)
        timed = self._timed(running, metadata, ended_at=self._clock(), stream=True)
        self._tracker.attempt_ended(key, replace(timed, outcome=Outcome.ERROR, failure=failure))

    def _close(
        self,
        key: Key,
        kwargs: Mapping[str, Any],
        logged: Mapping[str, Any],
        metadata: Mapping[str, Any],
        *,
        operation: Operation,
        outcome: Outcome,
    ) -> tuple[Attempt, ...]:
        """The answering attempt, with its tokens and cost."""
        broken = self._tracker.broken(key)
        if broken is not None and self._directory.of_payload(kwargs).id != broken.deployment.id:
            self._tracker.attempt_ended(key, broken)
        attempt = self._tracker.running(key) or Attempt(
            deployment=self._directory.of_payload(kwargs),
            started_at=payload.seconds(logged.get("startTime")) or self._clock(),
            duration_s=None,
            outcome=outcome,
        )
        failure = failures.client_disconnect() if outcome is Outcome.CLIENT_DISCONNECT else None
        done = self._consumed(
            attempt,
            kwargs,
            logged,
            metadata,
            operation=operation,
            outcome=outcome,
            failure=failure,
        )
        return (done,)

    def _consumed(
        self,
        attempt: Attempt,
        kwargs: Mapping[str, Any],
        logged: Mapping[str, Any],
        metadata: Mapping[str, Any],
        *,
        operation: Operation | None,
        outcome: Outcome,
        failure: Failure | None,
    ) -> Attempt:
        """*attempt* at its end; what a broken or abandoned one cost is LiteLLM's estimate."""
        stream = bool(kwargs.get("stream"))
        ended_at = payload.seconds(logged.get("endTime")) or self._clock()
        started_at, duration_s = self._time_of(attempt, metadata, ended_at=ended_at, stream=stream)
        ttft = None
        if stream and operation is not None:
            window = self._window_of(attempt, metadata)
            begun_at = window[0] if window else attempt.started_at
            ttft = payload.read_ttft(logged, operation=operation, started_at=begun_at)
        estimated = outcome is not Outcome.SUCCESS
        return Attempt(
            deployment=attempt.deployment,
            started_at=started_at,
            duration_s=duration_s,
            outcome=outcome,
            failure=failure,
            ttft=ttft,
            tokens=payload.read_tokens(logged),
            cost=read_cost(logged, estimated=estimated, price_of=compat.model_price),
            headroom=payload.read_headroom(logged),
            provider_request_id=payload.provider_request_id(logged),
        )

    def _timed(
        self, attempt: Attempt, metadata: Mapping[str, Any], *, ended_at: float, stream: bool
    ) -> Attempt:
        """*attempt* with its provider time."""
        if attempt.duration_s is not None:
            return attempt
        start, duration_s = self._time_of(attempt, metadata, ended_at=ended_at, stream=stream)
        return replace(attempt, started_at=start, duration_s=duration_s)

    def _time_of(
        self, attempt: Attempt, metadata: Mapping[str, Any], *, ended_at: float, stream: bool
    ) -> tuple[float, float]:
        """Start and provider time: the host's own window, of a stream to its last byte."""
        if attempt.duration_s is not None:
            return attempt.started_at, attempt.duration_s
        window = self._window_of(attempt, metadata)
        start, end = window or (attempt.started_at, ended_at)
        return start, max((ended_at if stream else end) - start, 0.0)

    def _window_of(self, attempt: Attempt, metadata: Mapping[str, Any]) -> payload.Window | None:
        """The last provider call's window, if it belongs to *attempt* and not to one before it."""
        window = payload.window_in(metadata)
        if window is None or window[0] < attempt.started_at - _WINDOW_SLACK_S:
            return None
        return window

    def _request(
        self,
        key: Key,
        kwargs: Mapping[str, Any],
        logged: Mapping[str, Any],
        metadata: Mapping[str, Any],
        *,
        operation: Operation,
        stream: bool,
        model_group: str,
        outcome: Outcome,
        failure: Failure | None,
        ended_at: float | None,
        attempts: tuple[Attempt, ...] = (),
        cache_saved_usd: float | None = None,
        held: payload.Held | None = None,
    ) -> Request:
        call_id, received_at = key
        started_at = received_at if received_at is not None else _start_of(logged, outcome)
        known = started_at is not None and ended_at is not None
        details = self._describer.describe(kwargs) if self._describer is not None else None
        joined = details is not None and details.joined
        return Request(
            call_id=call_id,
            received_at=started_at if started_at is not None else self._clock(),
            duration_s=max(ended_at - started_at, 0.0) if known else None,  # type: ignore[operator]
            operation=operation,
            stream=stream,
            model_group=model_group,
            outcome=outcome,
            failure=failure,
            trace_id=trace_id_of(kwargs, call_id=call_id, joined=joined, held=held),
            queue_s=payload.seconds(metadata.get("queue_time_seconds")),
            caller=payload.read_caller(logged),
            attempts=attempts,
            cache_saved_usd=cache_saved_usd,
            details=details,
        )


def _key_of(kwargs: Mapping[str, Any], metadata: Mapping[str, Any]) -> Key | None:
    call_id = payload.call_id_of(kwargs)
    return (call_id, payload.received_in(metadata)) if call_id is not None else None


def _start_of(logged: Mapping[str, Any], outcome: Outcome) -> float | None:
    """Pass-through requests carry no time of receipt; LiteLLM's own start is next to it."""
    return payload.seconds(logged.get("startTime")) if outcome is Outcome.SUCCESS else None


def _outcome_of(logged: Mapping[str, Any]) -> Outcome:
    code = payload.mapping(logged.get("error_information")).get("error_code")
    if code == _CLIENT_DISCONNECTED:
        return Outcome.CLIENT_DISCONNECT
    return Outcome.CACHE_HIT if logged.get("cache_hit") is True else Outcome.SUCCESS
