"""Which part of the traffic is asked for, and what of it can be told. Pure.

A model or a provider is known of every attempt; a team, a key or a tag of every request. No count
knows both, so what is asked of both at once cannot be told.
"""

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from litellm_obs_plugin.metrics.attribution import DIMENSIONS
from litellm_obs_plugin.metrics.catalog import BY_NAME, Labels
from litellm_obs_plugin.metrics.snapshot import Snapshot

Side = Literal["attempts", "team", "key", "tag", "nothing"]
ATTEMPTS_METRICS = frozenset(
    {
        *("attempts_total", "tokens_total", "cost_usd_total", "retries_total"),
        *("provider_duration_seconds", "time_to_first_token_seconds", "output_tokens_per_second"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The values of each dimension that count; all of them where none are given."""

    model: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(astuple(self))

    def given(self) -> dict[str, tuple[str, ...]]:
        """The dimensions that are asked for, with their values."""
        every = {name: tuple(getattr(self, name)) for name in self.__slots__}
        return {name: values for name, values in every.items() if values}

    @property
    def side(self) -> Side:
        """Whose counts tell what is asked for."""
        given = self.given()
        if given.keys() <= {"model", "provider"}:
            return "attempts"
        if len(given) > 1:
            return "nothing"
        return next(name for name in ("team", "key", "tag") if name in given)

    @property
    def metrics(self) -> Collection[str]:
        """Those that say anything of the part that is asked for."""
        side = self.side
        if side == "attempts":
            return ATTEMPTS_METRICS
        return attributed_metrics(side) if side in DIMENSIONS else frozenset()

    @property
    def adds_up(self) -> bool:
        """Whether no request counts twice: one with two tags stands under both."""
        return self.side != "nothing" and not len(self.tag) > 1

    def fits(self, metric: str, labels: Labels) -> bool:
        """Whether a series belongs to the part that is asked for."""
        if metric not in self.metrics:
            return False
        names = BY_NAME[metric].labels
        given = self.given()
        if metric == "retries_total" and "model" in given:
            return False
        return all(labels[names.index(name)] in values for name, values in given.items())

    def narrow(self, snapshot: Snapshot) -> Snapshot:
        """The series of *snapshot* that belong to the part that is asked for."""
        return Snapshot(
            started_at=snapshot.started_at,
            taken_at=snapshot.taken_at,
            workers=snapshot.workers,
            series={
                metric: {
                    k: v for k, v in snapshot.series.get(metric, {}).items() if self.fits(metric, k)
                }
                for metric in self.metrics
            },
        )


def attributed_metrics(dimension: str) -> Sequence[str]:
    """Requests, tokens and cost by *dimension*."""
    return tuple(f"{what}_by_{dimension}_total" for what in ("requests", "tokens", "cost_usd"))
