"""How long the event loop is held: whoever holds it holds up scrapes, visits and signals."""

import asyncio
from collections.abc import Awaitable, Callable

from exporter.clock import Clock

EVERY = 0.02
"""Seconds between two looks: whatever holds the loop for longer cannot hide between them."""


class LagProbe:
    """Sleeps over and over, and tells by how many seconds it was woken late."""

    def __init__(
        self,
        observe: Callable[[float], None],
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._observe = observe
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> None:
        """Look at the loop until cancelled."""
        while True:
            due = self._clock.monotonic() + EVERY
            await self._sleep(EVERY)
            self._observe(max(self._clock.monotonic() - due, 0.0))
