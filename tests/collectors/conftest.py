"""A stand-in for the API, and a way to send a collector on a visit to it."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from exporter.api.errors import Kind, Refused, Unavailable
from exporter.collectors.visit import Visit
from exporter.settings import Org

TODAY = date(2026, 5, 6)
YESTERDAY = TODAY - timedelta(days=1)
ORG = Org(key="acme", user_id="ops")

FORBIDDEN = Refused("403, the key may not read this", kind=Kind.FORBIDDEN, status=403)
NOT_FOUND = Refused("404, no such endpoint", kind=Kind.NOT_FOUND, status=404)
BROKEN = Unavailable("500, the server failed", kind=Kind.SERVER_ERROR, status=500)


class FakeAsker:
    """Answers an endpoint with what it was given: a payload, bytes, an error, or what makes one."""

    def __init__(self):
        self.answers = {}
        self.calls = []

    async def get(self, account, call):
        self.calls.append(call)
        answer = self.answers[call.endpoint]
        if isinstance(answer, Callable):
            answer = answer(call)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def asked(self, *parameters):
        """Return what each call asked for, by the given query parameters."""
        return [tuple(call.query.get(p) for p in parameters) for call in self.calls]


class Trip:
    """Visits of one org, all on the same day unless told otherwise."""

    def __init__(self, api):
        self.api = api
        self.org = ORG
        self.day = TODAY
        self.courses = {}
        self.kept = {}
        self.flaws = Counter()
        self.page_size = 100

    def wants(self, **settings):
        self.org = replace(self.org, **settings)

    async def findings(self, collector):
        async def courses():
            return self.courses

        def flawed(endpoint, reason, count):
            self.flaws[endpoint.name, str(reason)] += count

        visit = Visit(
            org=self.org,
            api=self.api,
            day=self.day,
            rhythm=3600.0,
            priority=1,
            page_size=self.page_size,
            kept=self.kept,
            courses=courses,
            flawed=flawed,
        )
        return await collector(visit)

    async def figures(self, collector):
        """Return what a visit brings, by metric name (without prefix) and labels after `org`."""
        found = {}
        for metric, rows in (await self.findings(collector)).samples:
            for labels, value in rows.items():
                assert len(labels) == len(metric.labels) - 1
                found[" ".join((metric.name.removeprefix("iblai_"), *labels))] = value
        return found


@pytest.fixture
def api():
    return FakeAsker()


@pytest.fixture
def trip(api):
    return Trip(api)


def days_of(call):
    """Return the days that a call asks for, both ends included."""
    first = date.fromisoformat(call.query["start_date"])
    last = date.fromisoformat(call.query["end_date"])
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def series(value):
    """Return what answers a `Series`: `value(day)` for each day asked for, or the same for all."""

    def answer(call):
        days = {
            day.isoformat(): value(day) if isinstance(value, Callable) else value
            for day in days_of(call)
        }
        return {"data": days, "total": sum(v for v in days.values() if v is not None)}

    return answer


def back(day):
    """Return how many days before today a day is."""
    return (TODAY - day).days
