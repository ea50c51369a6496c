"""An exporter whose clock a test moves; its requests are real."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from exporter import collectors
from exporter.exposition import Format
from exporter.settings import ApiLimits, Settings
from exporter.wiring import Pipeline

LIMITS = ApiLimits(rate_limit=0, retries=0, timeout=5.0, concurrency=16)


class Bench:
    """One exporter, from its schedule to its page."""

    def __init__(self, api, orgs, *, clock, limits=LIMITS, state_dir=None):
        self.api = api
        self.clock = clock
        self.limits = limits
        settings = Settings(orgs=tuple(orgs), api=limits, state_dir=state_dir)
        self._asleep = []
        self.pipeline = Pipeline(settings, clock, sleep=self._sleep)
        self.poller = self.pipeline.poller
        self.pipeline.restore(orgs)

    async def _sleep(self, seconds):
        """Wait until the clock was moved so far."""
        woken = asyncio.get_running_loop().create_future()
        self._asleep.append((self.clock.monotonic() + seconds, woken))
        await woken

    def _wake(self):
        """Let go on what waits for the present time."""
        now = self.clock.monotonic()
        due = [woken for at, woken in self._asleep if at <= now]
        self._asleep = [(at, woken) for at, woken in self._asleep if at > now]
        for woken in due:
            if not woken.done():
                woken.set_result(None)
        for queue in self.queues():
            queue._dispatch()
        self.poller.tick()

    def queues(self):
        return [host.queue for host in self.pipeline.hosts._hosts.values()]

    async def settle(self):
        """Let everything that is due run to its end, or until it waits for a later time."""
        idle = 0
        for _ in range(20_000):
            self._wake()
            if not self.busy():
                return
            waits = self._asleep or any(queue.waiting for queue in self.queues())
            sent = any(queue.in_flight for queue in self.queues())
            idle = idle + 1 if waits and not sent else 0
            if idle == 10:
                return
            await asyncio.sleep(0.0005)
        raise AssertionError("collections did not end")

    def busy(self):
        """Return whether anything waits for a slot or runs."""
        return any(
            entry.queued
            for state in self.poller._schedule.orgs
            for entry in state.collectors.values()
        )

    async def pass_time(self, seconds, *, step=60.0):
        """Move the clock in steps, and let run what becomes due."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(min(step, end - self.clock.monotonic()))
            await self.settle()

    async def series(self):
        text = (await self.pipeline.page.read(Format.TEXT, gzip=False)).decode()
        return {
            (s.name, tuple(sorted(s.labels.items()))): s.value
            for family in text_string_to_metric_families(text)
            for s in family.samples
        }

    async def values(self, org="acme"):
        """Return the values of an org, without those about the exporter itself."""
        return {
            key: value
            for key, value in (await self.series()).items()
            if ("org", org) in key[1] and is_value(key[0])
        }

    async def value(self, name, **labels):
        labels.setdefault("org", "acme")
        return (await self.series()).get((name, tuple(sorted(labels.items()))))

    async def names(self, org="acme"):
        """Return the names of the org's own metrics that are served."""
        return {name for name, labels in await self.series() if ("org", org) in labels}

    async def reload(self, *orgs):
        await self.pipeline.change(orgs, self.limits)


def only(*names):
    """Return what switches all collectors off but these."""
    return {name: name in names for name in collectors.NAMES}


def is_value(name):
    own = ("iblai_collector", "iblai_api", "iblai_exporter", "iblai_window_end", "iblai_up")
    return name.startswith("iblai_") and not name.startswith(own)
