"""Time, as something one can hand over: the wall clock and the monotonic clock together."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the exporter asks of time; tests hand in one that stands still."""

    def now(self) -> datetime:
        """Return the present as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards; only differences mean anything."""
        ...


_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The clock that goes on while the machine sleeps, where there is one."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Return the present as an aware datetime in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never run backwards, those that the machine slept among them."""
        return time.clock_gettime(_SINCE_BOOT)
