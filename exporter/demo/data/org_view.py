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
        return cls(
            data=data,
            courses=[c for c in data.courses if department in (None, c.index % _DEPARTMENTS + 1)],
            agents=[a for a in data.agents if agent in (None, a.agent_id)],
            today=now.toordinal(),
            newest=newest,
            hours=hours,
            so_far=so_far * (1 - _STRAGGLERS) if late else so_far,
            drops=[drop for drop in drops if drop.org == data.key],
            main=main,
            late=late,
        )

    def last(self, number: int) -> range:
        """Return the last `number` days, today included."""
        return range(self.today - number + 1, self.today + 1)

    def month(self) -> range:
        """Return the days of the calendar month, up to today."""
        return range(self.today - datetime.fromordinal(self.today).day + 1, self.today + 1)

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
        self, event: Event, days: range, courses: Sequence[Course] | None = None
    ) -> list[int]:
        """Return `event` by day, over all courses or the given: exactly the sum of each."""
        chosen = self.courses if courses is None else courses
        whole = self.data.counts(event, chosen, days)
        return self._seen(whole, days, [course.salt for course in chosen])

    def registrations(self, days: range) -> list[int]:
        """Return by day how many people registered."""
        return self._seen([self.data.registrations(days)], days, [self.data.salt])

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

    def active(self, days: Iterable[int]) -> int:
        """Return how many unique users were active in any of the courses on any of `days`."""
        return self.users(self.courses, days)

    def users_by_day(self, group: Group, days: Iterable[int]) -> list[int]:
        """Return by day how many unique users of `group` were active."""
        busy = self._busy(days)
        return [self.plus_main(self.data.present(group, (one,)).bit_count()) for one in busy]

    def course_days(self, days: range) -> list[int]:
        """Return by day the active users of each course, added up."""
        return _add(days, (self.users_by_day(course, days) for course in self.courses))

    def seconds(self, days: range, courses: Iterable[Course] | None = None) -> list[int]:
        """Return by day the time that the active users of courses spent in them."""
        chosen = self.courses if courses is None else courses
        return _add(days, ([c.seconds * n for n in self.users_by_day(c, days)] for c in chosen))

    def chats(self, days: range, agents: Iterable[Agent] | None = None) -> Chats:
        """Return the chats with all agents, or the given, by day."""
        left = [self._left(day) for day in days]
        found = [
            talk.chats(
                agent,
                days,
                users=self.users_by_day(agent, days),
                share=left,
                chance=self.data.chance,
            )
            for agent in (self.agents if agents is None else agents)
        ]
        return Chats(*(_add(days, (getattr(each, f) for each in found)) for f in Chats._fields))

    def plus_main(self, count: int) -> int:
        """Return `count` with what the main platform adds to it, if that is included."""
        return count + (count + 4) // 8 if self.main else count

    def _left(self, day: int) -> float:
        left = 1.0
        for drop in self.drops:
            if self.today - drop.days <= day <= self.today:
                left *= 1 - drop.fraction
        return left

    def _busy(self, days: Iterable[int]) -> list[tuple[int, float]]:
        """Pair each day with how busy it is, as far as it is seen."""
        return [(day, self.data.activity(day) * self.share(day)) for day in days]

    def _seen(self, whole: list[list[int]], days: range, salts: list[int]) -> list[int]:
        """Return the sum of what is seen of some series, given for whole days.

        A part of a number is rounded up with a fixed probability.
        """
        shares = [self.share(day) for day in days]
        total = [0] * len(days)
        for series, salt in zip(whole, salts, strict=True):
            odds = self.data.chance.uniform(salt >> 24, days)
            for place, share in enumerate(shares):
                number = series[place]
                part = number if share == 1 else int(number * share + odds[place])
                total[place] += self.plus_main(part)
        return total


def _add(days: range, series: Iterable[Sequence[int]]) -> list[int]:
    return [sum(values) for values in zip([0] * len(days), *series, strict=True)]
