"""What is known now: immutable snapshots, replaced whole, rendered once, expiring."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from exporter import exposition
from exporter.catalog import COURSE_INFO, Metric
from exporter.samples import Samples

Key = tuple[str, str]
"""An org and a collector (or another writer of that org's series)."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one collector last saw of one org, as the text that is served.

    `lines` are the sample lines by metric name; `headline` the figures of the org itself and
    `daily` some of them by day, for people; `expires` is on the monotonic clock, in seconds.
    """

    org: str
    collector: str
    taken: datetime
    expires: float
    lines: Mapping[str, bytes]
    series: int
    courses: Mapping[str, str]
    headline: Mapping[str, float]
    daily: Mapping[str, Mapping[date, float | None]] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Where the snapshot is kept."""
        return self.org, self.collector


def render(samples: Samples, constants: exposition.Constants) -> dict[str, bytes]:
    """Return the sample lines of `samples` by metric name."""
    pen = exposition.Pen(constants)
    return {metric.name: pen.lines(metric, rows) for metric, rows in samples if rows}


def headline(samples: Samples) -> dict[str, float]:
    """Return the figures that carry no label but the org."""
    return {metric.name: rows[()] for metric, rows in samples if () in rows}


class SnapshotStore:
    """The one shared thing: the live snapshot of each org and collector, as text by family.

    Whoever reads it sees a snapshot whole or not at all. All methods belong to one thread.
    """

    def __init__(self) -> None:
        self._snapshots: dict[str, dict[str, Snapshot]] = {}
        self._families: dict[str, dict[Key, bytes]] = {}
        self._written: dict[str, dict[str, Mapping[str, bytes]]] = {}
        self._constants: dict[str, exposition.Constants] = {}
        self._next_expiry = float("inf")
        self.generation = 0
        """Grows with every change, so that a page knows whether it is current."""
        self.gone = 0
        """The generation with which something was last taken out, which nobody is to see again."""

        self.size = 0
        """Bytes of all lines."""
        self.listeners: list[Callable[[], None]] = []

    def put(self, snapshot: Snapshot, constants: exposition.Constants) -> None:
        """Replace what the collector saw before, all of it at once."""
        of_org = self._snapshots.setdefault(snapshot.org, {})
        before = of_org.get(snapshot.collector)
        of_org[snapshot.collector] = snapshot
        self._constants[snapshot.org] = constants
        self._next_expiry = min(self._next_expiry, snapshot.expires)
        self.write(snapshot.key, snapshot.lines)
        if snapshot.courses != (before.courses if before else {}):
            self._write_courses(snapshot.org)

    def write(self, key: Key, lines: Mapping[str, bytes]) -> None:
        """Set the lines of one writer, in place of those it wrote before."""
        org, writer = key
        of_org = self._written.setdefault(org, {})
        before = of_org.get(writer, {})
        for name in before.keys() - lines.keys():
            del self._families[name][key]
        for name, text in lines.items():
            self._families.setdefault(name, {})[key] = text
        of_org[writer] = lines
        self.size += _size(lines) - _size(before)
        self._changed()

    def remove(self, org: str, collector: str) -> None:
        """Take out one snapshot and its series."""
        snapshot = self._snapshots.get(org, {}).pop(collector, None)
        if snapshot is not None:
            self._erase(snapshot.key)
            if snapshot.courses:
                self._write_courses(org)

    def drop(self, org: str) -> None:
        """Take out everything of an org."""
        self._snapshots.pop(org, None)
        self._constants.pop(org, None)
        for writer in list(self._written.get(org, ())):
            self._erase((org, writer))
        self._written.pop(org, None)

    def expire(self, now: float) -> list[Key]:
        """Take out what is older than it may be at `now` (monotonic), and return what it was."""
        if now < self._next_expiry:
            return []
        gone = [s.key for s in self._all() if s.expires <= now]
        for org, collector in gone:
            self.remove(org, collector)
        self._next_expiry = min((s.expires for s in self._all()), default=float("inf"))
        return gone

    def get(self, org: str, collector: str) -> Snapshot | None:
        """Return the live snapshot of a collector."""
        return self._snapshots.get(org, {}).get(collector)

    def of(self, org: str) -> Mapping[str, Snapshot]:
        """Return the live snapshots of an org by collector."""
        return self._snapshots.get(org, {})

    def courses(self, org: str) -> dict[str, str]:
        """Return the known courses of an org: id and name."""
        known: dict[str, str] = {}
        for snapshot in self.of(org).values():
            for course_id, name in snapshot.courses.items():
                known[course_id] = name or known.get(course_id, "")
        return known

    def pieces(self, metrics: Iterable[Metric]) -> list[tuple[Metric, list[bytes]]]:
        """Return the lines of each family that has any, in the order of `metrics`."""
        return [
            (metric, list(found.values()))
            for metric in metrics
            if (found := self._families.get(metric.name))
        ]

    def pieces_of(self, org: str, metrics: Iterable[Metric]) -> list[tuple[Metric, list[bytes]]]:
        """Return the lines of one org, by family."""
        written = self._written.get(org, {}).values()
        return [
            (metric, found)
            for metric in metrics
            if (found := [lines[metric.name] for lines in written if metric.name in lines])
        ]

    def series(self, org: str) -> int:
        """Return how many series the live snapshots of an org have."""
        return sum(snapshot.series for snapshot in self.of(org).values())

    def _all(self) -> Iterable[Snapshot]:
        return (snapshot for of_org in self._snapshots.values() for snapshot in of_org.values())

    def _write_courses(self, org: str) -> None:
        """Write the names of an org's courses, which several collectors bring."""
        names = Samples()
        for course_id, name in self.courses(org).items():
            names.add(COURSE_INFO, 1, course_id, name)
        self.write((org, COURSE_INFO.name), render(names, self._constants.get(org, {})))

    def _erase(self, key: Key) -> None:
        org, writer = key
        lines = self._written[org].pop(writer, {})
        for name in lines:
            del self._families[name][key]
        self.size -= _size(lines)
        self._changed()
        self.gone = self.generation

    def _changed(self) -> None:
        self.generation += 1
        for listener in self.listeners:
            listener()


def _size(lines: Mapping[str, bytes]) -> int:
    return sum(map(len, lines.values()))
