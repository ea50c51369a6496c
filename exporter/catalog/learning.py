"""Metrics of learning: users, enrollments, videos, and the same for each course."""

from exporter.api import endpoints
from exporter.catalog.model import (
    COMPLETE,
    COUNT,
    COURSE,
    NAME,
    NOT_PEOPLE,
    ORG,
    PREFIX,
    TOTAL_TIME,
    Area,
    Kind,
    Metric,
    People,
    Windowed,
    gauge,
    source,
)

ACTIVE_USERS = Windowed(
    "active_users",
    "Unique users with course activity",
    ORG,
    Area.AUDIENCE,
    endpoints.ACTIVE_USERS_PER_COURSE,
    COUNT,
    note="Users who only chat with agents are not included. A key with fewer permissions sees "
    "fewer users.",
    fallback=endpoints.V2_USERS,
)
COURSE_ACTIVE_USERS = Windowed(
    "course_active_users",
    "Unique users active in the course",
    COURSE,
    Area.COURSES,
    endpoints.ACTIVE_USERS_PER_COURSE,
    COUNT,
    windows=COMPLETE,
    expected=(),
)
ENROLLMENTS = Windowed(
    "enrollments",
    "New enrollments",
    ORG,
    Area.AUDIENCE,
    endpoints.ENROLLMENTS_OVER_TIME,
    COUNT,
)
UNENROLLMENTS = Windowed(
    "unenrollments", "Unenrollments", ORG, Area.AUDIENCE, endpoints.ENROLLMENTS_OVER_TIME, COUNT
)
COURSE_ENROLLMENTS = Windowed(
    "course_enrollments",
    "New enrollments in the course",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_ENROLLMENTS_OVER_TIME,
    COUNT,
    windows=COMPLETE,
    expected=(),
)
COURSE_UNENROLLMENTS = Windowed(
    "course_unenrollments",
    "Unenrollments from the course",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_ENROLLMENTS_OVER_TIME,
    COUNT,
    windows=COMPLETE,
    expected=(),
)
VIDEO_COMPLETIONS = Windowed(
    "video_completions",
    "Videos completed by learners",
    ORG,
    Area.VIDEOS,
    endpoints.VIDEOS_OVER_TIME,
    COUNT,
    note='The platform calls this "videos watched".',
)
COURSE_VIDEOS = gauge(
    "course_videos",
    "Videos in the course.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
    privacy=NOT_PEOPLE,
)
COURSE_VIDEO_COMPLETIONS = gauge(
    "course_video_completions",
    "Completed videos of the course, as returned by the API.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
    privacy=COUNT,
)
COURSE_VIDEO_WATCH_SECONDS = gauge(
    "course_video_watch_seconds",
    "Time that all learners spent watching videos of the course, in seconds.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
    privacy=TOTAL_TIME,
)
_OF_COURSE = People(tuple(COURSE_ACTIVE_USERS.at(w).name for w in ("28d", "7d", "1d")))
"""Means over the learners of a course: as many people as were active in it."""

COURSE_VIDEO_WATCHED_RATIO = gauge(
    "course_video_watched_ratio",
    "Mean share of the course's videos that a learner completed, 0 to 1.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
    privacy=_OF_COURSE,
    percent=True,
)
COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER = gauge(
    "course_video_watch_seconds_per_learner",
    "Mean time that a learner spent watching videos of the course, in seconds.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
    privacy=_OF_COURSE,
)
COURSE_INFO = Metric(
    PREFIX + "course_info",
    "Name of the course; always 1. Join it to other metrics of the course on course_id. "
    f"Polled from {endpoints.COURSE_VIDEOS.template} and "
    f"{endpoints.ACTIVE_USERS_PER_COURSE.template}.",
    ("org", "course_id", "course_name"),
    Area.COURSES,
    source=f"{source(endpoints.COURSE_VIDEOS)}, {source(endpoints.ACTIVE_USERS_PER_COURSE)}",
    privacy=NAME,
)
ACTIVE_LEARNERS = gauge(
    "active_learners",
    "Learners active in the API's own period, the last 7 days.",
    ORG,
    Area.AUDIENCE,
    endpoints.ACTIVE_LEARNERS,
    privacy=COUNT,
)
ENGAGEMENT_INDEX = gauge(
    "active_learner_engagement_index",
    "Quantiles of the engagement index over active learners, on the API's own scale.",
    ("org", "quantile"),
    Area.AUDIENCE,
    endpoints.ACTIVE_LEARNERS,
    privacy=People((ACTIVE_LEARNERS.name,)),
    kind=Kind.SUMMARY,
)
PERFORMANCE_INDEX = gauge(
    "active_learner_performance_index",
    "Quantiles of the performance index over active learners, on the API's own scale.",
    ("org", "quantile"),
    Area.AUDIENCE,
    endpoints.ACTIVE_LEARNERS,
    privacy=People((ACTIVE_LEARNERS.name,)),
    kind=Kind.SUMMARY,
)
REGISTERED_USERS = gauge(
    "registered_users",
    "Users registered with the org.",
    ORG,
    Area.AUDIENCE,
    endpoints.REGISTERED_USERS,
    privacy=COUNT,
)
REGISTRATIONS = Windowed(
    "registrations",
    "New registrations with the org",
    ORG,
    Area.AUDIENCE,
    endpoints.REGISTRATIONS_OVER_TIME,
    COUNT,
    windows=COMPLETE,
)
