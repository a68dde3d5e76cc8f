import logging
import os
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litellm_obs_plugin.metrics import base_file, fleet, fold, layout
from litellm_obs_plugin.metrics.base_file import Base
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.mapping import COUNTS, SECONDS
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.state_dir import StateDirError


class Crash(BaseException):
    """The process ends here."""


def record_some(state, make_request, *, workers):
    """Costs whose sum depends on the order of adding, if one adds carelessly."""
    for at in range(workers):
        recorder = state.worker()
        for i in range(5):
            recorder.record(make_request(group=f"g{at % 2}", cost_usd=0.1 / (i + at + 1)))
    state.kill_all()


def prepare_and_crash(state, *, at, want, totals):
    """Start a worker that crashes at step *at*, if it comes that far; read at every step."""
    steps = []

    def step(name):
        assert want == totals(state.read()), name
        if len(steps) == at:
            raise Crash
        steps.append(name)

    with suppress(Crash):
        fleet.prepare(state.directory, step=step)
    assert want == totals(state.read())
    return steps


def test_the_steps_of_a_fold(new_state, make_request, totals):
    """Those that the next test crashes at; a new step belongs here."""
    with new_state() as state:
        record_some(state, make_request, workers=2)
        steps = prepare_and_crash(state, at=-1, want=totals(state.read()), totals=totals)

    assert [
        "base written",
        "base on disk",
        "base replaced",
        "directory on disk",
        "folded file removed",
        "folded file removed",
    ] == steps


@pytest.mark.parametrize("first", range(7))
@pytest.mark.parametrize("second", range(8))
def test_a_crash_at_any_point_changes_no_total(new_state, make_request, totals, first, second):
    """One start crashes at any step, then the next does, then one gets through."""
    with new_state() as state:
        record_some(state, make_request, workers=2)
        want = totals(state.read())
        prepare_and_crash(state, at=first, want=want, totals=totals)
        prepare_and_crash(state, at=second, want=want, totals=totals)
        prepare_and_crash(state, at=-1, want=want, totals=totals)

        assert ["base"] == state.names()
        record_some(state, make_request, workers=1)
        want = totals(state.read())
        prepare_and_crash(state, at=second, want=want, totals=totals)
        prepare_and_crash(state, at=-1, want=want, totals=totals)
        assert ["base"] == state.names()


def leave_every_trouble(state, make_request):
    """What no start finds at once: a half-made file, two of the dead, damage in three places."""
    record_some(state, make_request, workers=2)
    base = bytearray(_base_of(state, make_request))
    base[-1] ^= 0x10
    record_some(state, make_request, workers=2)
    (state.directory / "0-damaged.worker").write_bytes(b"x" * 5000)
    (state.directory / "9-damaged.worker").write_bytes(b"")
    (state.directory / "1-half.new").write_bytes(bytes(100))
    (state.directory / base_file.NAME).write_bytes(base)


def _base_of(state, make_request):
    fleet.prepare(state.directory)
    path = state.directory / base_file.NAME
    data = path.read_bytes()
    path.unlink()
    return data


TROUBLED_STEPS = [
    "stale file removed",
    "damaged base set aside",
    "damaged file set aside",
    "damaged file set aside",
    "base written",
    "base on disk",
    "base replaced",
    "directory on disk",
    "folded file removed",
    "folded file removed",
]


def test_the_steps_of_a_start_among_troubles(new_state, make_request, totals):
    with new_state() as state:
        leave_every_trouble(state, make_request)
        steps = prepare_and_crash(state, at=-1, want=totals(state.read()), totals=totals)

    assert TROUBLED_STEPS == steps


@pytest.mark.parametrize("at", range(len(TROUBLED_STEPS)))
def test_a_crash_among_troubles_changes_no_total(new_state, make_request, totals, at):
    """What can be read counts at every step, and each damaged file is set aside once."""
    with new_state() as state:
        leave_every_trouble(state, make_request)
        want = totals(state.read())
        assert at == len(prepare_and_crash(state, at=at, want=want, totals=totals))
        prepare_and_crash(state, at=-1, want=want, totals=totals)

        assert 10.0 == state.read().total("requests_total")
        assert 3 == state.read().damaged_files == len(list(state.directory.glob("*.damaged")))
        assert ["base"] == [name for name in state.names() if not name.endswith(".damaged")]


