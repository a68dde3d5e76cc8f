"""A scraped page as numbers, and the difference between two of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "llm_gateway_"
Key = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Page:
    """Sample values by name (without the prefix) and labels."""

    samples: dict[Key, float]

    @classmethod
    def parse(cls, text: str) -> Page:
        return cls(
            {
                (sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
        )

    def since(self, earlier: Page) -> Page:
        changed = {k: v - earlier.samples.get(k, 0.0) for k, v in self.samples.items()}
        return Page({k: v for k, v in changed.items() if v})

    def total(self, name: str, /, **where: str) -> float:
        """The sum of a metric's samples whose labels have these values."""
        wanted = set(where.items())
        return math.fsum(
            v for (n, labels), v in self.samples.items() if n == name and wanted <= labels
        )

    def by(self, name: str, /, *labels: str) -> dict[tuple[str, ...], float]:
        """The sums of a metric's samples by the values of *labels*."""
        sums: dict[tuple[str, ...], float] = {}
        for (sample, pairs), value in self.samples.items():
            if sample == name:
                key = tuple(dict(pairs)[label] for label in labels)
                sums[key] = sums.get(key, 0.0) + value
        return sums
