"""When a collector is due next. All times are monotonic seconds."""

import hashlib
import heapq
import math
import sys
from dataclasses import dataclass, replace

MOST_BACKOFF = 6 * 3600.0
"""Seconds that failures delay the next attempt at most, unless `retry` itself is longer."""

SPREAD = 0.05
"""Part of the interval by which the delays of collectors differ, so that orgs do not align."""

Key = tuple[str, str]
"""An org and a collector."""


@dataclass(frozen=True, slots=True)
class Due:
    """When a collector of an org is due: at once at first, then after each attempt's delay.

    The delay is `interval` after a success and `retry` after a failure. It doubles with each
    further failure, up to 6 hours.
    """

    interval: float
    since: float
    """The last attempt; the start or the change of the key before the first."""
    retry: float
    attempted: bool = False
    failures: int = 0
    """Failures since the last success."""
    retry_at: float = -math.inf
    """The earliest time that the API allowed."""
    latest: float = math.inf
    """The latest time of the next attempt: complete days are due after midnight."""
    spread: float = 0.0
    """Part of the delay that is added to it; see `spread`."""

    def succeeded(self, at: float) -> "Due":
        """Return the state after an attempt that started at `at` and succeeded."""
        return replace(
            self, since=at, attempted=True, failures=0, retry_at=-math.inf, latest=math.inf
        )

    def failed(self, at: float, *, retry_at: float = -math.inf) -> "Due":
        """Return the state after an attempt that started at `at` and failed.

        `retry_at` is the earliest time for the next one if the API sent Retry-After.
        """
        return replace(
            self,
            since=at,
            attempted=True,
            failures=self.failures + 1,
            retry_at=retry_at,
            latest=math.inf,
        )

    def postponed(self, at: float, *, retry_at: float) -> "Due":
        """Return the state after an attempt at `at` that sent no request: no delay doubles."""
        failures = max(self.failures, 1)
        return replace(self, since=at, attempted=True, failures=failures, retry_at=retry_at)

    def no_later_than(self, latest: float) -> "Due":
        """Return the state in which the next attempt is due at `latest` at the latest.

        The delay of a collector that backs off stays.
        """
        if self.backing_off:
            return self
        return replace(self, latest=min(self.latest, latest))

    def reset(self, now: float) -> "Due":
        """Return the state after the key changed: the collector is due at once."""
        return replace(self, since=now, attempted=False, failures=0, retry_at=-math.inf)

    @property
    def backing_off(self) -> bool:
        """Return whether the delay is longer than the interval because of failures."""
        return self.failures > 1

    def at(self) -> float:
        """Return when the collector is due. A Retry-After is obeyed in any case."""
        if not self.attempted:
            return max(self.since, self.retry_at)
        return max(min(self.since + self._delay(), self.latest), self.retry_at)

    def _delay(self) -> float:
        if not self.failures:
            return self.interval * (1 + self.spread)
        delay = self.retry * (1 + self.spread)
        return min(delay * 2.0 ** min(self.failures - 1, 64), max(delay, MOST_BACKOFF))


def spread(org: str, collector: str) -> float:
    """Return the spread of a collector of an org, 0 to 0.05: the same after every start."""
    text = f"{org}\0{collector}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
    return SPREAD * number / 2**64


class Timetable:
    """Due times by org and collector."""

    def __init__(self) -> None:
        self._at: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []

    def __len__(self) -> int:
        return len(self._at)

    def set(self, key: Key, at: float) -> None:
        """Set when a collector is due, in place of what was set before."""
        if self._at.get(key) != at:
            self._at[key] = at
            heapq.heappush(self._heap, (at, key))
            self._compact()

    def remove(self, key: Key) -> None:
        """Remove a collector, if it is there."""
        self._at.pop(key, None)
        self._compact()

    def pop_due(self, now: float, *, at_most: int = sys.maxsize) -> list[Key]:
        """Remove and return what is due, in the order of the due times."""
        due: list[Key] = []
        while len(due) < at_most and (at := self.next_at()) is not None and at <= now:
            key = heapq.heappop(self._heap)[1]
            del self._at[key]
            due.append(key)
        return due

    def next_at(self) -> float | None:
        """Return the earliest due time, or None if there is none."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _compact(self) -> None:
        """Drop replaced times once they are more than half of all."""
        if len(self._heap) > 2 * len(self._at) + 64:
            self._heap = [(at, key) for key, at in self._at.items()]
            heapq.heapify(self._heap)
