"""Adding up the same series from several files."""

from collections.abc import Iterable, Iterator

from litellm_obs_plugin.metrics.addition import add_exactly
from litellm_obs_plugin.metrics.file_reader import Raw
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.mapping import Domain
from litellm_obs_plugin.metrics.sketch import Sketch, merge


class Tally:
    """Series by name; where versions disagree on the kind or domain of one, all of them."""

    def __init__(self, series: Iterable[tuple[SeriesName, Raw]] = ()) -> None:
        self._parts: dict[SeriesName, list[Raw]] = {}
        for name, raw in series:
            self.add(name, raw)

    def add(self, name: SeriesName, raw: Raw) -> None:
        parts = self._parts.get(name)
        if parts is None:
            self._parts[name] = [raw]
        else:
            parts.append(raw)

    def __iter__(self) -> Iterator[tuple[SeriesName, Raw]]:
        """The sums. Numbers stay pairs, so that adding to a sum again loses nothing."""
        for name, parts in self._parts.items():
            if len(parts) == 1:
                yield name, parts[0]
            else:
                yield from ((name, raw) for raw in _add(parts))


def _add(parts: list[Raw]) -> Iterator[Raw]:
    numbers = [term for part in parts if not isinstance(part, Sketch) for term in part]
    if numbers:
        yield add_exactly(numbers)
    sketches: dict[Domain, list[Sketch]] = {}
    for part in parts:
        if isinstance(part, Sketch):
            sketches.setdefault(part.domain, []).append(part)
    for group in sketches.values():
        merged = merge(group)
        if merged is not None:
            yield merged
