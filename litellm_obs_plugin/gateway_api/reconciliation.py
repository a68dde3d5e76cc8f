"""Our cost beside other books': LiteLLM's spend log and Langfuse, per day and model. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import Field

from litellm_obs_plugin.gateway_api.models import Model
from litellm_obs_plugin.metrics.snapshot import Snapshot

Cell = tuple[str, str]  # day, model


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Dollars by day and model; *problem* is why they are not known, for people."""

    costs: Mapping[Cell, float] = field(default_factory=dict)
    problem: str = ""
    note: str = ""

    @property
    def is_known(self) -> bool:
        return not self.problem


class Source(Model):
    """Another book. *message* says why it could not be read, or what it lacks."""

    available: bool
    message: str = ""


class Sources(Model):
    spend_log: Source
    langfuse: Source


class Sums(Model):
    """US dollars. A delta is the other book less ours; null: that book is not known."""

    gateway_usd: float
    spend_log_usd: float | None
    langfuse_usd: float | None
    spend_log_delta_usd: float | None
    langfuse_delta_usd: float | None


class Row(Sums):
    """One model on one day (UTC)."""

    day: date
    model: str


class Total(Sums):
    """All rows together. Ratios are a delta over ours; null when we have no cost."""

    spend_log_delta_ratio: float | None
    langfuse_delta_ratio: float | None


class Window(Model):
    """Whole UTC days. Before *recordingSince* we counted nothing."""

    start: date
    end: date
    recording_since: datetime


class Reconciliation(Model):
    """Whether all books say the same."""

    generated_at: datetime
    window: Window
    total: Total
    rows: list[Row] = Field(description="The newest day first, then by model.")
    sources: Sources


def days_of(window_s: float, *, now: float) -> list[str]:
    """The UTC days that the last *window_s* seconds touch, oldest first."""
    first, last = _date(now - window_s), _date(now)
    return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]


def read_costs(snapshot: Snapshot, days: list[str]) -> dict[Cell, float]:
    """What we counted on those days."""
    found = snapshot.numbers("cost_by_day_usd_total")
    return {(day, model): usd for (day, model), usd in found if day in days}


def reconcile(
    snapshot: Snapshot, days: list[str], *, spend_log: Book, langfuse: Book
) -> Reconciliation:
    """Our cost on *days* beside theirs."""
    ours = read_costs(snapshot, days)
    cells = sorted(ours.keys() | spend_log.costs.keys() | langfuse.costs.keys())
    cells.sort(key=lambda cell: cell[0], reverse=True)
    rows = [
        Row(
            day=date.fromisoformat(day),
            model=model,
            **_sums(
                ours.get((day, model), 0.0),
                _cost_in(spend_log, (day, model)),
                _cost_in(langfuse, (day, model)),
            ),
        )
        for day, model in cells
    ]
    sums = _sums(math.fsum(ours.values()), _total_of(spend_log), _total_of(langfuse))
    return Reconciliation(
        generated_at=datetime.fromtimestamp(snapshot.taken_at, tz=UTC),
        window=Window(
            start=date.fromisoformat(days[0]),
            end=date.fromisoformat(days[-1]),
            recording_since=datetime.fromtimestamp(snapshot.started_at, tz=UTC),
        ),
        total=Total(
            **sums,
            spend_log_delta_ratio=_ratio(sums["spend_log_delta_usd"], sums["gateway_usd"]),
            langfuse_delta_ratio=_ratio(sums["langfuse_delta_usd"], sums["gateway_usd"]),
        ),
        rows=rows,
        sources=Sources(spend_log=_source(spend_log), langfuse=_source(langfuse)),
    )


def _sums(ours: float, spend_log: float | None, langfuse: float | None) -> dict[str, Any]:
    return {
        "gateway_usd": ours,
        "spend_log_usd": spend_log,
        "langfuse_usd": langfuse,
        "spend_log_delta_usd": spend_log - ours if spend_log is not None else None,
        "langfuse_delta_usd": langfuse - ours if langfuse is not None else None,
    }


def _cost_in(book: Book, cell: Cell) -> float | None:
    return book.costs.get(cell, 0.0) if book.is_known else None


def _total_of(book: Book) -> float | None:
    return math.fsum(book.costs.values()) if book.is_known else None


def _ratio(delta_usd: float | None, ours_usd: float | None) -> float | None:
    return delta_usd / ours_usd if delta_usd is not None and ours_usd else None


def _source(book: Book) -> Source:
    return Source(available=book.is_known, message=book.problem or book.note)


def _date(epoch_s: float) -> date:
    return datetime.fromtimestamp(epoch_s, tz=UTC).date()
