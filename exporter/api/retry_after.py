"""Until when requests wait: the header `Retry-After`, by org and endpoint."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MIN_WAIT = 1.0
MAX_WAIT = 86_400.0

PAUSE = 4.0
"""Seconds that requests wait after a response of 429 without `Retry-After`."""

_SECONDS = re.compile(r"\d+(\.\d*)?", re.ASCII)


def read_retry_after(value: str, *, date: str | None, now: datetime) -> float:
    """Return the seconds that a `Retry-After` header asks to wait, from 1 to a day.

    A date is compared with the response's own `Date` if there is one, since clocks differ. An
    invalid or past date is the minimum.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        seconds = float(value)
    else:
        until = _moment(value)
        since = _moment(date) or now
        seconds = (until - since).total_seconds() if until else 0.0
    return min(max(seconds, MIN_WAIT), MAX_WAIT)


def _moment(text: str | None) -> datetime | None:
    """Return an HTTP date in any of its three forms (RFC 9110, 5.6.7), or None."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class RetryAfter:
    """Until when requests of an endpoint of an org wait. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}

    def postpone(self, org: str, endpoint: str, *, now: float, seconds: float | None) -> float:
        """Postpone requests by `seconds`, and return until when. A wait is never shortened.

        Without `seconds` it is always `PAUSE`: the requests that were under way together would
        each double a wait that grows. A collector that fails again backs off in any case.
        """
        wait = PAUSE if seconds is None else seconds
        until = max(now + wait, self._until.get((org, endpoint), now))
        self._until[org, endpoint] = until
        return until

    def until(self, org: str, endpoint: str, *, now: float) -> float | None:
        """Return until when requests wait, or None if they do not."""
        until = self._until.get((org, endpoint))
        if until is not None and until <= now:
            del self._until[org, endpoint]
            return None
        return until
