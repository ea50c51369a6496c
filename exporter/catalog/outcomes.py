"""Metrics of what learners do and achieve: time, completions, grades."""

from exporter.api import endpoints
from exporter.catalog.learning import ACTIVE_USERS, COURSE_ACTIVE_USERS
from exporter.catalog.model import (
    COMPLETE,
    COUNT,
    COURSE,
    ORG,
    TOTAL_TIME,
    WEEKS,
    Area,
    People,
    Windowed,
    gauge,
)

_OF_ORG = People((ACTIVE_USERS.at("28d").name, ACTIVE_USERS.at("7d").name))
_ACTIVE_IN_COURSE = tuple(COURSE_ACTIVE_USERS.at(w).name for w in ("28d", "7d", "1d"))

TIME_SPENT = Windowed(
    "time_spent",
    "Time spent by all learners",
    ORG,
    Area.ENGAGEMENT,
    endpoints.TIME_OVER_TIME,
    TOTAL_TIME,
    unit="seconds",
)
TIME_PER_LEARNER = Windowed(
    "avg_time_per_learner",
    "Mean time spent by a learner in a course",
    ORG,
    Area.ENGAGEMENT,
    endpoints.TIME_PER_LEARNER,
    _OF_ORG,
    windows=COMPLETE,
    expected=(),
    unit="seconds",
)
COMPLETIONS = Windowed(
    "completions",
    "Courses completed by learners",
    ORG,
    Area.ENGAGEMENT,
    endpoints.COMPLETIONS_OVER_TIME,
    COUNT,
)
COURSE_TIME_SPENT = Windowed(
    "course_time_spent",
    "Time spent by all learners in the course",
    COURSE,
    Area.COURSES,
    endpoints.TIME_PER_COURSE,
    TOTAL_TIME,
    windows=WEEKS,
    expected=(),
    unit="seconds",
)
COURSE_TIME_PER_LEARNER = Windowed(
    "course_avg_time_per_learner",
    "Mean time spent by a learner in the course",
    COURSE,
    Area.COURSES,
    endpoints.TIME_PER_COURSE,
    People(_ACTIVE_IN_COURSE),
    windows=WEEKS,
    expected=(),
    unit="seconds",
)
COURSE_ENROLLED_USERS = gauge(
    "course_enrolled_users",
    "Users enrolled in the course.",
    COURSE,
    Area.COURSES,
    endpoints.COMPLETIONS_PER_COURSE,
    privacy=COUNT,
)
_ENROLLED = People((COURSE_ENROLLED_USERS.name, *_ACTIVE_IN_COURSE))

COURSE_ACTIVITY_PER_LEARNER = gauge(
    "course_activity_per_learner",
    "Mean number of days on which a learner was active in the course; the API sets the period.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_ACTIVITY,
    privacy=_ENROLLED,
)
COURSE_COMPLETED = gauge(
    "course_completed_users",
    "Users who completed the course.",
    COURSE,
    Area.COURSES,
    endpoints.COMPLETIONS_PER_COURSE,
    privacy=COUNT,
)
COURSE_COMPLETION_RATIO = gauge(
    "course_completion_ratio",
    "Share of the course that its learners completed, 0 to 1, as computed by the API.",
    COURSE,
    Area.COURSES,
    endpoints.COMPLETIONS_PER_COURSE,
    privacy=_ENROLLED,
    percent=True,
)
AVERAGE_GRADE = gauge(
    "avg_grade_ratio",
    "Mean grade in the courses of the org, 0 to 1.",
    ORG,
    Area.PERFORMANCE,
    endpoints.AVERAGE_GRADE,
    privacy=_OF_ORG,
    percent=True,
)
COURSE_GRADED_USERS = gauge(
    "course_graded_users",
    "Users enrolled in the course, as counted by the API's grades.",
    COURSE,
    Area.COURSES,
    endpoints.GRADES_PER_COURSE,
    privacy=COUNT,
)
COURSE_AVERAGE_GRADE = gauge(
    "course_avg_grade_ratio",
    "Mean grade in the course, 0 to 1.",
    COURSE,
    Area.COURSES,
    endpoints.GRADES_PER_COURSE,
    privacy=People((COURSE_GRADED_USERS.name,)),
    percent=True,
)
COURSE_PASSED = gauge(
    "course_passed_users",
    "Users who passed the course.",
    COURSE,
    Area.COURSES,
    endpoints.GRADES_PER_COURSE,
    privacy=COUNT,
)
