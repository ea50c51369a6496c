"""Who may send now: concurrency and rate towards one host, shared fairly by all orgs."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

MARGIN = 1.08
"""Requests are this much further apart than the rate asks, since the network bunches them."""

SLACK = 0.01
"""Seconds that a late start may be made up for, so that a busy loop does not lower the rate."""

LONG = 2.0
LONG_TIMES = 10
"""A request is long after so many seconds, and so many times what an answer usually takes."""

STRIKES = 2
"""An org is under suspicion after a timeout, or so many long requests one after the other."""

_WEIGHT = 0.05
"""Weight of the last answer in what answers usually take."""

SLOW_PACE = 1.0
"""Seconds between the requests of an org that was asked to slow down."""


class _Org:
    """What the gate knows of an org. `slow_until` is by the gate's clock, `last` by its pace.

    `strikes` tell how long it has not answered in time.
    """

    __slots__ = ("in_flight", "key", "last", "slow_until", "strikes")

    def __init__(self, key: str) -> None:
        self.key = key
        self.in_flight = 0
        self.strikes = 0
        self.slow_until = -math.inf
        self.last = -math.inf

    @property
    def suspect(self) -> bool:
        """Whether it is likely not to answer in time."""
        return self.strikes >= STRIKES


class Turn:
    """The right to send one request: `depart` when it is sent, and always `leave`."""

    __slots__ = ("_gate", "break_off", "broken_off", "org", "since", "timed_out")

    def __init__(self, gate: "Gate", org: _Org) -> None:
        self._gate = gate
        self.org = org
        self.since: float | None = None
        """When the request was sent, by the gate's own time; None before."""
        self.timed_out: bool | None = None
        """Whether the answer failed to come in time; None if that is not known."""
        self.break_off: Callable[[], None] | None = None
        """How to end a request that is long while others wait; None if it must not be."""
        self.broken_off = False

    def depart(self) -> None:
        """Note that the request is sent this moment."""
        self._gate._departed(self)  # noqa: SLF001 # the two are one thing

    def leave(self) -> None:
        """Give the place to the next."""
        self._gate._left(self)  # noqa: SLF001


_Queue = OrderedDict["asyncio.Future[Turn]", None]


