"""A simulated platform that misbehaves on command, and all of the exporter but its open port."""

import asyncio
import json
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from exporter import catalog, collectors
from exporter.demo.background import Background
from exporter.demo.faults import FaultPlan
from exporter.demo.platform import build_platform
from exporter.demo.target import query_of, target_of
from exporter.demo.university import University
from exporter.exposition import Format
from exporter.settings import ApiLimits, Org, Settings
from exporter.wiring import Pipeline
from tests.conftest import FakeClock
from tests.recorder import Recorder, RecorderMiddleware

VALUES = frozenset(m.name for m in catalog.METRICS if m.area is not catalog.Area.EXPORTER)
FEW = {
    c.name: c.name in {"active_users", "active_users_today", "videos", "chat", "course_videos"}
    for c in collectors.COLLECTORS
}
"""Switches for whom a few collectors will do."""

COLLECTORS = {collector.name: collector for collector in collectors.COLLECTORS}


class Rewriter:
    """ASGI middleware that lies: `lies` by endpoint turn the true answer into another.

    A lie is given the parsed answer and the query, and returns what is sent: bytes, or JSON.
    """

    def __init__(self, app):
        self._app = app
        self.lies = {}

    async def __call__(self, scope, receive, send):
        lie = self.lies.get(target_of(scope).endpoint) if scope["type"] == "http" else None
        if lie is None:
            await self._app(scope, receive, send)
            return
        start, body = {}, b""

        async def keep(message):
            nonlocal body
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body += message.get("body", b"")

        await self._app(scope, receive, keep)
        sent = lie(json.loads(body), query_of(scope))
        sent = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        headers = [(k, v) for k, v in start["headers"] if k != b"content-length"]
        headers.append((b"content-length", str(len(sent)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": sent})


@dataclass
class Site:
    """A platform that runs: whom it knows, what goes wrong, and what it was asked."""

    url: str
    university: University
    plan: FaultPlan
    recorder: Recorder
    lies: dict

    def org(self, key="acme", **more):
        """Return an org of the university, as somebody would configure it."""
        known = self.university.org(key)
        given = {
            "key": key,
            "user_id": known.user_id,
            "api_key": SecretStr(known.api_key),
            "base_url": self.url,
            "timezone": known.timezone,
            "mentors": known.mentors,
        }
        return Org(**{**given, **more})

    def orgs(self, **more):
        return [self.org(known.key, **more) for known in self.university.orgs]


@contextmanager
def platform(clock=None, *, port=0, **shape):
    """Run a university; at the time of `clock` if one is given."""
    university = University(**{"courses": 4, "learners": 60, **shape})
    plan, recorder = FaultPlan(), Recorder()
    now = {"now": clock.now} if clock else {}
    simulated = build_platform(university, faults=plan, **now)
    app = Rewriter(RecorderMiddleware(simulated, recorder=recorder))
    with Background(app, port=port) as running:
        yield Site(running.url, university, plan, recorder, app.lies)


def configure(path, site, *, orgs=None, **more):
    """Write a configuration of a site's orgs; `orgs` maps the wanted keys to what is special."""
    wanted = orgs if orgs is not None else {org.key: {} for org in site.university.orgs}
    entries = []
    for key, special in wanted.items():
        known = site.university.org(key)
        entry = {"key": key, "user_id": known.user_id, "timezone": known.timezone}
        if "api_key_file" not in special:
            entry["api_key"] = known.api_key
        entries.append(entry | special)
    tree = {"base_url": site.url, "api": {"rate_limit": 1000}, **more, "orgs": entries}
    path.write_text(yaml.safe_dump(tree))
    return path


class Exporter:
    """The exporter from its schedule to its page, at the time of a clock that a test moves."""

    def __init__(self, orgs, *, clock, limits=None, state_dir=None):
        self.clock = clock
        self.slept = []
        self.settings = Settings(orgs=tuple(orgs), api=limits or quick(), state_dir=state_dir)
        self.pipeline = Pipeline(self.settings, clock, sleep=self._sleep)
        self.poller = self.pipeline.poller
        self.telemetry = self.pipeline.telemetry
        self.snapshots = self.pipeline.snapshots
        self.history = self.pipeline.history
        self.page = self.pipeline.page
        self.orgs = {org.key: org for org in orgs}
        self.pipeline.restore(orgs)

    async def _sleep(self, seconds):
        """Wait by the clock that stands still, and not at all in truth."""
        self.slept.append(seconds)
        self.clock.advance(seconds)

    def set_orgs(self, orgs):
        self.poller.set_orgs(orgs)
        self.orgs = {org.key: org for org in orgs}

    async def collect(self, org="acme", *names):
        """Run collectors of an org: those named, or all, one after the other."""
        for collector in collectors.of(self.orgs[org]):
            if not names or collector.name in names:
                await self.poller.run_once(org, collector.name)

    async def collect_all(self):
        for org in self.orgs:
            await self.collect(org)

    def busy(self):
        """Return whether anything waits for its turn or runs."""
        states = self.poller._schedule.orgs
        return any(entry.queued for state in states for entry in state.collectors.values())

    async def settle(self):
        """Run everything that is due at the clock's time to its end."""
        self.poller.tick()
        for _ in range(10_000):
            await asyncio.sleep(0.001)
            self.poller.tick()
            if not self.busy():
                return
        raise AssertionError("collections did not end")

    async def pass_time(self, seconds, *, step):
        """Move the clock in steps, and run what becomes due."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(min(step, end - self.clock.monotonic()))
            await self.settle()

    def expire(self):
        """Drop what is too old at the clock's time, as the schedule does four times a second."""
        self.poller._expire()

    async def text(self, form=Format.TEXT):
        return (await self.page.read(form, gzip=False)).decode()

    async def series(self):
        """Return every series of the page with its value."""
        return {
            (s.name, tuple(sorted(s.labels.items()))): s.value
            for family in text_string_to_metric_families(await self.text())
            for s in family.samples
        }

    async def values(self, org=None):
        """Return the values of one org or of all, by metric and labels."""
        return {
            key: value
            for key, value in (await self.series()).items()
            if key[0] in VALUES and (org is None or ("org", org) in key[1])
        }

    async def value(self, name, **labels):
        """Return the value of one series, or None where there is no such series."""
        return (await self.series()).get((name, tuple(sorted(labels.items()))))

    def outcome(self, collector, org="acme"):
        return self.telemetry.outcome(org, collector)


def quick(**more):
    """Return limits that cost a test no time."""
    return ApiLimits(**{"timeout": 5.0, "rate_limit": 0, "concurrency": 16, **more})


@asynccontextmanager
async def exporter(orgs, *, clock=None, limits=None, state_dir=None):
    """Run an exporter for as long as the context lasts."""
    made = Exporter(orgs, clock=clock or FakeClock(), limits=limits, state_dir=state_dir)
    try:
        yield made
    finally:
        await made.pipeline.close()
