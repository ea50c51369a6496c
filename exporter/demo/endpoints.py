"""The one table of endpoints: what each returns, and the generation that it belongs to."""

from collections.abc import Mapping
from typing import Literal

from exporter.api import endpoints as api
from exporter.api.endpoints import Endpoint
from exporter.demo.data.org import Event
from exporter.demo.handlers import agents, learning, spending, v2
from exporter.demo.handlers.shapes import Handler, events, per_course, series

Generation = Literal["seeds", "v2", "both"]

SEEDS: Mapping[Endpoint, Handler] = {
    api.ACTIVE_USERS_PER_COURSE: learning.active_users_per_course,
    api.ACTIVE_LEARNERS: learning.active_learners,
    api.REGISTERED_USERS: learning.registered_learners,
    api.REGISTRATIONS_OVER_TIME: series(lambda request, days: request.view.registrations(days)),
    api.ENROLLMENTS_OVER_TIME: series(learning.enrollments),
    api.COURSE_ENROLLMENTS_OVER_TIME: series(learning.course_enrollments),
    api.VIDEOS_OVER_TIME: learning.counts(Event.VIDEO, meta=False),
    api.COURSE_VIDEOS: per_course(learning.videos),
    api.TIME_OVER_TIME: series(lambda request, days: request.view.seconds(days)),
    api.TIME_PER_LEARNER: learning.average_time_in_a_course,
    api.TIME_PER_COURSE: per_course(learning.time_per_course),
    api.COURSE_ACTIVITY: per_course(learning.activity),
    api.COMPLETIONS_OVER_TIME: learning.counts(Event.COMPLETION),
    api.COMPLETIONS_PER_COURSE: per_course(learning.completions),
    api.AVERAGE_GRADE: learning.average_grade,
    api.GRADES_PER_COURSE: per_course(learning.grades),
    api.MESSAGES_PER_SESSION: agents.average_messages_per_session,
    api.CONVERSATIONS: events("date", "conversation_count", lambda chats: chats.conversations),
    api.CONVERSATION_SUMMARY: agents.conversation_summary,
    api.AGENTS: agents.agent_summary,
    api.AGENT_USERS: agents.users_by_day,
    api.NEW_AND_RETURNING: agents.new_and_returning_users,
    api.AGENT_REGISTRATIONS: agents.registrations,
    api.RATINGS: events("time", "total_ratings", lambda chats: chats.ratings),
    api.FEEDBACK: events("period", "feedback_count", lambda chats: chats.feedback),
    api.SENTIMENTS: agents.sentiment_shares,
    api.TOPICS: agents.most_discussed_topics,
}
"""The generation that the seeds belong to."""

SHARED: Mapping[Endpoint, Handler] = {
    api.TENANT_COST: agents.tenant_cost,
    api.MODEL_COSTS: agents.costs_by_model,
    api.MENTOR_COSTS: agents.costs_by_agent,
}
"""Older endpoints that the platform's current Spend screen uses."""

V2: Mapping[Endpoint, Handler] = {
    api.V2_USERS: v2.users,
    api.V2_SESSIONS: v2.over_time_or_headline("session", lambda chats: chats.sessions),
    api.V2_CONVERSATIONS: v2.over_time_or_headline(
        "conversation", lambda chats: chats.conversations
    ),
    api.V2_MESSAGES: v2.messages,
    api.V2_TOPICS: v2.topics_overview,
    api.V2_CONTENT: v2.content,
    api.COSTS: spending.costs,
    api.COST_DETAILS: spending.cost_details,
    api.LLM_USAGE: spending.llm_usage,
    api.SPEND_CAP: spending.spend_cap,
}
"""The generation that the platform's own screens use."""


def endpoints(generation: Generation) -> Mapping[Endpoint, Handler]:
    """Return the endpoints of a deployment that has one generation, or both."""
    return {
        **(SEEDS if generation != "v2" else {}),
        **SHARED,
        **(V2 if generation != "seeds" else {}),
    }
