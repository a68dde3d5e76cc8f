"""Families of prometheus_client as protobuf, for which it has no writer.

`_created` samples are left out: they are series of their own only in the text formats.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client.core import Metric as ClientFamily
from prometheus_client.samples import Exemplar, Sample

from litellm_obs_plugin.exposition import message
from litellm_obs_plugin.exposition.message import MetricType

# By prometheus_client's type: ours, the suffix of name and samples, and how a sample is written.
_SINGLE: Mapping[str, tuple[MetricType, str, Callable[[Sample], bytes]]] = {
    "counter": (MetricType.COUNTER, "_total", lambda sample: _counter(sample)),
    "gauge": (MetricType.GAUGE, "", lambda sample: message.gauge(sample.value)),
    "info": (MetricType.GAUGE, "_info", lambda sample: message.gauge(sample.value)),
    "stateset": (MetricType.GAUGE, "", lambda sample: message.gauge(sample.value)),
    "unknown": (MetricType.UNTYPED, "", lambda sample: message.untyped(sample.value)),
}
# The same for types whose samples belong together; here with the label that tells them apart.
_GROUPED: Mapping[str, tuple[MetricType, str, Callable[[Sequence[Sample]], bytes]]] = {
    "histogram": (MetricType.HISTOGRAM, "le", lambda samples: _histogram(samples)),
    "gaugehistogram": (MetricType.GAUGE_HISTOGRAM, "le", lambda samples: _histogram(samples)),
    "summary": (MetricType.SUMMARY, "quantile", lambda samples: _summary(samples)),
}


def encode(family: ClientFamily) -> bytes:
    """*family* with its length in front; nothing when it has no samples."""
    if family.type in _GROUPED:
        return _encode_grouped(family)
    type, suffix, write = _SINGLE.get(family.type, _SINGLE["unknown"])
    name = family.name + suffix
    metrics = [
        _labels(sample.labels) + write(sample) for sample in family.samples if sample.name == name
    ]
    return _family(family, name=name, type=type, metrics=metrics)


def _encode_grouped(family: ClientFamily) -> bytes:
    type, own_label, write = _GROUPED[family.type]
    groups: dict[bytes, list[Sample]] = {}
    for sample in family.samples:
        shared = {name: value for name, value in sample.labels.items() if name != own_label}
        groups.setdefault(_labels(shared), []).append(sample)
    metrics = [labels + write(samples) for labels, samples in groups.items()]
    return _family(family, name=family.name, type=type, metrics=metrics)


def _family(
    family: ClientFamily, *, name: str, type: MetricType, metrics: Sequence[bytes]
) -> bytes:
    if not metrics:
        return b""
    return message.family(
        name, help=family.documentation, type=type, metrics=metrics, unit=family.unit
    )


def _counter(sample: Sample) -> bytes:
    return message.counter(sample.value, exemplar=_exemplar(sample.exemplar))


def _histogram(samples: Sequence[Sample]) -> bytes:
    buckets = [sample for sample in samples if sample.name.endswith("_bucket")]
    counts = [int(sample.value) for sample in buckets]
    exemplars = {at: _exemplar(s.exemplar) for at, s in enumerate(buckets) if s.exemplar}
    bounds = [float(sample.labels["le"]) for sample in buckets]
    return message.histogram(
        count=int(_first(samples, "_count", "_gcount", default=max(counts, default=0))),
        sum=_first(samples, "_sum", "_gsum", default=0.0),
        buckets=message.classic(bounds, counts, exemplars=exemplars),
    )


def _summary(samples: Sequence[Sample]) -> bytes:
    return message.summary(
        count=int(_first(samples, "_count", default=0)),
        sum=_first(samples, "_sum", default=0.0),
        quantiles=[
            (float(sample.labels["quantile"]), sample.value)
            for sample in samples
            if "quantile" in sample.labels
        ],
    )


def _first(samples: Iterable[Sample], *suffixes: str, default: float) -> float:
    return next((sample.value for sample in samples if sample.name.endswith(suffixes)), default)


def _labels(labels: Mapping[str, str]) -> bytes:
    return message.label_set(tuple(labels), tuple(labels.values()))


def _exemplar(exemplar: Exemplar | None) -> bytes:
    if exemplar is None:
        return b""
    recorded_at = None if exemplar.timestamp is None else float(exemplar.timestamp)
    return message.exemplar(exemplar.labels.items(), value=exemplar.value, recorded_at=recorded_at)
