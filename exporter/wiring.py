"""Connects everything between the settings and the page, without the listening socket."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from exporter.api.client import ApiClient, Observer
from exporter.api.hosts import Hosts
from exporter.clock import Clock
from exporter.exposition.orgs import OrgRenderer
from exporter.exposition.page import MetricsPage
from exporter.exposition.rendered import RenderedLines
from exporter.history.problems import StateProblem
from exporter.history.ranges import ExpectedRanges
from exporter.history.state import StateFile
from exporter.history.store import History
from exporter.polling import Context, Poller
from exporter.saved import SavedState
from exporter.settings import ApiLimits, Org, Settings
from exporter.sharding import Shard
from exporter.snapshots import Snapshots
from exporter.telemetry import Telemetry

log = structlog.get_logger(__name__)


class Pipeline:
    """One exporter from its schedule to its page."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        shard: Shard | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        observe: Callable[[Telemetry], Observer] = lambda telemetry: telemetry,
    ) -> None:
        """Connect all parts. Raises `ConfigError` if the environment's TLS settings are bad.

        `observe` returns the observer of requests, which must pass each on to telemetry.
        """
        self.clock = clock
        self.lines = lines = RenderedLines()
        self.snapshots = Snapshots()
        self.state = self._open_state(settings)
        self.saved = SavedState(self.state, clock)
        self.history = History(on_change=self.saved.history_changed)
        self.ranges = ExpectedRanges(self.history)
        self.renderer = OrgRenderer(self.snapshots, self.ranges, lines)
        self.telemetry = Telemetry(lines, self.renderer, shard)
        self.snapshots.listeners += [
            self.saved.items_changed,
            lambda org, *_: self.telemetry.touch(org),
        ]
        self.page = MetricsPage(lines, self.telemetry, clock)
        self.hosts = Hosts(
            settings.api,
            start=lambda collection: self.poller.begin(collection),  # noqa: PLW0108 - made below
            now=clock.monotonic,
        )
        self.api = ApiClient(settings.api, observe(self.telemetry), clock, self.hosts, sleep=sleep)
        context = Context(
            api=self.api,
            hosts=self.hosts,
            snapshots=self.snapshots,
            renderer=self.renderer,
            history=self.history,
            telemetry=self.telemetry,
            saved=self.saved,
            clock=clock,
        )
        self.poller = Poller(context, page_size=settings.api.page_size)
        if self.state is not None and self.state.problem is not None:
            self._report(self.state.problem)

    def restore(self, orgs: Iterable[Org]) -> None:
        """Bring back what an earlier process saved, and poll these orgs from now on."""
        wanted = list(orgs)
        attempts = self.saved.restore(wanted, self.history, self.snapshots)
        if self.state is not None:
            self.state.keep_orgs([org.key for org in wanted])
        self.poller.set_orgs(wanted, attempts=attempts)

    async def change(self, orgs: Iterable[Org], limits: ApiLimits) -> None:
        """Poll other orgs, or the same with other settings."""
        self.api.set_limits(limits)
        self.hosts.set_limits(limits)
        await self.poller.change_orgs(orgs, limits)

    async def close(self) -> None:
        """Stop polling, close all connections, and write what is not saved yet."""
        await self.poller.close()
        await self.api.aclose()
        await asyncio.to_thread(self.saved.close)

    def _open_state(self, settings: Settings) -> StateFile | None:
        if settings.state_dir is None:
            return None
        return StateFile.open(settings.state_dir, on_problem=self._report)

    def _report(self, problem: StateProblem) -> None:
        """Report a problem of the state file. May be called from any thread."""
        self.telemetry.process.state_error(problem.reason)
        log.warning("state file problem", reason=problem.reason, problem=problem.message)
