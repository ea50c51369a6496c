"""The exporter's own metrics."""

from exporter.catalog.model import ORG, PREFIX, Area, Kind, Metric
from exporter.windows import BASELINES


def _own(name: str, text: str, labels: tuple[str, ...] = (), kind: Kind = Kind.GAUGE) -> Metric:
    return Metric(PREFIX + name, text, labels, Area.EXPORTER, kind)


_COLLECTOR = ("org", "collector")
_ENDPOINT = ("org", "endpoint")

UP = _own("up", "Whether any collector of the org succeeded at its last attempt.", ORG)
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
    ORG,
)
ALERT_MIN_BASELINE = _own(
    "alert_min_baseline", "Smallest baseline on which drops are told, as configured.", ORG
)
ALERT_QUIET = {
    window: _own(
        f"alert_quiet_{window}",
        f"Whether the window {window} holds a day configured as quiet: drops are expected.",
        ORG,
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
    "Version of the exporter and of Python, always 1.",
    ("version", "pythonversion"),
)
