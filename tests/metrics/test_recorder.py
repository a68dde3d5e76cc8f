import math
import os
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.aspect import aspects_of, has
from litellm_obs_plugin.metrics.catalog import BY_NAME, CATALOG, OPEN_LABELS
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.metrics.worker_file import WorkerFile
from litellm_obs_plugin.record import OTHER, Operation, Outcome, Request
from tests.gateway_api.requests import NOW, answered, requests, seconds, snapshot_of
from tests.untraced import untraced


def test_a_request_is_counted_in_every_metric_it_concerns(state, make_request):
    state.worker().record(make_request(group="gpt", duration_s=2.0, cost_usd=0.004))

    snapshot = state.read()

    assert {("gpt", "chat", "true", "success"): 1.0} == dict(snapshot.series["requests_total"])
    assert 2.0 == snapshot.sketch("request_duration_seconds").max
    assert {"input": 100.0, "output": 50.0, "cached_input": 10.0} == snapshot.by(
        "tokens_total", "type"
    )
    assert 0.004 == pytest.approx(snapshot.total("cost_usd_total"), rel=1e-15)


def test_every_row_reads_as_many_labels_as_it_names(make_request):
    for metric in CATALOG:
        for labels, _ in metric.read(make_request()) if metric.read else ():
            assert len(metric.labels) == len(labels), metric.name


def test_past_the_cap_totals_still_add_up(state, make_request):
    """Clients choose model names: 50,000 hostile ones neither fill memory nor lose a request."""
    recorder = state.worker(max_series=50)
    with untraced():
        for i in range(50_000):
            recorder.record(make_request(group=f"evil-{i}"))

    snapshot = state.read()

    assert 50_000.0 == snapshot.total("requests_total")
    assert 50_000 == snapshot.sketch("request_duration_seconds").count
    assert 50_000.0 - 50 == snapshot.total("requests_total", model_group=OTHER)
    assert 50_000.0 - 50 == snapshot.total("series_overflow_total", metric="requests_total")
    for name, series in snapshot.series.items():
        fixed = 3 if OPEN_LABELS.intersection(BY_NAME[name].labels) else 40
        assert len(series) <= 50 + fixed, name
    assert sum(len(series) for series in recorder._series.values()) == len(snapshot)
    (file,) = state.files
    assert file.path.stat().st_size < len(snapshot) * 12_288 * 1.25 + (1 << 20)


@pytest.mark.parametrize("hostile", ["x" * 100_000, "\ud800 lone", "a\x00b", '\n"\\{}', "日" * 999])
def test_any_label_value_can_be_counted_and_written(state, make_request, hostile):
    recorder = state.worker()
    for _ in range(2):
        recorder.record(make_request(group=hostile, call_id=hostile, trace_id=hostile))

    snapshot = state.read()

    (((group, *_), count),) = snapshot.series["requests_total"].items()
    assert (2.0, group) == (count, group.encode().decode())
    assert len(group) <= 200
    assert snapshot.exemplars["request_duration_seconds"][group, "true", "success"]


def test_long_names_that_begin_alike_are_one_series(state, make_request):
    """They cannot be told apart when shown, and a block each would count twice."""
    recorder = state.worker()
    for end in "ab":
        recorder.record(make_request(group="x" * 200 + end))

    assert {"x" * 200: 2.0} == state.read().by("requests_total", "model_group")


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 10**400, "1", None])
def test_a_bad_value_costs_that_sample_alone(state, make_request, value):
    recorder = state.worker()
    recorder.count("tokens_total", "g", "p", "m", "input", value=value)
    recorder.record(make_request())
    snapshot = state.read()

    assert 1.0 == snapshot.total("plugin_events_dropped_total", reason="invalid_value")
    assert (0.0, 1.0) == (
        snapshot.total("tokens_total", model_group="g"),
        snapshot.total("requests_total"),
    )


def test_a_request_with_a_bad_time_counts_elsewhere(state, make_request):
    request = make_request()
    state.worker().record(replace(request, duration_s=math.nan))
    snapshot = state.read()

    assert 1.0 == snapshot.total("requests_total")
    assert snapshot.sketch("request_duration_seconds").count == 0
    assert snapshot.total("plugin_events_dropped_total", reason="invalid_value") >= 1.0


def test_counting_by_name(state):
    recorder = state.worker()
    recorder.count("plugin_errors_total", "parse", value=2.0)
    recorder.count("request_duration_seconds", "g", "true", "success", value=1.0)
    recorder.count("workers", value=3.0)
    recorder.count("workers", value=-1.0)
    recorder.set("plugin_active_series", value=7.0)
    snapshot = state.read()

    assert (2.0, 2.0, 7.0, 1) == (
        snapshot.total("plugin_errors_total"),
        snapshot.total("workers"),
        snapshot.total("plugin_active_series"),
        snapshot.sketch("request_duration_seconds").count,
    )


