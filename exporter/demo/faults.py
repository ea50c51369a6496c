"""Faults of the simulated platform: which, for which requests, when and how often."""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, from `start` until before `end`, while `active()`.

    `org` and `endpoint` are globs; that of the endpoint is for the path after what names org and
    user (`videos*`), or for all of it. A fault applies with a `probability`, and so many `times`.
    `retry_after` is in seconds, or a moment. `size` is in bytes.
    """

    kind: str
    _: KW_ONLY
    org: str = "*"
    endpoint: str = "*"
    start: datetime | None = None
    end: datetime | None = None
    active: Callable[[], bool] | None = None
    probability: float = 1.0
    times: int | None = None
    status: int = 500
    body: str = "json"
    retry_after: float | datetime | None = None
    seconds: float = 1.0
    payload: str = Payload.NULL
    location: str = "https://elsewhere.invalid/"
    size: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        Kind(self.kind)
        Payload(self.payload)
        if self.body not in {"json", "html"}:
            raise ValueError(f"the body of a fault is json or html, not {self.body}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"a probability is from 0 to 1, not {self.probability:g}")

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read `name=value,…`, such as `org=acme,endpoint=videos*,status=500,probability=0.5`.

        `kind` may be left out beside a `status` or a `payload`. Moments are ISO 8601, UTC where
        they name no zone. Raises ValueError with the reason.
        """
        try:
            pairs = [pair.partition("=") for pair in text.split(",")]
            given = {name.strip(): value.strip() for name, _, value in pairs}
            values = {name: _parser(name)(value) for name, value in given.items()}
            return cls(**{"kind": Kind.JSON if "payload" in values else Kind.STATUS, **values})
        except ValueError as error:
            raise ValueError(f"{text!r} is not a fault: {error}") from None

    def applies(self, target: Target, now: datetime) -> bool:
        """Return whether the fault applies to a request."""
        return (
            fnmatchcase(target.org or "", self.org)
            and target.matches(self.endpoint)
            and (self.start is None or now >= self.start)
            and (self.end is None or now < self.end)
            and (self.active is None or self.active())
        )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds_or_moment(text: str) -> float | datetime:
    try:
        return float(text)
    except ValueError:
        return _moment(text)


_PARSERS: dict[str, Callable[[str], Any]] = {
    **{field.name: str for field in fields(Fault) if field.name != "active"},
    "start": _moment,
    "end": _moment,
    "probability": float,
    "times": int,
    "status": int,
    "retry_after": _seconds_or_moment,
    "seconds": float,
    "size": int,
}


def _parser(name: str) -> Callable[[str], Any]:
    if name not in _PARSERS:
        raise ValueError(f"{name} is not one of {', '.join(_PARSERS)}")
    return _PARSERS[name]


@dataclass(slots=True)
class _Entry:
    fault: Fault
    left: int | None


class FaultPlan:
    """The current faults. They may be changed at any time, from any thread."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 0) -> None:
        """Start with `faults`; the first one that applies to a request is used."""
        self._entries = tuple(_Entry(fault, fault.times) for fault in faults)
        self._random = random.Random(seed)

    def add(self, *faults: Fault) -> None:
        """Add `faults` behind the others."""
        self._entries += tuple(_Entry(fault, fault.times) for fault in faults)

    def remove(self, *faults: Fault) -> None:
        """Remove `faults`."""
        self._entries = tuple(entry for entry in self._entries if entry.fault not in faults)

    def clear(self) -> None:
        """Remove all faults."""
        self._entries = ()

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
        for entry in self._entries:
            if entry.left != 0 and entry.fault.applies(target, now):
                probability = entry.fault.probability
                if probability < 1 and self._random.random() >= probability:
                    continue
                if entry.left is not None:
                    entry.left -= 1
                return entry.fault
        return None