class Gate:
    """Lets requests to one host through: so many at once, so many a second.

    Calls wait by priority (lower first), and within one in turn by org. No org takes more
    than half of the places, and all orgs together whose last request timed out no more than a
    quarter: there a request has all the time it is allowed, elsewhere only for as long as nobody
    waits. One that is long by then is broken off, so that many orgs that hang at once do not
    hold up the rest for a whole timeout each. Turns are granted one by one, and the next only
    once the last was used or given back, so that the rate is that of requests sent.

    `clock` (monotonic seconds) tells how long an org is to be slow. Distances between requests
    are kept in real time, whatever the clock says.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._now = now
        self._orgs: dict[str, _Org] = {}
        self._waiting: dict[int, OrderedDict[str, _Queue]] = {}
        self._in_flight = 0
        self._suspects_in_flight = 0
        self._under_way: dict[Turn, None] = {}
        self._usual = 0.0
        self._granted = False
        self._free_at = -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self.set_limits(concurrency=concurrency, rate=rate)

    def set_limits(self, *, concurrency: int, rate: float) -> None:
        """Change the limits; what is under way is not disturbed. A rate of 0 is no limit."""
        self._concurrency = concurrency
        self._per_org = max(1, concurrency // 2)
        self._for_suspects = max(1, concurrency // 4)
        self._spacing = MARGIN / rate if rate else 0.0
        self._dispatch()

    @property
    def in_flight(self) -> int:
        """Return how many places are taken."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Return how many calls wait."""
        return sum(len(queue) for orgs in self._waiting.values() for queue in orgs.values())

    async def enter(self, key: str, priority: int = 0) -> Turn:
        """Wait for a turn of the org `key`. A cancelled wait costs nobody a place."""
        org = self._org(key)
        if not self._waiting and self._may_grant() and self._ready_at(org) <= self._now():
            return self._grant(org)
        future: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(priority, OrderedDict()).setdefault(key, OrderedDict())[future] = (
            None
        )
        self._dispatch()
        try:
            return await future
        except asyncio.CancelledError:
            if future.cancelled():
                self._withdraw(future, key, priority)
            else:
                future.result().leave()
            raise

    def slow(self, key: str, *, until: float) -> None:
        """Let an org send one request at a time, and no more than one a second."""
        org = self._org(key)
        org.slow_until = max(org.slow_until, until)

    def forget(self, key: str) -> None:
        """Forget what is known of an org, once nothing of it is under way."""
        org = self._orgs.get(key)
        if org is not None and not org.in_flight and org.slow_until <= self._clock():
            del self._orgs[key]

    def _org(self, key: str) -> _Org:
        org = self._orgs.get(key)
        if org is None:
            org = self._orgs[key] = _Org(key)
        return org

    def _may_grant(self) -> bool:
        return not self._granted and self._in_flight < self._concurrency

    def _ready_at(self, org: _Org) -> float:
        """Return when `org` may send; infinity if it must wait for a place."""
        if org.in_flight >= self._per_org or (
            org.suspect and self._suspects_in_flight >= self._for_suspects
        ):
            return math.inf
        if org.slow_until > self._clock():
            return math.inf if org.in_flight else max(org.last + SLOW_PACE, self._free_at)
        return self._free_at

    def _grant(self, org: _Org) -> Turn:
        self._granted = True
        self._in_flight += 1
        org.in_flight += 1
        self._suspects_in_flight += org.suspect
        return Turn(self, org)

    def _departed(self, turn: Turn) -> None:
        now = self._now()
        self._granted = False
        self._free_at = max(self._free_at, now - SLACK) + self._spacing
        turn.since = turn.org.last = now
        self._under_way[turn] = None
        self._dispatch()

    def _left(self, turn: Turn) -> None:
        org, timed_out = turn.org, turn.timed_out
        self._in_flight -= 1
        org.in_flight -= 1
        self._suspects_in_flight -= org.suspect
        self._under_way.pop(turn, None)
        if turn.since is None:
            self._granted = False
        elif timed_out is False:
            self._usual += _WEIGHT * (self._now() - turn.since - self._usual)
        if timed_out is not None:
            before = org.suspect
            strikes = 1 if turn.broken_off else STRIKES
            org.strikes = org.strikes + strikes if timed_out else 0
            self._suspects_in_flight += (org.suspect - before) * org.in_flight
        self._dispatch()

    def _dispatch(self) -> None:
        """Grant one turn if there is one to grant, or see to it that this is asked again."""
        if not self._waiting or self._granted:
            return
        now = self._now()
        if self._in_flight >= self._concurrency:
            at = self._break_off_long(now)
        else:
            at = self._free_at if self._free_at > now else self._grant_next(now)
        if at < self._timer_at:
            self._arm(at, now)

    def _break_off_long(self, now: float) -> float:
        """Break off the request that is long, or return when there may be one."""
        limit = max(LONG, LONG_TIMES * self._usual)
        for turn in self._under_way:
            if turn.org.suspect or turn.broken_off or turn.break_off is None:
                continue
            assert turn.since is not None
            if turn.since + limit > now:
                return turn.since + limit
            if not self._anybody_well_waits():
                return now + LONG
            turn.broken_off = True
            turn.break_off()
        return math.inf

    def _anybody_well_waits(self) -> bool:
        waiting = {key for orgs in self._waiting.values() for key in orgs}
        return any(
            not org.suspect and org.in_flight < self._per_org for org in map(self._org, waiting)
        )

    def _grant_next(self, now: float) -> float:
        """Grant the turn of the first call that may go; or return when the soonest may."""
        soonest = math.inf
        for priority in sorted(self._waiting):
            orgs = self._waiting[priority]
            for key in list(orgs):
                org = self._org(key)
                at = self._ready_at(org)
                if at > now:
                    soonest = min(soonest, at)
                    continue
                if org.suspect:
                    org = self._least_suspect(orgs, now)
                    key = org.key  # noqa: PLW2901 # the turn is another's
                queue = orgs[key]
                while queue:
                    future, _ = queue.popitem(last=False)
                    if not future.done():
                        orgs.move_to_end(key)
                        self._tidy(key, priority)
                        future.set_result(self._grant(org))
                        return math.inf
                self._tidy(key, priority)
        return soonest

    def _least_suspect(self, keys: Iterable[str], now: float) -> _Org:
        """Return which org under suspicion is next: of those that may go the least suspect one.

        One slow answer must not put an org behind hundreds that have been silent for long.
        """
        orgs = map(self._org, keys)
        ready = (org for org in orgs if org.suspect and self._ready_at(org) <= now)
        return min(ready, key=lambda org: org.strikes)

    def _withdraw(self, future: "asyncio.Future[Turn]", key: str, priority: int) -> None:
        orgs = self._waiting.get(priority)
        if orgs is not None and key in orgs:
            orgs[key].pop(future, None)
            self._tidy(key, priority)

    def _tidy(self, key: str, priority: int) -> None:
        orgs = self._waiting[priority]
        if not orgs[key]:
            del orgs[key]
        if not orgs:
            del self._waiting[priority]

    def _arm(self, at: float, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = asyncio.get_running_loop().call_later(at - now, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        self._dispatch()
