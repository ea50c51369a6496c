"""The endpoints of the simulated platform: path, as the reference prints it, and handler."""

from collections.abc import Callable, Mapping
from typing import Literal

from exporter.demo.handlers import (
    agents,
    costs,
    learners,
    learning,
    v2_chats,
    v2_content,
    v2_costs,
    v2_usage,
)
from exporter.demo.request import ApiRequest, Json

Handler = Callable[[ApiRequest], Json]
"""Returns the payload of one endpoint; raises ApiError for any status but 200."""

Generation = Literal["seeds", "v2", "both"]

_AUDIENCE = "/api/ai-analytics/audience/orgs/{org}"
_ENGAGEMENT = "/api/ai-analytics/engagement/orgs/{org}"
_GRADING = "/api/ai-analytics/performance/orgs/{org}/grading"
_AGENTS = "/api/ai-analytics/orgs/{org}/users/{user_id}"
_V2 = "/api/analytics"

SEEDS: Mapping[str, Handler] = {
    f"{_AUDIENCE}/active-users/per-course": learning.active_users_per_course,
    f"{_AUDIENCE}/active-users/over-time": learning.active_users_over_time,
    f"{_AUDIENCE}/active-users/users": learners.active_learners,
    f"{_AUDIENCE}/registered-users/": learners.registered_learners,
    f"{_AUDIENCE}/registered-users/over-time": learning.registered_users_over_time,
    f"{_AUDIENCE}/enrollments/over-time": learning.enrollments_over_time,
    f"{_AUDIENCE}/enrollments/courses/{{course_id}}/over-time": (
        learning.course_enrollments_over_time
    ),
    f"{_ENGAGEMENT}/activity": learning.activity,
    f"{_ENGAGEMENT}/course_completion/over-time": learning.completions_over_time,
    f"{_ENGAGEMENT}/course_completion/per-course": learning.completions_per_course,
    f"{_ENGAGEMENT}/time/average-perlearner-percourse": learning.average_time_in_a_course,
    f"{_ENGAGEMENT}/time/average-with-over-time": learning.average_time,
    f"{_ENGAGEMENT}/time/over-time": learning.time_over_time,
    f"{_ENGAGEMENT}/time/per-course": learning.time_per_course,
    f"{_ENGAGEMENT}/videos/": learning.videos_per_course,
    f"{_ENGAGEMENT}/videos/over-time": learning.videos_over_time,
    f"{_GRADING}/average": learning.average_grade,
    f"{_GRADING}/per-course": learning.grades_per_course,
    f"{_AGENTS}/average-messages-per-session/": agents.average_messages_per_session,
    f"{_AGENTS}/conversation/": agents.conversations,
    f"{_AGENTS}/conversation-summary/": agents.conversation_summary,
    f"{_AGENTS}/mentor-summary/": agents.agent_summary,
    f"{_AGENTS}/most-discussed-topics/": agents.most_discussed_topics,
    f"{_AGENTS}/rating-summary/": agents.ratings_by_day,
    f"{_AGENTS}/registered-users-trend/": agents.registrations,
    f"{_AGENTS}/total-users-by-mentor/": agents.users_by_agent,
    f"{_AGENTS}/usage-summary/": agents.users_by_day,
    f"{_AGENTS}/user-feedback/": agents.feedback,
    f"{_AGENTS}/user-metrics-pie-chart/": agents.new_and_returning_users,
    f"{_AGENTS}/user-sentiment/": agents.sentiment_shares,
}
"""The generation that the seeds belong to."""

SHARED: Mapping[str, Handler] = {
    f"{_AGENTS}/costs/model/": costs.costs_by_model,
    f"{_AGENTS}/costs/permentor/": costs.costs_by_agent,
    f"{_AGENTS}/tenant-cost/": costs.tenant_cost,
}
"""Older endpoints that the platform's current Spend screen uses."""

V2: Mapping[str, Handler] = {
    f"{_V2}/content/": v2_content.content,
    f"{_V2}/conversations/": v2_chats.conversations,
    f"{_V2}/financial/": v2_costs.costs,
    f"{_V2}/financial/details/": v2_costs.cost_details,
    f"{_V2}/llm-usage/": v2_usage.llm_usage,
    f"{_V2}/messages/": v2_chats.messages,
    f"{_V2}/ratings/": v2_chats.mean_ratings,
    f"{_V2}/sessions/": v2_chats.sessions,
    f"{_V2}/topics/": v2_chats.topics_overview,
    f"{_V2}/users/": v2_chats.users,
    "/api/ai-mentor/orgs/{org}/spend-caps/tenant/": v2_usage.spend_cap,
}
"""The generation that the platform's own screens use."""

ENDPOINTS: Mapping[str, Handler] = {**SEEDS, **SHARED, **V2}


def endpoints(generation: Generation) -> Mapping[str, Handler]:
    """Return the endpoints of a deployment that has one generation, or both."""
    if generation == "seeds":
        return {**SEEDS, **SHARED}
    return {**SHARED, **V2} if generation == "v2" else ENDPOINTS
