"""Answers handed over a few at a time: to read a burst at once would hold the event loop."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

BUDGET = 0.005
"""Seconds of a round of the event loop after which the next answers wait for another round."""


class LoopBudget:
    """Spreads work over the rounds of the event loop, so that scrapes have their turns between."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._began: float | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def checkpoint(self) -> None:
        """Return in this round if there is time left in it, else in a later one of its own."""
        if self._began is None:
            self._begin_round()
        elif self._waiting or self._now() - self._began >= BUDGET:
            ready = asyncio.get_running_loop().create_future()
            self._waiting.append(ready)
            await ready

    def _begin_round(self) -> None:
        self._began = self._now()
        asyncio.get_running_loop().call_soon(self._end_round)

    def _end_round(self) -> None:
        self._began = None
        while self._waiting and self._began is None:
            ready = self._waiting.popleft()
            if not ready.done():  # cancelled
                ready.set_result(None)
                self._begin_round()
