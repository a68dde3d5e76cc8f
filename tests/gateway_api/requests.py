"""Finished requests of every kind, and the snapshot that counts them exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hypothesis import strategies as st

from litellm_obs_plugin.metrics.catalog import CATALOG
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import (
    Attempt,
    Cost,
    CostStatus,
    Deployment,
    ErrorType,
    Failure,
    Operation,
    Outcome,
    Request,
    Source,
    TimeToFirstToken,
    Tokens,
)

NOW = 1_750_000_000.0
_FAILED = (Outcome.ERROR, Outcome.REJECTED)

seconds = st.one_of(st.just(0.0), st.floats(min_value=1e-3, max_value=1000))
counts = st.integers(0, 100_000)
failures = st.builds(Failure, error_type=st.sampled_from(ErrorType), source=st.sampled_from(Source))
costs = st.floats(min_value=1e-6, max_value=10).map(
    lambda usd: Cost(
        status=CostStatus.PRICED,
        total_usd=usd,
        components_usd={"input": usd / 4, "output": 3 * usd / 4},
    )
)
unpriced = st.just(Cost(status=CostStatus.UNPRICED, total_usd=None, unpriced_reason="no_price"))
deployments = st.builds(
    Deployment,
    id=st.just("d"),
    model_group=st.sampled_from(["chat", "backup"]),
    model=st.sampled_from(["gpt-4o", "gpt-4o-mini", "large"]),
    provider=st.sampled_from(["openai", "mistral"]),
)
answered = st.builds(
    Attempt,
    deployment=deployments,
    started_at=st.just(NOW),
    duration_s=seconds,
    outcome=st.just(Outcome.SUCCESS),
    ttft=st.one_of(st.none(), st.builds(TimeToFirstToken, value_s=seconds)),
    tokens=st.builds(Tokens, input=counts, cached_input=counts, output=counts, reasoning=counts),
    cost=st.one_of(costs, unpriced),
)
broken = st.builds(
    Attempt,
    deployment=deployments,
    started_at=st.just(NOW),
    duration_s=seconds,
    outcome=st.just(Outcome.ERROR),
    failure=failures,
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    outcome = draw(st.sampled_from(Outcome))
    attempts = () if outcome is Outcome.REJECTED else tuple(draw(st.lists(broken, max_size=2)))
    if outcome is Outcome.SUCCESS:
        attempts += (draw(answered),)
    return Request(
        call_id="c",
        received_at=NOW,
        duration_s=draw(seconds),
        operation=draw(st.sampled_from(Operation)),
        stream=draw(st.booleans()),
        model_group=draw(st.sampled_from(["chat", "backup", "other"])),
        outcome=outcome,
        failure=draw(failures) if outcome in _FAILED else None,
        attempts=attempts,
        cache_saved_usd=draw(seconds) if outcome is Outcome.CACHE_HIT else None,
    )


def snapshot_of(found: Iterable[Request], *, covered_s: float = 3600.0) -> Snapshot:
    """What the catalogue reads off the requests, summed without any state files."""
    every = list(found)
    series = {}
    for metric in CATALOG:
        samples: dict[tuple[str, ...], list[float]] = {}
        for request in every if metric.read else ():
            for labels, value in metric.read(request):
                samples.setdefault(tuple(map(str, labels)), []).append(value)
        if samples:
            series[metric.name] = {
                labels: math.fsum(v) if metric.domain is None else Sketch.of(metric.domain, v)
                for labels, v in samples.items()
            }
    return Snapshot(started_at=NOW - covered_s, taken_at=NOW, series=series)
