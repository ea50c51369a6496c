"""The service: all parts connected, from the configuration to the listening socket."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from exporter import gc_tuning
from exporter.api.client import ApiClient
from exporter.api.hosts import Hosts
from exporter.clock import Clock, SystemClock
from exporter.exposition.orgs import OrgRenderer
from exporter.exposition.page import MetricsPage
from exporter.exposition.rendered import RenderedLines
from exporter.history.problems import StateProblem
from exporter.history.ranges import ExpectedRanges
from exporter.history.series import DailyValues
from exporter.history.state import StateFile
from exporter.history.store import History
from exporter.lag import LagProbe
from exporter.polling import Poller
from exporter.saved import SavedState
from exporter.scheduler import Collection
from exporter.settings import ConfigError, Settings, listen
from exporter.sharding import Shard
from exporter.snapshots import Snapshots
from exporter.telemetry import Telemetry
from exporter.web import app
from exporter.web.port import Port, WebFile
from exporter.web.status import StatusPages

log = structlog.get_logger(__name__)

Load = Callable[[], Settings]


_WATCH_EVERY = 2
"""Seconds between two looks at a watched configuration file."""


class BindError(Exception):
    """The listen address cannot be used."""


def bind(address: str) -> socket.socket:
    """Open the listening socket; a host left out means every address, of IPv6 and IPv4."""
    host, port = listen(address)
    try:
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512
            )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise BindError(
            f"cannot listen on {address}: {error.strerror or error}. "
            "Stop what uses it, or choose another with --listen-address"
        ) from None


class Service:
    """One running exporter."""

    def __init__(
        self,
        settings: Settings,
        *,
        load: Load,
        watch: Path | None = None,
        shard: Shard | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Connect all parts. `load` loads the configuration; `watch` is a file to watch.

        Raises `ConfigError` for a bad web configuration file.
        """
        self._clock = clock or SystemClock()
        self._settings = settings
        self._load = load
        self._watched = watch
        rendered = RenderedLines()
        self._snapshots = Snapshots()
        self._history = History(on_change=self._history_changed)
        self._ranges = ExpectedRanges(self._history)
        self._renderer = OrgRenderer(self._snapshots, self._ranges, rendered)
        self._telemetry = Telemetry(rendered, self._renderer, shard)
        self._page = MetricsPage(rendered, self._telemetry, self._clock)
        self._state = self._open_state(settings.state_dir)
        self._saved = SavedState(self._state, self._clock)
        self._hosts = Hosts(settings.api, start=self._begin, now=self._clock.monotonic)
        self._api = ApiClient(settings.api, self._telemetry, self._clock, self._hosts)
        self._poller = Poller(
            api=self._api,
            hosts=self._hosts,
            snapshots=self._snapshots,
            renderer=self._renderer,
            history=self._history,
            telemetry=self._telemetry,
            saved=self._saved,
            limits=settings.api,
            clock=self._clock,
        )
        self._web = WebFile(
            settings.web.config_file, tell=lambda good: self._telemetry.web_reloaded(good=good)
        )
        self._begun_with = _lasting(settings)
        self._port: Port | None = None
        self._reloading = asyncio.Lock()
        self._reload_waits = False

    @property
    def ready(self) -> bool:
        """Whether every org was polled once."""
        return self._poller.ready

    @property
    def orgs(self) -> Mapping[str, Mapping[str, str]]:
        """The configured orgs, with their constant labels."""
        return {org.key: org.constants() for org in self._settings.orgs}

    @property
    def settings(self) -> Settings:
        """The configuration in use."""
        return self._settings

    @property
    def reload_enabled(self) -> bool:
        """Whether POST /-/reload is allowed."""
        return self._settings.web.enable_reload

    @property
    def external_url(self) -> str | None:
        """Where the exporter is reached from outside, if that is another address."""
        return self._settings.web.external_url

    def waiting(self) -> str:
        """Return what the service waits for before it is ready."""
        return f"{self._poller.unpolled} of {len(self._settings.orgs)} orgs were not polled yet."

    async def run(self, sock: socket.socket, *, started: Callable[[], None] = lambda: None) -> None:
        """Serve on `sock` until SIGTERM or SIGINT; SIGHUP loads the configuration anew."""
        status = StatusPages(
            self,
            values=self._renderer,
            history=self._history,
            ranges=self._ranges,
            outcomes=self._telemetry,
            schedule=self._poller,
            snapshots=self._snapshots,
            clock=self._clock,
        )
        self._port = Port(app.build(self, self._page, status), sock, self._web)
        self._handle_signals()
        self._telemetry.reloaded(at=self._clock.now().timestamp())
        attempts = self._saved.restore(self._settings.orgs, self._history, self._snapshots)
        if self._state is not None:
            self._state.keep_orgs([org.key for org in self._settings.orgs])
        self._poller.set_orgs(self._settings.orgs, attempts=attempts)
        self._poller.start()
        watcher = asyncio.create_task(self._watch_file())
        probe = asyncio.create_task(LagProbe(self._telemetry.lagged).run())
        tuning = asyncio.create_task(gc_tuning.freeze(lambda: self.ready))
        log.info("started", orgs=len(self._settings.orgs), address=_address(sock))
        started()
        try:
            await self._port.run_until_stopped()
        finally:
            watcher.cancel()
            probe.cancel()
            tuning.cancel()
            await self._poller.close()
            await self._api.aclose()
            await asyncio.to_thread(self._saved.close)
            log.info("stopped")

    def stop(self) -> None:
        """Have `run` end, once answers under way are sent."""
        if self._port is not None:
            self._port.stop()

    async def reload(self) -> None:
        """Load the configuration anew; raise `ConfigError` and keep the old if it is bad."""
        async with self._reloading:
            self._reload_waits = False
            try:
                settings = await asyncio.to_thread(self._load)
            except ConfigError as error:
                self._telemetry.reloaded(at=None)
                for problem in error.problems:
                    log.exception("reload failed, the old configuration stays", problem=problem)
                raise
            before, self._settings = self._settings, settings
            waiting = _lasting(settings) != self._begun_with
            self._telemetry.restart_required(required=waiting)
            if waiting:
                log.warning(
                    "web.listen_address, web.config_file, log and state_dir take effect at the next start"
                )
            for org in set(before.orgs) - set(settings.orgs):
                self._api.forget(org.key)
            self._api.set_limits(settings.api)
            self._hosts.set_limits(settings.api)
            await self._poller.change_orgs(settings.orgs, settings.api)
            self._telemetry.reloaded(at=self._clock.now().timestamp())
            unchanged = replace(settings, warnings=()) == replace(before, warnings=())
            log.info("reloaded", orgs=len(settings.orgs), changed=not unchanged)

    def _begin(self, collection: Collection) -> None:
        self._poller.begin(collection)

    def _history_changed(
        self, org: str, series: str, part: str, values: DailyValues | None
    ) -> None:
        self._saved.history_changed(org, series, part, values)

    def _open_state(self, directory: Path | None) -> StateFile | None:
        if directory is None:
            return None
        state = StateFile.open(directory, on_problem=self._state_problem)
        if state.problem is not None:
            self._state_problem(state.problem)
        return state

    def _state_problem(self, problem: StateProblem) -> None:
        """Report a problem of the state file. May be called from any thread."""
        self._telemetry.state_error(problem.reason)
        log.warning("state file problem", reason=problem.reason, problem=problem.message)

    async def _reload_quietly(self) -> None:
        """Reload; where one that has not begun yet will see all that there is to see, leave it."""
        if self._reload_waits:
            return
        self._reload_waits = self._reloading.locked()
        with contextlib.suppress(ConfigError):  # logged where it was found
            await self.reload()

    async def _watch_file(self) -> None:
        """Load the configuration anew whenever its file is another than a moment ago."""
        if self._watched is None:
            return
        before = _signature(self._watched)
        while True:
            await asyncio.sleep(_WATCH_EVERY)
            now = _signature(self._watched)
            if now != before:
                before = now
                await self._reload_quietly()

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()

        def hang_up() -> None:
            task = loop.create_task(self._reload_quietly())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        loop.add_signal_handler(signal.SIGHUP, hang_up)


def _lasting(settings: Settings) -> tuple[object, ...]:
    """Return the settings that stay as they are from start to end."""
    return (
        settings.web.listen_address,
        settings.web.config_file,
        settings.log,
        settings.state_dir,
    )


def _signature(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is written or replaced (a mounted secret by its link)."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _address(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