def test_wrong_names_and_labels_are_our_own_mistakes(state):
    recorder = state.worker()

    with pytest.raises(KeyError):
        recorder.count("no_such_metric")
    with pytest.raises(ValueError, match=r"plugin_errors_total: expected values of \('stage',\)"):
        recorder.count("plugin_errors_total", "a", "b")


def test_a_full_disk_drops_new_series_and_counts_them(state, make_request):
    """The proxy goes on; what is known already is counted in full."""

    def allocate(descriptor, offset, size):
        if offset:
            raise OSError(28, "No space left on device")
        os.posix_fallocate(descriptor, offset, size)

    file = WorkerFile.create(directory=state.directory, started_at=1.0, allocate=allocate)
    state.files.append(file)
    recorder = Recorder(file)
    for i in range(500):
        recorder.record(make_request(group=f"g{i}"))
    recorder.record(make_request(group="g0"))
    snapshot = state.read()
    dropped = snapshot.total("plugin_events_dropped_total", reason="state_full")

    assert 2.0 == snapshot.total("requests_total", model_group="g0")
    assert snapshot.total("requests_total") < 501
    assert dropped > 501 - snapshot.total("requests_total")


def test_threads_record_and_lose_nothing(state, make_request):
    """LiteLLM calls some hooks on its loop and others in a pool."""
    recorder = state.worker()

    def work(at):
        for i in range(300):
            recorder.record(make_request(group=f"g{at}-{i % 7}"))
            recorder.count("plugin_errors_total", "x")

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = state.read()

    assert (1200.0, 1200.0) == (
        snapshot.total("requests_total"),
        snapshot.total("plugin_errors_total"),
    )
    assert 28 == len(snapshot.series["requests_total"])


def test_after_the_close_nothing_is_written(state, make_request):
    """The next worker may be folding the file at this very moment."""
    recorder = state.worker()
    recorder.record(make_request())
    state.kill_all()

    recorder.record(make_request())
    recorder.count("plugin_errors_total", "late")
    recorder.set("workers", value=1.0)

    assert (1.0, 0.0) == (
        state.read().total("requests_total"),
        state.read().total("plugin_errors_total"),
    )


def test_a_forked_child_records_in_a_file_of_its_own(state, make_request):
    """As under gunicorn --preload; no request of either is lost or counted twice."""
    recorder = state.worker()
    recorder.record(make_request(group="parent"))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for _ in range(3):
                recorder.record(make_request(group="child"))
            code = 0
        finally:
            os._exit(code)
    assert 0 == os.waitpid(child, 0)[1]
    recorder.record(make_request(group="parent"))

    assert {"child": 3.0, "parent": 2.0} == state.read().by("requests_total", "model_group")
    fleet.prepare(state.directory)
    assert {"child": 3.0, "parent": 2.0} == state.read().by("requests_total", "model_group")


def test_a_forked_child_without_a_directory_records_nothing_and_goes_on(state, make_request):
    recorder = state.worker()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for path in state.directory.iterdir():
                path.unlink()
            state.directory.rmdir()
            recorder.record(make_request())
            recorder.count("plugin_errors_total", "x")
            code = 0
        finally:
            os._exit(code)
    code = os.waitpid(child, 0)[1]
    state.directory.mkdir()

    assert 0 == code


@given(request=requests())
def test_a_row_says_nothing_of_requests_without_its_aspect(request):
    """The recorder does not ask it then: were this wrong, counts would be lost."""
    aspects = aspects_of(request)
    for metric in CATALOG:
        if metric.read is not None and not has(aspects, metric.of):
            assert [] == list(metric.read(request)), metric.name


few_names = st.builds(
    Request,
    call_id=st.just("c"),
    received_at=st.just(NOW),
    duration_s=seconds,
    operation=st.sampled_from(list(Operation)[:2]),
    stream=st.booleans(),
    model_group=st.sampled_from(["chat", "backup"]),
    outcome=st.just(Outcome.SUCCESS),
    attempts=st.tuples(answered),
)


@settings(max_examples=50)
@given(every=st.lists(st.one_of(few_names, few_names, requests()), min_size=20, max_size=60))
def test_what_is_read_once_is_counted_for_every_request(new_state, totals, every):
    """Requests of one variety differ in their figures alone: all that the rows say is there."""
    same_place = every[0].attempts[0].deployment if every[0].attempts else None
    every += [
        replace(r, attempts=(replace(r.attempts[0], deployment=same_place),))
        for r in every
        if same_place is not None and len(r.attempts) == 1
    ]
    with untraced(), new_state() as state:
        recorder = state.worker()
        for request in every:
            recorder.record(request)
        counted = state.read()
        truth = snapshot_of(every)

    for name, series in truth.series.items():
        if BY_NAME[name].domain is None:
            assert counted.series[name] == pytest.approx(dict(series)), name
        else:
            assert totals(counted)[name][:-1] == totals(truth)[name][:-1], name
