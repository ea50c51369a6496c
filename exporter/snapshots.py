"""Current data: what each collector last collected for each org, as values with their dates.

A snapshot consists of items that are collected and expire independently: the values of today,
those of complete days, those of one course or mentor. Text is derived from it elsewhere.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic_core import from_json

from exporter.samples import Compact, finite, pack, unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A part of a result that succeeds, fails and expires on its own.

    `day` is today in the org's time zone when it was `collected` (monotonic seconds); `interval`
    is how often it is collected, in seconds. `courses` and `mentors` are names by id. Values
    `of_day` are about `day` itself and are dropped when it ends.
    """

    samples: Compact
    day: date
    collected: float
    interval: float
    of_day: bool = False
    courses: Mapping[str, str] = field(default_factory=dict)
    mentors: Mapping[str, str] = field(default_factory=dict)

    @property
    def series(self) -> int:
        """Return how many samples there are."""
        return sum(len(family.values) for family in self.samples)


Items = Mapping[str, Item]
"""The items of one collector by key."""

Lifetime = Callable[[str, str, Item], float]
"""Returns how long an item of an org and a collector is served, in seconds: at least its interval.

It depends on settings and on demand, which may change after the item was collected.
"""

_NONE: Items = {}

Changes = Mapping[str, Item | None]
"""Items by key that were replaced, or None for those that were dropped."""


class Snapshots:
    """The current items of every org and collector. All methods belong to one thread."""

    def __init__(self) -> None:
        self._orgs: dict[str, dict[str, dict[str, Item]]] = {}
        self._next_check = float("inf")
        self.listeners: list[Callable[[str, str, Changes], None]] = []
        """Called with org, collector and what changed, after it did."""

    def restore(self, org: str, collector: str, items: Items) -> None:
        """Set the items of a collector that were saved earlier; not a change."""
        self._set(org, collector, items)

    def update(self, org: str, collector: str, items: Items) -> None:
        """Replace the given items of a collector; the others stay as they are."""
        if items:
            self._set(org, collector, items)
            self._changed(org, collector, items)

    def keep(self, org: str, collector: str, wanted: Callable[[str], bool]) -> None:
        """Drop the items whose key is not wanted."""
        self._drop_if(org, collector, lambda key, _: not wanted(key))

    def drop(self, org: str, collector: str | None = None) -> None:
        """Drop what one collector, or every collector, has of an org."""
        for name in [collector] if collector else list(self._orgs.get(org, ())):
            self._drop_if(org, name, lambda _key, _item: True)

    def expire(self, now: float, lifetime: Lifetime, *, every: bool = False) -> None:
        """Drop items that are too old at `now` (monotonic).

        Nothing is looked at before an item can be, unless `every` item is: lifetimes changed.
        """
        if now < self._next_check and not every:
            return
        next_check = float("inf")
        for org, collectors in list(self._orgs.items()):
            for collector, items in list(collectors.items()):
                ends = {k: i.collected + lifetime(org, collector, i) for k, i in items.items()}
                self._drop_if(org, collector, lambda key, _: ends[key] <= now)  # noqa: B023
                next_check = min((next_check, *(end for end in ends.values() if end > now)))
        self._next_check = next_check

    def end_day(self, org: str, today: date) -> None:
        """Drop values about a day that is not `today`."""
        for collector in list(self._orgs.get(org, ())):
            self._drop_if(org, collector, lambda _, item: item.of_day and item.day != today)

    def items(self, org: str, collector: str) -> Items:
        """Return the current items of a collector by key."""
        return self._orgs.get(org, {}).get(collector, _NONE)

    def of(self, org: str) -> Mapping[str, Items]:
        """Return the current items of an org by collector and key."""
        return self._orgs.get(org, {})

    def courses(self, org: str) -> dict[str, str]:
        """Return the known courses of an org: id and name."""
        return _names(item.courses for item in self._all(org))

    def mentors(self, org: str) -> dict[str, str]:
        """Return the known mentors of an org: id and name."""
        return _names(item.mentors for item in self._all(org))

    def _all(self, org: str) -> Iterable[Item]:
        return (item for items in self.of(org).values() for item in items.values())

    def _set(self, org: str, collector: str, items: Items) -> None:
        self._orgs.setdefault(org, {}).setdefault(collector, {}).update(items)
        ends = (item.collected + item.interval for item in items.values())
        self._next_check = min((self._next_check, *ends))

    def _drop_if(self, org: str, collector: str, gone: Callable[[str, Item], bool]) -> None:
        """Drop the items for which `gone` is true, and what is empty then."""
        items = self._orgs.get(org, {}).get(collector, {})
        dropped = [key for key, item in items.items() if gone(key, item)]
        if not dropped:
            return
        for key in dropped:
            del items[key]
        if not items:
            del self._orgs[org][collector]
        if not self._orgs[org]:
            del self._orgs[org]
        self._changed(org, collector, dict.fromkeys(dropped))

    def _changed(self, org: str, collector: str, changes: Changes) -> None:
        for listener in self.listeners:
            listener(org, collector, changes)


def _names(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    known: dict[str, str] = {}
    for names in parts:
        for id_, name in names.items():
            known[id_] = name or known.get(id_, "")
    return known


def encode(item: Item, *, collected: float) -> bytes:
    """Return an item for the state file; `collected` is in Unix seconds."""
    record: dict[str, Any] = {
        "day": item.day.isoformat(),
        "collected": collected,
        "interval": item.interval,
        "of_day": item.of_day,
        "samples": pack(item.samples),
        "courses": dict(item.courses),
        "mentors": dict(item.mentors),
    }
    return json.dumps(record, separators=(",", ":")).encode()


def decode(payload: bytes, *, now: float, monotonic: float) -> Item:
    """Return the item that `encode` wrote, collected on this process' monotonic clock.

    `now` (Unix seconds) and `monotonic` are the same moment. Raises ValueError, TypeError,
    KeyError or IndexError if the payload is anything else.
    """
    record = from_json(payload, allow_inf_nan=False)
    return Item(
        samples=unpack(record["samples"]),
        day=date.fromisoformat(record["day"]),
        # Not in the future: it was written while the clock was ahead.
        collected=monotonic + min(finite(record["collected"]) - now, 0.0),
        interval=finite(record["interval"]),
        of_day=bool(record["of_day"]),
        courses=_texts(record["courses"]),
        mentors=_texts(record["mentors"]),
    )


def _texts(raw: Any) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise TypeError("names are not an object")
    return {str(key): str(value) for key, value in raw.items()}
