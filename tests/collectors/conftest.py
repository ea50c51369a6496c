"""A fake API, plausible responses of every endpoint, and a bench that runs collectors."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from exporter.api.errors import ApiError, BadResponseError, Kind, RejectedError, UnavailableError
from exporter.api.payloads import PayloadError
from exporter.collectors.run import Run
from exporter.history.store import History
from exporter.scheduler import Collection
from exporter.settings import Org
from exporter.snapshots import Item, Snapshots

TODAY = date(2026, 5, 6)
YESTERDAY = TODAY - timedelta(days=1)
ORG = Org(key="acme", user_id="ops")
HOUR = 3600.0

BAD_REQUEST = BadResponseError("400, the request was rejected", kind=Kind.BAD_REQUEST, status=400)
FORBIDDEN = RejectedError("403, the key may not read this", kind=Kind.FORBIDDEN, status=403)
NOT_FOUND = RejectedError("404, no such endpoint", kind=Kind.NOT_FOUND, status=404)
BROKEN = UnavailableError("500, the server failed", kind=Kind.SERVER_ERROR, status=500)
TIMEOUT = UnavailableError("no complete response within 30 s", kind=Kind.TIMEOUT)
UNREADABLE = b"<html>"
FAILURES = {
    "400": BAD_REQUEST,
    "403": FORBIDDEN,
    "404": NOT_FOUND,
    "500": BROKEN,
    "timeout": TIMEOUT,
    "unreadable": UNREADABLE,
}


class FakeApi:
    """Answers each endpoint with a payload, bytes, an error, or a function that makes one.

    `fails` is called with each request first; what it returns, unless None, is the response.
    """

    def __init__(self):
        self.answers = {}
        self.calls = []
        self.fails = lambda call: None

    async def get(self, org, call):
        self.calls.append(call)
        answer = self.fails(call)
        if answer is None:
            answer = self.answers[call.endpoint]
        if isinstance(answer, Callable):
            answer = answer(call)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def requested(self, *parameters):
        """Return the given query parameters of each request."""
        return [tuple(call.query.get(p) for p in parameters) for call in self.calls]

    def spans(self):
        """Return the first and the last day of each request."""
        return [
            (date.fromisoformat(first), date.fromisoformat(last))
            for first, last in self.requested("start_date", "end_date")
        ]


class Bench:
    """Runs collectors of one org as the poller does, with a history and items that stay."""

    def __init__(self, api):
        self.api = api
        self.org = ORG
        self.day = TODAY
        self.now = 1000.0
        self.interval = HOUR
        self.courses = ()
        self.mentors = ()
        self.page_size = 100
        self.history = History()
        self.snapshots = Snapshots()
        self.errors = Counter()
        self.is_due = lambda key: True

    def configure(self, **settings):
        self.org = replace(self.org, **settings)

    def advance(self, *, hours=0, days=0):
        """Move the time; on another day the values of the last one end."""
        self.now += (24 * days + hours) * HOUR
        self.day += timedelta(days=days)
        self.snapshots.end_day("acme", self.day)

    def make_run(self, collector="test"):
        def payload_error(endpoint, reason, count):
            self.errors[endpoint.name, str(reason)] += count

        return Run(
            org=self.org,
            api=self.api,
            day=self.day,
            now=self.now,
            interval=self.interval,
            page_size=self.page_size,
            history=self.history,
            queued=Collection(org="acme", name=collector, due_at=0.0, interval=self.interval),
            items=dict(self.snapshots.items("acme", collector)),
            courses=self.courses,
            mentors=self.mentors,
            is_due=self.is_due,
            payload_error=payload_error,
        )

    async def run(self, collect):
        """Return the result of a run, and keep its items. Raises what the collector raises."""
        name = collect.__name__
        result = await collect(self.make_run(name))
        items = {
            key: Item(
                samples=draft.samples.compact(),
                day=self.day,
                collected=self.now,
                interval=draft.interval,
                of_day=draft.of_day,
                courses=draft.courses,
                mentors=draft.mentors,
            )
            for key, draft in result.items.items()
        }
        self.snapshots.update("acme", name, items)
        if result.wanted is not None:
            self.snapshots.keep("acme", name, result.wanted)
        return result

    async def error(self, collect):
        """Return the error that a run, or all of its items, ended with; None if it succeeded."""
        try:
            return (await self.run(collect)).error
        except (ApiError, PayloadError) as error:
            return error

    async def values(self, collect):
        """Return the new values of a run. Raises the error of a run that failed."""
        result = await self.run(collect)
        if result.error is not None:
            raise result.error
        return values_of(draft.samples.compact() for draft in result.items.values())

    def served(self, collect):
        """Return the values of all current items of a collector."""
        return values_of(i.samples for i in self.snapshots.items("acme", collect.__name__).values())


def values_of(compacts):
    """Return values by metric name (without prefix) and labels after `org`."""
    found = {}
    for compact in compacts:
        for family in compact:
            for labels, value in family.items():
                assert len(labels) == len(family.metric.labels) - 1
                key = " ".join((family.metric.name.removeprefix("iblai_"), *labels))
                assert key not in found, "a series twice"
                found[key] = value
    return found


@pytest.fixture
def api():
    return FakeApi()


@pytest.fixture
def bench(api):
    return Bench(api)


def days_of(call):
    """Return the days of a request's range, both ends included."""
    first = date.fromisoformat(call.query["start_date"])
    last = date.fromisoformat(call.query["end_date"])
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def ago(day):
    """Return how many days before today a day is."""
    return (TODAY - day).days


def series(value):
    """Return a response with a total: `value(day)` for each requested day, or always the same."""

    def answer(call):
        days = {
            day.isoformat(): value(day) if isinstance(value, Callable) else value
            for day in days_of(call)
        }
        return {"data": days, "total": sum(v for v in days.values() if v is not None)}

    return answer


def counts(member, value):
    """Return an event list: a row for each day on which there is something."""

    def answer(call):
        rows = ((day, value(day)) for day in days_of(call))
        return [{"date": f"{day}T00:00:00Z", member: n} for day, n in rows if n]

    return answer


def money(value):
    """Return the response of `financial/`."""

    def answer(call):
        days = {day: value(day) for day in days_of(call)}
        overtime = [{"date": f"{day}", "value": f"{cost:.5f}"} for day, cost in days.items()]
        return {"value": f"{sum(days.values()):.5f}", "overtime": overtime, "comparison_info": {}}

    return answer


def sessions(count, average):
    """Return the buckets of seed 3, without idle days."""

    def answer(call):
        return [
            {
                "time": f"{day}T00:00:00Z",
                "avg_messages": average(day),
                "total_sessions": count(day),
            }
            for day in days_of(call)
            if count(day)
        ]

    return answer


def page(*rows, **pagination):
    says = {"totalItems": len(rows), "currentPage": 1, "totalPages": 1}
    return {"data": list(rows), "pagination": says | pagination}
