"""Orgs on one host over hours, in virtual time."""

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field

from exporter.scheduler import Collection, Due, HostQueue, spread
from exporter.scheduler.hostqueue import MARGIN

TIMEOUT = 30.0


class Clock:
    def __init__(self):
        self.time = 0.0
        self._heap = []
        self._numbers = itertools.count()

    def now(self):
        return self.time

    def call_later(self, delay, call):
        timer = _Timer(call)
        heapq.heappush(self._heap, (self.time + delay, next(self._numbers), timer))
        return timer

    def run(self, until):
        heap = self._heap
        while heap and heap[0][0] <= until:
            at, _, timer = heapq.heappop(heap)
            self.time = max(self.time, at)
            if timer.call is not None:
                timer.call()
        self.time = until


class _Timer:
    __slots__ = ("call",)

    def __init__(self, call):
        self.call = call

    def cancel(self):
        self.call = None


@dataclass(slots=True)
class Collector:
    """`mode` is healthy, hanging or failing."""

    org: str
    name: str
    interval: float
    requests: int
    mode: str = "healthy"
    core: bool = False
    due: Due = None
    left: int = 0
    collection: Collection = None
    attempts: list[float] = field(default_factory=list)

    @property
    def demand(self):
        return self.requests / self.interval


class _Granted:
    """Stands for a future: sends the request as soon as the slot is there."""

    __slots__ = ("collector", "host")

    def __init__(self, host, collector):
        self.host = host
        self.collector = collector

    def done(self):
        return False

    def cancel(self):
        return True

    def set_result(self, slot):
        self.host.send(self.collector, slot)


class Host:
    """Orgs of one host. Every collector is attempted again and again, with backoff."""

    def __init__(self, collectors, *, rate, concurrency, weights=None, seed=0):
        self.random = random.Random(seed)
        self.clock = Clock()
        self.queue = HostQueue(
            concurrency=concurrency,
            rate=rate,
            start=self.start,
            now=self.clock.now,
            call_later=self.clock.call_later,
        )
        if weights:
            self.queue.set_weights(weights)
        self.collectors = collectors
        self.queue_rate = rate / MARGIN
        self.latency = (0.1, 0.5)
        self.by_collection = {}
        self.sent = self.answered = 0
        self.in_flight = Counter()
        self.most_in_flight = Counter()
        self.started = []

    def start_cold(self):
        """Everything is due now, for the first time."""
        for each in self.collectors:
            each.due = Due(
                each.interval, 0.0, retry=each.interval, spread=spread(each.org, each.name)
            )
            each.left = 0
            self.plan(each, first=each.core)

    def start_settled(self, stretch):
        """As after a long time at this stretch: attempts are spread evenly over the past."""
        for each in self.collectors:
            part = spread(each.org, each.name)
            last = -stretch * each.interval * (1 + part) * self.random.random()
            each.due = Due(each.interval, last, retry=each.interval, attempted=True, spread=part)
            each.attempts.append(last)
            self.plan(each)

    def run(self, until):
        self.clock.run(until)

    def plan(self, each, *, first=False):
        at = each.due.at()
        each.collection = Collection(each.org, each.name, at, each.interval, first)
        self.by_collection[each.collection] = each
        collection = each.collection
        if at <= self.clock.time:
            self.queue.add(collection)
        else:
            self.clock.call_later(at - self.clock.time, lambda: self.queue.add(collection))

    def start(self, collection):
        each = self.by_collection[collection]
        each.attempts.append(self.clock.time)
        self.started.append(each)
        each.left = each.requests
        slot, collection.first_slot = collection.first_slot, None
        self.send(each, slot)

    def send(self, each, slot):
        self.sent += 1
        self.in_flight[each.org] += 1
        self.most_in_flight[each.org] = max(self.most_in_flight[each.org], self.in_flight[each.org])
        latency = TIMEOUT if each.mode == "hanging" else self.random.uniform(*self.latency)
        self.clock.call_later(latency, lambda: self.answer(each, slot))

    def answer(self, each, slot):
        self.in_flight[each.org] -= 1
        self.answered += 1
        slot.release(answered=each.mode != "hanging")
        each.left -= 1
        if each.mode == "healthy" and each.left:
            self.queue._enqueue(each.collection, _Granted(self, each))
            self.queue._dispatch()
            return
        self.queue.finish(each.collection)
        del self.by_collection[each.collection]
        at = each.attempts[-1]
        each.due = each.due.succeeded(at) if each.mode == "healthy" else each.due.failed(at)
        self.plan(each)

    def gaps(self, *, since=0.0, mode="healthy"):
        """Return, for each collector, its longest gap that ends after `since`, in its intervals.

        The time since the last attempt counts as a gap, too.
        """
        end = self.clock.time
        result = {}
        for each in self.collectors:
            if each.mode == mode:
                times = itertools.pairwise([*each.attempts, end])
                longest = max((b - a for a, b in times if b > since), default=end)
                result[each.org, each.name] = longest / each.interval
        return result


def orgs(count, *, seed=0, hanging=0.02, failing=0.05):
    """Return the collectors of orgs with mixed intervals, some of which hang or fail at once."""
    rng = random.Random(seed)
    result = []
    for number in range(count):
        org = f"org{number}"
        chance = rng.random()
        mode = (
            "hanging"
            if chance < hanging
            else "failing"
            if chance < hanging + failing
            else "healthy"
        )
        interval = rng.choices([60.0, 300.0, 900.0, 1800.0, 3600.0], [1, 20, 30, 30, 19])[0]
        result += [
            Collector(org, "today", interval, 2, mode, core=True),
            Collector(org, "days", 3600.0, 4, mode, core=True),
            Collector(org, "courses", 86400.0, 100, mode),
        ]
    return result


def demand(collectors):
    return sum(each.demand for each in collectors)


def demands(collectors):
    result = Counter()
    for each in collectors:
        result[each.org] += each.demand
    return result
