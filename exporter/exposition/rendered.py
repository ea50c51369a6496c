"""Rendered sample lines by family, so that a scrape only joins them."""

from collections.abc import Callable, Iterable, Mapping

from exporter.catalog import Metric

Key = tuple[str, str]
"""An org, and a collector or another writer of series of that org."""


class RenderedLines:
    """The sample lines of every org and writer, by metric. All methods belong to one thread."""

    def __init__(self) -> None:
        self._families: dict[str, dict[Key, bytes]] = {}
        self._written: dict[str, dict[str, Mapping[str, bytes]]] = {}
        self.generation = 0
        """Grows with every change, so that a page knows whether it is current."""
        self.removed = 0
        """The generation at which lines were last removed, which no later scrape may contain."""
        self.size = 0
        """Bytes of all lines."""
        self.listeners: list[Callable[[], None]] = []

    def write(self, key: Key, lines: Mapping[str, bytes], *, removed: bool = False) -> None:
        """Replace the lines of one writer by metric name, all at once.

        `removed` says that series of a family that stays were removed.
        """
        org, writer = key
        of_org = self._written.setdefault(org, {})
        before = of_org.get(writer, {})
        gone = before.keys() - lines.keys()
        for name in gone:
            del self._families[name][key]
        for name, text in lines.items():
            self._families.setdefault(name, {})[key] = text
        if lines:
            of_org[writer] = lines
        else:
            of_org.pop(writer, None)
        self.size += _size(lines) - _size(before)
        self.generation += 1
        if gone or removed:
            self.removed = self.generation
        for listener in self.listeners:
            listener()

    def remove(self, org: str) -> None:
        """Remove all lines of an org."""
        for writer in list(self._written.get(org, ())):
            self.write((org, writer), {})
        self._written.pop(org, None)

    def families(self, metrics: Iterable[Metric]) -> list[tuple[Metric, list[bytes]]]:
        """Return the lines of each family that has any, in the order of `metrics`."""
        return [
            (metric, list(found.values()))
            for metric in metrics
            if (found := self._families.get(metric.name))
        ]

    def families_of(self, org: str, metrics: Iterable[Metric]) -> list[tuple[Metric, list[bytes]]]:
        """Return the lines of one org, by family."""
        written = self._written.get(org, {}).values()
        return [
            (metric, found)
            for metric in metrics
            if (found := [lines[metric.name] for lines in written if metric.name in lines])
        ]


def _size(lines: Mapping[str, bytes]) -> int:
    return sum(map(len, lines.values()))
