"""LiteLLM's own budgets of keys and teams: how they stand and when they will be used up. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import OTHER, Owner

SEEN = "worker_key_budget"


class Part(StrEnum):
    """What a worker notes of a budget: US dollars, or seconds since the epoch."""

    LIMIT = "limit"
    SPENT = "spent"
    RESETS = "resets"
    SINCE = "since"
    SINCE_USD = "since_usd"
    SEEN = "seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBudgetState:
    """How a budget stood at *seen_at*. *exhausts_at* is None when it lasts until *resets_at*."""

    owner: Owner
    name: str
    limit_usd: float
    spent_usd: float
    seen_at: float
    resets_at: float | None
    usd_per_hour: float | None
    exhausts_at: float | None


def read_key_budgets(snapshot: Snapshot) -> list[KeyBudgetState]:
    """Of what the workers have seen of each budget, the latest; by owner and name."""
    latest: dict[tuple[str, str], dict[str, float]] = {}
    for budget, parts in _sightings(snapshot):
        if parts[Part.SEEN] > latest.get(budget, {}).get(Part.SEEN, 0.0):
            latest[budget] = parts
    return [_state(*budget, latest[budget]) for budget in sorted(latest)]


def _sightings(snapshot: Snapshot) -> Iterator[tuple[tuple[str, str], dict[str, float]]]:
    """The whole sightings of every worker; what was folded past the cap belongs to nobody."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for (owner, name, part, worker), value in snapshot.numbers(SEEN):
        if name != OTHER:
            found.setdefault((owner, name, worker), {})[part] = value
    for (owner, name, _), parts in found.items():
        if set(Part) <= set(parts):
            yield (owner, name), parts


def _state(owner: str, name: str, parts: dict[str, float]) -> KeyBudgetState:
    seen_at, spent_usd = parts[Part.SEEN], parts[Part.SPENT]
    resets_at = parts[Part.RESETS] or None
    elapsed_s = seen_at - parts[Part.SINCE]
    rate = (spent_usd - parts[Part.SINCE_USD]) / elapsed_s if elapsed_s > 0 else None
    left_usd = max(parts[Part.LIMIT] - spent_usd, 0.0)
    exhausts_at = seen_at + left_usd / rate if rate else (seen_at if not left_usd else None)
    if exhausts_at is not None and resets_at is not None and exhausts_at >= resets_at:
        exhausts_at = None
    return KeyBudgetState(
        owner=Owner(owner),
        name=name,
        limit_usd=parts[Part.LIMIT],
        spent_usd=spent_usd,
        seen_at=seen_at,
        resets_at=resets_at,
        usd_per_hour=rate * 3600 if rate is not None else None,
        exhausts_at=exhausts_at,
    )
