"""What is kept of an answer about the past, and what a form of answers is."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from exporter.api.payloads import Reason
from exporter.windows import Span

UNREADABLE = b"null"
"""Kept in place of an answer that cannot be read: no reader takes it."""

_MISPLACED = (Reason.DATE, Reason.ROW)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is kept: a body for the reader, and what could not be read in the answer.

    `body` is None where the API does not answer for so long a range.
    """

    body: bytes | None
    flaws: Mapping[Reason, int]

    @property
    def misplaced(self) -> bool:
        """Whether there was something of which the day is not known."""
        return any(self.flaws.get(reason) for reason in _MISPLACED)


@dataclass(frozen=True, slots=True)
class Part:
    """A kept answer to a long range, by day: each column holds one number for each day.

    `settled` tells that days left out are 0 (the given ones add up to the total), `summed` that
    there is a total, `misplaced` that something in the answer belongs to a day not known.
    """

    span: Span
    columns: tuple[Sequence[float], ...]
    settled: bool
    summed: bool
    misplaced: bool

    def covered(self, span: Span) -> int:
        """Return how many days of `span` the answer covers."""
        first, last = max(span.first, self.span.first), min(span.last, self.span.last)
        return max((last - first).days + 1, 0)

    def days(self, span: Span) -> Iterator[tuple[date, tuple[float, ...]]]:
        """Yield the days of `span` that the answer covers, with their numbers."""
        first = max(span.first, self.span.first)
        start = (first - self.span.first).days
        for place in range(start, start + self.covered(span)):
            day = self.span.first + timedelta(days=place)
            yield day, tuple(column[place] for column in self.columns)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is assumed to have happened, for examples: these courses, and so many users."""

    courses: Sequence[str]
    users: int


@dataclass(frozen=True, slots=True)
class Form:
    """How the answers of one endpoint are kept.

    `part` and `cut` are None where an answer is good for its own range alone. `cut` returns None
    where the parts do not tell what the answer to the short range would be. `example` is an
    answer with all that there may be in one.
    """

    keep: Callable[[bytes], Kept]
    example: Callable[[Span, Scene], bytes]
    part: Callable[[Kept, Span], Part] | None = None
    cut: Callable[[Sequence[Part], Span], bytes | None] | None = None


def body_of(answer: Any) -> bytes:
    """Write an answer as the API would."""
    return json.dumps(answer, separators=(",", ":")).encode()
