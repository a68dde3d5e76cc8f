"""What the routes show, to whom, and how a view of it is asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fastapi import HTTPException

from litellm_obs_plugin.gateway_api.query import QueryError
from litellm_obs_plugin.gateway_api.reconciliation import Reconciliation
from litellm_obs_plugin.health.monitor import Monitor
from litellm_obs_plugin.host.answers import Answers
from litellm_obs_plugin.ledger.book import LedgerReader, Page
from litellm_obs_plugin.ledger.entry import Entry
from litellm_obs_plugin.ledger.selection import Found, Selection
from litellm_obs_plugin.metrics.shared_reader import SharedReader
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.routes.fleet_reading import FleetReading
from litellm_obs_plugin.slo.budget import Budget
from litellm_obs_plugin.slo.promises import Promises

if TYPE_CHECKING:
    from litellm_obs_plugin.history.past import PastReader

METRICS_PATH = "/metrics"
GATEWAY_METRICS_PATH = "/api/gateway/metrics"
GATEWAY_STREAM_PATH = "/api/gateway/metrics/stream"
REQUESTS_PATH = "/api/gateway/requests"
FAILOVERS_PATH = "/api/gateway/failovers"
CIRCUITS_PATH = "/api/gateway/circuits"
SLO_PATH = "/api/gateway/slo"
RECONCILIATION_PATH = "/api/gateway/reconciliation"
LLM_PATH = "/api/llm"
HEALTH_PATH = "/health/gateway"
HOST_HEALTH_PATH = "/health"

T = TypeVar("T")


class Reconciler(Protocol):
    """Compares our cost with other books'."""

    async def report(self, window_s: float) -> Reconciliation: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surfaces:
    """*host_families* are those of the host's own Prometheus registry, when it keeps one."""

    reader: SharedReader
    ledger: LedgerReader
    archive: "Callable[[], PastReader | None]"
    fleet_archive: "Callable[[], PastReader | None]"
    answers: Answers
    health: Monitor
    replace_health: bool
    roles: Collection[str]
    schema: int
    labels: Collection[str]
    budgets: Sequence[Budget]
    promises: Promises
    reconciler: Reconciler
    host_families: Callable[[], Iterable[Any]]
    count_error: Callable[[str], None]
    scraped: Callable[[float], None]
    clock: Callable[[], float]
    fleet: FleetReading = field(default_factory=FleetReading)

    async def view(self, key: Hashable, build: Callable[[Snapshot], bytes]) -> bytes:
        """What *build* makes of a fresh snapshot; equal *key*s at the same time share it.

        Raises:
            HTTPException: 503 when the state cannot be read.
        """
        return await self._view(key, build)

    async def _view(self, key: Hashable, build: Callable[[Snapshot], T]) -> T:
        try:
            return await self.reader.view(key, build)
        except OSError as error:
            self.count_error("read_state")
            raise HTTPException(503, f"the metrics state cannot be read: {error}") from error

    async def snapshot(self) -> Snapshot:
        """How the counts stand.

        Raises:
            HTTPException: 503 when the state cannot be read.
        """
        return await self._view("snapshot", lambda snapshot: snapshot)

    async def newest(self, page: Page, *, limit: int) -> list[Entry]:
        """The newest ledger entries of a page.

        Raises:
            HTTPException: 503 when the ledger cannot be read.
        """
        return await self._read_ledger(partial(self.ledger.newest, page, limit=limit))

    async def select(self, page: Page, selection: Selection) -> Found:
        """The ledger entries of a page that are asked for.

        Raises:
            HTTPException: 503 when the ledger cannot be read.
        """
        return await self._read_ledger(partial(self.ledger.select, page, selection))

    async def select_fleet(self, page: Page, selection: Selection) -> Found:
        """The same of all proxies that share a database.

        Raises:
            HTTPException: 503 when it cannot be read, 422 when there is none.
        """
        found = await self._read_ledger(
            partial(self.ledger.select_fleet, page, selection), run=self.fleet.run
        )
        if found is None:
            raise unprocessable(no_fleet())
        return found

    async def _read_ledger(
        self,
        read: Callable[[], T],
        *,
        run: Callable[[Callable[[], T]], Awaitable[T]] = asyncio.to_thread,
    ) -> T:
        self.reader.settle()
        try:
            return await run(read)
        except OSError as error:
            self.count_error("read_ledger")
            raise HTTPException(503, f"the ledger cannot be read: {error}") from error


def no_fleet() -> QueryError:
    """What a scope is told that this proxy does not have."""
    return QueryError("scope", expected="instance; fleet needs history.url", got="fleet")


def unprocessable(error: QueryError) -> HTTPException:
    """The answer 422 that names the field, what was expected and what came."""
    problem = {
        "type": "value_error",
        "loc": ["query", error.field],
        "msg": f"expected {error.expected}",
        "input": error.got,
    }
    return HTTPException(422, [problem])
