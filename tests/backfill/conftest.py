"""A simulated platform for backfills, and what they need around it."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from exporter.api.client import ApiClient
from exporter.api.hosts import Hosts
from exporter.backfill.job import last_sample
from exporter.backfill.record import Record
from exporter.backfill.run import Backfill, resume
from exporter.clock import SystemClock
from exporter.demo.background import Background
from exporter.demo.faults import FaultPlan
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from exporter.settings import ApiLimits, Org
from tests.conftest import FakeClock
from tests.recorder import Recorder, RecorderMiddleware

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


class Observer:
    """Notes requests and files."""

    def __init__(self):
        self.requests = 0
        self.files = []

    def requested(self, *_):
        self.requests += 1

    def retried(self, *_):
        pass

    def rate_limited(self, *_):
        pass

    def wrote(self, path):
        self.files.append(path.name)


class Platform:
    """The API of a university at a moment that a test sets."""

    def __init__(self, orgs=1, **how):
        self.university = University(orgs=orgs, courses=4, learners=600)
        self.moment = NOW
        self.plan = FaultPlan()
        self.recorder = Recorder()
        app = build_platform(self.university, now=lambda: self.moment, faults=self.plan, **how)
        self.server = Background(RecorderMiddleware(app, recorder=self.recorder))

    def org(self, number=0, **more):
        of = self.university.orgs[number]
        given = {
            "key": of.key,
            "user_id": of.user_id,
            "api_key": SecretStr(of.api_key),
            "base_url": self.server.url,
            "timezone": of.timezone,
            "mentors": of.mentors,
        }
        return Org(**given | more)

    def requested(self):
        """Return what was requested, each as path and query."""
        return [(r.path, *sorted(r.query.items())) for r in self.recorder.requests]


@pytest.fixture
def run():
    """Return a way to start platforms, which end with the test."""
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
    clock = SystemClock()
    limits = ApiLimits(rate_limit=0, concurrency=16, retries=0)
    hosts = Hosts(limits, start=lambda _: None, now=clock.monotonic)
    client = ApiClient(limits, Observer(), clock, hosts)
    yield client
    await client.aclose()


async def backfill(job, api, *, now=NOW, observer=None, end_given=True):
    """Run a whole backfill without pauses and return it; its files are those of `digests`."""
    job.state.parent.mkdir(exist_ok=True, parents=True)
    with Record(job.state) as record:
        job = resume(
            replace(job, until=last_sample(now, step=job.step)), record, end_given=end_given
        )
        work = Backfill(
            job,
            api=api,
            record=record,
            clock=FakeClock(now),
            reporter=observer or Observer(),
            retrying=lambda api, _: api,
        )
        await work.collect()
        work.write()
    return work


def digests(job):
    """Return the digest of each output file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in job.outputs()}
