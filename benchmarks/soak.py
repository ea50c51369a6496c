"""Soak: many polls of orgs whose courses come and go, with faults now and then.

    python -m benchmarks.soak --orgs 20 --polls 100000

Requests are real HTTP on loopback; time is a clock that jumps five minutes at a time, and what is
due then runs. The report has polls, requests and hours, resident memory after a tenth and at the
end, and the slowest scrape. The simulated platform runs in the same process, and its memory counts,
too.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter import collectors, logs
from exporter.demo.background import Background
from exporter.demo.faults import Fault, FaultPlan, Kind
from exporter.demo.platform import build_platform
from exporter.demo.target import target_of
from exporter.demo.university import University
from exporter.exposition import Format
from exporter.exposition.page import MetricsPage
from exporter.settings import ApiLimits, Org, Settings
from exporter.wiring import Pipeline

START = datetime(2026, 5, 6, 12, tzinfo=UTC)
JUMP = 300.0
"""Seconds by which the clock jumps."""

INTERVAL = JUMP / 1.1
"""Every collector is due after each jump, although its delay varies by 5 %."""

MARK = "~"
"""Stands between the id of a course and the number of the jump after which it was listed."""

LISTS = frozenset({"videos/", "active-users/per-course"})
COLLECTORS = frozenset(
    {
        "active_learners",
        "active_users",
        "active_users_today",
        "chat",
        "course_enrollments",
        "course_videos",
        "enrollments",
        "videos",
    }
)

FAULTS = (
    Fault(kind=Kind.STATUS, status=503, probability=0.01),
    Fault(kind=Kind.CUT, probability=0.01),
    Fault(kind=Kind.STATUS, status=500, body="html", probability=0.01),
)


@dataclass(slots=True)
class Report:
    """The result of a soak. Memory is in bytes, times are in seconds."""

    orgs: int
    polls: int = 0
    failed: int = 0
    requests: int = 0
    hours: float = 0.0
    courses: int = 0
    resident_warm: int = 0
    resident_after: int = 0
    series_most: int = 0
    series_last: int = 0
    slowest_scrape: float = 0.0
    pages: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.orgs} orgs, {self.polls} polls ({self.failed} failed), "
            f"{self.requests} requests, {self.hours:.1f} h, {self.courses} different courses\n"
            f"resident: {self.resident_warm / 2**20:.1f} MiB after a tenth, "
            f"{self.resident_after / 2**20:.1f} MiB at the end\n"
            f"series: at most {self.series_most}, {self.series_last} at the end\n"
            f"slowest scrape: {self.slowest_scrape * 1000:.1f} ms"
        )


class JumpingClock:
    """A clock that is moved."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        """Return the present."""
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self.passed


class Churn:
    """ASGI middleware that gives every course a new id after each jump of the clock."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.jumps = 0
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on under the course's true id, and a response back under its new one."""
        self.requests += scope["type"] == "http"
        if scope["type"] == "http" and target_of(scope).endpoint in LISTS:
            await self._rename(scope, receive, send)
            return
        path = re.sub(rf"{MARK}\d+", "", scope.get("path", ""))
        await self._app({**scope, "path": path}, receive, send)

    async def _rename(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def renaming(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [h for h in message["headers"] if h[0] != b"content-length"]
                message = {**message, "headers": headers}
            elif not message.get("more_body") and message["body"].startswith(b"{"):
                response = json.loads(message["body"])
                for row in response.get("data", ()):
                    row["course_id"] += f"{MARK}{self.jumps}"
                message = {**message, "body": json.dumps(response).encode()}
            await send(message)

        await self._app(scope, receive, renaming)


async def soak(*, orgs: int, polls: int, courses: int = 10, keep_pages: bool = False) -> Report:
    """Poll until collectors have run `polls` times, and report."""
    university = University(orgs=orgs, courses=courses, learners=30)
    clock, report = JumpingClock(), Report(orgs)
    churn = Churn(build_platform(university, now=clock.now, faults=FaultPlan(FAULTS)))
    limits = ApiLimits(rate_limit=0, concurrency=8, page_size=50)
    with Background(churn) as running:
        known = [_org(running.url, university, place) for place in range(orgs)]
        settings = Settings(orgs=tuple(known), api=limits)
        pipeline = Pipeline(settings, clock, sleep=lambda _: asyncio.sleep(0))
        pipeline.poller.set_orgs(known)
        while report.polls < polls:
            churn.jumps += 1
            await _run_what_is_due(pipeline, known)
            for org in known:
                outcomes = pipeline.telemetry.outcomes(org.key).values()
                now = clock.now().timestamp()
                report.polls += sum(outcome.last_attempt == now for outcome in outcomes)
                report.failed += sum(not outcome.success for outcome in outcomes)
            await _look(report, pipeline.page, keep_pages=keep_pages)
            clock.passed += JUMP
            if not report.resident_warm and report.polls >= polls / 10:
                report.resident_warm = resident()
        report.requests = churn.requests
        report.courses = courses * orgs * churn.jumps
        report.hours = clock.passed / 3600
        report.resident_after = resident()
        await pipeline.close()
    return report


async def _run_what_is_due(pipeline: Pipeline, orgs: list[Org]) -> None:
    """Run everything that is due to its end."""
    pipeline.poller.tick()
    while any(
        pipeline.poller.next_run(org.key, collector.name) is None
        for org in orgs
        for collector in collectors.of(org)
    ):
        await asyncio.sleep(0.001)
        pipeline.poller.tick()


def _org(url: str, university: University, place: int) -> Org:
    known = university.orgs[place]
    return Org(
        key=known.key,
        user_id=known.user_id,
        api_key=SecretStr(known.api_key),
        base_url=url,
        timezone=known.timezone,
        history_interval=INTERVAL,
        interval=INTERVAL,
        collectors={c.name: c.name in COLLECTORS for c in collectors.COLLECTORS},
    )


async def _look(report: Report, page: MetricsPage, *, keep_pages: bool) -> None:
    began = time.perf_counter()
    text = await page.read(Format.TEXT, gzip=False)
    report.slowest_scrape = max(report.slowest_scrape, time.perf_counter() - began)
    report.series_last = text.count(b"\n")
    report.series_most = max(report.series_most, report.series_last)
    if keep_pages:
        report.pages.append(text.decode())


def resident() -> int:
    """Return the resident memory of this process, in bytes."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Soak as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--orgs", type=int, default=2)
    parser.add_argument("--polls", type=int, default=1000)
    parser.add_argument("--courses", type=int, default=10)
    given = parser.parse_args()
    logs.configure(level="error", form="logfmt")
    # Connections that are cut on purpose are errors to the platform's own server.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    began = time.perf_counter()
    report = asyncio.run(soak(orgs=given.orgs, polls=given.polls, courses=given.courses))
    print(f"{report}\ntook {time.perf_counter() - began:.0f} s")  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
