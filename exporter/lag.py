"""Measures how long the event loop is blocked, which delays scrapes, requests and signals."""

import asyncio
import time
from collections.abc import Awaitable, Callable

EVERY = 0.02
"""Seconds between two measurements. Whatever blocks the loop for longer is always noticed."""


class LagProbe:
    """Sleeps repeatedly, and calls `observe` with the seconds by which it woke up late.

    `now` must not count the time that the machine is suspended, since that blocks nothing.
    """

    def __init__(
        self,
        observe: Callable[[float], None],
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._observe = observe
        self._now = now
        self._sleep = sleep

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = self._now() + EVERY
            await self._sleep(EVERY)
            self._observe(max(self._now() - due, 0.0))
