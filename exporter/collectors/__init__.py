"""Collectors: each turns one group of endpoints into gauges. One module per analytics area."""

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
    grades,
    usage,
    v2,
    videos,
)
from exporter.collectors.run import Result, Run
from exporter.settings import Org

CORE = ""
"""The group of the collectors that are always on."""

ITEMS_PER_INTERVAL = 4
"""Requests about single courses or mentors that a collector sends per interval on average."""

RARELY = 6
"""Intervals between two requests of lists that change little within a day."""

DAY = 24 * 3600.0


class Base(Enum):
    """The setting that the interval of a collector is a multiple of."""

    INTERVAL = "interval"
    HISTORY_INTERVAL = "history_interval"


@dataclass(frozen=True, slots=True)
class Collector:
    """One entry of the registry.

    The interval is `times` the setting `base`. `requests` is how many requests a run sends on
    average, `per_course` and `per_mentor` what each course or mentor adds to it; a collector of
    single courses or mentors runs so rarely that these are at most `ITEMS_PER_INTERVAL` per
    setting. A collector is also due after midnight if it has `windows` of complete days.
    """

    name: str
    base: Base
    endpoint: Endpoint
    collect: Callable[[Run], Awaitable[Result]]
    group: str = CORE
    times: int = 1
    requests: float = 1
    per_course: int = 0
    per_mentor: int = 0
    windows: bool = True
    paged: bool = False
    lists_courses: bool = False
    lists_mentors: bool = False
    first: bool = True
    """Belongs to the core values that are collected before any org is polled a second time."""
    once: int = 0
    """Requests that a new org takes once."""
    v2: Callable[[Run], Awaitable[Result]] | None = None
    """Collects the same from the newer family, for deployments without the seeds' endpoint."""

    def interval(self, org: Org, *, courses: int, mentors: int) -> float:
        """Return the seconds between two runs for an org with so many courses and mentors."""
        setting = org.interval if self.base is Base.INTERVAL else org.history_interval
        items = self.per_course * courses + self.per_mentor * mentors
        return setting * max(self.times, items / ITEMS_PER_INTERVAL)

    def requests_per_run(self, *, courses: int, mentors: int) -> float:
        """Return how many requests a run sends on average."""
        return self.requests + self.per_course * courses + self.per_mentor * mentors

    def requests_per_hour(self, org: Org, *, courses: int, mentors: int) -> float:
        """Return how many requests an org takes per hour, averaged over a day."""
        interval = self.interval(org, courses=courses, mentors=mentors)
        runs_per_day = max(DAY / interval, 1.0 if self.windows else 0.0)
        return runs_per_day / 24 * self.requests_per_run(courses=courses, mentors=mentors)

    @property
    def shows_up(self) -> bool:
        """Whether its success shows that an org is up: not if it depends on other collectors."""
        return not (self.per_course or self.per_mentor or self.once)

    @property
    def about(self) -> str:
        """Return what the collector collects, in one line."""
        return (self.collect.__doc__ or "").partition("\n")[0]

    def on(self, org: Org) -> bool:
        """Return whether the collector is on for an org."""
        if self.per_course and not org.courses.enrollments:
            return False
        if (self.per_mentor or self.lists_mentors) and not org.mentors:
            return False
        if self.name == "topics" and not org.topics:
            return False
        return org.collectors.get(self.name, self.group in {CORE, *org.extras})


def _extra(
    group: str,
    name: str,
    endpoint: Endpoint,
    collect: Callable[[Run], Awaitable[Result]],
    *,
    base: Base = Base.HISTORY_INTERVAL,
    times: int = 1,
    requests: float = 1,
    windows: bool = True,
    paged: bool = False,
) -> Collector:
    return Collector(
        name,
        base,
        endpoint,
        collect,
        group=group,
        times=times,
        requests=requests,
        windows=windows,
        paged=paged,
        first=False,
    )


