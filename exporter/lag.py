"""How long the event loop is held: whoever holds it holds up scrapes, visits and signals."""

import asyncio
import time
from collections.abc import Awaitable, Callable

EVERY = 0.02
"""Seconds between two looks: whatever holds the loop for longer cannot hide between them."""


class LagProbe:
    """Sleeps over and over, and tells by how many seconds it was woken late.

    `now` counts only what the machine is awake: its own sleep holds nothing up.
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
        """Look at the loop until cancelled."""
        while True:
            due = self._now() + EVERY
            await self._sleep(EVERY)
            self._observe(max(self._now() - due, 0.0))
