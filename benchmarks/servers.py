"""Servers with the same values: the exporter's own web application, and prometheus-client's.

`python -m benchmarks.servers ours|changing|peer ORGS COURSES` prints the port and serves until
it is stopped; `polling ORGS URL INTERVAL RATE` is the whole service, which polls the platform
at URL.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

import uvicorn
import uvloop
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    make_asgi_app,
)
from starlette.types import ASGIApp

from benchmarks import dataset
from benchmarks.polling import LIMITS, org
from exporter import logs
from exporter.clock import SystemClock
from exporter.exposition.orgs import OrgRenderer
from exporter.exposition.page import MetricsPage
from exporter.exposition.rendered import RenderedLines
from exporter.history.ranges import ExpectedRanges
from exporter.history.store import History
from exporter.service import Service
from exporter.settings import Org, Settings
from exporter.snapshots import Snapshots
from exporter.telemetry import Telemetry
from exporter.web import app
from exporter.web.server import Server, WebConfigFile
from exporter.web.status import StatusPages

CYCLE = 15.0
"""Seconds in which all values change once, as quickly as a cycle of requests could bring them."""


class _Idle:
    """A service that only serves what it was given."""

    ready = True
    reload_enabled = False
    external_url: str | None = None
    route_prefix = ""
    orgs: Mapping[str, Mapping[str, str]] = {}

    def up(self, org: str) -> bool:  # noqa: ARG002
        return True

    @property
    def grafana_url(self) -> str | None:
        return None

    def org(self, key: str) -> Org:
        return Org(key=key)

    def waiting(self) -> str:
        return ""

    async def reload(self) -> None:
        pass

    def next_run(self, org: str, collector: str) -> datetime | None:
        _ = org, collector
        return None


def listener() -> socket.socket:
    """Open a socket on a free port of loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=512)


def ours(orgs: int, courses: int, *, changing: bool = False) -> ASGIApp:
    """Return the exporter's application with its values, and without metrics of its own.

    If they are `changing`, one org after the other gets new ones for as long as it serves.
    """
    clock = SystemClock()
    lines = RenderedLines()
    snapshots = Snapshots()
    history = History()
    ranges = ExpectedRanges(history)
    renderer = OrgRenderer(snapshots, ranges, lines)
    telemetry = Telemetry(lines, renderer)
    page = MetricsPage(lines, telemetry, clock)
    for number in range(orgs):
        dataset.put(snapshots, clock, number, courses)
        renderer.configure(dataset.org(number))
    if changing:
        _CHANGES.append(asyncio.ensure_future(_change(snapshots, orgs, courses)))
    idle = _Idle()
    status = StatusPages(
        idle,
        values=renderer,
        history=history,
        ranges=ranges,
        outcomes=telemetry,
        schedule=idle,
        snapshots=snapshots,
        clock=clock,
    )
    return app.build(idle, page, status)


_CHANGES: list[asyncio.Future[None]] = []
"""Held here, since a loop holds its tasks weakly."""


async def _change(snapshots: Snapshots, orgs: int, courses: int) -> None:
    clock = SystemClock()
    for change in count():
        dataset.put(snapshots, clock, change % orgs, courses, version=1 + change // orgs)
        await asyncio.sleep(CYCLE / orgs)


def peer(orgs: int, courses: int) -> ASGIApp:
    """Return prometheus-client's application, with the same values as children of gauges."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    gauges: dict[str, Gauge] = {}
    for metric, labels, value in dataset.rows(orgs, courses):
        gauge = gauges.get(metric.name)
        if gauge is None:
            gauge = gauges[metric.name] = Gauge(
                metric.name, metric.help, metric.labels, registry=registry
            )
        gauge.labels(*labels).set(value)
    made: Any = make_asgi_app(registry)
    application: ASGIApp = made
    return application


async def _serve(kind: str, orgs: int, courses: int) -> None:
    sock = listener()
    make: dict[str, Callable[[int, int], ASGIApp]] = {
        "ours": ours,
        "changing": partial(ours, changing=True),
        "peer": peer,
    }
    application = make[kind](orgs, courses)
    print(sock.getsockname()[1], flush=True)  # noqa: T201 - whoever started it waits for this
    if kind != "peer":
        port = Server(application, sock, WebConfigFile(None), max_connections=lambda: 100)
        await port.run_until_stopped()
    else:
        config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off")
        await uvicorn.Server(config).serve(sockets=[sock])


async def _poll(orgs: int, url: str, interval: float, rate: float) -> None:
    logs.configure(level="warning", form="logfmt")
    settings = Settings(
        orgs=tuple(
            org(number, url, today=interval, history=2 * interval) for number in range(orgs)
        ),
        api=replace(LIMITS, rate_limit=rate),
    )
    sock = listener()
    port = sock.getsockname()[1]
    service = Service(settings, load=lambda: settings)
    await service.run(sock, started=partial(print, port, flush=True))


def main(kind: str, orgs: str, *more: str) -> None:
    """Serve until stopped."""
    if kind == "polling":
        work = _poll(int(orgs), more[0], float(more[1]), float(more[2]))
    else:
        work = _serve(kind, int(orgs), int(more[0]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


if __name__ == "__main__":
    main(*sys.argv[1:])
