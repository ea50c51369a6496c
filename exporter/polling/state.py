"""What is known of each org and of each of its collectors, apart from the values themselves."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import date

from exporter import collectors
from exporter.collectors import Collector
from exporter.polling.generation import Generation
from exporter.scheduler import Collection, Due
from exporter.settings import Org
from exporter.snapshots import Item, Snapshots


@dataclass(slots=True)
class CollectorState:
    """One collector of one org: when it is due, what runs, and which of its items fail."""

    collector: Collector
    due: Due
    first: bool = False
    """Whether its next run is one of those that come before all others after a start."""
    failing: dict[str, Due] = field(default_factory=dict)
    """Items that failed while others succeeded, with their own backoff."""
    key_rejected: bool = False
    """Whether the last attempt failed because of the key."""
    absent: bool = False
    """Whether the deployment does not offer what the collector is for."""
    generation: Generation = field(default_factory=Generation)
    queued: Collection | None = None
    """The collection that waits in the queue of the host, or runs."""
    task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The name of the collector."""
        return self.collector.name

    def due_at(self) -> float:
        """Return when the collector, or one of its items that failed, is due."""
        return min((self.due.at(), *(item.at() for item in self.failing.values())))


@dataclass(slots=True)
class OrgState:
    """One configured org. `day` is today in its time zone."""

    org: Org
    identity: str
    day: date
    collectors: dict[str, CollectorState] = field(default_factory=dict)
    absent_groups: set[str] = field(default_factory=set)
    """Extras that were logged as not offered."""
    stretch: float = 1.0
    """Factor by which intervals are longer because demand exceeds the limits."""

    @property
    def key(self) -> str:
        """The key of the org."""
        return self.org.key

    def courses(self, snapshots: Snapshots) -> list[str]:
        """Return the known courses that have metrics of their own."""
        return [id_ for id_ in snapshots.courses(self.key) if self.org.courses.wants(id_)]

    def mentors(self, snapshots: Snapshots) -> list[str]:
        """Return the mentors that have metrics of their own."""
        if self.org.discovers_mentors:
            return list(snapshots.mentors(self.key))
        return list(self.org.mentors)

    def parts(self, collector: Collector, snapshots: Snapshots) -> list[str]:
        """Return the courses or mentors that a collector collects one by one."""
        if collector.per_course:
            return self.courses(snapshots)
        return self.mentors(snapshots) if collector.per_mentor else []

    def interval(self, collector: Collector, snapshots: Snapshots) -> float:
        """Return the seconds between two runs of a collector."""
        parts = len(self.parts(collector, snapshots))
        return collector.interval(self.org, courses=parts, mentors=parts)

    def lifetime(self, collector: str, item: Item) -> float:
        """Return how long an item of a collector is served, in seconds."""
        entry = self.collectors.get(collector)
        interval = max(item.interval, entry.due.interval) if entry else item.interval
        return self.org.staleness(interval) * self.stretch

    def retry(self, collector: Collector) -> float:
        """Return the seconds after which a collector, or an item of it, that failed is retried.

        Single courses and mentors are retried less often, since all of them may fail at a time.
        """
        of_parts = collector.per_course or collector.per_mentor
        rarely = of_parts and collector.base is collectors.Base.HISTORY_INTERVAL
        return self.org.history_interval if rarely else self.org.interval

    def timed(self, due: Due, collector: Collector, snapshots: Snapshots) -> Due:
        """Return when a collector is due with the settings and the parts of the org."""
        interval, retry = self.interval(collector, snapshots), self.retry(collector)
        if (interval, retry) == (due.interval, due.retry):
            return due
        return replace(due, interval=interval, retry=retry)
