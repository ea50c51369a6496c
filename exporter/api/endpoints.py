"""The endpoints of the analytics API, each path exactly as the reference prints it.

Trailing slashes are not uniform upstream, so no code may build or normalize a path.
"""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One GET operation: `name` is the label value in metrics, `template` the path.

    `scoped` is whether it takes `include_main_platform` and `department_id`, `v2` whether it
    belongs to the newer family `/api/analytics/`, which takes the org in the query.
    """

    name: str
    template: str
    scoped: bool = True
    v2: bool = False

    def path(self, **names: str) -> str:
        """Return the path with every name percent-encoded (`/`, `:` and `+` included)."""
        return self.template.format(**{key: quote(value, safe="") for key, value in names.items()})


_AI = "/api/ai-analytics"
_AUDIENCE = f"{_AI}/audience/orgs/{{org}}"
_ENGAGEMENT = f"{_AI}/engagement/orgs/{{org}}"
_GRADING = f"{_AI}/performance/orgs/{{org}}/grading"
_AGENTS = f"{_AI}/orgs/{{org}}/users/{{user_id}}"


def _of_agents(name: str, path: str) -> Endpoint:
    return Endpoint(name, f"{_AGENTS}/{path}", scoped=False)


def _v2(name: str, path: str) -> Endpoint:
    return Endpoint(name, f"/api/analytics/{path}", scoped=False, v2=True)


COURSE_VIDEOS = Endpoint("videos", f"{_ENGAGEMENT}/videos/")
VIDEOS_OVER_TIME = Endpoint("videos_over_time", f"{_ENGAGEMENT}/videos/over-time")
MESSAGES_PER_SESSION = _of_agents("average_messages_per_session", "average-messages-per-session/")
ACTIVE_USERS_PER_COURSE = Endpoint(
    "active_users_per_course", f"{_AUDIENCE}/active-users/per-course"
)
ACTIVE_LEARNERS = Endpoint("active_users", f"{_AUDIENCE}/active-users/users")
ENROLLMENTS_OVER_TIME = Endpoint("enrollments_over_time", f"{_AUDIENCE}/enrollments/over-time")
COURSE_ENROLLMENTS_OVER_TIME = Endpoint(
    "course_enrollments_over_time",
    f"{_AUDIENCE}/enrollments/courses/{{course_id}}/over-time",
)

REGISTERED_USERS = Endpoint("registered_users", f"{_AUDIENCE}/registered-users/")
REGISTRATIONS_OVER_TIME = Endpoint(
    "registered_users_over_time", f"{_AUDIENCE}/registered-users/over-time"
)

TIME_OVER_TIME = Endpoint("time_over_time", f"{_ENGAGEMENT}/time/over-time")
TIME_PER_LEARNER = Endpoint(
    "time_per_learner_per_course", f"{_ENGAGEMENT}/time/average-perlearner-percourse"
)
TIME_PER_COURSE = Endpoint("time_per_course", f"{_ENGAGEMENT}/time/per-course")
COMPLETIONS_OVER_TIME = Endpoint(
    "course_completion_over_time", f"{_ENGAGEMENT}/course_completion/over-time"
)
COMPLETIONS_PER_COURSE = Endpoint(
    "course_completion_per_course", f"{_ENGAGEMENT}/course_completion/per-course"
)
COURSE_ACTIVITY = Endpoint("activity", f"{_ENGAGEMENT}/activity")

AVERAGE_GRADE = Endpoint("average_grade", f"{_GRADING}/average")
GRADES_PER_COURSE = Endpoint("grading_per_course", f"{_GRADING}/per-course")

CONVERSATIONS = _of_agents("conversation", "conversation/")
CONVERSATION_SUMMARY = _of_agents("conversation_summary", "conversation-summary/")
AGENT_USERS = _of_agents("usage_summary", "usage-summary/")
NEW_AND_RETURNING = _of_agents("user_metrics_pie_chart", "user-metrics-pie-chart/")
AGENT_REGISTRATIONS = _of_agents("registered_users_trend", "registered-users-trend/")
RATINGS = _of_agents("rating_summary", "rating-summary/")
FEEDBACK = _of_agents("user_feedback", "user-feedback/")
SENTIMENTS = _of_agents("user_sentiment", "user-sentiment/")
TOPICS = _of_agents("most_discussed_topics", "most-discussed-topics/")
AGENTS = _of_agents("mentor_summary", "mentor-summary/")

TENANT_COST = _of_agents("tenant_cost", "tenant-cost/")
MODEL_COSTS = _of_agents("costs_model", "costs/model/")
MENTOR_COSTS = _of_agents("costs_permentor", "costs/permentor/")

COSTS = _v2("financial", "financial/")
COST_DETAILS = _v2("financial_details", "financial/details/")
V2_USERS = _v2("v2_users", "users/")
V2_SESSIONS = _v2("v2_sessions", "sessions/")
V2_CONVERSATIONS = _v2("v2_conversations", "conversations/")
V2_MESSAGES = _v2("v2_messages", "messages/")
V2_TOPICS = _v2("v2_topics", "topics/")
V2_CONTENT = _v2("v2_content", "content/")
LLM_USAGE = _v2("llm_usage", "llm-usage/")
SPEND_CAP = Endpoint("spend_cap", "/api/ai-mentor/orgs/{org}/spend-caps/tenant/", scoped=False)

SEEDS: dict[Endpoint, str] = {
    COURSE_VIDEOS: "seed 1",
    VIDEOS_OVER_TIME: "seed 2",
    MESSAGES_PER_SESSION: "seed 3",
    ACTIVE_USERS_PER_COURSE: "seed 4",
    ACTIVE_LEARNERS: "seed 5",
    COURSE_ENROLLMENTS_OVER_TIME: "seed 6",
}