COLLECTORS: tuple[Collector, ...] = (
    Collector(
        "active_users_today",
        Base.INTERVAL,
        endpoints.ACTIVE_USERS_PER_COURSE,
        audience.active_users_today,
        v2=v2.active_users_today,
        windows=False,
    ),
    Collector(
        "enrollments",
        Base.INTERVAL,
        endpoints.ENROLLMENTS_OVER_TIME,
        audience.enrollments,
        v2=v2.enrollments,
        requests=2,
    ),
    Collector("videos", Base.INTERVAL, endpoints.VIDEOS_OVER_TIME, videos.videos),
    Collector("chat", Base.INTERVAL, endpoints.MESSAGES_PER_SESSION, chat.chat, v2=v2.chat),
    Collector(
        "active_users",
        Base.HISTORY_INTERVAL,
        endpoints.ACTIVE_USERS_PER_COURSE,
        audience.active_users,
        v2=v2.active_users,
        requests=1 + 2 / audience.LONG_WINDOWS_EVERY,
        lists_courses=True,
    ),
    Collector(
        "active_learners",
        Base.HISTORY_INTERVAL,
        endpoints.ACTIVE_LEARNERS,
        audience.active_learners,
        times=RARELY,
        windows=False,
    ),
    Collector(
        "course_videos",
        Base.HISTORY_INTERVAL,
        endpoints.COURSE_VIDEOS,
        videos.course_videos,
        v2=v2.course_videos,
        times=RARELY,
        windows=False,
        lists_courses=True,
        paged=True,
    ),
    Collector(
        "course_enrollments",
        Base.HISTORY_INTERVAL,
        endpoints.COURSE_ENROLLMENTS_OVER_TIME,
        audience.course_enrollments,
        v2=v2.course_enrollments,
        requests=0,
        per_course=2,
        first=False,
    ),
    Collector(
        "mentors",
        Base.HISTORY_INTERVAL,
        endpoints.MENTOR_COSTS,
        chat.mentors,
        times=RARELY,
        windows=False,
        lists_mentors=True,
        first=False,
    ),
    Collector(
        "mentor_chat",
        Base.INTERVAL,
        endpoints.MESSAGES_PER_SESSION,
        chat.mentor_chat,
        v2=v2.mentor_chat,
        requests=0,
        per_mentor=1,
        first=False,
    ),
    Collector(
        "past_active_users",
        Base.HISTORY_INTERVAL,
        endpoints.ACTIVE_USERS_PER_COURSE,
        audience.past_active_users,
        times=7 * 24,  # after everything else; each midnight shows which days are missing
        requests=1,
        first=False,
        once=audience.past_requests(),
    ),
    _extra(
        "learning",
        "time",
        endpoints.TIME_OVER_TIME,
        engagement.time,
        base=Base.INTERVAL,
    ),
    _extra(
        "learning",
        "completions",
        endpoints.COMPLETIONS_OVER_TIME,
        engagement.completions,
        base=Base.INTERVAL,
    ),
    _extra("learning", "registrations", endpoints.REGISTRATIONS_OVER_TIME, audience.registrations),
    _extra(
        "learning",
        "time_per_learner",
        endpoints.TIME_PER_LEARNER,
        engagement.time_per_learner,
        times=RARELY,
        requests=3,
    ),
    *(
        _extra(
            "learning",
            name,
            endpoint,
            collect,
            times=RARELY,
            windows=False,
            paged=name.startswith("course_"),
        )
        for name, endpoint, collect in (
            ("registered_users", endpoints.REGISTERED_USERS, audience.registered_users),
            ("grade", endpoints.AVERAGE_GRADE, grades.grade),
            ("course_completions", endpoints.COMPLETIONS_PER_COURSE, engagement.course_completions),
            ("course_activity", endpoints.COURSE_ACTIVITY, engagement.course_activity),
            ("course_grades", endpoints.GRADES_PER_COURSE, grades.course_grades),
        )
    ),
    _extra(
        "learning",
        "course_time",
        endpoints.TIME_PER_COURSE,
        engagement.course_time,
        times=RARELY,
        requests=2,
        paged=True,
    ),
    _extra(
        "agents",
        "conversations",
        endpoints.CONVERSATIONS,
        agents.conversations,
        base=Base.INTERVAL,
    ),
    _extra(
        "agents",
        "agent_users_now",
        endpoints.V2_USERS,
        agents.agent_users_now,
        base=Base.INTERVAL,
        requests=2,
        windows=False,
    ),
    *(
        _extra("agents", name, endpoint, collect)
        for name, endpoint, collect in (
            ("agent_users", endpoints.AGENT_USERS, agents.agent_users),
            ("ratings", endpoints.RATINGS, agents.ratings),
            ("feedback", endpoints.FEEDBACK, agents.feedback),
        )
    ),
    *(
        _extra("agents", name, endpoint, collect, times=RARELY, requests=2)
        for name, endpoint, collect in (
            ("agent_returns", endpoints.NEW_AND_RETURNING, agents.agent_returns),
            ("sentiments", endpoints.SENTIMENTS, agents.sentiments),
            ("topics", endpoints.TOPICS, agents.topics),
            ("message_summary", endpoints.V2_MESSAGES, agents.message_summary),
            ("per_conversation", endpoints.V2_CONVERSATIONS, agents.per_conversation),
            ("per_session", endpoints.V2_SESSIONS, agents.per_session),
        )
    ),
    *(
        _extra("agents", name, endpoint, collect, windows=False)
        for name, endpoint, collect in (
            ("agent_messages", endpoints.CONVERSATION_SUMMARY, agents.agent_messages),
            ("agents", endpoints.AGENTS, agents.agents),
            ("messages_this_month", endpoints.V2_TOPICS, agents.messages_this_month),
        )
    ),
    _extra("costs", "costs", endpoints.COSTS, costs.costs, base=Base.INTERVAL, requests=2),
    *(
        _extra("costs", name, endpoint, collect, times=RARELY, requests=2)
        for name, endpoint, collect in (
            ("model_costs", endpoints.MODEL_COSTS, costs.model_costs),
            ("provider_costs", endpoints.COST_DETAILS, costs.provider_costs),
            ("agent_costs", endpoints.MENTOR_COSTS, costs.agent_costs),
        )
    ),
    _extra("costs", "spend_cap", endpoints.SPEND_CAP, costs.spend_cap, windows=False),
    _extra(
        "usage",
        "usage_today",
        endpoints.LLM_USAGE,
        usage.usage_today,
        base=Base.INTERVAL,
        requests=3,
        windows=False,
    ),
    _extra("usage", "usage", endpoints.LLM_USAGE, usage.usage, requests=6),
)


BY_NAME = {collector.name: collector for collector in COLLECTORS}
NAMES = frozenset(BY_NAME)
"""What `collectors` in a configuration may switch."""


def of(org: Org) -> tuple[Collector, ...]:
    """Return the collectors that are on for `org`."""
    return tuple(collector for collector in COLLECTORS if collector.on(org))
