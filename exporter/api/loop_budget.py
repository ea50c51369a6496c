"""Answers handed over a few at a time: to read a burst at once would hold the event loop."""

import asyncio
import time
from collections.abc import Callable

BUDGET = 0.005
"""Seconds of a round of the event loop after which the next answers wait for another round."""


class LoopBudget:
    """Spreads work over the rounds of the event loop, so that scrapes have their turns between."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._began: float | None = None

    async def checkpoint(self) -> None:
        """Return in this round if there is time left in it, else in the first that has some."""
        while True:
            now = self._now()
            if self._began is None:
                self._began = now
                # Before those that wait, since they come behind it in the next round.
                asyncio.get_running_loop().call_soon(self._end_round)
                return
            if now - self._began < BUDGET:
                return
            await asyncio.sleep(0)

    def _end_round(self) -> None:
        self._began = None
