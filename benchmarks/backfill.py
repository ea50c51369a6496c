"""What a backfill takes: memory, time and space, by orgs, courses and days.

    python -m benchmarks.backfill --orgs 100 --courses 50 --days 365 --step 1d

The API is made up within the process, so that no rate limit has to be waited for; everything else
is real. With --http it is the simulated platform, over loopback.
"""

import asyncio
import json
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from exporter.api import endpoints
from exporter.api.client import ApiClient, Call
from exporter.api.hosts import Hosts
from exporter.backfill.job import Job, last_sample
from exporter.backfill.record import Record
from exporter.backfill.run import Backfill, resume
from exporter.clock import SystemClock
from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from exporter.settings import ApiLimits, Org
from exporter.settings.units import duration

_END = date(2026, 6, 30)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to do; `step` in seconds."""

    orgs: int
    courses: int
    days: int
    step: int


class MadeUpApi:
    """Responds at once, with other numbers for each day."""

    def __init__(self, courses: int) -> None:
        """Make up the courses."""
        self._courses = [f"course-v1:Org+C{n:03}+2026" for n in range(courses)]
        self.requests = 0

    async def get(self, org: Org, call: Call) -> bytes:  # noqa: ARG002 - an API
        """Return a response of the core endpoints."""
        self.requests += 1
        await asyncio.sleep(0)
        return json.dumps(self._response(call)).encode()

    def _response(self, call: Call) -> Any:
        if call.endpoint in {endpoints.ACTIVE_USERS_PER_COURSE, endpoints.COURSE_VIDEOS}:
            users = 20 + date.fromisoformat(call.query.get("end_date", str(_END))).day
            rows = [{"course_id": id_, "name": id_, "user_count": users} for id_ in self._courses]
            paging = {"totalItems": len(rows), "currentPage": 1, "totalPages": 1}
            return {"data": rows, "total": users, "pagination": paging}
        first, last = (date.fromisoformat(call.query[n]) for n in ("start_date", "end_date"))
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        if call.endpoint is endpoints.MESSAGES_PER_SESSION:
            return [
                {"time": str(day), "avg_messages": 4.5, "total_sessions": 30 + day.day}
                for day in days
            ]
        values = {str(day): 40 + day.day for day in days}
        return {"data": values, "total": sum(values.values())}


class Counter:
    """Counts the requests of an API client."""

    requests = 0

    def requested(self, *_: object) -> None:
        """Count one."""
        self.requests += 1

    def retried(self, *_: object) -> None:
        """Count nothing."""

    rate_limited = wrote = retried


def measure(size: Size, output: Path, *, http: bool) -> dict[str, float]:
    """Return what the backfill took; call it in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    with _platform(size, http=http) as orgs:
        found = asyncio.run(_run(size, orgs, output, http=http))
    after = resource.getrusage(resource.RUSAGE_SELF)
    state = output / ".state"
    return found | {
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak": after.ru_maxrss * 1024,
        "peak_before": before.ru_maxrss * 1024,
        "state": sum(path.stat().st_size for path in state.iterdir()),
        "size": sum(path.stat().st_size for path in output.glob("*.om")),
    }


@contextmanager
def _platform(size: Size, *, http: bool) -> Iterator[tuple[Org, ...]]:
    if not http:
        yield tuple(Org(key=f"org-{n:04}", user_id="ops") for n in range(size.orgs))
        return
    university = University(orgs=size.orgs, courses=size.courses, learners=200)
    with Background(build_platform(university)) as platform:
        yield tuple(
            Org(
                key=org.key,
                user_id=org.user_id,
                api_key=SecretStr(org.api_key),
                base_url=platform.url,
            )
            for org in university.orgs
        )


async def _run(size: Size, orgs: tuple[Org, ...], output: Path, *, http: bool) -> dict[str, float]:
    job = Job(
        orgs=orgs,
        start=_END - timedelta(days=size.days - 1),
        end=_END,
        step=size.step,
        until=last_sample(datetime(2026, 7, 2, tzinfo=UTC), step=size.step),
        output=output,
        directory=True,
        labels={"job": "iblai", "instance": "localhost:10880"},
    )
    clock, counter = SystemClock(), Counter()
    limits = ApiLimits(rate_limit=10_000, concurrency=32)
    hosts = Hosts(limits, start=lambda _: None, now=clock.monotonic)
    client = ApiClient(limits, counter, clock, hosts)
    made_up = MadeUpApi(size.courses)
    with Record(job.state) as record:
        job = resume(job, record, end_given=True)
        api: Any = client if http else made_up
        work = Backfill(job, api=api, record=record, clock=clock, reporter=counter)
        began = time.monotonic()
        await work.collect()
        collected = time.monotonic()
        samples = work.write()
        written = time.monotonic()
    await client.aclose()
    return {
        "requests": counter.requests + made_up.requests,
        "samples": samples,
        "collecting": collected - began,
        "writing": written - collected,
    }


def _child(pipe: Any, size: Size, output: Path, http: bool) -> None:  # noqa: FBT001 - of a process
    pipe.send(json.dumps(measure(size, output, http=http)))


@click.command()
@click.option("--orgs", default=10, show_default=True)
@click.option("--courses", default=50, show_default=True)
@click.option("--days", default=30, show_default=True)
@click.option("--step", default="1h", show_default=True)
@click.option("--http", is_flag=True, help="Use the simulated platform over loopback.")
@click.option("--directory", type=click.Path(path_type=Path), help="Where there is space.")
def main(
    *, orgs: int, courses: int, days: int, step: str, http: bool, directory: Path | None
) -> None:
    """Measure one backfill, in a process of its own."""
    size = Size(orgs, courses, days, int(duration(step)))
    output = Path(tempfile.mkdtemp(dir=directory))
    try:
        spawn = multiprocessing.get_context("spawn")
        mine, its = spawn.Pipe()
        process = spawn.Process(target=_child, args=(its, size, output, http))
        process.start()
        its.close()
        found = json.loads(mine.recv())
        process.join()
    finally:
        shutil.rmtree(output)
    table = Table(title=f"{datetime.now(UTC).date()}: {size}", title_justify="left")
    table.add_column("what")
    table.add_column("how much", justify="right")
    mega = 1e6
    for name, value in (
        ("requests", f"{found['requests']:,.0f}"),
        ("samples", f"{found['samples']:,.0f}"),
        ("peak memory", f"{found['peak'] / mega:,.0f} MB"),
        ("of it before the start", f"{found['peak_before'] / mega:,.0f} MB"),
        ("state on disk", f"{found['state'] / mega:,.0f} MB"),
        ("OpenMetrics", f"{found['size'] / mega:,.0f} MB"),
        ("collecting and deriving", f"{found['collecting']:,.1f} s"),
        ("writing", f"{found['writing']:,.1f} s"),
        ("CPU", f"{found['cpu']:,.1f} s"),
        ("samples written per second", f"{found['samples'] / found['writing']:,.0f}"),
    ):
        table.add_row(name, value)
    Console().print(table)


if __name__ == "__main__":
    main()
