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

    def order(self, newest_first: list[Entry]) -> list[Entry]:
        """In the order asked for. What is not known stands last; among equals the newest first."""
        size = _SIZES.get(self.sort)
        if size is None:
            return newest_first
        return sorted(newest_first, key=lambda e: _descending(size(e)))

    def fits(self, entry: Entry) -> bool:
        """Whether *entry* has the values that are asked for."""
        return all(entry.get(name) == value for name, value in self.where.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of entries; *total* is how many there are on all pages."""

    entries: list[Entry]
    total: int


def select(newest_first: Iterable[Entry], selection: Selection) -> Found:
    """The page of *selection*. What is not known sorts last; among equals the newest is first."""
    matching = selection.order([e for e in newest_first if selection.fits(e)])
    end = selection.offset + selection.limit
    return Found(entries=matching[selection.offset : end], total=len(matching))


def _descending(size: float | None) -> tuple[bool, float]:
    return (size is None, -(size or 0.0))


def duration_ms(entry: Entry) -> float | None:
    """How long the request took; None when that is not known."""
    found: float | None = entry.get("latency", {}).get("totalMs")
    return found


def cost_usd(entry: Entry) -> float | None:
    """What it cost in US dollars; None when that is not known."""
    found: float | None = entry.get("costUsd")
    return found


_SIZES: Mapping[Sort, Callable[[Entry], float | None]] = {
    Sort.DURATION: duration_ms,
    Sort.COST: cost_usd,
}
