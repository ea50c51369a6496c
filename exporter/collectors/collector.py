"""What is known about a collector: its endpoint, interval and number of requests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from exporter.api.endpoints import Endpoint
from exporter.collectors.run import Result, Run
from exporter.settings import Org

CORE = ""
"""The group of the collectors that are always on."""

ITEMS_PER_INTERVAL = 4
"""Requests about single courses or mentors that a collector sends per interval on average."""

DAY = 24 * 3600.0

Collect = Callable[[Run], Awaitable[Result]]


class Base(Enum):
    """The setting that the interval of a collector is a multiple of."""

    INTERVAL = "interval"
    HISTORY_INTERVAL = "history_interval"


@dataclass(frozen=True, slots=True)
class Collector:
    """One entry of the registry.

    The interval is `times` the setting `base`. `requests` is how many requests a run sends on
    average, `per_course` and `per_mentor` what each course or mentor adds to it; a collector of
    single courses or mentors runs so rarely that these are at most `ITEMS_PER_INTERVAL` per
    setting. A collector is also due after midnight if it has `windows` of complete days.
    """

    name: str
    endpoint: Endpoint
    collect: Collect
    group: str = CORE
    base: Base = Base.HISTORY_INTERVAL
    times: int = 1
    requests: float = 1
    per_course: int = 0
    per_mentor: int = 0
    windows: bool = True
    daily: bool = False
    """All its values follow from daily values, which one request returns for many days."""
    paged: bool = False
    lists_courses: bool = False
    lists_mentors: bool = False
    once: int = 0
    """Requests that a new org takes once."""
    v2: Collect | None = None
    """Collects the same from the newer family, for deployments without the seeds' endpoint."""

    def interval(self, org: Org, *, courses: int, mentors: int) -> float:
        """Return the seconds between two runs for an org with so many courses and mentors."""
        setting = org.interval if self.base is Base.INTERVAL else org.history_interval
        items = self.per_course * courses + self.per_mentor * mentors
        return setting * max(self.times, items / ITEMS_PER_INTERVAL)

    def requests_per_hour(self, org: Org, *, courses: int, mentors: int) -> float:
        """Return how many requests an org takes per hour, averaged over a day."""
        interval = self.interval(org, courses=courses, mentors=mentors)
        runs_per_day = max(DAY / interval, 1.0 if self.windows else 0.0)
        requests = self.requests + self.per_course * courses + self.per_mentor * mentors
        return runs_per_day / 24 * requests

    @property
    def shows_up(self) -> bool:
        """Whether its success shows that an org is up: not if it depends on other collectors."""
        return not (self.per_course or self.per_mentor or self.once)

    @property
    def first(self) -> bool:
        """Whether it collects core values, which come before any org is polled a second time."""
        return self.group == CORE and self.shows_up and not self.lists_mentors

    @property
    def about(self) -> str:
        """Return what the collector collects, in one line."""
        return (self.collect.__doc__ or "").partition("\n")[0]

    def on(self, org: Org) -> bool:
        """Return whether the collector is on for an org."""
        if self.per_course and not org.courses.enrollments:
            return False
        if (self.per_mentor or self.lists_mentors) and not org.mentors:
            return False
        if self.name == "topics" and not org.topics:
            return False
        return org.collectors.get(self.name, self.group in {CORE, *org.extras})
