"""Figures of learning: who is there, what is watched, and all that of each course."""

from exporter.api import endpoints
from exporter.catalog.model import (
    COMPLETE,
    COURSE,
    ORG,
    PREFIX,
    Area,
    Kind,
    Metric,
    Windowed,
    gauge,
    source,
)

ACTIVE_USERS = Windowed(
    "active_users",
    "Unique active users",
    ORG,
    Area.AUDIENCE,
    endpoints.ACTIVE_USERS_PER_COURSE,
    people=True,
)
COURSE_ACTIVE_USERS = Windowed(
    "course_active_users",
    "Unique active users of the course",
    COURSE,
    Area.COURSES,
    endpoints.ACTIVE_USERS_PER_COURSE,
    windows=COMPLETE,
    baselines=(),
    people=True,
)
ENROLLMENTS = Windowed(
    "enrollments", "New enrolments", ORG, Area.AUDIENCE, endpoints.ENROLLMENTS_OVER_TIME
)
UNENROLLMENTS = Windowed(
    "unenrollments", "Unenrolments", ORG, Area.AUDIENCE, endpoints.ENROLLMENTS_OVER_TIME
)
COURSE_ENROLLMENTS = Windowed(
    "course_enrollments",
    "New enrolments in the course",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_ENROLLMENTS_OVER_TIME,
    windows=COMPLETE,
    baselines=(),
)
COURSE_UNENROLLMENTS = Windowed(
    "course_unenrollments",
    "Unenrolments from the course",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_ENROLLMENTS_OVER_TIME,
    windows=COMPLETE,
    baselines=(),
)
VIDEO_COMPLETIONS = Windowed(
    "video_completions", "Videos watched", ORG, Area.VIDEOS, endpoints.VIDEOS_OVER_TIME
)
COURSE_VIDEOS = gauge(
    "course_videos", "Videos in the course.", COURSE, Area.COURSES, endpoints.COURSE_VIDEOS
)
COURSE_VIDEO_COMPLETIONS = gauge(
    "course_video_completions",
    "Videos of the course watched, as the API gives it.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
)
COURSE_VIDEO_WATCH_SECONDS = gauge(
    "course_video_watch_seconds",
    "Time that all learners watched videos of the course, in seconds.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
)
COURSE_VIDEO_WATCHED_RATIO = gauge(
    "course_video_watched_ratio",
    "Mean share of the course's videos that a learner watched, 0 to 1.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
)
COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER = gauge(
    "course_video_watch_seconds_per_learner",
    "Mean time that a learner watched videos of the course, in seconds.",
    COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
)
COURSE_INFO = Metric(
    PREFIX + "course_info",
    "Name of the course, always 1. Join it to the other metrics of a course on course_id. "
    f"Polled from {endpoints.COURSE_VIDEOS.template} and "
    f"{endpoints.ACTIVE_USERS_PER_COURSE.template}.",
    ("org", "course_id", "course_name"),
    Area.COURSES,
    source=f"{source(endpoints.COURSE_VIDEOS)}, {source(endpoints.ACTIVE_USERS_PER_COURSE)}",
)
ACTIVE_LEARNERS = gauge(
    "active_learners",
    "Learners active in the API's own period, the last 7 days.",
    ORG,
    Area.AUDIENCE,
    endpoints.ACTIVE_LEARNERS,
    people=True,
)
ENGAGEMENT_INDEX = gauge(
    "active_learner_engagement_index",
    "Quantiles of the engagement index over active learners, on the API's own scale.",
    ("org", "quantile"),
    Area.AUDIENCE,
    endpoints.ACTIVE_LEARNERS,
    kind=Kind.SUMMARY,
)
PERFORMANCE_INDEX = gauge(
    "active_learner_performance_index",
    "Quantiles of the performance index over active learners, on the API's own scale.",
    ("org", "quantile"),
    Area.AUDIENCE,
    endpoints.ACTIVE_LEARNERS,
    kind=Kind.SUMMARY,
)
REGISTERED_USERS = gauge(
    "registered_users",
    "Users registered with the org.",
    ORG,
    Area.AUDIENCE,
    endpoints.REGISTERED_USERS,
    people=True,
)
REGISTRATIONS = Windowed(
    "registrations",
    "New registrations with the org",
    ORG,
    Area.AUDIENCE,
    endpoints.REGISTRATIONS_OVER_TIME,
    windows=COMPLETE,
)
