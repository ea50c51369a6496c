"""The exporter's own metrics."""

from exporter.catalog.model import ORG, PREFIX, Area, Kind, Metric


def _own(name: str, text: str, labels: tuple[str, ...] = (), kind: Kind = Kind.GAUGE) -> Metric:
    return Metric(PREFIX + name, text, labels, Area.EXPORTER, kind)


_COLLECTOR = ("org", "collector")

UP = _own("up", "Whether any collector of the org succeeded at its last attempt.", ORG)
COLLECTOR_SUCCESS = _own(
    "collector_success", "Whether the collector's last attempt succeeded.", _COLLECTOR
)
COLLECTOR_LAST_SUCCESS = _own(
    "collector_last_success_timestamp_seconds",
    "When the collector last succeeded, 0 before the first time. The age of its values.",
    _COLLECTOR,
)
COLLECTOR_LAST_ATTEMPT = _own(
    "collector_last_attempt_timestamp_seconds",
    "When the collector last sent a request, 0 before the first time.",
    _COLLECTOR,
)
COLLECTOR_DURATION = _own(
    "collector_duration_seconds", "How long the collector's last attempt took.", _COLLECTOR
)
COLLECTOR_SERIES = _own(
    "collector_series", "Series of the collector that are being served.", _COLLECTOR
)
COLLECTOR_ITEMS_FAILED = _own(
    "collector_items_failed",
    "Courses or mentors that failed at the collector's last attempt. Their last values are served "
    "until they are stale.",
    _COLLECTOR,
)
COLLECTOR_SOURCE_INFO = _own(
    "collector_source_info",
    "Generation of the API that the collector's values come from (seeds or v2), always 1.",
    ("org", "collector", "generation"),
)
WINDOW_END = _own(
    "window_end_timestamp_seconds",
    "Midnight at which the collector's windows of complete days end.",
    _COLLECTOR,
)
API_REQUESTS = _own(
    "api_requests_total",
    "Requests sent to the API by HTTP status code, or by what went wrong instead of one.",
    ("org", "code"),
    Kind.COUNTER,
)
API_RETRIES = _own("api_retries_total", "Requests that were retried.", ORG, Kind.COUNTER)
API_RATE_LIMITED = _own(
    "api_rate_limited_total", "Responses that asked to slow down.", ORG, Kind.COUNTER
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
    "Factor by which polling intervals are stretched because demand exceeds what the API limits "
    "allow; 1 is on schedule.",
)
STATE_ERRORS = _own(
    "exporter_state_errors_total",
    "Problems with the state file in state_dir, by reason.",
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
    "Delay of the event loop, measured 50 times a second. What blocks it delays scrapes and polls.",
    (),
    Kind.HISTOGRAM,
)
RELOAD_SUCCESSFUL = _own(
    "exporter_config_last_reload_successful",
    "Whether the last attempt to load the configuration succeeded.",
)
RELOAD_TIMESTAMP = _own(
    "exporter_config_last_reload_success_timestamp_seconds",
    "When the configuration in use was loaded.",
)
WEB_RELOAD_SUCCESSFUL = _own(
    "exporter_web_config_last_reload_successful",
    "Whether the last attempt to read the web configuration file succeeded; if not, what it held "
    "before is in use. 1 without a file.",
)
RESTART_REQUIRED = _own(
    "exporter_restart_required",
    "Whether settings were loaded that are not in use before the next start: "
    "web.listen_address, web.config_file, log.",
)
SHARD = _own("exporter_shard", "Which shard this exporter is, counted from 0; if it is one.")
SHARDS = _own("exporter_shards", "How many shards there are; if there are any.")
BUILD_INFO = _own(
    "exporter_build_info",
    "Version and revision of the exporter and version of Python, always 1.",
    ("version", "revision", "pythonversion"),
)
