"""The service: all parts connected, from the configuration to the listening socket."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path

import structlog

from exporter import catalog, gc_tuning
from exporter.api.credentials import unreadable_keys
from exporter.api.proxy import check_proxies
from exporter.clock import Clock, SystemClock
from exporter.lag import LagProbe
from exporter.settings import ConfigError, Org, Settings, orgs_dir
from exporter.settings.mounts import is_mount_point, single_file_mount
from exporter.sharding import Shard
from exporter.web import app
from exporter.web.route_prefix import route_prefix
from exporter.web.server import Server, WebConfigFile
from exporter.web.status import StatusPages
from exporter.wiring import Pipeline

log = structlog.get_logger(__name__)

Load = Callable[[], Settings]

_restart_settings = attrgetter(*catalog.RESTART_SETTINGS)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The configuration file, and whether a change of it reloads the configuration."""

    path: Path
    reload: bool = False


_WATCH_EVERY = 2
"""Seconds between two checks of a watched configuration file."""


class Service:
    """One running exporter."""

    def __init__(
        self,
        settings: Settings,
        *,
        load: Load,
        watch: ConfigFile | None = None,
        shard: Shard | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Connect all parts. `load` loads the configuration from the file `watch`.

        Raises `ConfigError` for a bad web configuration file, proxy or certificate, and if no org
        has a key that can be read: then nothing could work.
        """
        check_proxies()
        problems = unreadable_keys(settings.orgs)
        if settings.orgs and len(problems) == len(settings.orgs):
            raise ConfigError(problems)
        self._clock = clock or SystemClock()
        self._settings = settings
        self._load = load
        self._file = watch.path if watch else None
        self._watched = watch.path if watch and watch.reload else None
        self._pipeline = Pipeline(settings, self._clock, shard=shard)
        self._web = WebConfigFile(
            settings.web.config_file,
            on_reload=lambda good: self._pipeline.telemetry.process.web_reloaded(good=good),
        )
        self._begun_with = _restart_settings(settings)
        self._server: Server | None = None
        self._reloading = asyncio.Lock()
        self._reload_waits = False

    @property
    def ready(self) -> bool:
        """Whether every org was polled once."""
        return self._pipeline.poller.ready

    @property
    def orgs(self) -> Mapping[str, Mapping[str, str]]:
        """The configured orgs, with their constant labels."""
        return {org.key: org.constants() for org in self._settings.orgs}

    def org(self, key: str) -> Org:
        """Return the settings of an org."""
        return next(org for org in self._settings.orgs if org.key == key)

    @property
    def grafana_url(self) -> str | None:
        """The address of Grafana, for links to dashboards."""
        return self._settings.web.grafana_url

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
        return self._pipeline.telemetry.up(org)

    def waiting(self) -> str:
        """Return what the service waits for before it is ready."""
        unpolled = self._pipeline.poller.unpolled
        return f"{unpolled} of {len(self._settings.orgs)} orgs are not polled yet."

    async def run(self, sock: socket.socket, *, started: Callable[[], None] = lambda: None) -> None:
        """Serve on `sock` until SIGTERM or SIGINT; SIGHUP reloads the configuration."""
        pipeline = self._pipeline
        status = StatusPages(
            self,
            values=pipeline.renderer,
            history=pipeline.history,
            ranges=pipeline.ranges,
            outcomes=pipeline.telemetry,
            schedule=pipeline.poller,
            snapshots=pipeline.snapshots,
            clock=self._clock,
        )
        self._server = Server(
            app.build(self, pipeline.page, status),
            sock,
            self._web,
            max_connections=lambda: self._settings.web.max_connections,
        )
        self._handle_signals()
        self._pipeline.telemetry.process.reloaded(at=self._clock.now().timestamp())
        pipeline.restore(self._settings.orgs)
        pipeline.poller.start()
        watcher = asyncio.create_task(self._watch_file())
        probe = asyncio.create_task(LagProbe(self._pipeline.telemetry.process.lagged).run())
        tuning = asyncio.create_task(gc_tuning.freeze(lambda: self.ready))
        self._warn_of_mount()
        log.info("started", orgs=len(self._settings.orgs), address=_address(sock))
        started()
        try:
            await self._server.run_until_stopped()
        finally:
            watcher.cancel()
            probe.cancel()
            tuning.cancel()
            await pipeline.close()
            log.info("stopped")

    def stop(self) -> None:
        """Have `run` end after the responses in progress."""
        if self._server is not None:
            self._server.stop()

    async def reload(self) -> None:
        """Reload the configuration; if it is invalid, raise `ConfigError` and use the old one."""
        async with self._reloading:
            self._reload_waits = False
            try:
                settings = await asyncio.to_thread(self._load)
            except ConfigError as error:
                self._pipeline.telemetry.process.reloaded(at=None)
                for problem in error.problems:
                    log.exception("reload failed, the old configuration stays", problem=problem)
                raise
            before, self._settings = self._settings, settings
            waiting = _restart_settings(settings) != self._begun_with
            self._pipeline.telemetry.process.restart_required(required=waiting)
            if waiting:
                changed = ", ".join(catalog.RESTART_SETTINGS)
                log.warning("settings take effect at the next start", any_of=changed)
            await self._pipeline.change(settings.orgs, settings.api)
            self._pipeline.telemetry.process.reloaded(at=self._clock.now().timestamp())
            self._warn_of_mount()
            if replace(settings, warnings=()) == replace(before, warnings=()):
                log.info("reloaded, nothing has changed", orgs=len(settings.orgs))
            else:
                log.info("reloaded", orgs=len(settings.orgs))

    def _warn_of_mount(self) -> None:
        """Warn if a change of the configuration file cannot be seen."""
        if self._file is not None and is_mount_point(self._file):
            log.warning(
                "configuration file is mounted alone", problem=single_file_mount(self._file)
            )

    async def _reload_quietly(self) -> None:
        """Reload; where one that has not begun yet will see all that there is to see, leave it."""
        if self._reload_waits:
            return
        self._reload_waits = self._reloading.locked()
        with contextlib.suppress(ConfigError):  # logged where it was found
            await self.reload()

    def _signature(self) -> tuple[object, ...]:
        """Return what changes when watched files do: the configuration file, and `orgs_dir`."""
        directory = self._settings.orgs_dir
        return (
            _signature(self._watched) if self._watched else None,
            orgs_dir.signature(directory) if directory else None,
        )

    async def _watch_file(self) -> None:
        """Reload the configuration whenever its file changed."""
        before = self._signature()
        while True:
            await asyncio.sleep(_WATCH_EVERY)
            now = await asyncio.to_thread(self._signature)
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
