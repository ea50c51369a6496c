"""What one collector makes of one org's answers: values by metric and labels."""

from collections.abc import Iterator, Mapping

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

    def truncate(self, limit: int, *, parts: int) -> int:
        """Keep at most `limit` samples, and at most `parts` about courses and other parts.

        Return how many were cut. The figures of the org as a whole outlive those of its parts.
        """
        before = len(self)
        whole, part = limit, parts
        for metric, rows in sorted(self._families.items(), key=lambda item: len(item[0].labels)):
            room = min(whole, part) if len(metric.labels) > 1 else whole
            kept = rows if len(rows) <= room else dict(list(rows.items())[:room])
            self._families[metric] = kept
            whole -= len(kept)
            part -= len(kept) if len(metric.labels) > 1 else 0
        return before - len(self)
