"""A queue with virtual time whose collections are started by the test."""

import asyncio

from exporter.scheduler import Collection, HostQueue
from tests.scheduler.simulation import Clock


class Harness:
    def __init__(self, *, concurrency=8, rate=0.0, start=None):
        self.clock = Clock()
        self.started = []
        self.queue = HostQueue(
            concurrency=concurrency,
            rate=rate,
            start=start or self.started.append,
            now=self.clock.now,
            call_later=self.clock.call_later,
        )

    def due(self, org, name="today", *, ago=0.0, interval=60.0, first=False):
        """Return a collection that has been due for so many intervals."""
        return Collection(org, name, self.clock.time - ago * interval, interval, first)

    async def take(self, org, count=1):
        """Return slots that are at hand."""
        return [await self.queue.acquire(self.due(org)) for _ in range(count)]

    def ask(self, collection, log=None):
        """Return a task that waits for a slot and notes in `log` who got it."""
        return asyncio.create_task(self._ask(collection, log))

    async def _ask(self, collection, log):
        slot = await self.queue.acquire(collection)
        if log is not None:
            log.append(collection.org)
        return slot

    async def settle(self, seconds=0.0):
        """Let what is ready run, then as much time pass."""
        until = self.clock.time + seconds
        for _ in range(6):
            await asyncio.sleep(0)
            self.clock.run(self.clock.time)
        self.clock.run(until)
        for _ in range(6):
            await asyncio.sleep(0)
            self.clock.run(until)
