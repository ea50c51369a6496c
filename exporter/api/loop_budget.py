"""Limits how long responses are handled in one iteration of the event loop.

Guarantee: responses are handled in the order of their arrival. In one iteration, another one begins
only if those before it took less than `BUDGET`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from itertools import islice

BUDGET = 0.005
"""Seconds of one iteration after which further responses wait for the next."""

_WOKEN = 64
"""Responses that are woken in one iteration. Those for which it has no time wait again."""


class LoopBudget:
    """Spreads work over iterations of the event loop, so that scrapes are served in between."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._began: float | None = None
        self._waiting: deque[asyncio.Event] = deque()
        self._ending = False

    async def checkpoint(self) -> None:
        """Return in this iteration if it has time left, else in a later one."""
        if not self._waiting and self._has_time():
            return
        ready = asyncio.Event()
        self._waiting.append(ready)
        try:
            await self._wait(ready)
            while not self._has_time():
                await self._wait(ready)
        finally:
            self._waiting.remove(ready)

    async def _wait(self, ready: asyncio.Event) -> None:
        ready.clear()
        self._end_later()
        await ready.wait()

    def _has_time(self) -> bool:
        """Return whether this iteration has time left. It has for the first response."""
        now = self._now()
        if self._began is None:
            self._began = now
            self._end_later()
        return now - self._began < BUDGET

    def _end_later(self) -> None:
        if not self._ending:
            self._ending = True
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        """End an iteration, and wake those that waited for the next."""
        self._ending = False
        self._began = None
        for ready in islice(self._waiting, _WOKEN):
            ready.set()
