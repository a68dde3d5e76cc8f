"""Adding up the same series from several files."""

from collections.abc import Iterable, Iterator

from litellm_obs_plugin.metrics.addition import add_exactly
from litellm_obs_plugin.metrics.catalog import NEWEST
from litellm_obs_plugin.metrics.cells import Cells, CellSum
from litellm_obs_plugin.metrics.file_reader import Number, Raw
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.mapping import Domain
from litellm_obs_plugin.metrics.sketch import Sketch


class Tally:
    """Series by name; where versions disagree on the kind or domain of one, all of them.

    What is added is read at once, so it may change afterwards.
    """

    def __init__(self, series: Iterable[tuple[SeriesName, Raw]] = ()) -> None:
        self._numbers: dict[SeriesName, list[float]] = {}
        self._sketches: dict[SeriesName, list[CellSum]] = {}
        for name, raw in series:
            self.add(name, raw)

    def add(self, name: SeriesName, raw: Raw) -> None:
        if isinstance(raw, Sketch):
            self.add_cells(name, raw.domain, raw.array)
        else:
            self.add_number(name, raw)

    def add_number(self, name: SeriesName, number: Number) -> None:
        terms = self._numbers.get(name)
        if terms is None or (name.metric in NEWEST and list(number) > terms):
            self._numbers[name] = list(number)
        elif name.metric in NEWEST:
            return
        else:
            terms += number

    def add_cells(self, name: SeriesName, domain: Domain, cells: Cells) -> None:
        sums = self._sketches.get(name)
        if sums is None:
            sums = self._sketches[name] = []
        for known in sums:
            if known.domain is domain or known.domain == domain:
                known.add(cells)
                return
        sums.append(CellSum(domain))
        sums[-1].add(cells)

    def __iter__(self) -> Iterator[tuple[SeriesName, Raw]]:
        """The sums. Numbers stay pairs, so that adding to a sum again loses nothing."""
        for name, terms in self._numbers.items():
            yield name, add_exactly(terms)
        for name, sums in self._sketches.items():
            for one in sums:
                yield name, Sketch.frozen(one.domain, one.cells())
