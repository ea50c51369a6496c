"""Limits how long responses are parsed in one iteration of the event loop."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

BUDGET = 0.005
"""Seconds of one iteration after which further responses wait for the next."""


class LoopBudget:
    """Spreads work over iterations of the event loop, so that scrapes are served in between."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._began: float | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def checkpoint(self) -> None:
        """Return in this iteration if it has time left, else in a later one of its own."""
        if self._began is None:
            self._begin_iteration()
        elif self._waiting or self._now() - self._began >= BUDGET:
            ready = asyncio.get_running_loop().create_future()
            self._waiting.append(ready)
            await ready

    def _begin_iteration(self) -> None:
        self._began = self._now()
        asyncio.get_running_loop().call_soon(self._end_iteration)

    def _end_iteration(self) -> None:
        self._began = None
        while self._waiting and self._began is None:
            ready = self._waiting.popleft()
            if not ready.done():  # cancelled
                ready.set_result(None)
                self._begin_iteration()
