import math

from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.metrics.cardinality import MAX_LABEL_CHARS, cap, clean, to_other
from litellm_obs_plugin.metrics.catalog import BY_NAME
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch

groups = st.text(alphabet="abcde", min_size=1, max_size=2)
series = st.dictionaries(
    st.builds(
        lambda group, outcome: SeriesName("requests_total", (group, "chat", "true", outcome)),
        groups,
        st.sampled_from(["success", "error"]),
    ),
    st.integers(min_value=0, max_value=1000).map(lambda n: (float(n), 0.0)),
)


@given(series=series, max_series=st.integers(min_value=1, max_value=10))
def test_capping_loses_no_count_and_keeps_the_largest(series, max_series):
    capped = dict(cap(series.items(), max_series=max_series))

    named = {name for name in capped if name.labels[0] != "other"}
    gone = series.keys() - named
    assert len(named) <= max_series
    assert math.fsum(n for n, _ in series.values()) == math.fsum(n for n, _ in capped.values())
    assert all(series[k] >= series[g] for k in named for g in gone)


@given(series=series, max_series=st.integers(min_value=1, max_value=10))
def test_capping_again_changes_nothing(series, max_series):
    once = dict(cap(series.items(), max_series=max_series))

    assert once == dict(cap(once.items(), max_series=max_series))


def test_sketches_become_other_whole():
    name = "request_duration_seconds"
    every = [
        (SeriesName(name, (f"g{i}", "true", "success")), Sketch.of(SECONDS, [1.0] * (i + 1)))
        for i in range(4)
    ]

    capped = dict(cap(every, max_series=2))

    assert {"g3": 4, "g2": 3, "other": 3} == {n.labels[0]: s.count for n, s in capped.items()}


def test_only_open_labels_become_other():
    assert ("other", "chat", "true", "error") == to_other(
        SeriesName("requests_total", ("evil", "chat", "true", "error"))
    ).labels
    assert ("parse",) == to_other(SeriesName("plugin_errors_total", ("parse",))).labels


def test_a_metric_that_is_not_known_any_more_is_bounded_too():
    assert ("other", "other") == to_other(SeriesName("gone_total", ("a", "b"))).labels
    assert ("other",) == to_other(SeriesName("requests_total", ("a",))).labels


@given(values=st.lists(st.text()))
def test_clean_labels_are_short_and_can_be_encoded(values):
    cleaned = clean(values)

    assert all(len(v) <= MAX_LABEL_CHARS for v in cleaned)
    assert cleaned == tuple(v.encode().decode() for v in cleaned)
    assert cleaned == clean(cleaned)
    assert len(BY_NAME) > 0
