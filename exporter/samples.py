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
        # By name, since hashing all that a metric is would take longer than the rest.
        self._families: dict[str, tuple[Metric, dict[Labels, float]]] = {}

    def add(self, metric: Metric, value: float | None, *labels: str) -> None:
        """Set one sample; `labels` are the values of `metric.labels` after `org`."""
        if value is not None:
            family = self._families.get(metric.name)
            if family is None:
                family = self._families[metric.name] = metric, {}
            family[1][labels] = value

    def add_column(self, metric: Metric, values: Mapping[str, float | None]) -> None:
        """Set a sample for each value, by the value of the one label after `org`."""
        known: dict[Labels, float] = {
            (label,): value for label, value in values.items() if value is not None
        }
        if known:
            self._families.setdefault(metric.name, (metric, {}))[1].update(known)

    def __iter__(self) -> Iterator[tuple[Metric, Mapping[Labels, float]]]:
        return iter(self._families.values())

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self)

    def withhold(self, *, below: int) -> int:
        """Take out counts of people under `below`, except 0; return how many."""
        if below <= 0:
            return 0
        before = len(self)
        for name, (metric, rows) in self._families.items():
            if metric.people:
                kept = {labels: v for labels, v in rows.items() if v == 0 or v >= below}
                self._families[name] = metric, kept
        return before - len(self)

    def parts(self) -> Counter[Labels]:
        """Return the courses and other parts that there are samples of, and how many of each."""
        return Counter(labels for _, rows in self for labels in rows if labels)

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
            for name, (metric, rows) in self._families.items():
                fit = {part: value for part, value in rows.items() if part in kept}
                if () in rows and whole > 0:
                    fit[()] = rows[()]
                    whole -= 1
                self._families[name] = metric, fit
        return before - len(self)
