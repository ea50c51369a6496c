"""One org of the simulated university: what happens on any whole day, before any drop.

Next to nothing that happens is kept: every count of every day is computed from the seed, so
that an org costs little memory beyond its list of courses.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import lru_cache, reduce
from operator import or_
from zoneinfo import ZoneInfo

from exporter.demo.data import calendar
from exporter.demo.data.agents import Agent
from exporter.demo.data.calendar import Season
from exporter.demo.data.chance import STEPS, Chance
from exporter.demo.data.courses import Course

OPENED = date(2024, 1, 1)
"""The first day of every org that is not new."""

_DAYS, _RANGES = 512, 8
"""What is kept in memory of each org."""


class Event(Enum):
    """What is counted in a course by day, and how often it happens to one learner a day."""

    ENROLLMENT = 0.014
    UNENROLLMENT = 0.006
    VIDEO = 0.9
    COMPLETION = 0.007


_SALT = {event: 0x9E3779B9 * place for place, event in enumerate(Event, start=1)}
"""What keeps the chance of one event apart from that of the others."""

_IN_TERM = frozenset({Event.VIDEO, Event.COMPLETION})

Group = Course | Agent
"""A group of the org's learners, any of whom may be active on a day."""


@dataclass(frozen=True, slots=True, eq=False)
class OrgData:
    """The courses, agents and learners of one org, and what they do.

    `everybody(day)` is who is active in any course on a whole day, `shape(season, days)` how
    busy each of some days is.
    """

    key: str
    zone: ZoneInfo
    first_day: int
    learners: int
    courses: tuple[Course, ...]
    agents: tuple[Agent, ...]
    chance: Chance
    salt: int
    everybody: Callable[[int], int] = field(init=False)
    shape: Callable[[Season, range], Sequence[float]] = field(init=False)

    def __post_init__(self) -> None:
        # Unique users of weeks need the same days of all courses again and again.
        object.__setattr__(self, "everybody", lru_cache(maxsize=_DAYS)(self._everybody))
        # The rows of a page ask for the same days, course by course.
        object.__setattr__(self, "shape", lru_cache(maxsize=_RANGES)(self._shape))

    def activity(self, day: int, season: Season = Season.ACTIVITY) -> float:
        """Return how busy a whole day is: the calendar's level times the org's own."""
        return calendar.activity(self.zone, day, season) * self.chance.level(self.salt, day)

    def counts(self, event: Event, course: Course, days: range) -> list[int]:
        """Return how often `event` happens in `course` on each of `days`."""
        shape = self.shape(Season.ACTIVITY if event in _IN_TERM else Season.ENROLLMENT, days)
        scale = course.size * event.value
        if event is Event.VIDEO:
            scale *= course.density
        return self.chance.counts(course.salt + _SALT[event], scale, days, shape)

    def registrations(self, days: range) -> list[int]:
        """Return how many people register with the org on each of `days`."""
        shape = self.shape(Season.ENROLLMENT, days)
        return self.chance.counts(self.salt, self.learners * 0.012, days, shape)

    def present(self, group: Group, busy: Iterable[tuple[int, float]]) -> int:
        """Return who of `group` is active on any of some days, as a mask over the learners.

        `busy` pairs a day's ordinal with how busy it is. Of a part of a day some of the same
        people are seen, and no others.
        """
        scale = STEPS * group.density
        steps = [(day, min(int(scale * much + 0.5), STEPS)) for day, much in busy]
        return self.chance.present(group.salt, group.size, steps) << group.offset

    def _shape(self, season: Season, days: range) -> Sequence[float]:
        return [self.activity(day, season) for day in days]

    def _everybody(self, day: int) -> int:
        busy = [(day, self.activity(day))]
        return reduce(or_, (self.present(course, busy) for course in self.courses), 0)
