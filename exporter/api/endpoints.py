"""The endpoints of the analytics API, each path exactly as the reference prints it.

Trailing slashes are not uniform upstream, so no code may build or normalise a path.
"""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One GET operation: `name` is the label value in metrics, `template` the path.

    `scoped` tells whether it takes `include_main_platform` and `department_id`.
    """

    name: str
    template: str
    scoped: bool = True

    def path(self, **names: str) -> str:
        """Return the path with every name percent-encoded (`/`, `:` and `+` included)."""
        return self.template.format(**{key: quote(value, safe="") for key, value in names.items()})


_AI = "/api/ai-analytics"

COURSE_VIDEOS = Endpoint("videos", f"{_AI}/engagement/orgs/{{org}}/videos/")
VIDEOS_OVER_TIME = Endpoint("videos_over_time", f"{_AI}/engagement/orgs/{{org}}/videos/over-time")
MESSAGES_PER_SESSION = Endpoint(
    "average_messages_per_session",
    f"{_AI}/orgs/{{org}}/users/{{user_id}}/average-messages-per-session/",
    scoped=False,
)
ACTIVE_USERS_PER_COURSE = Endpoint(
    "active_users_per_course", f"{_AI}/audience/orgs/{{org}}/active-users/per-course"
)
ACTIVE_LEARNERS = Endpoint("active_users", f"{_AI}/audience/orgs/{{org}}/active-users/users")
ENROLLMENTS_OVER_TIME = Endpoint(
    "enrollments_over_time", f"{_AI}/audience/orgs/{{org}}/enrollments/over-time"
)
COURSE_ENROLLMENTS_OVER_TIME = Endpoint(
    "course_enrollments_over_time",
    f"{_AI}/audience/orgs/{{org}}/enrollments/courses/{{course_id}}/over-time",
)

SEEDS: dict[Endpoint, str] = {
    COURSE_VIDEOS: "seed 1",
    VIDEOS_OVER_TIME: "seed 2",
    MESSAGES_PER_SESSION: "seed 3",
    ACTIVE_USERS_PER_COURSE: "seed 4",
    ACTIVE_LEARNERS: "seed 5",
    COURSE_ENROLLMENTS_OVER_TIME: "seed 6",
}
