"""An org as one request sees it: at a moment, after drops, through the filters of the query."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_

from exporter.demo.data import agents as talk
from exporter.demo.data import calendar
from exporter.demo.data.agents import Agent, Chats
from exporter.demo.data.courses import Course
from exporter.demo.data.drop import Drop
from exporter.demo.data.org import Event, Group, OrgData

_DEPARTMENTS = 3
_LATE = timedelta(hours=2)
_STRAGGLERS = 0.1
_SETTLED = 4.0
"""Hours that the last tenth of a day takes to arrive."""


@dataclass(frozen=True, slots=True)
class OrgView:
    """What one org shows. Days are ordinals of UTC dates.

    `today` is the date, `newest` the newest day with data, of which `so_far` is seen after
    `hours`. With `late` data, events show two hours after they happened and the last tenth of
    a day four hours later. With `main`, every count includes the main platform.
    """

    data: OrgData
    courses: Sequence[Course]
    agents: Sequence[Agent]
    today: int
    newest: int
    hours: float
    so_far: float
    drops: Sequence[Drop]
    main: bool
    late: bool

    @classmethod
    def at(
        cls,
        data: OrgData,
        moment: datetime,
        *,
        drops: Sequence[Drop] = (),
        main: bool = False,
        department: int | None = None,
        agent: str | None = None,
        late: bool = False,
    ) -> "OrgView":
        """Return the view at an aware `moment`, narrowed by what is given."""
        now = moment.astimezone(UTC)
        seen = now - _LATE if late else now
        hours = seen.hour + seen.minute / 60 + seen.second / 3600
        newest = seen.toordinal()
        so_far = calendar.elapsed(data.zone, newest, hours)
        courses, agents = data.courses, data.agents
        if department is not None:
            courses = tuple(c for c in courses if c.index % _DEPARTMENTS + 1 == department)
        if agent is not None:
            agents = tuple(a for a in agents if a.agent_id == agent)
        return cls(
            data=data,
            courses=courses,
            agents=agents,
            today=now.toordinal(),
            newest=newest,
            hours=hours,
            so_far=so_far * (1 - _STRAGGLERS) if late else so_far,
            drops=tuple(drop for drop in drops if drop.org == data.key),
            main=main,
            late=late,
        )

    def last(self, number: int) -> range:
        """Return the last `number` days, today included."""
        return range(self.today - number + 1, self.today + 1)

    def share(self, day: int) -> float:
        """Return how much of the events of a whole day without a drop is seen."""
        if day > self.newest or day < self.data.first_day:
            return 0.0
        share = self._left(day)
        if day == self.newest:
            share *= self.so_far
        elif self.late and day == self.newest - 1:
            share *= 1 - _STRAGGLERS * max(1 - self.hours / _SETTLED, 0)
        return share

    def counts(
        self, event: Event, days: range, courses: Iterable[Course] | None = None
    ) -> list[int]:
        """Return `event` by day, over all courses or the given: exactly the sum of each."""
        chosen = self.courses if courses is None else courses
        whole = ((course, self.data.counts(event, course, days)) for course in chosen)
        return _add(days, (self._seen(n, days, course.salt) for course, n in whole))

    def registrations(self, days: range) -> list[int]:
        """Return by day how many people registered."""
        return self._seen(self.data.registrations(days), days, self.data.salt)

    def registered(self, day: int) -> int:
        """Return how many people had registered by the end of `day`."""
        since = range(self.data.first_day, max(day + 1, self.data.first_day))
        return self.plus_main(self.data.learners) + sum(self.registrations(since))

    def present(self, groups: Iterable[Group], days: Iterable[int]) -> int:
        """Return who of `groups` was active on any of `days`, as a mask over the learners."""
        busy = [one for one in self._busy(days) if one[1]]
        return reduce(or_, (self.data.present(group, busy) for group in groups), 0)

    def users(self, groups: Iterable[Group], days: Iterable[int]) -> int:
        """Return how many unique users of `groups` were active on any of `days`."""
        return self.plus_main(self.present(groups, days).bit_count())

    def learners(self, days: Iterable[int]) -> int:
        """Return who was active in any of the courses on any of `days`, as a mask."""
        if self.courses is not self.data.courses:
            return self.present(self.courses, days)
        partial = []
        there = 0
        for day in days:
            if self.data.first_day <= day < self._partial:
                there |= self.data.everybody(day)
            else:
                partial.append(day)
        return there | self.present(self.courses, partial)

    def active(self, days: Iterable[int]) -> int:
        """Return how many unique users were active in any of the courses on any of `days`."""
        return self.plus_main(self.learners(days).bit_count())

    def users_by_day(self, course: Course, days: Iterable[int]) -> list[int]:
        """Return by day how many unique users of `course` were active."""
        return [self.plus_main(count) for count in self._present(course, self._busy(days))]

    def course_days(self, days: range, courses: Iterable[Course] | None = None) -> list[int]:
        """Return by day the active users of each course, added up."""
        chosen = self.courses if courses is None else courses
        return _add(days, (self.users_by_day(course, days) for course in chosen))

    def seconds(self, days: range, courses: Iterable[Course] | None = None) -> list[int]:
        """Return by day the time that the active users of courses spent in them."""
        chosen = self.courses if courses is None else courses
        return _add(days, ([c.seconds * n for n in self.users_by_day(c, days)] for c in chosen))

    def chats(self, days: range, agents: Iterable[Agent] | None = None) -> Chats:
        """Return the chats with all agents, or the given, by day."""
        busy, left = self._busy(days), [self._left(day) for day in days]
        found = [
            talk.chats(
                agent,
                days,
                users=self._present(agent, busy),
                share=left,
                chance=self.data.chance,
            )
            for agent in (self.agents if agents is None else agents)
        ]
        return Chats(*(_add(days, (getattr(each, f) for each in found)) for f in Chats._fields))

    def plus_main(self, count: int) -> int:
        """Return `count` with what the main platform adds to it, if that is included."""
        return count + (count + 4) // 8 if self.main else count

    @property
    def _partial(self) -> int:
        """The first day that is not over, still settles, or falls into a drop."""
        dropped = max((drop.days for drop in self.drops), default=0)
        return min(self.today - dropped, self.newest - self.late)

    def _left(self, day: int) -> float:
        left = 1.0
        for drop in self.drops:
            if self.today - drop.days <= day <= self.today:
                left *= 1 - drop.fraction
        return left

    def _present(self, group: Group, busy: list[tuple[int, float]]) -> list[int]:
        """Return how many of `group` are active on each of some days."""
        return [self.data.present(group, (one,)).bit_count() for one in busy]

    def _busy(self, days: Iterable[int]) -> list[tuple[int, float]]:
        """Pair each day with how busy it is, as far as it is seen."""
        return [(day, self.data.activity(day) * self.share(day)) for day in days]

    def _seen(self, whole: list[int], days: range, salt: int) -> list[int]:
        """Return what is seen of whole days: a part is rounded up with a fixed probability."""
        before = range(days.start, min(self.data.first_day, days.stop))
        after = range(max(self._partial, days.start), days.stop)
        for day in (*before, *after):
            place = day - days.start
            (odd,) = self.data.chance.uniform(salt >> 24, range(day, day + 1))
            whole[place] = int(whole[place] * self.share(day) + odd)
        return [n + (n + 4) // 8 for n in whole] if self.main else whole


def _add(days: range, series: Iterable[Sequence[int]]) -> list[int]:
    return [sum(values) for values in zip([0] * len(days), *series, strict=True)]
