"""An org as one request sees it: at a moment, after drops, through the filters of the query."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from exporter.demo import rhythm
from exporter.demo.campus import OPENED, Campus, Crowd, Figure, Mentor, usual_shape
from exporter.demo.courses import Course
from exporter.demo.university import Drop

_DEPARTMENTS = 3


@dataclass(frozen=True, slots=True)
class View:
    """What one org shows. Days are ordinals in its own time zone; those to come show nothing.

    `so_far` is the share of today's activity that has happened. With `main` every count has
    that of the main platform added.
    """

    campus: Campus
    courses: Sequence[Course]
    mentors: Sequence[Mentor]
    today: int
    so_far: float
    hours: float
    drops: Sequence[Drop]
    main: bool

    @classmethod
    def at(
        cls,
        campus: Campus,
        moment: datetime,
        *,
        drops: Sequence[Drop] = (),
        main: bool = False,
        department: int | None = None,
        mentor: str | None = None,
    ) -> "View":
        """Return the view at `moment`, in the org's own time zone, narrowed by what is given."""
        hours = moment.hour + moment.minute / 60 + moment.second / 3600
        courses, mentors = campus.courses, campus.mentors
        if department is not None:
            courses = tuple(c for c in courses if c.index % _DEPARTMENTS + 1 == department)
        if mentor is not None:
            mentors = tuple(m for m in mentors if m.mentor_id == mentor)
        return cls(
            campus=campus,
            courses=courses,
            mentors=mentors,
            today=moment.toordinal(),
            so_far=rhythm.elapsed(hours),
            hours=hours,
            drops=tuple(drop for drop in drops if drop.org == campus.key),
            main=main,
        )

    def share(self, day: int) -> float:
        """Return how much is seen on `day` of what a whole usual day would show."""
        if day > self.today:
            return 0.0
        return self._kept(day) * (self.so_far if day == self.today else 1.0)

    def counts(
        self, figure: Figure, days: range, courses: Iterable[Course] | None = None
    ) -> list[int]:
        """Return `figure` by day, over all courses or the given: exactly the sum of each."""
        shape = self._shape(figure, days)
        chosen = self.courses if courses is None else courses
        return _add(
            days,
            (self._more(self.campus.counts(figure, course, days, shape)) for course in chosen),
        )

    def registrations(self, days: range) -> list[int]:
        """Return by day how many people registered."""
        return self._more(self.campus.registrations(days, self._shape(Figure.ENROLLMENTS, days)))

    def registered(self, day: int) -> int:
        """Return how many people had registered by the end of `day`."""
        return self.more(self.campus.learners) + sum(self.registrations(range(OPENED, day + 1)))

    def visits(self, days: range, courses: Iterable[Course] | None = None) -> list[int]:
        """Return by day the active users of each course, added up."""
        chosen = self.courses if courses is None else courses
        return _add(days, ([self.users((course,), (day,)) for day in days] for course in chosen))

    def seconds(self, days: range, courses: Iterable[Course] | None = None) -> list[int]:
        """Return by day the time that the active users of courses spent in them."""
        chosen = self.courses if courses is None else courses
        return _add(
            days,
            ([each.stay * n for n in self.visits(days, (each,))] for each in chosen),
        )

    def last(self, number: int) -> range:
        """Return the last `number` days, today included."""
        return range(self.today - number + 1, self.today + 1)

    def who(self, crowds: Iterable[Crowd], days: Iterable[int]) -> int:
        """Return who of `crowds` was active on any of `days`, as a mask over the learners."""
        busy = [(day, rhythm.activity(day) * share) for day in days if (share := self.share(day))]
        return reduce(or_, (self.campus.present(crowd, busy) for crowd in crowds), 0)

    def reach(self, days: Iterable[int]) -> int:
        """Return who was active in any of the courses on any of `days`, as a mask."""
        if self.courses is not self.campus.courses:
            return self.who(self.courses, days)
        usual = [day for day in days if day < self._unusual]
        masks = [self.campus.everybody(day) for day in usual]
        rest = [day for day in days if day >= self._unusual]
        return reduce(or_, masks, self.who(self.courses, rest))

    def active(self, days: Iterable[int]) -> int:
        """Return how many unique users were active in any of the courses on any of `days`."""
        return self.more(self.reach(days).bit_count())

    def users(self, crowds: Iterable[Crowd], days: Iterable[int]) -> int:
        """Return how many unique users of `crowds` were active on any of `days`."""
        return self.more(self.who(crowds, days).bit_count())

    def sessions(self, days: range, mentors: Iterable[Mentor] | None = None) -> list[int]:
        """Return chat sessions by day: at least one for every user of that day."""
        return self.chats(days, mentors)[0]

    def messages(self, days: range, mentors: Iterable[Mentor] | None = None) -> list[int]:
        """Return chat messages by day, of users and mentors together."""
        return self.chats(days, mentors)[1]

    def chats(
        self, days: range, mentors: Iterable[Mentor] | None = None
    ) -> tuple[list[int], list[int]]:
        """Return chat sessions by day, and the messages in them: at least one in each."""
        sessions, messages = [], []
        for mentor in self.mentors if mentors is None else mentors:
            users = [self.who((mentor,), (day,)).bit_count() for day in days]
            held = self.campus.sessions(mentor, days, users)
            said = self.campus.messages(mentor, days, held)
            sessions.append(held)
            messages.append(
                [
                    max(int(count * self._kept(day)), least)
                    for day, count, least in zip(days, said, held, strict=True)
                ]
            )
        return _add(days, sessions), _add(days, messages)

    def more(self, count: int) -> int:
        """Return `count` with what the main platform adds to it, if that is counted in."""
        return count + (count + 4) // 8 if self.main else count

    @property
    def _unusual(self) -> int:
        """The first day that is not over or falls into a drop."""
        return self.today - max((drop.days for drop in self.drops), default=0)

    def _kept(self, day: int) -> float:
        kept = 1.0
        for drop in self.drops:
            if self.today - drop.days <= day <= self.today:
                kept *= 1 - drop.fraction
        return kept

    def _more(self, counts: list[int]) -> list[int]:
        return [count + (count + 4) // 8 for count in counts] if self.main else counts

    def _shape(self, figure: Figure, days: range) -> list[float]:
        shape = list(usual_shape(figure, days))
        for day in range(max(self._unusual, days.start), days.stop):
            shape[day - days.start] *= self.share(day)
        return shape


def _add(days: range, series: Iterable[Sequence[int]]) -> list[int]:
    return [sum(values) for values in zip([0] * len(days), *series, strict=True)]
