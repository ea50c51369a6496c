"""What one collector makes of one org's answers: values by metric and labels."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from exporter.catalog import Metric

Labels = tuple[str, ...]


class Samples:
    """Values by metric and labels, each label set once whatever the API repeats.

    The label `org` is left out: it is the same for all. None is a value that the API did not
    give, and makes no sample.
    """

    def __init__(self) -> None:
        self._families: dict[Metric, dict[Labels, float]] = {}

    def add(self, metric: Metric, value: float | None, *labels: str) -> None:
        """Set one sample; `labels` are the values of `metric.labels` after `org`."""
        if value is not None:
            self._families.setdefault(metric, {})[labels] = value

    def __iter__(self) -> Iterator[tuple[Metric, Mapping[Labels, float]]]:
        return iter(self._families.items())

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._families.values())

    def withhold(self, *, below: int) -> int:
        """Take out counts of people under `below`, except 0; return how many."""
        before = len(self)
        for metric, rows in self._families.items():
            if metric.people:
                self._families[metric] = {
                    labels: value for labels, value in rows.items() if value == 0 or value >= below
                }
        return before - len(self)

    def parts(self) -> Counter[Labels]:
        """Return the courses and other parts that there are samples of, and how many of each."""
        return Counter(labels for rows in self._families.values() for labels in rows if labels)

    def truncate(self, limit: int, *, parts: int, toll: Callable[[Labels], int]) -> int:
        """Keep at most `limit` samples, and at most `parts` about courses and other parts.

        Return how many were cut. Figures of the org as a whole come first. A part is kept whole
        or not at all; `toll` is what it costs besides its samples.
        """
        before = len(self)
        sizes = self.parts()
        whole = min(before - sizes.total(), limit)
        room = min(limit - whole, parts)
        kept = set()
        for part, size in sizes.items():
            room -= size + toll(part)
            if room < 0:
                break
            kept.add(part)
        if len(kept) < len(sizes) or whole < before - sizes.total():
            for metric, rows in self._families.items():
                fit = {part: value for part, value in rows.items() if part in kept}
                if () in rows and whole > 0:
                    fit[()] = rows[()]
                    whole -= 1
                self._families[metric] = fit
        return before - len(self)