def test_a_live_worker_counts_on_through_every_step(state, make_request):
    """No reader sees a total fall, whatever it is that the fold is doing."""
    record_some(state, make_request, workers=2)
    living, seen = state.worker(), [state.read().total("cost_usd_total")]

    def record_and_read(_):
        living.record(make_request(cost_usd=1e-17))
        seen.append(state.read().total("cost_usd_total"))

    fleet.prepare(state.directory, step=record_and_read)

    assert sorted(seen) == seen
    assert 1 == state.read().workers
    assert 10.0 + len(seen) - 1 == state.read().total("requests_total")


@settings(max_examples=25)
@given(
    costs=st.lists(
        st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_no_restart_lets_a_sum_fall(new_state, make_request, costs):
    """Prometheus would take a fall by the last digit for a reset, and count everything again."""
    with new_state() as state:
        seen = []
        for worker in costs:
            recorder = state.worker()
            for cost in worker:
                recorder.record(make_request(cost_usd=cost))
                snapshot = state.read()
                seen.append(
                    (snapshot.total("cost_usd_total"), snapshot.sketch("cost_per_request_usd").sum)
                )
            state.kill_all()
            fleet.prepare(state.directory)
            snapshot = state.read()
            seen.append(
                (snapshot.total("cost_usd_total"), snapshot.sketch("cost_per_request_usd").sum)
            )

    for sums in zip(*seen, strict=True):
        assert sorted(sums) == list(sums)


def test_totals_persist_and_gauges_do_not(state, make_request):
    recorder = state.worker()
    recorder.record(make_request())
    recorder.set("workers", value=1.0)
    assert 1.0 == state.read().total("workers")
    state.kill_all()

    assert 0.0 == state.read().total("workers")
    fleet.prepare(state.directory)
    assert (1.0, 0.0) == (state.read().total("requests_total"), state.read().total("workers"))
    assert 0 == state.read().workers


def test_what_was_being_made_when_its_maker_died_is_removed(state):
    """The worker between the creation and the renaming of its file; the base likewise."""
    (state.directory / "1-abc.new").write_bytes(bytes(100))
    (state.directory / "base.new").write_bytes(bytes(100))

    fleet.prepare(state.directory)

    assert [] == state.names()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda p: p.write_bytes(b"x" * 5000), id="junk"),
        pytest.param(lambda p: p.write_bytes(b""), id="empty"),
        pytest.param(lambda p: os.truncate(p, 4096 + 64), id="truncated"),
        pytest.param(
            lambda p: p.write_bytes(layout._HEADER.pack(layout.MAGIC, 0, 4096, 1.0, 0) * 200),
            id="older format",
        ),
        pytest.param(lambda p: (p.unlink(), p.symlink_to("/etc/passwd")), id="link"),
        pytest.param(lambda p: (p.unlink(), os.mkfifo(p)), id="pipe"),
    ],
)
def test_a_damaged_file_is_set_aside_and_counted(state, make_request, damage, caplog):
    """One log line, one count; the other files count on, and the worker starts."""
    record_some(state, make_request, workers=2)
    damage(next(state.directory.glob("*.worker")))
    with caplog.at_level(logging.WARNING):
        assert (5.0, 1) == (state.read().total("requests_total"), state.read().damaged_files)
        reading = len(caplog.records)
        fleet.prepare(state.directory)
        fleet.prepare(state.directory)

    assert (5.0, 1) == (state.read().total("requests_total"), state.read().damaged_files)
    assert (1, 2) == (reading, len(caplog.records))
    assert "is set aside" in caplog.records[-1].message
    assert 1 == len(list(state.directory.glob("*.damaged")))


@pytest.mark.parametrize("at", [0, layout.USED_CELL * 8, layout.HEADER_BYTES + 200, -1])
def test_a_damaged_base_is_set_aside_and_counted(state, make_request, at):
    """Any byte of it: a base has a checksum, because nothing else holds its counts."""
    record_some(state, make_request, workers=1)
    fleet.prepare(state.directory)
    assert 5.0 == state.read().total("requests_total")
    path = state.directory / base_file.NAME
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)
    state.worker().record(make_request())

    fresh = fleet.Fleet(state.directory, clock=lambda: 0.0)
    assert (1.0, 1) == (fresh.read().total("requests_total"), fresh.read().damaged_files)
    assert 6.0 == state.read().total("requests_total")  # who knew it still does
    fleet.prepare(state.directory)
    assert (1.0, 1) == (fresh.read().total("requests_total"), fresh.read().damaged_files)
    fresh.close()


