"""Limits how long responses are parsed in one iteration of the event loop."""

import asyncio
import time
from collections.abc import Callable

BUDGET = 0.005
"""Seconds of one iteration after which further responses wait for the next."""


class LoopBudget:
    """Spreads work over iterations of the event loop, so that scrapes are served in between."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._began: float | None = None

    async def checkpoint(self) -> None:
        """Return in this iteration if it has time left, else in a later one."""
        while True:
            now = self._now()
            if self._began is None:
                self._began = now
                # Runs before the waiting tasks, which were scheduled later.
                asyncio.get_running_loop().call_soon(self._end_iteration)
                return
            if now - self._began < BUDGET:
                return
            await asyncio.sleep(0)

    def _end_iteration(self) -> None:
        self._began = None
