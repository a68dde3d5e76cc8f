"""Families of another prometheus_client registry, to follow ours on the same page.

The host has such a registry when its built-in `prometheus` callback is on. Where a family has the
name of one of ours, ours stays.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from prometheus_client.core import Metric as ClientFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from litellm_obs_plugin.exposition import openmetrics
from litellm_obs_plugin.exposition.family import aliases
from litellm_obs_plugin.exposition.reencoding import encode
from litellm_obs_plugin.metrics.catalog import CATALOG

ClientFamilies = Iterable[ClientFamily]

_OURS = frozenset(alias for metric in CATALOG for alias in aliases(metric))


@dataclass(frozen=True, slots=True)
class _Registry:
    """As much of a registry as prometheus_client's writers ask for."""

    families: Collection[ClientFamily]

    def collect(self) -> ClientFamilies:
        return self.families


def select_foreign(families: ClientFamilies, *, names: Collection[str] = ()) -> list[ClientFamily]:
    """The *families* that are not ours, only those called one of *names* when there are names."""
    wanted = frozenset(names)
    return [
        family
        for family in families
        if _OURS.isdisjoint({family.name, family.name + "_total"})
        and (not wanted or not wanted.isdisjoint(_aliases(family)))
    ]


def render_text(families: Collection[ClientFamily]) -> bytes:
    return generate_latest(_Registry(families))


def render_openmetrics(families: Collection[ClientFamily]) -> bytes:
    """Without the end mark."""
    page: bytes = generate_openmetrics(_Registry(families))  # type: ignore[no-untyped-call]
    return page.removesuffix(openmetrics.EOF)


def render_protobuf(families: Collection[ClientFamily]) -> bytes:
    return b"".join(map(encode, families))


def _aliases(family: ClientFamily) -> set[str]:
    return {family.name, *(sample.name for sample in family.samples)}
