import os
import threading

import pytest

from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.fleet import Fleet


def test_a_snapshot_is_the_sum_of_all_workers_dead_or_alive(state, make_request):
    for at in range(3):
        recorder = state.worker()
        for _ in range(at + 1):
            recorder.record(make_request(duration_s=1.0 + at))
        if at == 0:
            state.kill_all()
            fleet.prepare(state.directory)
        if at == 1:
            state.kill_all()

    snapshot = state.read()

    assert (6.0, 1) == (snapshot.total("requests_total"), snapshot.workers)
    assert (6, 1.0, 3.0, 14.0) == (
        (sketch := snapshot.sketch("request_duration_seconds")).count,
        sketch.min,
        sketch.max,
        sketch.sum,
    )


def test_reading_twice_gives_the_same(state, make_request, totals):
    state.worker().record(make_request())

    assert totals(state.read()) == totals(state.read())


def test_a_snapshot_does_not_move_after_it_is_taken(state, make_request, totals):
    """Not by recording, nor by a fold, nor by the reader's end."""
    recorder = state.worker()
    recorder.record(make_request())
    snapshot = state.read()
    before = totals(snapshot)

    recorder.record(make_request(call_id="later"))
    state.kill_all()
    fleet.prepare(state.directory)
    state.close()

    assert before == totals(snapshot)
    (exemplar,) = snapshot.exemplars["request_duration_seconds"]["chat", "true", "success"]
    assert "call-1" == exemplar.request_id


def test_series_that_appear_while_one_reads_are_seen_next_time(state, make_request):
    """A file that grows during the read is not taken for damaged: its counts would vanish."""
    recorder = state.worker()
    recorder.record(make_request())
    recorder.record(make_request(group="b"))
    at_pause = []

    def grow():
        if len(at_pause) < 60:
            for i in range(40):
                recorder.record(make_request(group=f"g{len(at_pause)}-{i}"))
            at_pause.append(True)

    reader = Fleet(state.directory, clock=lambda: 0.0, pause=grow)
    seen = [reader.read().total("requests_total") for _ in range(4)]
    reader.close()

    assert sorted(seen) == seen
    assert at_pause
    assert 0 == state.read().damaged_files


def test_a_file_that_is_folded_while_one_reads_counts_once(state, make_request, totals):
    """The worker dies and another starts between the listing of the directory and the reading."""
    for _ in range(3):
        state.worker().record(make_request())
    want = totals(state.read())
    folds = []

    def fold_once():
        if not folds:
            folds.append(True)
            state.kill_all()
            fleet.prepare(state.directory)

    reader = Fleet(state.directory, clock=lambda: 0.0, pause=fold_once)
    assert want == totals(reader.read())
    assert folds
    reader.close()


def test_a_reader_that_never_gets_through_says_so(state, make_request):
    def replace_base():
        state.worker().record(make_request())
        state.files.pop(0).close()
        fleet.prepare(state.directory)

    for at in range(4):
        state.worker().record(make_request(group=f"g{at}"))
    reader = Fleet(state.directory, clock=lambda: 0.0, pause=replace_base)

    with pytest.raises(OSError, match="the base changed during 50 reads"):
        reader.read()
    reader.close()


def test_threads_may_read_at_the_same_time(state, make_request):
    for at in range(4):
        state.worker().record(make_request(group=f"g{at}"))
    seen = []

    def read():
        seen.extend(state.read().total("requests_total") for _ in range(20))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [4.0] * 80 == seen


def test_reading_leaves_no_descriptors_open(state, make_request):
    """However many workers come and go."""
    state.worker().record(make_request())
    state.read()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        state.kill_all()
        fleet.prepare(state.directory)
        state.worker().record(make_request())
        (state.directory / "x.worker").write_bytes(b"junk")
        state.read()
        (state.directory / "x.worker").unlink()

    assert len(os.listdir("/proc/self/fd")) <= before + 2  # the base, and its mapping
    assert 6.0 == state.read().total("requests_total")


def test_a_directory_that_is_gone_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        Fleet(tmp_path / "none", clock=lambda: 0.0).read()


def test_an_empty_directory_is_an_empty_snapshot(state):
    snapshot = state.read()

    assert (0, 0, 0) == (len(snapshot), snapshot.workers, snapshot.damaged_files)
    assert snapshot.taken_at == snapshot.started_at


def test_two_directories_share_nothing(new_state, make_request):
    with new_state() as one, new_state() as other:
        one.worker().record(make_request())

        assert (1.0, 0.0) == (
            one.read().total("requests_total"),
            other.read().total("requests_total"),
        )


def test_giving_way_returns():
    fleet.give_way()
