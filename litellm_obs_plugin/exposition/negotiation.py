"""Which format a scraper gets, by its `Accept` header."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """A format, as the `Content-Type` that announces it."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    PROTOBUF = (
        "application/vnd.google.protobuf; "
        "proto=io.prometheus.client.MetricFamily; encoding=delimited"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """One entry of the header; names and parameters in lower case."""

    media_type: str
    parameters: Mapping[str, str]

    @property
    def quality(self) -> float:
        """0..1; an entry whose q is no number is not wanted."""
        try:
            return float(self.parameters.get("q", "1"))
        except ValueError:
            return 0.0

    @property
    def format(self) -> Format | None:
        """What of ours the entry asks for. A wildcard takes the default, text."""
        parameters = self.parameters
        match self.media_type:
            case "text/plain" if parameters.get("version", "0.0.4") == "0.0.4":
                return Format.TEXT
            case "text/*" | "*/*":
                return Format.TEXT
            case "application/openmetrics-text" if parameters.get("version", "1.0.0") == "1.0.0":
                return Format.OPENMETRICS
            case "application/vnd.google.protobuf" if (
                parameters.get("proto") == "io.prometheus.client.metricfamily"
                and parameters.get("encoding") == "delimited"
            ):
                return Format.PROTOBUF
        return None


def choose(accept: str) -> Format:
    """The format with the highest quality, the first of equals; text when nothing fits."""
    best, best_quality = Format.TEXT, 0.0
    for entry in _ranges(accept):
        if entry.format is not None and entry.quality > best_quality:
            best, best_quality = entry.format, entry.quality
    return best


def _ranges(accept: str) -> Iterator[_Range]:
    for entry in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        pairs = (parameter.partition("=") for parameter in parameters)
        yield _Range(
            media_type=media_type,
            parameters={name.strip(): value.strip(' "') for name, _, value in pairs},
        )
