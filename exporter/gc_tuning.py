"""Keeps the pauses of Python's garbage collector short. benchmarks/latency.py justifies it.

A full collection traverses every container object, which blocks the event loop for a third of a
second with a thousand orgs. Nearly all of these objects live as long as the process. They are
frozen after startup, and again after the first collection of every org. Objects that are not part
of a cycle, such as replaced values, are still freed at once.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable

_THRESHOLDS = 2000, 3, 700
"""Collections of the young generation take a few ms; full ones are rare."""

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
