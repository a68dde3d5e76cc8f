"""Any window of the past of all proxies that share a database, as if they were one."""

import threading
from collections.abc import Callable, Collection

import sqlalchemy as sa

from litellm_obs_plugin.history import roster
from litellm_obs_plugin.history.archive import Archive, Written, fit, read_written
from litellm_obs_plugin.history.columns import join
from litellm_obs_plugin.history.past import Past, Watch
from litellm_obs_plugin.history.roster import Instance
from litellm_obs_plugin.history.standing import HistoryError, reason_of
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.metrics.snapshot import Snapshot


class FleetArchive:
    """What this proxy, *name*, has counted until now, and the others as far as they have told."""

    def __init__(self, *, own: Archive, shared: Callable[[], Store], name: str, host: str) -> None:
        self._own = own
        self._shared = shared
        self._name = name
        self._host = host
        self._lock = threading.Lock()

    def read(
        self,
        *,
        start: float,
        end: float,
        live: Snapshot,
        step_s: int | None = None,
        metrics: Collection[str] | None = None,
    ) -> Past:
        """The window; an instance that wrote nothing in it is not among its instances.

        Raises:
            HistoryError: one of the databases cannot be read.
        """
        with self._lock:
            own = self._own.read(start=start, end=end, live=live, step_s=step_s, metrics=metrics)
            try:
                fit_s, others = self._read_others(start, end, own.fit_s, metrics)
            except (sa.exc.SQLAlchemyError, ImportError) as error:
                msg = f"the fleet's history cannot be read: {reason_of(error)}"
                raise HistoryError(msg) from error
            if fit_s != own.fit_s:
                own = self._own.read(start=start, end=end, live=live, step_s=fit_s, metrics=metrics)
        here = Watch(name=self._name, host=self._host, ready=live.taken_at, covered_s=own.covered_s)
        return Past(
            start=min([own.start, *(one.first for _, one in others)]),
            end=own.end,
            columns=join([own.columns, *(part for _, one in others for part in one.parts)]),
            intervals=(*own.intervals, *(i for _, one in others for i in one.intervals)),
            fit_s=fit_s,
            instances=(here, *(_watch(instance, one) for instance, one in others)),
        )

    def _read_others(
        self, start: float, end: float, fit_s: int, metrics: Collection[str] | None
    ) -> tuple[int, list[tuple[Instance, Written]]]:
        shared = self._shared()
        with shared.reading() as connection:
            known = [one for one in roster.instances(connection) if one.name != self._name]
            fits = [fit(start, shared.levels(connection, one), fit_s) for one in known]
            longest = max([fit_s, *fits])
            read = [
                (
                    one,
                    read_written(
                        shared,
                        connection,
                        one,
                        start=start,
                        end=end,
                        fit_s=longest,
                        metrics=metrics,
                    ),
                )
                for one in known
            ]
        return longest, [(one, written) for one, written in read if written.intervals]


def _watch(instance: Instance, written: Written) -> Watch:
    return Watch(
        name=instance.name,
        host=instance.host,
        ready=float(max(instance.ready.values())),
        covered_s=sum(one.covered_s for one in written.intervals),
    )
