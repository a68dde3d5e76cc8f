import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.metrics.exemplar import Exemplar
from litellm_obs_plugin.metrics.sketch import DOLLARS, SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot, difference, merge_snapshots

groups = st.sampled_from(["a", "b", "c"])
events = st.lists(st.tuples(groups, st.floats(min_value=0, max_value=1e4)))


def snapshot_of(events, *, at=10.0):
    """What a proxy shows that saw these (group, seconds)."""
    counts, sketches = {}, {}
    for group, seconds in events:
        labels = (group, "chat", "true", "success")
        counts[labels] = counts.get(labels, 0.0) + 1
        sketches.setdefault((group, "true", "success"), []).append(seconds)
    return Snapshot(
        started_at=1.0,
        taken_at=at,
        series={
            "requests_total": counts,
            "request_duration_seconds": {
                labels: Sketch.of(SECONDS, values) for labels, values in sketches.items()
            },
            "workers": {(): 2.0},
        },
    )


def content(snapshot):
    """All that counts: zeros and empty sketches are nothing."""
    return {
        (metric, labels): (value.array[:3].tolist(), value.bins.tolist())
        if isinstance(value, Sketch)
        else value
        for metric, series in snapshot.series.items()
        for labels, value in series.items()
        if metric != "workers" and (value.count if isinstance(value, Sketch) else value)
    }


@given(parts=st.lists(events, min_size=1, max_size=4))
def test_merging_equals_seeing_everything(parts):
    together = snapshot_of([event for part in parts for event in part])
    merged = merge_snapshots(snapshot_of(part) for part in parts)

    assert content(together) == content(merged)
    assert 2.0 * len(parts) == merged.total("workers")


@given(first=events, second=events, third=events)
def test_merging_does_not_depend_on_the_grouping(first, second, third):
    a, b, c = map(snapshot_of, (first, second, third))

    assert content(merge_snapshots([merge_snapshots([a, b]), c])) == content(
        merge_snapshots([a, merge_snapshots([c, b])])
    )


@given(before=events, since=events)
def test_a_difference_is_what_came_between(before, since):
    earlier, later = snapshot_of(before), snapshot_of([*before, *since], at=20.0)

    interval = difference(later, earlier)

    assert content(snapshot_of(since)) == content(interval)
    assert content(later) == content(merge_snapshots([earlier, interval]))
    assert (10.0, 20.0, 2.0) == (interval.started_at, interval.taken_at, interval.total("workers"))


@given(before=events, after=events)
def test_after_a_reset_everything_is_new(before, after):
    """No history shows negative requests, whatever became of the state."""
    interval = difference(snapshot_of(after), snapshot_of(before))

    assert all(value >= 0 for _, value in interval.numbers("requests_total"))
    assert all(s.bins.min() >= 0 for s in interval.series["request_duration_seconds"].values())


def test_a_series_that_changed_its_kind_or_range_is_new():
    labels = ("a", "true", "success")
    later = snapshot_of([("a", 1.0)])
    for old in (3.0, Sketch.of(DOLLARS, [1.0])):
        earlier = Snapshot(
            started_at=0, taken_at=1, series={"request_duration_seconds": {labels: old}}
        )
        assert 1 == difference(later, earlier).sketch("request_duration_seconds").count


def test_selecting_and_summing():
    snapshot = snapshot_of([("a", 1.0), ("b", 2.0), ("b", 4.0)])

    assert (3.0, 2.0, 0.0) == (
        snapshot.total("requests_total"),
        snapshot.total("requests_total", model_group="b"),
        snapshot.total("requests_total", model_group="z"),
    )
    assert ["b", "a"] == list(snapshot.by("requests_total", "model_group"))
    assert 4.0 == snapshot.sketch("request_duration_seconds", model_group="b").max
    assert snapshot.sketch("request_duration_seconds", model_group="z") is None
    assert 5 == len(snapshot)


def test_series_can_be_replaced_and_the_rest_stays():
    snapshot = Snapshot(started_at=1.0, taken_at=2.0, workers=3, damaged_files=4)

    replaced = snapshot.with_series({"workers": {(): 9.0}})

    assert (9.0, 3, 4) == (replaced.total("workers"), replaced.workers, replaced.damaged_files)
    assert 0 == len(snapshot)


def test_a_snapshot_cannot_be_changed():
    snapshot = snapshot_of([("a", 1.0)])

    with pytest.raises(TypeError):
        snapshot.series["requests_total"] = {}
    with pytest.raises(AttributeError):
        snapshot.workers = 3


def test_merging_keeps_the_latest_exemplars_and_counts_damage():
    def pod(at, value):
        exemplar = Exemplar(value=value, trace_id=None, request_id=f"r-{at}", recorded_at=at)
        return Snapshot(
            started_at=at,
            taken_at=at + 1,
            damaged_files=1,
            exemplars={"cost_per_request_usd": {("g",): (exemplar,)}},
        )

    merged = merge_snapshots([pod(2.0, 0.5), pod(1.0, 0.5), pod(3.0, 500.0)])

    assert ["r-2.0", "r-3.0"] == [
        e.request_id for e in merged.exemplars["cost_per_request_usd"][("g",)]
    ]
    assert (3, 1.0, 4.0) == (merged.damaged_files, merged.started_at, merged.taken_at)


def test_nothing_cannot_be_merged():
    with pytest.raises(ValueError, match="at least one snapshot"):
        merge_snapshots([])


def test_sums_of_a_thousand_parts_are_exact():
    parts = [
        Snapshot(started_at=0, taken_at=0, series={"cost_usd_total": {("a", "b", "c", "d"): 0.1}})
        for _ in range(1000)
    ]

    assert math.fsum([0.1] * 1000) == merge_snapshots(parts).total("cost_usd_total")
