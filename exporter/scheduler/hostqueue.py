"""Which request goes to a host next, within its limits.

The next slot goes to the collection that has been due longest, measured in its own intervals; one
org uses at most half of the slots, and orgs whose last request timed out share a quarter.
"""

import asyncio
import functools
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from exporter.scheduler.collection import Collection, Slot, State
from exporter.scheduler.order import Entry, Order

MARGIN = 1.04
"""Requests are this much further apart than the rate asks, since the network bunches them."""

CATCH_UP = 0.02
"""Seconds that a late event loop makes up for, so that a busy loop does not lower the rate.

Less than `MARGIN` adds to a second: so no second has more requests than the rate allows."""

SHORTEST = 0.001
"""Seconds that an interval has at least."""

log = structlog.get_logger(__name__)


class Timer(Protocol):
    """A call in the future."""

    def cancel(self) -> object:
        """Do not make the call."""


CallLater = Callable[[float, Callable[[], None]], Timer | None]
"""Makes a call after so many seconds."""


@dataclass(eq=False, slots=True, repr=False)
class _Org:
    key: str
    weight: float = 1.0
    in_flight: int = 0
    timed_out: bool = False
    waiters: "dict[_Waiter, None]" = field(default_factory=dict)


@dataclass(eq=False, slots=True, repr=False)
class _Waiter(Entry):
    """A collection that waits for a slot: to start if `future` is None, or for one more request.

    One that is in no order while it waits belongs to an org that has all its slots.
    """

    org: _Org
    collection: Collection
    future: "asyncio.Future[Slot] | None"


