"""What a backfill takes: memory, time and space, by orgs, courses and days.

    python -m benchmarks.backfill --orgs 100 --courses 50 --days 365 --step 1d

Everything is the real thing but the API, which is made up within the process, so that a year of
many orgs can be measured without waiting for a rate limit. With --http it is the simulated
platform, asked by the real client over loopback.
"""

import asyncio
import hashlib
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

from exporter.api.client import ApiClient, Call, Limits
from exporter.backfill.desk import Question
from exporter.backfill.forms import FORMS
from exporter.backfill.kept import Scene
from exporter.backfill.ledger import Ledger
from exporter.backfill.run import Backfill, Job
from exporter.clock import SystemClock
from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from exporter.settings.schema import Org
from exporter.settings.units import duration

_END = date(2026, 6, 30)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to do; `step` in seconds."""

    orgs: int
    courses: int
    days: int
    step: int


class MadeUp:
    """Answers at once; each range has numbers of its own."""

    def __init__(self, courses: int) -> None:
        """Make up the courses."""
        self._courses = [f"course-v1:Org+C{n:03}+2026" for n in range(courses)]
        self.asked = 0

    async def get(self, account: Org, call: Call) -> bytes:
        """Return an answer with all that there may be in one."""
        self.asked += 1
        question = Question.of(account, call)
        seed = hashlib.sha256(question.key.encode()).digest()[0]
        return FORMS[call.endpoint].example(question.span, Scene(self._courses, 20 + seed))


class Silent:
    """Counts the requests that an API client sends, and watches a backfill without a word."""

    asked = 0

    def requested(self, *_: object) -> None:
        """Count one."""
        self.asked += 1

    def retried(self, *_: object) -> None:
        """Count nothing."""

    rate_limited = visited = wrote = retried


def measure(size: Size, output: Path, *, http: bool) -> dict[str, float]:
    """Return what the backfill took; to be called in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    with _platform(size, http=http) as orgs:
        found = asyncio.run(_run(size, orgs, output, http=http))
    after = resource.getrusage(resource.RUSAGE_SELF)
    state = output / ".state"
    return found | {
        "seconds": time.monotonic() - began,
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
        output=output,
        directory=True,
        labels={"job": "iblai", "instance": "localhost:10880"},
    )
    clock, silent = SystemClock(), Silent()
    client = ApiClient(Limits(rate_limit=0, concurrency=32), silent, clock)
    made_up = MadeUp(size.courses)
    with Ledger(job.state) as ledger:
        api: Any = client if http else made_up
        work = Backfill(job, api=api, ledger=ledger, clock=clock, reporter=silent)
        began = time.monotonic()
        await work.ask()
        asked = time.monotonic()
        samples = work.write()
        written = time.monotonic()
    await client.aclose()
    return {
        "requests": silent.asked + made_up.asked,
        "samples": samples,
        "asking": asked - began,
        "writing": written - asked,
    }


def _child(pipe: Any, size: Size, output: Path, http: bool) -> None:  # noqa: FBT001 # of a process
    pipe.send(json.dumps(measure(size, output, http=http)))


@click.command()
@click.option("--orgs", default=10, show_default=True)
@click.option("--courses", default=50, show_default=True)
@click.option("--days", default=30, show_default=True)
@click.option("--step", default="1h", show_default=True)
@click.option("--http", is_flag=True, help="Ask the simulated platform over loopback.")
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
        ("of it before it began", f"{found['peak_before'] / mega:,.0f} MB"),
        ("state on disk", f"{found['state'] / mega:,.0f} MB"),
        ("OpenMetrics", f"{found['size'] / mega:,.0f} MB"),
        ("asking", f"{found['asking']:,.1f} s"),
        ("writing", f"{found['writing']:,.1f} s"),
        ("CPU", f"{found['cpu']:,.1f} s"),
        ("samples written a second", f"{found['samples'] / found['writing']:,.0f}"),
    ):
        table.add_row(name, value)
    Console().print(table)


if __name__ == "__main__":
    main()
