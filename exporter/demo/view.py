"""An org as one request sees it: at a moment, after drops, through the filters of the query."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from exporter.demo import rhythm
from exporter.demo.campus import Campus, Crowd, Figure, Mentor
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
    def at(  # noqa: PLR0913  # one argument for each filter
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
        sums = [0] * len(days)
        for course in self.courses if courses is None else courses:
            usual = self.campus.counts(figure, course, days)
            seen = self._more(self._seen(usual, days))
            sums = [a + b for a, b in zip(sums, seen, strict=True)]
        return sums

    def registrations(self, days: range) -> list[int]:
        """Return by day how many people registered. Drops leave it alone."""
        usual = self.campus.registrations(days)
        late = range(max(self.today, days.start), days.stop)
        for day in late:
            part = self.so_far if day == self.today else 0.0
            usual[day - days.start] = int(usual[day - days.start] * part)
        return self._more(usual)

    def who(self, crowds: Iterable[Crowd], days: Iterable[int]) -> int:
        """Return who of `crowds` was active on any of `days`, as a mask over the learners."""
        shares = [(day, share) for day in days if (share := self.share(day))]
        masks = (
            self.campus.present(crowd, day, share) for crowd in crowds for day, share in shares
        )
        return reduce(or_, masks, 0)

    def users(self, crowds: Iterable[Crowd], days: Iterable[int]) -> int:
        """Return how many unique users of `crowds` were active on any of `days`."""
        return self.more(self.who(crowds, days).bit_count())

    def sessions(self, days: range, mentors: Iterable[Mentor] | None = None) -> list[int]:
        """Return chat sessions by day: at least one for every user of that day."""
        return self._sum(self._sessions, days, mentors)

    def messages(self, days: range, mentors: Iterable[Mentor] | None = None) -> list[int]:
        """Return chat messages by day, of users and mentors together."""
        return self._sum(self._messages, days, mentors)

    def more(self, count: int) -> int:
        """Return `count` with what the main platform adds to it, if that is counted in."""
        return count + (count + 4) // 8 if self.main else count

    def _kept(self, day: int) -> float:
        kept = 1.0
        for drop in self.drops:
            if self.today - drop.days <= day <= self.today:
                kept *= 1 - drop.fraction
        return kept

    def _more(self, counts: list[int]) -> list[int]:
        return [count + (count + 4) // 8 for count in counts] if self.main else counts

    def _seen(self, usual: list[int], days: range) -> list[int]:
        """Return the counts with those days changed that are not over or fall into a drop."""
        first = self.today - max((drop.days for drop in self.drops), default=0)
        for day in range(max(first, days.start), days.stop):
            usual[day - days.start] = int(usual[day - days.start] * self.share(day))
        return usual

    def _sum(
        self,
        each: Callable[[Mentor, range], list[int]],
        days: range,
        mentors: Iterable[Mentor] | None,
    ) -> list[int]:
        sums = [0] * len(days)
        for mentor in self.mentors if mentors is None else mentors:
            sums = [a + b for a, b in zip(sums, each(mentor, days), strict=True)]
        return sums

    def _sessions(self, mentor: Mentor, days: range) -> list[int]:
        users = [self.who((mentor,), (day,)).bit_count() for day in days]
        return [self.campus.talks(mentor, day, n) for day, n in zip(days, users, strict=True)]

    def _messages(self, mentor: Mentor, days: range) -> list[int]:
        sessions = self._sessions(mentor, days)
        said = self.campus.said(mentor, days, sessions)
        return [
            max(int(count * self._kept(day)), least)
            for day, count, least in zip(days, said, sessions, strict=True)
        ]
