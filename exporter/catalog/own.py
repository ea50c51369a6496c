"""The exporter's own metrics."""

from exporter.catalog.model import ORG, PREFIX, Area, Kind, Metric


def _own(name: str, text: str, labels: tuple[str, ...] = (), kind: Kind = Kind.GAUGE) -> Metric:
    return Metric(PREFIX + name, text, labels, Area.EXPORTER, kind)


_COLLECTOR = ("org", "collector")

RESTART_SETTINGS = ("web.listen_address", "web.config_file", "log", "state_dir")
"""Settings that a reload loads and only the next start applies."""

UP = _own("up", "Whether any collector of the org succeeded at its last attempt.", ORG)
COLLECTOR_SUCCESS = _own(
    "collector_success", "Whether the collector's last attempt succeeded.", _COLLECTOR
)
COLLECTOR_LAST_SUCCESS = _own(
    "collector_last_success_timestamp_seconds",
    "Unix time of the collector's last success; 0 before the first.",
    _COLLECTOR,
)
COLLECTOR_LAST_ATTEMPT = _own(
    "collector_last_attempt_timestamp_seconds",
    "Unix time of the collector's last attempt; 0 before the first.",
    _COLLECTOR,
)
COLLECTOR_DURATION = _own(
    "collector_duration_seconds", "Duration of the collector's last attempt.", _COLLECTOR
)
COLLECTOR_SERIES = _own("collector_series", "Series of the collector that are served.", _COLLECTOR)
COLLECTOR_ITEMS_FAILED = _own(
    "collector_items_failed",
    "Courses or mentors that failed at the collector's last attempt. Their last values are served "
    "until they are stale.",
    _COLLECTOR,
)
COLLECTOR_SOURCE_INFO = _own(
    "collector_source_info",
    "API generation that the collector's values come from (seeds or v2); always 1.",
    ("org", "collector", "generation"),
)
WINDOW_END = _own(
    "window_end_timestamp_seconds",
    "Unix time of the midnight at which the collector's windows of complete days end.",
    _COLLECTOR,
)
API_REQUESTS = _own(
    "api_requests_total",
    "Requests to the API, by HTTP status code or, without a response, by kind of error.",
    ("org", "code"),
    Kind.COUNTER,
)
API_RETRIES = _own("api_retries_total", "Requests that were retried.", ORG, Kind.COUNTER)
API_RATE_LIMITED = _own(
    "api_rate_limited_total", "Responses of the API that ask to slow down.", ORG, Kind.COUNTER
)
API_REQUEST_DURATION = _own(
    "api_request_duration_seconds",
    "Duration of requests to the API, body included.",
    ("endpoint",),
    Kind.HISTOGRAM,
)
SERIES_DROPPED = _own(
    "exporter_series_dropped",
    "Series that are not served, by the limit that they exceed.",
    ("org", "reason"),
)
PAYLOAD_ERRORS = _own(
    "exporter_payload_errors_total",
    "Responses, or rows and days in responses, that could not be read.",
    ("org", "reason"),
    Kind.COUNTER,
)
SCHEDULE_STRETCH = _own(
    "exporter_schedule_stretch_ratio",
    "Factor by which all polling intervals are stretched because demand exceeds the API limits; "
    "1 is on schedule.",
)
STATE_ERRORS = _own(
    "exporter_state_errors_total",
    "Errors of the state file in state_dir, by reason.",
    ("reason",),
    Kind.COUNTER,
)
MISSED_RUNS = _own(
    "exporter_scheduler_missed_runs_total",
    "Collections that started more than a whole interval late.",
    (),
    Kind.COUNTER,
)
EVENT_LOOP_LAG = _own(
    "exporter_event_loop_lag_seconds",
    "Delay of the event loop, measured 50 times per second. It delays scrapes and polls.",
    (),
    Kind.HISTOGRAM,
)
RELOAD_SUCCESSFUL = _own(
    "exporter_config_last_reload_successful",
    "Whether the last attempt to load the configuration succeeded.",
)
RELOAD_TIMESTAMP = _own(
    "exporter_config_last_reload_success_timestamp_seconds",
    "Unix time at which the configuration in use was loaded.",
)
WEB_RELOAD_SUCCESSFUL = _own(
    "exporter_web_config_last_reload_successful",
    "Whether the last attempt to read the web configuration file succeeded. If not, the previous "
    "one stays in use. 1 without a file.",
)
RESTART_REQUIRED = _own(
    "exporter_restart_required",
    f"Whether loaded settings take effect only after a restart: {', '.join(RESTART_SETTINGS)}.",
)
SHARD = _own("exporter_shard", "Number of this shard, from 0. Absent without shards.")
SHARDS = _own("exporter_shards", "Number of shards. Absent without shards.")
BUILD_INFO = _own(
    "exporter_build_info",
    "Version and revision of the exporter, and version of Python; always 1.",
    ("version", "revision", "pythonversion"),
)
