"""Logs: one line per event, as logfmt or JSON, on standard error."""

import logging
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import structlog

from exporter.api.transport import quiet_http_loggers

if TYPE_CHECKING:
    from structlog.typing import Processor

_ORDER = ["ts", "level", "logger", "event"]


def configure(*, level: str, form: str) -> None:
    """Send every log line of the process to standard error, in `form` (logfmt or json)."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", key="ts"),
        structlog.stdlib.PositionalArgumentsFormatter(),
        _one_line,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.processors.LogfmtRenderer(
            key_order=_ORDER, drop_missing=True, bool_as_flag=False
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Where a message of a library matters, the exporter logs a line of its own.
    for name in ("asyncio", "tzlocal"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # Requests that are not HTTP are the client's problem, and would fill the log.
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    quiet_http_loggers()


def _one_line(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Log only the type of an exception: its text may contain a secret or a payload."""
    info = event.pop("exc_info", None)
    if isinstance(info, tuple) and info[0] is not None:
        event["exception"] = info[0].__name__
    return event
