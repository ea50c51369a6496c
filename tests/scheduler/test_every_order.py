import asyncio
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from structlog.testing import capture_logs

from exporter.scheduler import Collection, HostQueue
from tests.scheduler.simulation import Clock

limits = {"concurrency": st.integers(1, 9), "rate": st.sampled_from([0.0, 0.0, 1.0, 20.0])}
picks = st.integers(0, 10_000)
starts = st.sampled_from(["acquire", "wait", "raise", "finish", "discard", "add another"])


class EveryOrder(RuleBasedStateMachine):
    """Calls in every order, with and without the event loop running between them."""

    @initialize(**limits)
    def begin(self, concurrency, rate):
        self.logs = capture_logs()  # drawing a traceback takes longer than all the rest
        self.logs.__enter__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.collections = []
        self.tasks = []
        self.slots = []
        self.released = []
        self.timed_out = {}
        self.limit = concurrency
        self.allowed = Counter()
        self.queue = HostQueue(
            concurrency=concurrency,
            rate=rate,
            start=self.start,
            now=self.clock.now,
            call_later=self.clock.call_later,
        )

    def start(self, collection):
        assert collection.first_slot is not None
        match collection.name:
            case "acquire":
                self.acquire_for(collection)
            case "raise":
                raise RuntimeError
            case "finish":
                self.queue.finish(collection)
            case "discard":
                self.queue.discard(collection)
            case "add another":
                self.new(collection.org, "wait", 60.0, first=False)

    def new(self, org, name, interval, *, first):
        collection = Collection(org, name, self.clock.time, interval, first)
        self.collections.append(collection)
        self.queue.add(collection)

    def acquire_for(self, collection):
        self.tasks.append((collection, self.loop.create_task(self.queue.acquire(collection))))

    def pick(self, items, number):
        return items[number % len(items)] if items else None

    @rule(
        org=st.sampled_from("abc"),
        name=starts,
        interval=st.sampled_from([0.0, 1.0, 60.0, 86400.0]),
        first=st.booleans(),
        count=st.integers(1, 4),
    )
    def add(self, org, name, interval, first, count):
        for _ in range(count):
            self.new(org, name, interval, first=first)

    @rule(number=picks)
    def add_again(self, number):
        if collection := self.pick(self.collections, number):
            self.queue.add(collection)

    @rule(number=picks, count=st.integers(1, 6))
    def acquire(self, number, count):
        if collection := self.pick(self.collections, number):
            for _ in range(count):
                self.acquire_for(collection)

    @rule(org=st.sampled_from("abcd"))
    def acquire_without_add(self, org):
        self.acquire_for(Collection(org, "live", self.clock.time, 60.0))

    @rule(number=picks)
    def cancel(self, number):
        if found := self.pick(self.tasks, number):
            found[1].cancel()

    @rule(number=picks, answered=st.sampled_from([True, False, None]))
    def release(self, number, answered):
        if self.slots:
            org, slot = self.slots.pop(number % len(self.slots))
            slot.release(answered=answered)
            self.released.append(slot)
            if answered is not None:
                self.timed_out[org] = not answered

    @rule(number=picks)
    def release_again(self, number):
        if slot := self.pick(self.released, number):
            slot.release(answered=False)

    @rule(number=picks)
    def finish(self, number):
        if collection := self.pick(self.collections, number):
            self.queue.finish(collection)

    @rule(number=picks)
    def give_back(self, number):
        if collection := self.pick(self.collections, number):
            self.queue.give_back(collection)

    @rule(number=picks)
    def discard(self, number):
        if collection := self.pick(self.collections, number):
            self.queue.discard(collection)

    @rule(**limits)
    def set_limits(self, concurrency, rate):
        self.limit = concurrency
        self.queue.set_limits(concurrency=concurrency, rate=rate)

    @rule(weights=st.dictionaries(st.sampled_from("abc"), st.sampled_from([1.0, 2.0, 50.0])))
    def set_weights(self, weights):
        self.queue.set_weights(weights)

    @rule(org=st.sampled_from("abc"))
    def forget(self, org):
        self.queue.forget(org)
        self.timed_out[org] = False

    @rule(seconds=st.sampled_from([0.0, 0.01, 1.0, 100.0]))
    def pass_time(self, seconds):
        self.loop.run_until_complete(self.run(seconds))
        for collection, task in self.tasks:
            if task.done() and not task.cancelled():
                self.slots.append((collection.org, task.result()))
        self.tasks = [(each, task) for each, task in self.tasks if not task.done()]
        self.nobody_waits_for_nothing()

    async def run(self, seconds):
        for passed in (0.0, seconds, 0.0):
            for _ in range(4):
                await asyncio.sleep(0)
            self.clock.run(self.clock.time + passed)
        for _ in range(4):
            await asyncio.sleep(0)

    def nobody_waits_for_nothing(self):
        queue = self.queue
        assert queue.in_flight == len(self.slots) + sum(
            c.first_slot is not None for c in self.collections
        )
        free = queue.in_flight < self.limit
        token = queue._granted_at + queue._spacing <= self.clock.time
        if not (free and token):
            return
        for org in queue._orgs.values():
            suspended = org.timed_out and queue._in_flight_timed_out >= max(1, self.limit // 4)
            assert not org.waiters or suspended or org.in_flight >= max(1, self.limit // 2)

    @invariant()
    def limits_hold(self):
        """What was in flight when limits were lowered may end; nothing is granted above them."""
        by_org = Counter({org.key: org.in_flight for org in self.queue._orgs.values()})
        by_org["all"] = self.queue.in_flight
        for key, count in by_org.items():
            limit = self.limit if key == "all" else max(1, self.limit // 2)
            assert count <= max(limit, self.allowed[key])
        self.allowed = by_org
        assert by_org.total() == 2 * by_org["all"]

    @invariant()
    def timeouts_are_known(self):
        for org in self.queue._orgs.values():
            assert org.timed_out == self.timed_out.get(org.key, False)
        known = [org for org in self.queue._orgs.values() if org.timed_out]
        assert self.queue._in_flight_timed_out == sum(org.in_flight for org in known)

    def teardown(self):
        if not hasattr(self, "queue"):
            return
        try:
            self.end()
        finally:
            self.loop.close()
            self.logs.__exit__(None, None, None)

    def end(self):
        self.set_limits(concurrency=100, rate=0.0)
        for _ in range(100):
            self.pass_time(1.0)
            for collection in self.collections:
                self.queue.finish(collection)
            for _, slot in self.slots:
                slot.release()
            self.slots = []
            if not (self.tasks or self.queue.waiting or self.queue.in_flight):
                break
        assert self.queue.waiting == 0
        assert self.queue.in_flight == 0
        assert not self.tasks
        assert all(org.timed_out for org in self.queue._orgs.values())
        assert len(self.queue._ready) == len(self.queue._suspended) == 0


EveryOrder.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestEveryOrder = EveryOrder.TestCase
