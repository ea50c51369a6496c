"""When the API may be asked again: `Retry-After` read, and kept by org and endpoint."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

AT_LEAST = 1.0
AT_MOST = 86_400.0

FIRST = 5.0
"""Seconds to wait after an answer of 429 that names no time; doubled each time it repeats."""

LONGEST = 300.0

_SECONDS = re.compile(r"\d+(\.\d*)?", re.ASCII)


def read_retry_after(value: str, *, date: str | None, now: datetime) -> float:
    """Return the seconds that a `Retry-After` header asks to wait, from 1 to a day.

    A date is measured from the answer's own `Date` where there is one, since the clocks of the
    two ends differ. What cannot be read, or lies in the past, is the least.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        seconds = float(value)
    else:
        until = _moment(value)
        since = _moment(date) or now
        seconds = (until - since).total_seconds() if until else 0.0
    return min(max(seconds, AT_LEAST), AT_MOST)


def _moment(text: str | None) -> datetime | None:
    """Return an HTTP date in any of its three forms (RFC 9110, 5.6.7), or None."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class RetryAfter:
    """Who must wait, and until when. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}
        self._repeats: dict[tuple[str, str], int] = {}

    def postpone(self, org: str, endpoint: str, *, now: float, seconds: float | None) -> float:
        """Hold an endpoint of an org back, and return until when.

        Without `seconds` the wait grows with each repeat since the last good answer. A wait
        is never shortened.
        """
        key = org, endpoint
        if seconds is None:
            repeats = self._repeats.get(key, 0)
            self._repeats[key] = repeats + 1
            seconds = min(FIRST * 2.0 ** min(repeats, 16), LONGEST)
        until = max(now + seconds, self._until.get(key, now))
        self._until[key] = until
        return until

    def until(self, org: str, endpoint: str, *, now: float) -> float | None:
        """Return when an endpoint may be asked again, or None if it may be now."""
        if not self._until:
            return None
        until = self._until.get((org, endpoint))
        if until is not None and until <= now:
            del self._until[org, endpoint]
            return None
        return until

    def reset(self, org: str, endpoint: str) -> None:
        """Forget how often an endpoint asked to wait: it answered."""
        if self._repeats:
            self._repeats.pop((org, endpoint), None)

    def forget(self, org: str, *, now: float) -> None:
        """Drop what is over; a `Retry-After` that has not passed stays."""
        self._until = {k: until for k, until in self._until.items() if k[0] != org or until > now}
        self._repeats = {k: n for k, n in self._repeats.items() if k[0] != org}
