"""The parts that turn endpoints into gauges, one module per analytics area."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.collectors import (
    agents,
    audience,
    chat,
    costs,
    engagement,
    performance,
    videos,
)
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
    those adds; `once_a_day` are requests that only the first visit of a day makes. What is
    `optional` not every deployment has, nor every key may read: to be refused is no failure of
    it, unless it has succeeded before.
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
    optional: bool = False

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
    *(
        Collector(name, Rhythm.TODAY, endpoint, visit, optional=True)
        for name, endpoint, visit in (
            ("time_today", endpoints.TIME_OVER_TIME, engagement.time_today),
            ("completions_today", endpoints.COMPLETIONS_OVER_TIME, engagement.completions_today),
            ("conversations_today", endpoints.CONVERSATIONS, agents.conversations_today),
            ("costs_today", endpoints.COSTS, costs.costs_today),
        )
    ),
    *(
        Collector(name, Rhythm.HISTORY, endpoint, visit, fixed=requests, optional=True)
        for name, endpoint, visit, requests in (
            ("registered_users", endpoints.REGISTERED_USERS, audience.registered_users, 1),
            ("registrations", endpoints.REGISTRATIONS_OVER_TIME, audience.registrations, 1),
            ("time", endpoints.TIME_OVER_TIME, engagement.time, 1),
            ("time_per_learner", endpoints.TIME_PER_LEARNER, engagement.time_per_learner, 3),
            ("completions", endpoints.COMPLETIONS_OVER_TIME, engagement.completions, 1),
            ("grade", endpoints.AVERAGE_GRADE, performance.grade, 1),
            ("conversations", endpoints.CONVERSATIONS, agents.conversations, 1),
            ("agent_users", endpoints.AGENT_USERS, agents.agent_users, 1),
            ("agent_returns", endpoints.NEW_AND_RETURNING, agents.agent_returns, 2),
            ("agent_messages", endpoints.CONVERSATION_SUMMARY, agents.agent_messages, 1),
            ("ratings", endpoints.RATINGS, agents.ratings, 1),
            ("feedback", endpoints.FEEDBACK, agents.feedback, 1),
            ("sentiments", endpoints.SENTIMENTS, agents.sentiments, 2),
            ("topics", endpoints.TOPICS, agents.topics, 2),
            ("agents", endpoints.AGENTS, agents.agents, 1),
            ("costs", endpoints.COSTS, costs.costs, 1),
            ("model_costs", endpoints.COST_DETAILS, costs.model_costs, 2),
            ("provider_costs", endpoints.COST_DETAILS, costs.provider_costs, 2),
            ("agent_costs", endpoints.COST_DETAILS, costs.agent_costs, 2),
        )
    ),
    *(
        Collector(name, Rhythm.HISTORY, endpoint, visit, fixed=requests, optional=True, paged=True)
        for name, endpoint, visit, requests in (
            ("course_time", endpoints.TIME_PER_COURSE, engagement.course_time, 2),
            (
                "course_completions",
                endpoints.COMPLETIONS_PER_COURSE,
                engagement.course_completions,
                1,
            ),
            ("course_activity", endpoints.COURSE_ACTIVITY, engagement.course_activity, 1),
            ("course_grades", endpoints.GRADES_PER_COURSE, performance.course_grades, 1),
        )
    ),
)


NAMES = frozenset(collector.name for collector in COLLECTORS)
"""What `collectors` in a configuration may switch."""


def of(org: Org) -> tuple[Collector, ...]:
    """Return the collectors that `org` wants, those that list courses before those that need it."""
    return tuple(collector for collector in COLLECTORS if collector.on(org))
