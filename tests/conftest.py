"""Hand-written fakes, and clocks that a test moves."""

import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from hypothesis import settings

# The same examples every time, so that nobody's change fails by chance; no deadline, since a busy
# machine is no bug. `--hypothesis-profile=default` looks for new examples.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

# Plain tracebacks: rich ones format every local variable, which takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)


class FakeClock:
    """The wall clock and the monotonic clock, moved together."""

    def __init__(self, now=datetime(2026, 5, 6, 12, tzinfo=UTC)):
        self._now = now
        self._monotonic = 1000.0

    def now(self):
        return self._now

    def monotonic(self):
        return self._monotonic

    def advance(self, seconds):
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


@pytest.fixture
def clock():
    return FakeClock()


class Tick:
    """A monotonic clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def tick():
    return Tick()


@pytest.fixture
def unprivileged():
    """Return a context in which even root may only read what anybody may."""

    @contextmanager
    def nobody():
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)

    return nobody
