"""Faults of the simulated platform: which, for which requests, when and how often."""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from exporter.demo.target import Target


class Kind(StrEnum):
    """What goes wrong. The fields of `Fault` that a kind uses are beside it."""

    STATUS = "status"  # status, body, retry_after
    TIMEOUT = "timeout"  # never answers
    DRIP = "drip"  # the correct response, a byte every `seconds`
    CUT = "cut"  # the connection ends in the middle of the body
    TRUNCATED = "truncated"  # whole HTTP, half the JSON
    JSON = "json"  # payload
    HTML = "html"  # 200 and a page for people
    CONTENT_TYPE = "content_type"  # the correct response, declared as plain text
    HUGE = "huge"  # size
    GZIP_BOMB = "gzip_bomb"  # size, once decompressed
    ENDLESS_PAGES = "endless_pages"  # every page is full of new rows
    REDIRECT = "redirect"  # location; status if it is one of 3xx
    CLOCK_SKEW = "clock_skew"  # the correct response, dated `seconds` ahead


class Payload(StrEnum):
    """Wrong JSON. From WORDS on, it keeps the shape of the correct payload."""

    NULL = "null"
    LIST = "list"
    TEXT = "text"
    EMPTY = "empty"
    DEEP = "deep"
    WORDS = "words"  # words in the place of numbers
    NULLS = "nulls"  # null in the place of numbers
    NAN = "nan"
    INFINITY = "infinity"
    SURROGATES = "surrogates"  # half characters in the place of text
    NO_COSTS = "no_costs"  # the store of costs is unreachable: null totals, zeros by day


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]
"""A moment, in UTC if it names no time zone."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Fault:
    """One thing that goes wrong, from `start` until before `end`, while `active()`.

    It applies with a `probability`, at most so many `times`. `org` and `endpoint` are globs; that
    of the endpoint is for the path after what names org and user (`videos*`), or for all of it.
    `retry_after` is in seconds, or a moment. `size` is in bytes.
    """

    kind: Kind
    _: KW_ONLY
    org: str = "*"
    endpoint: str = "*"
    start: Moment | None = None
    end: Moment | None = None
    probability: float = Field(default=1.0, ge=0, le=1)
    times: int | None = None
    active: Callable[[], bool] | None = None
    status: int = 500
    body: Literal["json", "html"] = "json"
    retry_after: float | Moment | None = None
    seconds: float = 1.0
    payload: Payload = Payload.NULL
    location: str = "https://elsewhere.invalid/"
    size: int = 64 * 1024 * 1024

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read `name=value,…`, such as `org=acme,endpoint=videos*,status=500,probability=0.5`.

        `kind` may be left out beside a `status` or a `payload`. Moments are ISO 8601, UTC where
        they name no zone. Raises ValueError with the reason.
        """
        pairs = [pair.partition("=") for pair in text.split(",")]
        given: dict[str, Any] = {name.strip(): value.strip() for name, _, value in pairs}
        if unknown := given.keys() - cls.__dataclass_fields__.keys():
            known = ", ".join(cls.__dataclass_fields__)
            raise ValueError(f"{text!r} is not a fault: {min(unknown)} is not one of {known}")
        try:
            return cls(**{"kind": "json" if "payload" in given else "status", **given})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            raise ValueError(f"{text!r} is not a fault: {name}: {first['msg']}") from None

    def applies(self, target: Target, now: datetime) -> bool:
        """Return whether the fault applies to a request."""
        return (
            fnmatchcase(target.org or "", self.org)
            and target.matches(self.endpoint)
            and (self.start is None or now >= self.start)
            and (self.end is None or now < self.end)
            and (self.active is None or self.active())
        )


class FaultPlan:
    """The current faults. They may be changed at any time, from any thread."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        """Start with `faults`; the first one that applies to a request is used."""
        self._faults: tuple[Fault, ...] = ()
        self._left: dict[int, int] = {}
        """How often the faults that end by themselves still apply, by id."""
        self._random = random.Random(0)
        self.add(*faults)

    def add(self, *faults: Fault) -> None:
        """Add `faults` behind the others."""
        self._left |= {id(fault): fault.times for fault in faults if fault.times is not None}
        self._faults += faults

    def remove(self, *faults: Fault) -> None:
        """Remove `faults`."""
        self._faults = tuple(fault for fault in self._faults if fault not in faults)

    def clear(self) -> None:
        """Remove all faults."""
        self._faults = ()

    @contextmanager
    def during(self, *faults: Fault) -> Iterator[None]:
        """Add `faults` while the context lasts."""
        self.add(*faults)
        try:
            yield
        finally:
            self.remove(*faults)

    def pick(self, target: Target, now: datetime) -> Fault | None:
        """Return the fault of a request, if there is one, and count it."""
        for fault in self._faults:
            left = self._left.get(id(fault))
            if left == 0 or not fault.applies(target, now):
                continue
            if self._random.random() < fault.probability:
                if left is not None:
                    self._left[id(fault)] = left - 1
                return fault
        return None
