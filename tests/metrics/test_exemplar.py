import struct

from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.catalog import CATALOG
from litellm_obs_plugin.metrics.exemplar import (
    CELLS,
    SLOT_BYTES,
    SLOTS,
    Exemplar,
    MarkedSketch,
    Origin,
    decode,
    latest,
    slot_of,
)
from litellm_obs_plugin.metrics.sketch import COUNTS, DOLLARS, SECONDS, Sketch

LABELS = ("chat", "true", "success")

domains = st.sampled_from([SECONDS, DOLLARS, COUNTS])
exemplars = st.lists(
    st.builds(
        Exemplar,
        value=st.floats(min_value=0, max_value=1e5),
        trace_id=st.none(),
        request_id=st.uuids().map(str),
        recorded_at=st.floats(min_value=0, max_value=1e10),
    )
)


def marked(domain=SECONDS):
    memory = bytearray(CELLS * 8)
    return MarkedSketch(Sketch.empty(domain), memory), memory


def origin(request_id="call-1", *, trace_id="ab" * 16, recorded_at=5.0):
    return Origin.of(trace_id=trace_id, request_id=request_id, recorded_at=recorded_at)


@given(domain=domains, values=st.lists(st.floats(min_value=0, max_value=1e5)))
def test_each_part_of_the_range_keeps_its_last_value(domain, values):
    sketch, memory = marked(domain)
    for at, value in enumerate(values):
        sketch.add(value, origin(f"call-{at}"))
    want = {slot_of(domain, value): f"call-{at}" for at, value in enumerate(values)}

    assert sorted(want.values()) == sorted(e.request_id for e in decode(bytes(memory)))
    assert len(want) <= SLOTS


def test_an_exemplar_leads_to_its_request(state, make_request):
    state.worker().record(
        make_request(duration_s=1.5, call_id="c-1", trace_id="ab" * 16, received_at=100.0)
    )

    snapshot = state.read()

    assert (
        Exemplar(value=1.5, trace_id="ab" * 16, request_id="c-1", recorded_at=101.5),
    ) == snapshot.exemplars["request_duration_seconds"][LABELS]


def test_the_metrics_with_exemplars(state, make_request):
    state.worker().record(make_request())

    assert {metric.name for metric in CATALOG if metric.exemplars} == set(state.read().exemplars)


def test_of_all_workers_the_latest_is_shown(state, make_request):
    """Whichever worker answers the scrape; small and large values have places of their own."""
    for at, value in ((30.0, 1.5), (20.0, 1.6), (10.0, 60.0)):
        state.worker().record(make_request(duration_s=value, call_id=f"at-{at}", received_at=at))

    found = state.read().exemplars["request_duration_seconds"][LABELS]

    assert ["at-30.0", "at-10.0"] == [exemplar.request_id for exemplar in found]


def test_a_dead_workers_exemplars_stay_until_the_fold(state, make_request):
    """They are samples: after a fold new traffic brings new ones."""
    state.worker().record(make_request())
    state.kill_all()
    assert state.read().exemplars["request_duration_seconds"][LABELS]
    fleet.prepare(state.directory)

    assert {} == dict(state.read().exemplars)
    assert 1.0 == state.read().total("requests_total")


@given(at=st.integers(min_value=0, max_value=SLOT_BYTES - 1))
def test_an_exemplar_caught_while_it_is_written_is_left_out(at):
    """A value must not lead to another one's request."""
    sketch, memory = marked()
    sketch.add(1.5, origin("call-1", recorded_at=5.0))
    before = bytes(memory)
    sketch.add(1.501, origin("call-2", trace_id="cd" * 16, recorded_at=6.0))
    slot = slot_of(SECONDS, 1.5) * SLOT_BYTES
    torn = bytes(memory[: slot + at]) + before[slot + at :]

    assert {(e.value, e.request_id, e.recorded_at) for e in decode(torn)} <= {
        (1.5, "call-1", 5.0),
        (1.501, "call-2", 6.0),
    }


def test_an_id_that_is_too_long_is_left_out_rather_than_cut():
    """Half an id finds nothing."""
    sketch, memory = marked()
    sketch.add(1.5, origin("r" * 57, trace_id="t" * 49))

    ((trace_id, request_id),) = [(e.trace_id, e.request_id) for e in decode(bytes(memory))]

    assert (None, "") == (trace_id, request_id)


def test_counting_without_a_request_leaves_no_mark():
    sketch, memory = marked()
    sketch.add(1.5)

    assert bytes(CELLS * 8) == bytes(memory)


def test_junk_holds_no_exemplars():
    assert [] == list(decode(struct.pack("=Q", 1) * CELLS))


@given(domain=domains, first=exemplars, second=exemplars)
def test_the_latest_of_the_latest_is_the_latest(domain, first, second):
    """Merging snapshots of pods shows what one pod with all requests would."""
    both = latest(domain, [*first, *second])

    assert {e.recorded_at for e in both} == {
        e.recorded_at for e in latest(domain, [*latest(domain, first), *latest(domain, second)])
    }
    assert len(both) == len({slot_of(domain, e.value) for e in both})
