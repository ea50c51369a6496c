"""Figures of what learners do and what comes of it: time, completions, grades."""

from exporter.api import endpoints
from exporter.catalog.model import COMPLETE, COURSE, ORG, WEEKS, Area, Windowed, gauge

TIME_SPENT = Windowed(
    "time_spent_seconds",
    "Time that all learners spent, in seconds,",
    ORG,
    Area.ENGAGEMENT,
    endpoints.TIME_OVER_TIME,
)
TIME_PER_LEARNER = Windowed(
    "avg_time_per_learner_seconds",
    "Mean time that a learner spent in a course, in seconds,",
    ORG,
    Area.ENGAGEMENT,
    endpoints.TIME_PER_LEARNER,
    windows=COMPLETE,
    baselines=(),
)
COMPLETIONS = Windowed(
    "completions",
    "Courses completed by learners",
    ORG,
    Area.ENGAGEMENT,
    endpoints.COMPLETIONS_OVER_TIME,
)
COURSE_TIME_SPENT = Windowed(
    "course_time_spent_seconds",
    "Time that all learners spent in the course, in seconds,",
    COURSE,
    Area.COURSES,
    endpoints.TIME_PER_COURSE,
    windows=WEEKS,
    baselines=(),
)
COURSE_TIME_PER_LEARNER = Windowed(
    "course_avg_time_per_learner_seconds",
    "Mean time that a learner spent in the course, in seconds,",
    COURSE,
    Area.COURSES,
    endpoints.TIME_PER_COURSE,
    windows=WEEKS,
    baselines=(),
)
COURSE_VISITS_PER_LEARNER = gauge(
    "course_visits_per_learner",
    "Mean number of days on which a learner was active in the course, in the API's own period.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_ACTIVITY,
)
COURSE_ENROLLED_USERS = gauge(
    "course_enrolled_users",
    "Users enrolled in the course.",
    COURSE,
    Area.COURSES,
    endpoints.COMPLETIONS_PER_COURSE,
    people=True,
)
COURSE_COMPLETED = gauge(
    "course_completed_users",
    "Users who completed the course.",
    COURSE,
    Area.COURSES,
    endpoints.COMPLETIONS_PER_COURSE,
    people=True,
)
COURSE_COMPLETION_RATIO = gauge(
    "course_completion_ratio",
    "Completion of the course by its learners, 0 to 1, as the API reckons it.",
    COURSE,
    Area.COURSES,
    endpoints.COMPLETIONS_PER_COURSE,
)
AVERAGE_GRADE = gauge(
    "avg_grade_ratio",
    "Mean grade in the courses of the org, 0 to 1.",
    ORG,
    Area.PERFORMANCE,
    endpoints.AVERAGE_GRADE,
)
COURSE_AVERAGE_GRADE = gauge(
    "course_avg_grade_ratio",
    "Mean grade in the course, 0 to 1.",
    COURSE,
    Area.COURSES,
    endpoints.GRADES_PER_COURSE,
)
COURSE_PASSED = gauge(
    "course_passed_users",
    "Users who passed the course.",
    COURSE,
    Area.COURSES,
    endpoints.GRADES_PER_COURSE,
    people=True,
)