def test_a_count_that_cannot_be_is_damage(state, make_request):
    record_some(state, make_request, workers=1)
    path = next(state.directory.glob("*.worker"))
    data = path.read_bytes()
    one = data.index(struct.pack("=dd", 5.0, 0.0))
    path.write_bytes(data[:one] + struct.pack("=d", float("nan")) + data[one + 8 :])

    fleet.prepare(state.directory)

    assert (0.0, 1) == (state.read().total("requests_total"), state.read().damaged_files)


def test_a_full_disk_keeps_the_files_for_the_next_start(state, make_request, totals, caplog):
    record_some(state, make_request, workers=2)
    want = totals(state.read())

    def disk_full(step):
        if step == "base written":
            raise OSError(28, "No space left on device")

    fleet.prepare(state.directory, step=disk_full)
    assert want == totals(state.read())
    assert "stay for now: [Errno 28]" in caplog.text
    fleet.prepare(state.directory)
    assert want == totals(state.read())
    assert ["base"] == state.names()


def test_the_base_does_not_grow_with_hostile_names(state, make_request, totals):
    """New names at every restart: the largest stay, the rest become `other`, no count is lost."""
    for restart in range(5):
        recorder = state.worker(max_series=20)
        for _ in range(3):
            recorder.record(make_request(group="good"))
        for i in range(30):
            recorder.record(make_request(group=f"evil-{restart}-{i}"))
        before = state.read()
        state.kill_all()
        fleet.prepare(state.directory, max_series=20)
        after = state.read()

        kept = totals(after)
        for name, total in totals(before).items():  # `other` is summed in another order
            assert total == pytest.approx(kept[name], rel=1e-12)
        assert max(len(series) for series in after.series.values()) <= 20 * 3 + 3
        named = {k for k in after.series["requests_total"] if k[0] != "other"}
        assert len(named) <= 20
        assert 3.0 * (restart + 1) == after.total("requests_total", model_group="good")


def test_a_sketch_whose_range_changed_between_versions_is_kept_apart(state, make_request):
    """Bins of other ranges do not add; what another version counted must not stop this one."""
    name = SeriesName("request_duration_seconds", ("g", "true", "success"))
    older = Base(
        started_at=1.0,
        series=((name, Sketch.of(COUNTS, [5.0])), (SeriesName("gone_total", ("x",)), (3.0, 0.0))),
    )
    base_file.write_base(state.directory, older, step=fold._no_step)
    for _ in range(2):
        state.worker().record(make_request(group="g"))
        state.kill_all()
        fleet.prepare(state.directory)

    snapshot = state.read()
    kept = [(n.metric, v) for n, v in base_file.read_base(state.directory).series]
    assert (2, SECONDS) == (
        snapshot.sketch("request_duration_seconds").count,
        snapshot.sketch("request_duration_seconds").domain,
    )
    assert ("gone_total", (3.0, 0.0)) in kept
    assert [COUNTS, SECONDS] == sorted(
        (v.domain for n, v in kept if n == name.metric), key=lambda d: -d.low_key
    )
    assert 1.0 == snapshot.started_at


def test_reset_forgets_everything_but_only_without_workers(state, make_request):
    record_some(state, make_request, workers=1)
    fleet.prepare(state.directory)
    recorder = state.worker()
    recorder.record(make_request())

    with pytest.raises(StateDirError, match="stop the proxy first"):
        fleet.reset(state.directory)
    assert 6.0 == state.read().total("requests_total")
    state.kill_all()
    (state.directory / "x.damaged").write_text("")
    fleet.reset(state.directory)

    assert ([], 0.0) == (state.names(), state.read().total("requests_total"))


def test_folding_leaves_no_descriptors_open(state, make_request):
    record_some(state, make_request, workers=2)
    Path(state.directory / "x.worker").write_bytes(b"junk")
    before = len(os.listdir("/proc/self/fd"))

    fleet.prepare(state.directory)

    assert before == len(os.listdir("/proc/self/fd"))
