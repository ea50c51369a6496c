"""The order of what waits: longest overdue first, measured in its own intervals."""

import heapq
import math
from dataclasses import dataclass, field
from typing import Any

_ROOM = 64
"""Entries that were removed may stay in the heaps until they outnumber the rest by this many."""


@dataclass(eq=False, slots=True)
class Entry:
    """Something that waits.

    `since` and `now` are monotonic seconds, `unit` is the length of its interval. An entry with
    unit 0 goes before all others. `rank` and `number` decide between entries of equal age: lower
    ones first. An entry is in at most one order at a time.
    """

    since: float
    unit: float
    rank: int
    number: int
    order: "Order | None" = field(default=None, init=False)
    version: int = field(default=0, init=False)


class Order:
    """Entries by age in intervals, `(now - since) / unit`.

    The ages of two entries with different units may swap places as time passes, so there is one
    heap for each unit and the heads are compared: the cost of a look at the first is the number of
    different units, whatever the number of entries.
    """

    def __init__(self) -> None:
        self._heaps: dict[float, list[tuple[float, int, int, int, Entry]]] = {}
        self._live = 0
        self._stored = 0

    def __len__(self) -> int:
        return self._live

    def push(self, entry: Entry) -> None:
        """Add an entry that is in no order."""
        entry.order = self
        item = (entry.since, entry.rank, entry.number, entry.version, entry)
        heapq.heappush(self._heaps.setdefault(entry.unit, []), item)
        self._live += 1
        self._stored += 1

    def remove(self, entry: Entry) -> None:
        """Remove an entry that is in this order."""
        entry.order = None
        entry.version += 1
        self._live -= 1
        if self._stored > 2 * self._live + _ROOM:
            self._compact()

    def first(self, now: float) -> tuple[float, Any] | None:
        """Return the oldest entry with its age in intervals, or None. It stays in the order."""
        best: Entry | None = None
        best_age = -math.inf
        empty = None
        for unit, heap in self._heaps.items():
            while heap and heap[0][3] != heap[0][4].version:
                heapq.heappop(heap)
                self._stored -= 1
            if not heap:
                empty = unit
                continue
            age = (now - heap[0][0]) / unit if unit else math.inf
            if best is None or age > best_age:
                best, best_age = heap[0][4], age
        if empty is not None:
            del self._heaps[empty]  # others that are empty are deleted next time
        return None if best is None else (best_age, best)

    def _compact(self) -> None:
        for unit in list(self._heaps):
            heap = [item for item in self._heaps[unit] if item[3] == item[4].version]
            if heap:
                heapq.heapify(heap)
                self._heaps[unit] = heap
            else:
                del self._heaps[unit]
        self._stored = self._live
