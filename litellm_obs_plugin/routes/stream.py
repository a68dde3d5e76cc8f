"""``GET /api/gateway/metrics/stream``: the same JSON again and again, as server-sent events."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from litellm_obs_plugin.gateway_api.query import (
    MetricsQuery,
    QueryError,
    parse_interval,
    parse_query,
)
from litellm_obs_plugin.routes.broadcast import Broadcast
from litellm_obs_plugin.routes.parameters import DIMENSIONS, PartFilters, only
from litellm_obs_plugin.routes.surfaces import GATEWAY_STREAM_PATH, Surfaces, unprocessable

_HEARTBEAT_S = 15
MOST_LISTENERS = 100
_RETRY_S = 10
_Key = tuple[MetricsQuery, float]
Read = Callable[[MetricsQuery], Awaitable[bytes]]


class Seats:
    """How many listeners one worker takes at a time."""

    def __init__(self, most: int = MOST_LISTENERS) -> None:
        self._most = most
        self.taken = 0

    def take(self) -> None:
        """Take one.

        Raises:
            HTTPException: 503 when there is none.
        """
        if self.taken >= self._most:
            problem = f"{self._most} streams are read from this worker; try again later"
            raise HTTPException(503, problem, headers={"retry-after": str(_RETRY_S)})
        self.taken += 1

    def leave(self) -> None:
        self.taken -= 1


class SeatedResponse(EventSourceResponse):
    """Leaves its seat when the client is gone, however that came."""

    def __init__(self, events: AsyncIterator[ServerSentEvent], *, seats: Seats) -> None:
        super().__init__(events, ping=_HEARTBEAT_S)
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._seats.leave()


class Streams:
    """The broadcasts that somebody listens to, one for each query and interval."""

    def __init__(self, read: Read, *, clock: Callable[[], float]) -> None:
        self._read = read
        self._clock = clock
        self._running: dict[_Key, Broadcast] = {}

    async def events(
        self, query: MetricsQuery, *, interval_s: float, after: int
    ) -> AsyncIterator[ServerSentEvent]:
        """One event per frame newer than *after*."""
        key = (query, interval_s)
        if key not in self._running:
            self._running[key] = self._broadcast(query, interval_s)
        shared = self._running[key]
        frames = shared.listen(after=after)
        try:
            async for frame in frames:
                yield ServerSentEvent(frame.body, id=str(frame.number))
        finally:
            await frames.aclose()  # type: ignore[attr-defined]
            if not shared.listeners and self._running.get(key) is shared:
                del self._running[key]

    def __len__(self) -> int:
        return len(self._running)

    def _broadcast(self, query: MetricsQuery, interval_s: float) -> Broadcast:
        async def make() -> str | None:
            try:
                return (await self._read(query)).decode()
            except HTTPException:  # counted where it arose; the next frame may do
                return None

        return Broadcast(make, interval_s=interval_s, clock=self._clock)


def add_stream(router: APIRouter, surfaces: Surfaces, read: Read) -> None:
    """Add the route; *read* computes one answer."""
    streams = Streams(read, clock=surfaces.clock)
    seats = Seats()

    @router.get(
        GATEWAY_STREAM_PATH,
        response_class=EventSourceResponse,
        dependencies=[Depends(only("window", "step", "interval", *DIMENSIONS))],
    )
    async def stream(
        parts: Annotated[PartFilters, Depends()],
        window: Annotated[str | None, Query(description="For example 15m or 1h.")] = None,
        step: Annotated[str | None, Query(description="Adds `history` in such steps.")] = None,
        interval: Annotated[str | None, Query(description="Between events, from 1s to 5m.")] = None,
        last_event_id: Annotated[str | None, Header(description="Only newer events.")] = None,
    ) -> EventSourceResponse:
        """`GatewayMetrics` as server-sent events, each complete; slow readers skip some."""
        try:
            query = parse_query(window=window, step=step, filters=parts.parse())
            interval_s = parse_interval(interval)
        except QueryError as error:
            raise unprocessable(error) from error
        seats.take()
        after = _number(last_event_id)
        events = streams.events(query, interval_s=interval_s, after=after)
        return SeatedResponse(events, seats=seats)


def _number(last_event_id: str | None) -> int:
    """The frame that a reader has seen; 0 when it has seen none, or none of ours."""
    text = last_event_id or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0
