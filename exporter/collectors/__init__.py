"""The parts that turn endpoints into gauges, one module per analytics area."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.collectors import audience, chat, videos
from exporter.collectors.visit import Findings, Visit
from exporter.settings import Org


class Rhythm(Enum):
    """How often a collector visits; the value is the priority of its requests."""

    TODAY = 0
    HISTORY = 1

    def seconds(self, org: Org) -> float:
        """Return the time between two visits to `org`."""
        return org.interval if self is Rhythm.TODAY else org.history_interval


@dataclass(frozen=True, slots=True)
class Collector:
    """One entry of the register.

    `fixed` is the number of requests of a visit, `per_course` and `per_mentor` what each of
    those adds; `once_a_day` are requests that only the first visit of a day makes.
    """

    name: str
    rhythm: Rhythm
    endpoint: Endpoint
    visit: Callable[[Visit], Awaitable[Findings]]
    fixed: int = 1
    per_course: int = 0
    per_mentor: int = 0
    once_a_day: int = 0
    lists_courses: bool = False
    paged: bool = False

    def requests(self, org: Org, *, courses: int) -> int:
        """Return how many requests a visit to `org` with so many courses makes."""
        return self.fixed + self.per_course * courses + self.per_mentor * len(org.mentors)

    @property
    def about(self) -> str:
        """Return what the collector brings, in a line."""
        return (self.visit.__doc__ or "").partition("\n")[0]

    def on(self, org: Org) -> bool:
        """Return whether the org wants this collector."""
        if self.per_course and not org.courses.enrollments:
            return False
        return org.collectors.get(self.name, True)


COLLECTORS: tuple[Collector, ...] = (
    Collector(
        "active_users_today",
        Rhythm.TODAY,
        endpoints.ACTIVE_USERS_PER_COURSE,
        audience.active_users_today,
    ),
    Collector(
        "enrollments_today",
        Rhythm.TODAY,
        endpoints.ENROLLMENTS_OVER_TIME,
        audience.enrollments_today,
        fixed=2,
    ),
    Collector("videos_today", Rhythm.TODAY, endpoints.VIDEOS_OVER_TIME, videos.videos_today),
    Collector(
        "chat_today", Rhythm.TODAY, endpoints.MESSAGES_PER_SESSION, chat.chat_today, per_mentor=1
    ),
    Collector(
        "active_users",
        Rhythm.HISTORY,
        endpoints.ACTIVE_USERS_PER_COURSE,
        audience.active_users,
        fixed=3,
        once_a_day=8,
        lists_courses=True,
    ),
    Collector(
        "active_learners", Rhythm.HISTORY, endpoints.ACTIVE_LEARNERS, audience.active_learners
    ),
    Collector(
        "enrollments",
        Rhythm.HISTORY,
        endpoints.ENROLLMENTS_OVER_TIME,
        audience.enrollments,
        fixed=2,
    ),
    Collector("videos", Rhythm.HISTORY, endpoints.VIDEOS_OVER_TIME, videos.videos),
    Collector(
        "course_videos",
        Rhythm.HISTORY,
        endpoints.COURSE_VIDEOS,
        videos.course_videos,
        lists_courses=True,
        paged=True,
    ),
    Collector("chat", Rhythm.HISTORY, endpoints.MESSAGES_PER_SESSION, chat.chat, per_mentor=1),
    Collector(
        "course_enrollments",
        Rhythm.HISTORY,
        endpoints.COURSE_ENROLLMENTS_OVER_TIME,
        audience.course_enrollments,
        fixed=0,
        per_course=2,
    ),
)


def of(org: Org) -> tuple[Collector, ...]:
    """Return the collectors that `org` wants, those that list courses before those that need it."""
    return tuple(collector for collector in COLLECTORS if collector.on(org))
