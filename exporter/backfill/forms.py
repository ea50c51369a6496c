"""The endpoints that answer for any range of the past, and the form of their answers."""

from collections.abc import Mapping

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.backfill import byday, whole
from exporter.backfill.kept import Form

FORMS: Mapping[Endpoint, Form] = {
    endpoints.VIDEOS_OVER_TIME: byday.series(),
    endpoints.ENROLLMENTS_OVER_TIME: byday.series(),
    endpoints.COURSE_ENROLLMENTS_OVER_TIME: byday.series(),
    endpoints.REGISTRATIONS_OVER_TIME: byday.series(),
    endpoints.TIME_OVER_TIME: byday.series(),
    endpoints.COMPLETIONS_OVER_TIME: byday.series(),
    endpoints.MESSAGES_PER_SESSION: byday.sessions(),
    endpoints.CONVERSATIONS: byday.counts("conversation_count"),
    endpoints.AGENT_USERS: byday.counts("user_count"),
    endpoints.RATINGS: byday.counts("total_ratings"),
    endpoints.FEEDBACK: byday.counts("feedback_count"),
    endpoints.COSTS: byday.costs(),
    endpoints.ACTIVE_USERS_PER_COURSE: whole.courses("user_count"),
    endpoints.TIME_PER_COURSE: whole.courses("time_spent", "average_time"),
    endpoints.TIME_PER_LEARNER: whole.figures("average"),
    endpoints.NEW_AND_RETURNING: whole.figures("new_users.count", "returning_users.count"),
    endpoints.SENTIMENTS: whole.figures(
        "sentiment_distribution.positive",
        "sentiment_distribution.neutral",
        "sentiment_distribution.negative",
        "total_sentiments",
    ),
    endpoints.TOPICS: whole.parts("conversation_count", "topic_name", "name"),
    endpoints.COST_DETAILS: whole.parts(
        "total_cost", "provider", "llm_model", "mentor", lists=("rows",)
    ),
    endpoints.OLDER_COSTS: whole.figures("total_cost"),
    endpoints.OLDER_MODEL_COSTS: whole.parts("total_cost", "model"),
    endpoints.OLDER_AGENT_COSTS: whole.parts(
        "total_cost", "mentor_name", "mentor_unique_id", lists=("mentor_data", "results")
    ),
}
