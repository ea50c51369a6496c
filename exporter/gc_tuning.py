"""Keeps the pauses of Python's garbage collector short. benchmarks/latency.py justifies it.

A full collection looks at every container, and blocks the event loop for a third of a second
with a thousand orgs. Nearly all of them live as long as the process, so they are frozen once they
exist: those of imports and configuration, and those of the first collections. Objects that are
not part of a cycle, such as replaced values, are freed at once as always.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable

_THRESHOLDS = 2000, 3, 700
"""Young collections look at some thousands of containers, in a few ms; full ones are rare."""

_CHECK_INTERVAL = 1.0


async def freeze(
    ready: Callable[[], bool], *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Freeze what exists now, and again what exists once `ready` returns True."""
    gc.set_threshold(*_THRESHOLDS)
    gc.collect()
    gc.freeze()
    while not ready():
        await sleep(_CHECK_INTERVAL)
    gc.freeze()
