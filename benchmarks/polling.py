"""What a request costs, against bare loops over the same responses, and how long a cycle takes.

`python -m benchmarks.polling [ORGS]`: CPU time of this process; the server is another one. The
bare loops fetch the URLs that the exporter fetches and throw the bodies away.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport
from pydantic import SecretStr

from benchmarks import dataset
from benchmarks.measure import ROUNDS, Report, middle, module
from exporter import collectors, gc_tuning, logs
from exporter.api.client import Call
from exporter.api.payloads import parse_courses, parse_daily, parse_learners, parse_sessions
from exporter.clock import SystemClock
from exporter.collectors.run import Api
from exporter.settings import ApiLimits, Org, Settings
from exporter.wiring import Pipeline

COURSES = 50
AT_ONCE = 50
COLLECTORS = (
    "active_users_today",
    "enrollments",
    "videos",
    "chat",
    "active_users",
    "active_learners",
    "course_videos",
)
"""Collectors that are measured: 8 requests for each org."""

LIMITS = ApiLimits(concurrency=AT_ONCE, rate_limit=1e6)
_READERS: Mapping[str, Callable[[bytes], object]] = {
    "videos": partial(parse_courses, fields=("num_vids", "num_watched", "time_watched")),
    "active_users_per_course": partial(parse_courses, fields=("user_count",)),
    "active_users": parse_learners,
    "average_messages_per_session": parse_sessions,
}


class _Recorder:
    """Sends requests with the real client, and records them."""

    def __init__(self, client: Api) -> None:
        self._client = client
        self.calls: list[tuple[Org, Call]] = []

    async def get(self, org: Org, call: Call) -> bytes:
        self.calls.append((org, call))
        return await self._client.get(org, call)


@dataclass(slots=True)
class Spent:
    """What a number of requests took, in seconds."""

    cpu: float
    wall: float
    requests: int

    @property
    def each(self) -> float:
        """CPU time of one request in microseconds."""
        return self.cpu / self.requests * 1e6


def org(number: int, url: str, *, history: float = 3600.0, today: float = 300.0) -> Org:
    """Return one org of many, with the collectors that are measured."""
    return Org(
        key=dataset.org_name(number),
        user_id="ops",
        api_key=SecretStr("k" * 64),
        base_url=url,
        collectors={c.name: c.name in COLLECTORS for c in collectors.COLLECTORS},
        interval=today,
        history_interval=history,
    )


async def drain(work: Iterable[Any], do: Callable[[Any], Awaitable[Any]]) -> None:
    """Do all the work, fifty things at a time."""
    queue = iter(work)

    async def worker() -> None:
        for item in queue:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())


async def timed(work: Awaitable[Any], requests: Callable[[], int]) -> Spent:
    """Return what some work took; `requests` counts afterwards."""
    cpu, wall = time.process_time(), time.perf_counter()
    await work
    return Spent(time.process_time() - cpu, time.perf_counter() - wall, requests())


class Bench:
    """One server, many orgs, and every way to send the requests."""

    def __init__(self, url: str, orgs: int) -> None:
        self._orgs = [org(number, url) for number in range(orgs)]
        self._calls: list[tuple[Org, Call]] = []
        self._urls: list[str] = []

    async def pipeline(self, *, render: bool = True) -> Spent:
        """Poll every org: fetch, parse, keep, and if wanted render."""
        async with _pipeline() as pipeline:
            if not render:
                pipeline.snapshots.listeners.clear()
            recorder = _Recorder(pipeline.api)
            poller = pipeline.poller
            collecting = poller._collecting  # noqa: SLF001 - nothing else needs another client
            collecting._context = replace(collecting._context, api=recorder)  # noqa: SLF001
            poller.set_orgs(self._orgs)
            runs = [(each.key, c.name) for each in self._orgs for c in collectors.of(each)]

            async def run(pair: tuple[str, str]) -> None:
                await poller.run_once(*pair)

            # The first run requests the whole history.
            await drain(runs, run)
            recorder.calls.clear()
            await gc_tuning.freeze(lambda: True)  # as the service does
            spent = await timed(drain(runs, run), lambda: len(recorder.calls))
            pipeline.telemetry.flush()
            outcomes = (pipeline.telemetry.outcome(*pair) for pair in runs)
            assert all(outcome.success for outcome in outcomes), "a collector failed"
        self._calls = recorder.calls
        self._urls = [_url(each, call) for each, call in self._calls]
        return spent

    async def client(self) -> Spent:
        """Send the requests with the client and parse the responses, no more."""
        async with _pipeline() as pipeline:

            async def request(pair: tuple[Org, Call]) -> None:
                body = await pipeline.api.get(*pair)
                _READERS.get(pair[1].endpoint.name, parse_daily)(body)

            await drain(self._calls[:500], request)
            return await timed(drain(self._calls, request), lambda: len(self._calls))

    async def bare(self, transport: httpx.AsyncBaseTransport | None) -> Spent:
        """Fetch with nothing but httpx."""
        headers = {"Authorization": f"Api-Token {'k' * 64}"}
        async with httpx.AsyncClient(transport=transport, headers=headers) as client:

            async def fetch(url: str) -> None:
                response = await client.get(url)
                assert response.content

            await drain(self._urls[:500], fetch)
            return await timed(drain(self._urls, fetch), lambda: len(self._urls))


@asynccontextmanager
async def _pipeline() -> AsyncIterator[Pipeline]:
    pipeline = Pipeline(Settings(orgs=(), api=LIMITS), SystemClock())
    try:
        yield pipeline
    finally:
        await pipeline.close()


def _url(each: Org, call: Call) -> str:
    path = call.endpoint.path(org=each.key, user_id=each.user_id, **call.path_params)
    query = "&".join(f"{key}={quote(value)}" for key, value in call.query.items())
    return f"{each.base_url}{path}?{query}"


def main(orgs: int) -> None:
    """Print the table."""
    logs.configure(level="info", form="logfmt")
    found: dict[str, list[Spent]] = {}
    with module("benchmarks.api_server", COURSES) as server:
        for _ in range(ROUNDS):
            bench = Bench(server.url, orgs)
            for name, loop, work in (
                ("exporter, fetch to page", uvloop.new_event_loop, bench.pipeline),
                (
                    "exporter, fetch to store",
                    uvloop.new_event_loop,
                    lambda bench=bench: bench.pipeline(render=False),
                ),
                ("exporter, fetch and parse", uvloop.new_event_loop, bench.client),
                (
                    "httpx over aiohttp, uvloop",
                    uvloop.new_event_loop,
                    lambda bench=bench: bench.bare(AiohttpTransport()),
                ),
                ("httpx, uvloop", uvloop.new_event_loop, lambda bench=bench: bench.bare(None)),
                ("httpx", asyncio.new_event_loop, lambda bench=bench: bench.bare(None)),
            ):
                with asyncio.Runner(loop_factory=loop) as runner:
                    found.setdefault(name, []).append(runner.run(work()))
    report = Report(
        f"Polling {orgs:,} orgs of {COURSES} courses, {AT_ONCE} at a time",
        *("client", "requests", "CPU per request", "whole cycle", "CPU / bare", "CPU / plain"),
    )
    each = {name: middle([spent.each for spent in rounds]) for name, rounds in found.items()}
    for name, rounds in found.items():
        report.row(
            name,
            f"{rounds[0].requests:,}",
            f"{each[name]:,.0f} µs",
            f"{middle([spent.wall for spent in rounds]):.1f} s",
            f"{each[name] / each['httpx over aiohttp, uvloop']:.2f}",
            f"{each[name] / each['httpx']:.2f}",
        )
    report.show()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
