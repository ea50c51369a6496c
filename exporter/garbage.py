"""The rounds of Python's garbage collector, kept short.

A full round looks at every container there is, and holds the event loop for a third of a second
with a thousand orgs. Nearly all of them live as long as the process, so they are set aside once
they are there: those of the imports and of the configuration, and those of the first visits.
What is dropped without being part of a cycle, snapshots above all, is freed at once as ever.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable

_THRESHOLDS = 2000, 3, 700
"""Young rounds look at some thousands of containers, in a few milliseconds; full ones are rare."""

_LOOK_EVERY = 1.0


async def set_aside(
    ready: Callable[[], bool], *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Set aside what is there now, and again what is there as soon as `ready` says so."""
    gc.set_threshold(*_THRESHOLDS)
    gc.collect()
    gc.freeze()
    while not ready():
        await sleep(_LOOK_EVERY)
    gc.freeze()
