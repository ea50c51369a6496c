"""One org of the simulated university: what happens on any whole day, before any drop.

Nothing that happens is kept: every count of every day is computed from the seed, so that an org
costs little memory beyond its list of courses.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from zoneinfo import ZoneInfo

from exporter.demo.data import calendar
from exporter.demo.data.agents import Agent
from exporter.demo.data.calendar import Season
from exporter.demo.data.chance import STEPS, Chance
from exporter.demo.data.courses import Course

OPENED = date(2024, 1, 1)
"""The first day of every org that is not new."""


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
    """The courses, agents and learners of one org, and what they do."""

    key: str
    zone: ZoneInfo
    first_day: int
    learners: int
    courses: tuple[Course, ...]
    agents: tuple[Agent, ...]
    chance: Chance
    salt: int

    def activity(self, day: int, season: Season = Season.ACTIVITY) -> float:
        """Return how busy a whole day is: the calendar's level times the org's own."""
        return calendar.activity(self.zone, day, season) * self.chance.level(self.salt, day)

    def counts(self, event: Event, courses: Iterable[Course], days: range) -> list[list[int]]:
        """Return for each course how often `event` happens in it on each of `days`."""
        season = Season.ACTIVITY if event in _IN_TERM else Season.ENROLLMENT
        shape = [self.activity(day, season) for day in days]
        return [
            self.chance.counts(
                course.salt + _SALT[event],
                course.size * event.value * (course.density if event is Event.VIDEO else 1.0),
                days,
                shape,
            )
            for course in courses
        ]

    def registrations(self, days: range) -> list[int]:
        """Return how many people register with the org on each of `days`."""
        shape = [self.activity(day, Season.ENROLLMENT) for day in days]
        return self.chance.counts(self.salt, self.learners * 0.012, days, shape)

    def present(self, group: Group, busy: Iterable[tuple[int, float]]) -> int:
        """Return who of `group` is active on any of some days, as a mask over the learners.

        `busy` pairs a day's ordinal with how busy it is. Of a part of a day some of the same
        people are seen, and no others.
        """
        scale = STEPS * group.density
        steps = [(day, min(int(scale * much + 0.5), STEPS)) for day, much in busy]
        return self.chance.present(group.salt, group.size, steps) << group.offset
