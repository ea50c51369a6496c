"""An API that a test makes up, and what a desk needs around it."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr

from exporter.api import endpoints
from exporter.api.client import ApiClient, Call, Limits
from exporter.backfill.desk import Desk
from exporter.backfill.ledger import Ledger
from exporter.clock import SystemClock
from exporter.collectors import COLLECTORS
from exporter.demo.background import Background
from exporter.demo.faults import FaultPlan
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from exporter.settings import Org
from exporter.windows import Span

DAY = date(2026, 1, 1)
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def span(first, last):
    """Return a span by places, counted from `DAY`."""
    return Span(DAY + timedelta(days=first), DAY + timedelta(days=last))


def call(over, endpoint=endpoints.VIDEOS_OVER_TIME, **query):
    dates = {"start_date": over.first.isoformat(), "end_date": over.last.isoformat()}
    return Call(endpoint=endpoint, names={}, query={**query, **dates})


SEEDS = {collector.name: False for collector in COLLECTORS if collector.optional}
"""The collectors that an org of tests is left with: those of the seed endpoints."""


class MadeUpApi:
    """Answers with what `answer(span)` returns or raises; remembers what was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def get(self, account, asked):
        first, last = (date.fromisoformat(asked.query[n]) for n in ("start_date", "end_date"))
        self.asked.append(Span(first, last))
        await asyncio.sleep(0)
        return self.answer(Span(first, last))


class StillClock:
    """A clock on which only sleeping takes time."""

    def __init__(self):
        self.slept = []

    def monotonic(self):
        return 1000.0 + sum(self.slept)

    async def sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture
def org():
    return Org(key="acme", user_id="ops")


@pytest.fixture
def ledger():
    with Ledger(None) as opened:
        yield opened


@pytest.fixture
def make_desk(ledger):
    def make(api, *, hull, reach=366, clock=None):
        clock = clock or StillClock()
        return Desk(api, ledger, clock, hull=hull, reach=reach, sleep=clock.sleep)

    return make


class Silent:
    def requested(self, *_):
        pass

    def retried(self, *_):
        pass

    def rate_limited(self, *_):
        pass


class Platform:
    def __init__(self, **how):
        self.university = University(orgs=1, courses=4, learners=120)
        self.moment = NOW
        self.plan = FaultPlan()
        self.server = Background(
            build_platform(self.university, now=lambda: self.moment, faults=self.plan, **how)
        )

    def org(self, **more):
        acme = self.university.orgs[0]
        given = {
            "key": acme.key,
            "user_id": acme.user_id,
            "api_key": SecretStr(acme.api_key),
            "base_url": self.server.url,
            "timezone": acme.timezone,
            "mentors": acme.mentors,
        }
        return Org(**given | more)


@pytest.fixture
def run():
    started = []

    def start(**how):
        platform = Platform(**how)
        started.append(platform.server)
        platform.server.__enter__()
        return platform

    yield start
    for server in started:
        server.__exit__(None, None, None)


@pytest.fixture
async def api():
    client = ApiClient(Limits(rate_limit=0, concurrency=16), Silent(), SystemClock())
    yield client
    await client.aclose()
