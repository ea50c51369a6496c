"""Collectors: each turns one group of endpoints into gauges. One module per analytics area."""

from collections.abc import Callable, Mapping
from functools import partial

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import ByDay, parse_counts, parse_daily
from exporter.catalog import Windowed
from exporter.collectors import (
    agents,
    audience,
    chat,
    costs,
    daily,
    engagement,
    grades,
    usage,
    v2,
)
from exporter.collectors.collector import CORE, Base, Collector
from exporter.settings import Org

__all__ = ["BY_NAME", "COLLECTORS", "CORE", "NAMES", "Base", "Collector", "of"]

INTERVAL = Base.INTERVAL

RARELY = 6
"""Intervals between two requests of lists that change little within a day."""


def _series(
    name: str,
    measure: Windowed,
    parse: Callable[[bytes], ByDay[float]],
    query: Mapping[str, str] | None = None,
    *,
    group: str = CORE,
    base: Base = Base.HISTORY_INTERVAL,
) -> Collector:
    """Return the collector of a measure with one value per day."""
    collect = daily.series(measure, parse, query)
    return Collector(name, measure.endpoint, collect, group, base, daily=True)


COLLECTORS: tuple[Collector, ...] = (
    Collector(
        "active_users_today", endpoints.ACTIVE_USERS_PER_COURSE, audience.active_users_today,
        base=INTERVAL, windows=False, v2=v2.active_users_today,
    ),
    Collector(
        "enrollments", endpoints.ENROLLMENTS_OVER_TIME, audience.enrollments,
        base=INTERVAL, requests=2, daily=True, v2=v2.enrollments,
    ),
    _series("videos", catalog.VIDEO_COMPLETIONS, parse_daily, base=INTERVAL),
    Collector(
        "chat", endpoints.MESSAGES_PER_SESSION, chat.chat, base=INTERVAL, daily=True, v2=v2.chat
    ),
    Collector(
        "active_users", endpoints.ACTIVE_USERS_PER_COURSE, audience.active_users,
        requests=1 + 2 / audience.LONG_WINDOWS_EVERY, lists_courses=True, v2=v2.active_users,
    ),
    Collector(
        "active_learners", endpoints.ACTIVE_LEARNERS, audience.active_learners,
        times=RARELY, windows=False,
    ),
    Collector(
        "course_videos", endpoints.COURSE_VIDEOS, engagement.course_videos,
        times=RARELY, windows=False, lists_courses=True, paged=True, v2=v2.course_videos,
    ),
    Collector(
        "course_enrollments", endpoints.COURSE_ENROLLMENTS_OVER_TIME, audience.course_enrollments,
        requests=0, per_course=2, daily=True, v2=v2.course_enrollments,
    ),
    Collector(
        "mentors", endpoints.MENTOR_COSTS, chat.mentors,
        times=RARELY, windows=False, lists_mentors=True,
    ),
    Collector(
        "mentor_chat", endpoints.MESSAGES_PER_SESSION, chat.mentor_chat,
        base=INTERVAL, requests=0, per_mentor=1, daily=True, v2=v2.mentor_chat,
    ),
    Collector(
        "past_active_users", endpoints.ACTIVE_USERS_PER_COURSE, audience.past_active_users,
        times=7 * 24,  # after everything else; each midnight shows which days are missing
        once=audience.past_requests(),
    ),
    _series("time", catalog.TIME_SPENT, parse_daily, group="learning", base=INTERVAL),
    _series("completions", catalog.COMPLETIONS, parse_daily, group="learning", base=INTERVAL),
    _series("registrations", catalog.REGISTRATIONS, parse_daily, group="learning"),
    Collector(
        "time_per_learner", endpoints.TIME_PER_LEARNER, engagement.time_per_learner, "learning",
        times=RARELY, requests=3,
    ),
    Collector(
        "registered_users", endpoints.REGISTERED_USERS, audience.registered_users, "learning",
        times=RARELY, windows=False,
    ),
    Collector(
        "grade", endpoints.AVERAGE_GRADE, grades.grade, "learning", times=RARELY, windows=False
    ),
    Collector(
        "course_completions", endpoints.COMPLETIONS_PER_COURSE, engagement.course_completions,
        "learning", times=RARELY, windows=False, paged=True,
    ),
    Collector(
        "course_activity", endpoints.COURSE_ACTIVITY, engagement.course_activity,
        "learning", times=RARELY, windows=False, paged=True,
    ),
    Collector(
        "course_grades", endpoints.GRADES_PER_COURSE, grades.course_grades,
        "learning", times=RARELY, windows=False, paged=True,
    ),
    Collector(
        "course_time", endpoints.TIME_PER_COURSE, engagement.course_time,
        "learning", times=RARELY, requests=2, paged=True,
    ),
    _series(
        "conversations", catalog.CONVERSATIONS, partial(parse_counts, count="conversation_count"),
        {"aggregation": "daily"}, group="agents", base=INTERVAL,
    ),
    Collector(
        "agent_users_now", endpoints.V2_USERS, agents.agent_users_now, "agents", INTERVAL,
        requests=2, windows=False,
    ),
    _series(
        "agent_users", catalog.AGENT_USERS, partial(parse_counts, count="user_count"),
        group="agents",
    ),
    _series(
        "agent_registrations", catalog.AGENT_REGISTRATIONS, partial(parse_counts, count="count"),
        {"aggregation": "daily"}, group="agents",
    ),
    _series(
        "ratings", catalog.RATINGS, partial(parse_counts, count="total_ratings"),
        {"group_by": "day"}, group="agents",
    ),
    _series(
        "feedback", catalog.FEEDBACK, partial(parse_counts, count="feedback_count"),
        {"aggregation": "daily"}, group="agents",
    ),
    Collector(
        "agent_returns", endpoints.NEW_AND_RETURNING, agents.agent_returns, "agents",
        times=RARELY, requests=2,
    ),
    Collector(
        "sentiments", endpoints.SENTIMENTS, agents.sentiments, "agents", times=RARELY, requests=2
    ),
    Collector("topics", endpoints.TOPICS, agents.topics, "agents", times=RARELY, requests=2),
    Collector(
        "message_summary", endpoints.V2_MESSAGES, agents.message_summary, "agents",
        times=RARELY, requests=2,
    ),
    Collector(
        "per_conversation", endpoints.V2_CONVERSATIONS, agents.per_conversation, "agents",
        times=RARELY, requests=2,
    ),
    Collector(
        "per_session", endpoints.V2_SESSIONS, agents.per_session, "agents",
        times=RARELY, requests=2,
    ),
    Collector(
        "agent_messages", endpoints.CONVERSATION_SUMMARY, agents.agent_messages, "agents",
        windows=False,
    ),
    Collector("agents", endpoints.AGENTS, agents.agents, "agents", windows=False),
    Collector(
        "messages_this_month", endpoints.V2_TOPICS, agents.messages_this_month, "agents",
        windows=False,
    ),
    Collector("costs", endpoints.COSTS, costs.costs, "costs", INTERVAL, requests=2),
    Collector(
        "model_costs", endpoints.MODEL_COSTS, costs.model_costs, "costs", times=RARELY, requests=2
    ),
    Collector(
        "provider_costs", endpoints.COST_DETAILS, costs.provider_costs, "costs",
        times=RARELY, requests=2,
    ),
    Collector(
        "agent_costs", endpoints.MENTOR_COSTS, costs.agent_costs, "costs", times=RARELY, requests=2
    ),
    Collector("spend_cap", endpoints.SPEND_CAP, costs.spend_cap, "costs", windows=False),
    Collector(
        "usage_today", endpoints.LLM_USAGE, usage.usage_today, "usage", INTERVAL,
        requests=3, windows=False,
    ),
    Collector("usage", endpoints.LLM_USAGE, usage.usage, "usage", requests=6),
)  # fmt: skip

BY_NAME = {collector.name: collector for collector in COLLECTORS}
NAMES = frozenset(BY_NAME)
"""What `collectors` in a configuration may switch."""


def of(org: Org) -> tuple[Collector, ...]:
    """Return the collectors that are on for `org`."""
    return tuple(collector for collector in COLLECTORS if collector.on(org))
