import struct
from pathlib import Path

import pytest

from litellm_obs_plugin.metrics.exemplar import Exemplar
from litellm_obs_plugin.metrics.sketch import COUNTS, DOLLARS, SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot

NOW = 1_750_000_000.25


@pytest.fixture
def golden() -> Path:
    return Path(__file__).parent.parent / "golden"


@pytest.fixture
def page() -> Snapshot:
    """A counter, a gauge, a sketch of every domain, and the values at their edges."""
    duration = Sketch.of(SECONDS, (0.0, 1e-6, 0.25, 1.0, 1.001, 2.5, 1e6))
    return Snapshot(
        started_at=NOW - 3600,
        taken_at=NOW,
        series={
            "plugin_active_series": {(): 6.0},
            "requests_total": {
                ("gpt-4o", "chat", "true", "success"): 12.0,
                ("gpt-4o", "chat", "false", "error"): 1.0,
                ('a "b"\\\nc', "chat", "false", "success"): 2e16,
            },
            "request_duration_seconds": {("gpt-4o", "true", "success"): duration},
            "request_attempts": {("gpt-4o",): Sketch.of(COUNTS, (1, 1, 2, 3))},
            "cost_usd_total": {("gpt-4o", "openai", "gpt-4o-mini", "input"): 0.000125},
            "cost_per_request_usd": {("gpt-4o",): Sketch.of(DOLLARS, (0.000125, 0.5))},
        },
        exemplars={
            "request_duration_seconds": {
                ("gpt-4o", "true", "success"): (
                    Exemplar(value=2.5, trace_id="ab" * 16, request_id="r-3", recorded_at=NOW - 2),
                    Exemplar(value=2.4, trace_id="cd" * 16, request_id="r-2", recorded_at=NOW - 9),
                    Exemplar(value=0.25, trace_id=None, request_id="r-1", recorded_at=NOW - 5),
                )
            }
        },
    )


def _varint(data, at):
    number = shift = 0
    while True:
        byte, at = data[at], at + 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def _fields(data):
    """Any protobuf message as {field number: [contents]}; independent of our writer."""
    fields, at = {}, 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                content, at = _varint(data, at)
            case 1:
                (content,), at = struct.unpack_from("<d", data, at), at + 8
            case 2:
                size, at = _varint(data, at)
                content, at = data[at : at + size], at + size
        fields.setdefault(tag >> 3, []).append(content)
    assert at == len(data)
    return fields


def _signed(number):
    return number // 2 if number % 2 == 0 else -(number + 1) // 2


def _labels(message):
    pairs = [_fields(pair) for pair in message.get(1, [])]
    return {pair[1][0].decode(): pair[2][0].decode() for pair in pairs}


def _exemplar(data):
    message = _fields(data)
    time = _fields(message[3][0]) if 3 in message else None
    at = time and time[1][0] + time.get(2, [0])[0] / 1e9
    return {"labels": _labels(message), "value": message[2][0], "recorded_at": at}


def _bucket(data):
    message = _fields(data)
    return {
        "count": message[1][0],
        "bound": message[2][0],
        "exemplar": _exemplar(message[3][0]) if 3 in message else None,
    }


def _native(message):
    """Bucket key -> count, as Prometheus reads spans and deltas."""
    deltas, at = [], 0
    (packed,) = message.get(13, [b""])
    while at < len(packed):
        number, at = _varint(packed, at)
        deltas.append(_signed(number))
    spans = [_fields(span) for span in message.get(12, [])]
    counts, key, count, left = {}, 0, 0, iter(deltas)
    for span in spans:
        key += _signed(span[1][0])
        for _ in range(span[2][0]):
            count += next(left)
            counts[key] = count
            key += 1
    assert next(left, None) is None
    return counts


def _histogram(data):
    message = _fields(data)
    return {
        "count": message[1][0],
        "sum": message[2][0],
        "buckets": [_bucket(bucket) for bucket in message.get(3, [])],
        "schema": _signed(message[5][0]) if 5 in message else None,
        "zero_threshold": message.get(6, [None])[0],
        "zero_count": message.get(7, [None])[0],
        "spans": len(message.get(12, [])),
        "native": _native(message),
    }


def _summary(data):
    message = _fields(data)
    quantiles = [_fields(quantile) for quantile in message.get(3, [])]
    return {
        "count": message[1][0],
        "sum": message[2][0],
        "quantiles": {quantile[1][0]: quantile[2][0] for quantile in quantiles},
    }


def _metric(data):
    message = _fields(data)
    readers = {
        "gauge": (2, lambda d: _fields(d)[1][0]),
        "counter": (3, lambda d: _fields(d)[1][0]),
        "summary": (4, _summary),
        "untyped": (5, lambda d: _fields(d)[1][0]),
        "histogram": (7, _histogram),
    }
    found = {name: read(message[n][0]) for name, (n, read) in readers.items() if n in message}
    return {"labels": _labels(message), **found}


@pytest.fixture(scope="session")
def decode():
    """Reads a delimited protobuf page: family name -> type, help, unit, metrics."""

    def read(page):
        families, at = {}, 0
        while at < len(page):
            size, at = _varint(page, at)
            family, at = _fields(page[at : at + size]), at + size
            name = family[1][0].decode()
            assert name not in families
            families[name] = {
                "help": family[2][0].decode(),
                "type": family[3][0],
                "metrics": [_metric(metric) for metric in family.get(4, [])],
                "unit": family.get(5, [b""])[0].decode(),
            }
        assert at == len(page)
        return families

    return read
