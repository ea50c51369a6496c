"""One org of the simulated university: what happens on any day, before any drop.

Next to nothing that happens is kept: every figure of every day is computed from the seed when
asked for, so that an org costs little memory beyond its list of courses.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import lru_cache, reduce
from operator import or_

from exporter.demo import rhythm
from exporter.demo.courses import Course
from exporter.demo.noise import LEVELS, Noise

OPENED = date(2024, 1, 1).toordinal()
"""The first day that figures of all time go back to."""


_REMEMBERED = 512
"""Days on which it is remembered who was active."""


class Figure(Enum):
    """What is counted in a course by day, and how often it happens to one learner a day."""

    ENROLLMENTS = 0.011
    UNENROLLMENTS = 0.0013
    VIDEOS = 0.9
    COMPLETIONS = 0.0019


_SALT = {figure: 0x9E3779B9 * place for place, figure in enumerate(Figure, start=1)}
"""What keeps the chance of one figure apart from that of the others."""

_OF_ENROLMENT = frozenset({Figure.ENROLLMENTS, Figure.UNENROLLMENTS})


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


@dataclass(slots=True, eq=False)
class Campus:
    """The courses, mentors and learners of one org, and what they do.

    `everybody(day)` says who was active in any course on a whole usual day, and remembers it.
    """

    key: str
    learners: int
    courses: tuple[Course, ...]
    mentors: tuple[Mentor, ...]
    noise: Noise
    salt: int
    everybody: Callable[[int], int] = field(init=False)

    def __post_init__(self) -> None:
        self.everybody = lru_cache(maxsize=_REMEMBERED)(self._everybody)

    def counts(
        self, figure: Figure, course: Course, days: range, shape: Sequence[float]
    ) -> list[int]:
        """Return how often `figure` happens in `course` on each of `days`, as busy as `shape`."""
        scale = course.size * figure.value
        if figure is Figure.VIDEOS:
            scale *= course.density
        return self.noise.counts(course.salt + _SALT[figure], scale, days, shape)

    def registrations(self, days: range, shape: Sequence[float]) -> list[int]:
        """Return how many people register with the org on each of `days`, as busy as `shape`."""
        return self.noise.counts(self.salt, self.learners * 0.004, days, shape)

    def present(self, crowd: Crowd, busy: Iterable[tuple[int, float]]) -> int:
        """Return who of `crowd` is active on any of some days, as a mask over the learners.

        `busy` pairs a day's ordinal with how busy it is. Of a part of a day (a smaller number)
        some of the same people are seen, and no others.
        """
        scale = LEVELS * crowd.density
        levels = [(day, min(int(scale * much + 0.5), LEVELS)) for day, much in busy]
        return self.noise.crowd(crowd.salt, crowd.size, levels) << crowd.offset

    def sessions(self, mentor: Mentor, days: range, users: Sequence[int]) -> list[int]:
        """Return the chat sessions that each day's unique `users` have: one each, and some more."""
        more = self.noise.counts(mentor.salt + 7, 0.35, days, users)
        return [n + again if n else 0 for n, again in zip(users, more, strict=True)]

    def messages(self, mentor: Mentor, days: range, sessions: Sequence[int]) -> list[int]:
        """Return the messages of each day's chat `sessions`."""
        tenths = self.noise.counts(mentor.salt + 11, mentor.messages * 10, days, [1.0] * len(days))
        return [count * each // 10 for count, each in zip(sessions, tenths, strict=True)]

    def _everybody(self, day: int) -> int:
        busy = [(day, rhythm.activity(day))]
        return reduce(or_, (self.present(course, busy) for course in self.courses), 0)


@lru_cache(maxsize=256)
def usual_shape(figure: Figure, days: range) -> tuple[float, ...]:
    """Return how busy each of `days` is, where `figure` is concerned."""
    shape = rhythm.enrolling if figure in _OF_ENROLMENT else rhythm.activity
    return tuple(map(shape, days))
