"""Some of the ledger's requests: filtered, sorted, one page of them. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from litellm_obs_plugin.ledger.entry import Entry


class Sort(StrEnum):
    """What stands first: the newest, the longest or the dearest."""

    TIME = "time"
    DURATION = "duration"
    COST = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """*where*: the values that fields of an entry must have."""

    where: Mapping[str, str] = field(default_factory=dict)
    sort: Sort = Sort.TIME
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of entries; *total* is how many there are on all pages."""

    entries: list[Entry]
    total: int


def select(newest_first: Iterable[Entry], selection: Selection) -> Found:
    """The page of *selection*. What is not known sorts last; among equals the newest is first."""
    matching = [e for e in newest_first if _matches(e, selection.where)]
    size = _SIZES.get(selection.sort)
    if size is not None:
        matching.sort(key=lambda e: _descending(size(e)))
    end = selection.offset + selection.limit
    return Found(entries=matching[selection.offset : end], total=len(matching))


def _matches(entry: Entry, where: Mapping[str, str]) -> bool:
    return all(entry.get(name) == value for name, value in where.items())


def _descending(size: float | None) -> tuple[bool, float]:
    return (size is None, -(size or 0.0))


def _duration_ms(entry: Entry) -> float | None:
    found: float | None = entry.get("latency", {}).get("totalMs")
    return found


def _cost_usd(entry: Entry) -> float | None:
    found: float | None = entry.get("costUsd")
    return found


_SIZES: Mapping[Sort, Callable[[Entry], float | None]] = {
    Sort.DURATION: _duration_ms,
    Sort.COST: _cost_usd,
}
