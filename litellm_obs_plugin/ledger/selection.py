"""Some of the ledger's requests: filtered, sorted, one page of them. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from litellm_obs_plugin.ledger.entry import Entry


class Sort(StrEnum):
    """What stands first: the newest, the longest or the dearest."""

    TIME = "time"
    DURATION = "duration"
    COST = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in the ledger, newest first: the request *id* that was received at *time*."""

    time: datetime
    id: str = ""

    @classmethod
    def of(cls, entry: Entry) -> "Position":
        return cls(time=datetime.fromisoformat(entry["time"]), id=entry["id"])

    @classmethod
    def parse(cls, text: str) -> "Position":
        """What :meth:`__str__` wrote, or a time alone.

        Raises:
            ValueError: it is neither.
        """
        time, _, request_id = text.partition("~")
        found = datetime.fromisoformat(time)
        if found.tzinfo is None:
            msg = "a time without its offset from UTC"
            raise ValueError(msg)
        return cls(time=found.astimezone(UTC), id=request_id)

    def __str__(self) -> str:
        return f"{self.time.isoformat().replace('+00:00', 'Z')}~{self.id}"

    def precedes(self, entry: Entry) -> bool:
        """Whether *entry* stands behind this place."""
        other = Position.of(entry)
        return (other.time, other.id) < (self.time, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """*where*: the values that fields of an entry must have; *before*: only what stands behind."""

    where: Mapping[str, str] = field(default_factory=dict)
    before: Position | None = None
    sort: Sort = Sort.TIME
    offset: int = 0
    limit: int = 50

    def order(self, entries: list[Entry]) -> list[Entry]:
        """*entries*, which stand newest first, in the order asked for.

        What is not known stands last; among equals the newest first.
        """
        size = _SIZES.get(self.sort)
        if size is None:
            return entries
        return sorted(entries, key=lambda e: _descending(size(e)))

    def fits(self, entry: Entry) -> bool:
        """Whether *entry* has the values and stands where it is asked for."""
        if self.before is not None and not self.before.precedes(entry):
            return False
        return all(entry.get(name) == value for name, value in self.where.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of entries; *total* is how many there are on all pages."""

    entries: list[Entry]
    total: int


def select(entries: Iterable[Entry], selection: Selection) -> Found:
    """The page of *selection*, of *entries* that stand newest first.

    What is not known sorts last; among equals the newest is first.
    """
    matching = selection.order([e for e in entries if selection.fits(e)])
    end = selection.offset + selection.limit
    return Found(entries=matching[selection.offset : end], total=len(matching))


def newest_first(entry: Entry) -> tuple[str, str]:
    """To sort by, in reverse."""
    return str(entry["time"]), str(entry.get("id", ""))


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
