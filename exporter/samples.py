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

    def truncate(self, limit: int) -> int:
        """Keep at most `limit` samples; return how many were cut.

        What has fewer labels stays first, so an org's own figures outlive those of its courses.
        """
        before = len(self)
        if before <= limit:
            return 0
        room = limit
        for metric, rows in sorted(self._families.items(), key=lambda item: len(item[0].labels)):
            kept = dict(list(rows.items())[: max(room, 0)])
            self._families[metric] = kept
            room -= len(kept)
        return before - len(self)
