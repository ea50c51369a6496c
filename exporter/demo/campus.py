"""One org of the simulated university: what happens on any day, before any drop.

Nothing that happens is kept: every figure of every day is computed from the seed when asked
for, so that an org costs no memory beyond its list of courses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from exporter.demo import rhythm
from exporter.demo.courses import Course
from exporter.demo.noise import LEVELS, Noise

OPENED = date(2024, 1, 1).toordinal()
"""The first day that figures of all time go back to."""


class Figure(Enum):
    """What is counted in a course by day, and how often it happens to one learner a day."""

    ENROLLMENTS = 0.011
    UNENROLLMENTS = 0.0013
    VIDEOS = 0.9
    COMPLETIONS = 0.0019

    @property
    def salt(self) -> int:
        """Return what keeps its chance apart from that of other figures."""
        return 0x9E3779B9 * (1 + list(Figure).index(self))


@dataclass(frozen=True, slots=True)
class Mentor:
    """One AI mentor: who may talk to it, and how long the talks are."""

    mentor_id: str
    name: str
    size: int
    offset: int
    density: float
    messages: float
    cost: int
    salt: int


Crowd = Course | Mentor
"""A group of the org's learners who come and go by the day."""


@dataclass(frozen=True, slots=True)
class Campus:
    """The courses, mentors and learners of one org, and what they do."""

    key: str
    learners: int
    courses: tuple[Course, ...]
    mentors: tuple[Mentor, ...]
    noise: Noise
    salt: int

    def counts(self, figure: Figure, course: Course, days: range) -> list[int]:
        """Return how often `figure` happens in `course` on each of `days`."""
        shape: Iterable[float]
        if figure in {Figure.ENROLLMENTS, Figure.UNENROLLMENTS}:
            shape = map(rhythm.enrolling, days)
        else:
            shape = map(rhythm.activity, days)
        scale = course.size * figure.value
        if figure is Figure.VIDEOS:
            scale *= course.density
        return self.noise.counts(course.salt + figure.salt, scale, days, list(shape))

    def registrations(self, days: range) -> list[int]:
        """Return how many people register with the org on each of `days`."""
        shape = [rhythm.enrolling(day) for day in days]
        return self.noise.counts(self.salt, self.learners * 0.004, days, shape)

    def present(self, crowd: Crowd, day: int, share: float = 1.0) -> int:
        """Return who of `crowd` is active on `day`, as a mask over the org's learners.

        Of a smaller `share` of the day, some of the same people are seen and no others.
        """
        busy = crowd.density * rhythm.activity(day) * share
        level = min(int(LEVELS * busy + 0.5), LEVELS)
        come = self.noise.crowd(crowd.salt, day, size=crowd.size, level=level)
        return come << crowd.offset

    def talks(self, mentor: Mentor, day: int, users: int) -> int:
        """Return the chat sessions that `users` unique users have with `mentor` on `day`."""
        more = self.noise.counts(mentor.salt + 7, users * 0.35, range(day, day + 1), (1.0,))
        return users + more[0] if users else 0

    def said(self, mentor: Mentor, days: range, sessions: Sequence[int]) -> list[int]:
        """Return the messages of `sessions` chat sessions on each of `days`."""
        tenths = self.noise.counts(mentor.salt + 11, mentor.messages * 10, days, [1.0] * len(days))
        return [count * each // 10 for count, each in zip(sessions, tenths, strict=True)]
