"""The service: everything put together, from the configuration to the open port."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from exporter import garbage
from exporter.api.account import unreadable
from exporter.api.client import ApiClient
from exporter.clock import Clock, SystemClock
from exporter.lag import LagProbe
from exporter.page import MetricsPage
from exporter.poller import Poller
from exporter.settings import ConfigError, Settings
from exporter.sharding import Shard
from exporter.snapshots import SnapshotStore
from exporter.telemetry import Telemetry
from exporter.web import app
from exporter.web.port import Port, WebFile
from exporter.web.prefix import route_prefix
from exporter.web.status import StatusPages

log = structlog.get_logger(__name__)

Load = Callable[[], Settings]


_WATCH_EVERY = 2
"""Seconds between two looks at a watched configuration file."""


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
        """Put it together. `load` reads the configuration anew; `watch` is a file to watch.

        Raises `ConfigError` for a bad web configuration file, and for keys that cannot be read:
        later a key may come and go, but whoever starts the exporter is there to put it right.
        """
        if problems := unreadable(settings.orgs):
            raise ConfigError(problems)
        self._clock = clock or SystemClock()
        self._settings = settings
        self._load = load
        self._watched = watch
        self._store = SnapshotStore()
        self._telemetry = Telemetry(self._store, shard)
        self._page = MetricsPage(self._store, self._telemetry, self._clock)
        self._api = ApiClient(settings.api, self._telemetry, self._clock)
        self._poller = Poller(
            api=self._api,
            store=self._store,
            telemetry=self._telemetry,
            limits=settings.api,
            clock=self._clock,
        )
        self._web = WebFile(
            settings.web.config_file,
            on_reload=lambda good: self._telemetry.web_reloaded(good=good),
        )
        self._begun_with = _lasting(settings)
        self._port: Port | None = None
        self._reloading = asyncio.Lock()
        self._reload_waits = False

    @property
    def ready(self) -> bool:
        """Whether every org has been tried once."""
        return self._poller.ready

    @property
    def orgs(self) -> Mapping[str, Mapping[str, str]]:
        """The orgs being watched, with their constant labels."""
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

    @property
    def route_prefix(self) -> str:
        """The path below which all pages are served too: empty, or such as `/iblai`."""
        web = self._settings.web
        return route_prefix(external_url=web.external_url, configured=web.route_prefix)

    def up(self, org: str) -> bool:
        """Return `iblai_up` of an org."""
        outcomes = self._telemetry.outcomes(org).values()
        return any(outcome.success for outcome in outcomes if not outcome.absent)

    def waiting(self) -> str:
        """Say what the service still waits for before it is ready."""
        return f"{self._poller.untried} of {len(self._settings.orgs)} orgs have not been tried yet."

    async def run(self, sock: socket.socket, *, started: Callable[[], None] = lambda: None) -> None:
        """Serve on `sock` until SIGTERM or SIGINT; SIGHUP loads the configuration anew."""
        status = StatusPages(self, self._store, self._telemetry, self._poller, self._clock)
        self._port = Port(
            app.build(self, self._page, status),
            sock,
            self._web,
            max_connections=lambda: self._settings.web.max_connections,
        )
        self._handle_signals()
        self._telemetry.reloaded(at=self._clock.now().timestamp())
        self._poller.set_orgs(self._settings.orgs)
        self._poller.start()
        watcher = asyncio.create_task(self._watch_file())
        probe = asyncio.create_task(LagProbe(self._telemetry.lagged).run())
        keeper = asyncio.create_task(garbage.set_aside(lambda: self.ready))
        log.info("started", orgs=len(self._settings.orgs), address=_address(sock))
        started()
        try:
            await self._port.run_until_stopped()
        finally:
            watcher.cancel()
            probe.cancel()
            keeper.cancel()
            await self._poller.close()
            await self._api.aclose()
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
                    "web.listen_address, web.config_file and log take effect at the next start"
                )
            for org in set(before.orgs) - set(settings.orgs):
                self._api.forget(org.key)
            self._api.set_limits(settings.api)
            await self._poller.change_orgs(settings.orgs, settings.api)
            self._telemetry.reloaded(at=self._clock.now().timestamp())
            log.info("reloaded", orgs=len(settings.orgs))

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
    return settings.web.listen_address, settings.web.config_file, settings.log


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
