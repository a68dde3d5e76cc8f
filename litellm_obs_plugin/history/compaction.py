"""Coarse rows of fine ones as they become whole, and what is too old forgotten."""

from collections.abc import Mapping

import sqlalchemy as sa

from litellm_obs_plugin.history.interval import Interval
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, STEP_S, Span, floor_to
from litellm_obs_plugin.history.rollup import coarsen
from litellm_obs_plugin.history.roster import Instance
from litellm_obs_plugin.history.store import Store

FINER = {MINUTE_S: STEP_S, HOUR_S: MINUTE_S}
_COARSER = {finer: coarser for coarser, finer in FINER.items()}
_LONGEST_S = 24 * HOUR_S


def compact(store: Store, connection: sa.Connection, instance: Instance, *, step_s: int) -> None:
    """Sum up whole steps of *step_s*, at most a day of them. *instance* is as just read."""
    finer = FINER[step_s]
    kept = {one.step_s: one.kept for one in store.levels(connection, instance)}
    if finer not in kept:
        return
    start = max(instance.ready[step_s], floor_to(kept[finer], step_s))
    end = floor_to(min(instance.ready[finer], start + _LONGEST_S), step_s)
    if start >= end:
        return
    span = Span(start=start, end=end, step_s=finer)
    store.add(
        connection,
        instance,
        step_s=step_s,
        columns=coarsen(store.read(connection, instance, span), step_s),
        intervals=_join_intervals(store.intervals(connection, instance, span), step_s),
        ready=end,
        now=instance.seen_at,
    )


def expire(
    store: Store,
    connection: sa.Connection,
    instance: Instance,
    *,
    keep_s: Mapping[int, float],
    now: float,
) -> None:
    """Forget what is older than *keep_s* says, but nothing that no coarser row holds yet."""
    for step_s, seconds in keep_s.items():
        before = floor_to(now - seconds, HOUR_S)
        coarser = _COARSER.get(step_s)
        if coarser is not None:
            before = min(before, instance.ready[coarser])
        store.expire(connection, instance, step_s=step_s, before=before)


def _join_intervals(fine: list[Interval], step_s: int) -> list[Interval]:
    """What was watched of each coarser step."""
    joined: dict[int, Interval] = {}
    for one in fine:
        t = floor_to(one.t, step_s)
        known = joined.get(t, Interval(t=t, covered_s=0.0, workers=0))
        joined[t] = Interval(
            t=t,
            covered_s=known.covered_s + one.covered_s,
            workers=max(known.workers, one.workers),
        )
    return list(joined.values())
