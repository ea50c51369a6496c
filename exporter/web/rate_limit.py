"""The `rate_limit` of the web configuration: a token bucket, as in the exporter-toolkit."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One request every `interval` seconds, and `burst` at once. A burst of 0 allows none."""

    interval: float
    burst: int


class TokenBucket:
    """Allows requests within a rate limit, which may change between two requests."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._limit: RateLimit | None = None
        self._tokens = 0.0
        self._at = 0.0

    def allow(self, limit: RateLimit | None) -> bool:
        """Return whether a request is allowed, and count it if it is."""
        now = self._now()
        if limit != self._limit:
            self._limit, self._tokens, self._at = limit, limit.burst if limit else 0, now
        if limit is None:
            return True
        self._tokens = min(limit.burst, self._tokens + (now - self._at) / limit.interval)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
