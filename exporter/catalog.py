"""Every metric, once: name, help, unit, labels, source.

Exposition, the reference, the dashboards' checks and the rules' checks all read this table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.windows import BASELINES, TODAY, WINDOWS

PREFIX = "iblai_"


class Kind(StrEnum):
    """Type of a metric family, as exposition formats name it."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


class Area(StrEnum):
    """Part of the catalog: a heading of the reference."""

    AUDIENCE = "Audience"
    VIDEOS = "Videos"
    CHAT = "Conversations with mentors"
    COURSES = "Courses"
    EXPORTER = "The exporter itself"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `labels` are in the order in which samples give their values."""

    name: str
    help: str
    labels: tuple[str, ...]
    area: Area
    kind: Kind = Kind.GAUGE
    source: str = ""
    people: bool = False
    """Counts persons, so that `min_group_size` applies to it."""


@dataclass(frozen=True, slots=True)
class Windowed:
    """A figure that exists once for each window, and as a baseline for some of them."""

    name: str
    counts: str
    labels: tuple[str, ...]
    area: Area
    endpoint: Endpoint
    windows: tuple[str, ...] = (TODAY, *WINDOWS)
    baselines: tuple[str, ...] = tuple(BASELINES)
    people: bool = False

    @property
    def title(self) -> str:
        """What is counted, as a heading."""
        return self.counts.partition(",")[0]

    def at(self, window: str) -> Metric:
        """Return the metric of this figure over `window`."""
        return _METRICS[f"{PREFIX}{self.name}_{window}"]

    def baseline(self, window: str) -> Metric:
        """Return the metric of what this figure usually reads over `window`."""
        return _METRICS[f"{PREFIX}{self.name}_{window}_baseline"]

    def metrics(self) -> Iterator[Metric]:
        """Yield the metric of each window, then the baselines."""
        for window in self.windows:
            yield self._metric(window, f"{self.counts} {_PERIOD[window]}.")
        for window in self.baselines:
            usual = (
                f"What {PREFIX}{self.name}_{window} usually reads: median of the same weekdays "
                f"1 to 4 weeks earlier."
            )
            yield self._metric(f"{window}_baseline", usual)

    def _metric(self, suffix: str, text: str) -> Metric:
        return Metric(
            name=f"{PREFIX}{self.name}_{suffix}",
            help=f"{text} {polled(self.endpoint)}",
            labels=self.labels,
            area=self.area,
            source=source(self.endpoint),
            people=self.people,
        )


_PERIOD = {
    TODAY: "today so far",
    "1d": "yesterday",
    "7d": "in the 7 complete days that end yesterday",
    "28d": "in the 28 complete days that end yesterday",
}


def polled(endpoint: Endpoint) -> str:
    """Return the sentence of HELP that says where a figure is from."""
    return f"Polled from {endpoint.template}."


def source(endpoint: Endpoint) -> str:
    """Return the endpoint as the reference prints it, with its seed number if it has one."""
    seed = endpoints.SEEDS.get(endpoint)
    return f"{endpoint.template} ({seed})" if seed else endpoint.template


_ORG = ("org",)
_COURSE = ("org", "course_id")
_MENTOR = ("org", "mentor_id")
_COMPLETE = tuple(WINDOWS)

ACTIVE_USERS = Windowed(
    "active_users",
    "Unique active users",
    _ORG,
    Area.AUDIENCE,
    endpoints.ACTIVE_USERS_PER_COURSE,
    people=True,
)
COURSE_ACTIVE_USERS = Windowed(
    "course_active_users",
    "Unique active users of the course",
    _COURSE,
    Area.COURSES,
    endpoints.ACTIVE_USERS_PER_COURSE,
    windows=_COMPLETE,
    baselines=(),
    people=True,
)
ENROLLMENTS = Windowed(
    "enrollments", "New enrolments", _ORG, Area.AUDIENCE, endpoints.ENROLLMENTS_OVER_TIME
)
UNENROLLMENTS = Windowed(
    "unenrollments", "Unenrolments", _ORG, Area.AUDIENCE, endpoints.ENROLLMENTS_OVER_TIME
)
COURSE_ENROLLMENTS = Windowed(
    "course_enrollments",
    "New enrolments in the course",
    _COURSE,
    Area.COURSES,
    endpoints.COURSE_ENROLLMENTS_OVER_TIME,
    windows=_COMPLETE,
    baselines=(),
)
COURSE_UNENROLLMENTS = Windowed(
    "course_unenrollments",
    "Unenrolments from the course",
    _COURSE,
    Area.COURSES,
    endpoints.COURSE_ENROLLMENTS_OVER_TIME,
    windows=_COMPLETE,
    baselines=(),
)
VIDEO_COMPLETIONS = Windowed(
    "video_completions", "Videos watched", _ORG, Area.VIDEOS, endpoints.VIDEOS_OVER_TIME
)
AVG_MESSAGES = Windowed(
    "avg_messages_per_session",
    "Mean messages per chat session, weighted by sessions,",
    _ORG,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
)
CHAT_SESSIONS = Windowed(
    "chat_sessions",
    "Chat sessions with mentors",
    _ORG,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
)
MENTOR_AVG_MESSAGES = Windowed(
    "mentor_avg_messages_per_session",
    "Mean messages per chat session with the mentor, weighted by sessions,",
    _MENTOR,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
)
MENTOR_CHAT_SESSIONS = Windowed(
    "mentor_chat_sessions",
    "Chat sessions with the mentor",
    _MENTOR,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
)


def _gauge(
    name: str,
    text: str,
    labels: tuple[str, ...],
    area: Area,
    endpoint: Endpoint,
    *,
    kind: Kind = Kind.GAUGE,
    people: bool = False,
) -> Metric:
    return Metric(
        PREFIX + name, f"{text} {polled(endpoint)}", labels, area, kind, source(endpoint), people
    )


COURSE_VIDEOS = _gauge(
    "course_videos", "Videos in the course.", _COURSE, Area.COURSES, endpoints.COURSE_VIDEOS
)
COURSE_VIDEO_COMPLETIONS = _gauge(
    "course_video_completions",
    "Videos of the course watched, as the API gives it.",
    _COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
)
COURSE_VIDEO_WATCH_SECONDS = _gauge(
    "course_video_watch_seconds",
    "Time that all learners watched videos of the course, in seconds.",
    _COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
)
COURSE_VIDEO_WATCHED_RATIO = _gauge(
    "course_video_watched_ratio",
    "Mean share of the course's videos that a learner watched, 0 to 1.",
    _COURSE,
    Area.COURSES,
    endpoints.COURSE_VIDEOS,
)
COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER = _gauge(
    "course_video_watch_seconds_per_learner",
    "Mean time that a learner watched videos of the course, in seconds.",
    _COURSE,
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
ACTIVE_LEARNERS = _gauge(
    "active_learners",
    "Learners active in the API's own period, the last 7 days.",
    _ORG,
    Area.AUDIENCE,
    endpoints.ACTIVE_LEARNERS,
    people=True,
)
ENGAGEMENT_INDEX = _gauge(
    "active_learner_engagement_index",
    "Quantiles of the engagement index over active learners, on the API's own scale.",
    ("org", "quantile"),
    Area.AUDIENCE,
    endpoints.ACTIVE_LEARNERS,
    kind=Kind.SUMMARY,
)
PERFORMANCE_INDEX = _gauge(
    "active_learner_performance_index",
    "Quantiles of the performance index over active learners, on the API's own scale.",
    ("org", "quantile"),
    Area.AUDIENCE,
    endpoints.ACTIVE_LEARNERS,
    kind=Kind.SUMMARY,
)


def _own(name: str, text: str, labels: tuple[str, ...] = (), kind: Kind = Kind.GAUGE) -> Metric:
    return Metric(PREFIX + name, text, labels, Area.EXPORTER, kind)


_COLLECTOR = ("org", "collector")
_ENDPOINT = ("org", "endpoint")

UP = _own("up", "Whether any collector of the org succeeded at its last attempt.", _ORG)
COLLECTOR_SUCCESS = _own(
    "collector_success", "Whether the collector's last attempt succeeded.", _COLLECTOR
)
COLLECTOR_LAST_SUCCESS = _own(
    "collector_last_success_timestamp_seconds",
    "When the collector last read a good answer, 0 before the first. Age of the figures.",
    _COLLECTOR,
)
COLLECTOR_LAST_ATTEMPT = _own(
    "collector_last_attempt_timestamp_seconds",
    "When the collector last asked the API, 0 before the first time.",
    _COLLECTOR,
)
COLLECTOR_DURATION = _own(
    "collector_duration_seconds", "How long the collector's last attempt took.", _COLLECTOR
)
COLLECTOR_SERIES = _own(
    "collector_series", "Series of the collector's snapshot that is being served.", _COLLECTOR
)
API_REQUESTS = _own(
    "api_requests_total",
    "Requests sent to the API by HTTP status, or by what went wrong instead of one.",
    ("org", "endpoint", "code"),
    Kind.COUNTER,
)
API_RETRIES = _own(
    "api_retries_total", "Requests sent again after a failure.", _ENDPOINT, Kind.COUNTER
)
API_RATE_LIMITED = _own(
    "api_rate_limited_total", "Answers that asked to slow down.", _ENDPOINT, Kind.COUNTER
)
API_REQUEST_DURATION = _own(
    "api_request_duration_seconds",
    "Duration of requests to the API, body included.",
    ("endpoint",),
    Kind.HISTOGRAM,
)
SERIES_DROPPED = _own(
    "exporter_series_dropped_total",
    "Series left out of snapshots, by the limit that cut them.",
    ("org", "reason"),
    Kind.COUNTER,
)
PAYLOAD_ERRORS = _own(
    "exporter_payload_errors_total",
    "Answers, or rows and days in answers, that could not be read.",
    ("org", "endpoint", "reason"),
    Kind.COUNTER,
)
MISSED_RUNS = _own(
    "exporter_scheduler_missed_runs_total",
    "Runs that were due while the one before was still going, or that came a whole interval late.",
    (),
    Kind.COUNTER,
)
EVENT_LOOP_LAG = _own(
    "exporter_event_loop_lag_seconds",
    "By how much the event loop was late, looked at 50 times a second. What holds it holds up "
    "scrapes and visits.",
    (),
    Kind.HISTOGRAM,
)
ALERT_DROP_RATIO = _own(
    "alert_drop_ratio",
    "Share by which a figure must fall below its baseline to be a drop, as configured.",
    _ORG,
)
ALERT_MIN_BASELINE = _own(
    "alert_min_baseline", "Smallest baseline on which drops are told, as configured.", _ORG
)
ALERT_QUIET = {
    window: _own(
        f"alert_quiet_{window}",
        f"Whether the window {window} holds a day configured as quiet: drops are expected.",
        _ORG,
    )
    for window in BASELINES
}
RELOAD_SUCCESSFUL = _own(
    "exporter_config_last_reload_successful",
    "Whether the last attempt to load the configuration succeeded.",
)
RELOAD_TIMESTAMP = _own(
    "exporter_config_last_reload_success_timestamp_seconds",
    "When the configuration in use was loaded.",
)
SHARD = _own("exporter_shard", "Which shard this exporter is, counted from 0; if it is one.")
SHARDS = _own("exporter_shards", "How many shards there are; if there are any.")
BUILD_INFO = _own(
    "exporter_build_info",
    "Version of the exporter and of Python, always 1.",
    ("version", "pythonversion"),
)

WINDOWED: tuple[Windowed, ...] = tuple(
    figure for figure in list(globals().values()) if isinstance(figure, Windowed)
)


def _metrics(entry: object) -> Iterator[Metric]:
    match entry:
        case Metric():
            yield entry
        case Windowed():
            yield from entry.metrics()
        case dict():
            for member in entry.values():
                yield from _metrics(member)


_METRICS: Mapping[str, Metric] = {
    metric.name: metric for entry in list(globals().values()) for metric in _metrics(entry)
}
METRICS: tuple[Metric, ...] = tuple(_METRICS.values())
"""The whole catalog, in the order of exposition."""

ORG_FIGURES = sum(metric.labels == _ORG and metric.area is not Area.EXPORTER for metric in METRICS)
"""How many series an org has at most that are about it as a whole."""