class HostQueue:
    """Grants the slots of one host to the collections of all orgs.

    At most `concurrency` requests are in flight, and `rate` per second are sent, evenly spaced;
    0 is no limit. A collection that was added starts once it gets its first slot: `start` is
    called and must not block. It then acquires a slot for each request, so that a long collection
    yields to those that are due longer. Requests in flight are never cancelled.

    All calls are made from the event loop's thread. `now` is in monotonic seconds.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        rate: float,
        start: Callable[[Collection], None],
        now: Callable[[], float] = time.monotonic,
        call_later: CallLater | None = None,
    ) -> None:
        self._start = start
        self._now = now
        self._call_later = call_later or _call_later
        self._orgs: dict[str, _Org] = {}
        self._weights: dict[str, float] = {}
        self._ready = Order()
        self._suspended = Order()
        self._numbers = itertools.count()
        self._in_flight = 0
        self._in_flight_timed_out = 0
        self._waiting = 0
        self._granted_at = float("-inf")
        self._timer: Timer | None = None
        self._timer_at = float("inf")
        self._dispatching = False
        self.set_limits(concurrency=concurrency, rate=rate)

    @property
    def in_flight(self) -> int:
        """Return the number of slots that are taken."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Return the number of collections and further requests that wait for a slot."""
        return self._waiting

    def set_limits(self, *, concurrency: int, rate: float) -> None:
        """Change the limits. Requests in flight are not affected."""
        self._concurrency = max(1, concurrency)
        self._per_org = max(1, self._concurrency // 2)
        self._for_timed_out = max(1, self._concurrency // 4)
        self._spacing = MARGIN / rate if rate > 0 else 0.0
        for org in self._orgs.values():
            self._unpark(org)
        self._dispatch()

    def set_weights(self, excess: Mapping[str, float]) -> None:
        """Count the intervals of these orgs as longer by a factor, for the order only."""
        self._weights = {key: weight for key, weight in excess.items() if weight > 1}
        for org in self._orgs.values():
            weight = self._weights.get(org.key, 1.0)
            if weight != org.weight:
                org.weight = weight
                self._requeue(org)

    def add(self, collection: Collection) -> None:
        """Queue a collection that is due. One that waits or runs already is left alone."""
        if collection.state in (State.QUEUED, State.RUNNING):
            return
        collection.state = State.QUEUED
        self._enqueue(collection, None)
        # Not at once: of several that are added together the longest overdue starts first.
        self._wake(self._now())

    def discard(self, collection: Collection) -> None:
        """Drop a collection that is no longer wanted. Its waiting requests are cancelled."""
        collection.state = State.DISCARDED
        self._end(collection)

    def finish(self, collection: Collection) -> None:
        """End a collection. A slot that it did not use is free again.

        Call it from a done callback of the task: a task that is cancelled before its first step
        runs no `finally`.
        """
        self._end(collection)

    def forget(self, org: str) -> None:
        """Forget that requests to an org timed out, for one that was removed or has a new key."""
        known = self._orgs.get(org)
        if known is not None:
            self._set_timed_out(known, timed_out=False)
            self._tidy(known)
            self._dispatch()

    async def acquire(self, collection: Collection) -> Slot:
        """Return the slot of the next request. The first one of a started collection is at hand.

        Raises `CancelledError` if the collection is discarded.
        """
        slot = collection.first_slot
        if slot is not None:
            collection.first_slot = None
            return slot
        if collection.state is State.DISCARDED:
            raise asyncio.CancelledError
        future: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        waiter = self._enqueue(collection, future)
        self._dispatch()
        try:
            return await future
        except asyncio.CancelledError:
            if future.cancelled():
                self._withdraw(waiter)
            else:
                future.result().release()
            raise

    def give_back(self, collection: Collection) -> None:
        """Release the first slot of a started collection, which has to wait before it can use it.

        It acquires another one later. Without a slot at hand this does nothing.
        """
        if collection.first_slot is not None:
            slot, collection.first_slot = collection.first_slot, None
            slot.release()

    def _end(self, collection: Collection) -> None:
        if collection.state is not State.DISCARDED:
            collection.state = State.NEW
        org = self._orgs.get(collection.org)
        if org is not None:
            for waiter in [each for each in org.waiters if each.collection is collection]:
                self._withdraw(waiter)
                if waiter.future is not None:
                    waiter.future.cancel()
        self.give_back(collection)

    def _enqueue(self, collection: Collection, future: "asyncio.Future[Slot] | None") -> _Waiter:
        org = self._orgs.get(collection.org)
        if org is None:
            org = _Org(collection.org, weight=self._weights.get(collection.org, 1.0))
            self._orgs[collection.org] = org
        # What runs is finished before something else as old starts.
        rank = 1 if future is None else 0
        waiter = _Waiter(0.0, 0.0, rank, next(self._numbers), org, collection, future)
        org.waiters[waiter] = None
        self._waiting += 1
        self._place(waiter)
        return waiter

    def _place(self, waiter: _Waiter) -> None:
        """Put a waiter into the order that fits the state of its org."""
        collection = waiter.collection
        interval = max(collection.interval, SHORTEST)
        waiter.unit = 0.0 if collection.first else interval * waiter.org.weight
        # Counting from one interval before the due time changes nothing between equal weights.
        # A weight w makes the interval w times longer, not only the time after it.
        waiter.since = collection.due_at - (0.0 if collection.first else interval)
        (self._suspended if waiter.org.timed_out else self._ready).push(waiter)

    def _withdraw(self, waiter: _Waiter) -> None:
        org = waiter.org
        if waiter in org.waiters:
            del org.waiters[waiter]
            self._waiting -= 1
            if waiter.order is not None:
                waiter.order.remove(waiter)
            self._tidy(org)

    def _requeue(self, org: _Org) -> None:
        for waiter in org.waiters:
            if waiter.order is not None:
                waiter.order.remove(waiter)
            self._place(waiter)

    def _unpark(self, org: _Org) -> None:
        for waiter in org.waiters:
            if waiter.order is None:
                self._place(waiter)

    def _tidy(self, org: _Org) -> None:
        if not org.waiters and not org.in_flight and not org.timed_out:
            self._orgs.pop(org.key, None)

    def _released(self, org: _Org, answered: bool | None) -> None:  # noqa: FBT001 # three values
        org.in_flight -= 1
        self._in_flight -= 1
        self._in_flight_timed_out -= org.timed_out
        if answered is not None:
            self._set_timed_out(org, timed_out=not answered)
        self._unpark(org)
        self._tidy(org)
        self._dispatch()

    def _set_timed_out(self, org: _Org, *, timed_out: bool) -> None:
        if org.timed_out != timed_out:
            org.timed_out = timed_out
            self._in_flight_timed_out += org.in_flight if timed_out else -org.in_flight
            self._requeue(org)

    def _dispatch(self) -> None:
        """Grant all slots that can be granted now, and come back when there may be more."""
        if self._dispatching:
            return  # called by `start`: the loop below goes on with what has changed
        self._dispatching = True
        try:
            while self._waiting and self._in_flight < self._concurrency:
                now = self._now()
                free_at = self._granted_at + self._spacing
                if free_at > now:
                    self._wake(free_at)
                    break
                waiter = self._next(now)
                if waiter is None:
                    break
                self._granted_at = max(free_at, now - CATCH_UP)
                self._grant(waiter)
        finally:
            self._dispatching = False

    def _next(self, now: float) -> _Waiter | None:
        """Remove and return the waiter that gets the next slot."""
        while True:
            found = self._ready.first(now)
            if self._in_flight_timed_out < self._for_timed_out:
                other = self._suspended.first(now)
                if found is None or (other is not None and other[0] > found[0]):
                    found = other
            if found is None:
                return None
            waiter: _Waiter = found[1]
            if waiter.org.in_flight >= self._per_org:
                assert waiter.order is not None
                waiter.order.remove(waiter)  # until a slot of the org is released
            elif waiter.future is not None and waiter.future.done():
                self._withdraw(waiter)  # cancelled, but its task did not run since
            else:
                return waiter

    def _grant(self, waiter: _Waiter) -> None:
        org, collection = waiter.org, waiter.collection
        org.in_flight += 1
        self._in_flight += 1
        self._in_flight_timed_out += org.timed_out
        self._withdraw(waiter)
        slot = Slot(functools.partial(self._released, org))
        if waiter.future is not None:
            waiter.future.set_result(slot)
            return
        collection.state = State.RUNNING
        collection.first_slot = slot
        try:
            self._start(collection)
        except (Exception, asyncio.CancelledError):
            log.exception("collection did not start", org=collection.org, collector=collection.name)
            self._end(collection)

    def _wake(self, at: float) -> None:
        if at >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._call_later(max(0.0, at - self._now()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._timer_at = float("inf")
        self._dispatch()


def _call_later(delay: float, call: Callable[[], None]) -> Timer | None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a slot that is released after the loop ended
        return None
    return loop.call_later(delay, call)
