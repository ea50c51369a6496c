"""The HTTP server, and the web configuration file that it follows while running."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from exporter.problems import ConfigError
from exporter.web import tls_context, web_config
from exporter.web.connections import Connections
from exporter.web.file_descriptors import connections_within, raise_limit
from exporter.web.middleware import WebConfigMiddleware
from exporter.web.protocol import LimitedProtocol, Limits
from exporter.web.web_config import WebConfig

log = structlog.get_logger(__name__)

DRAIN = 3
"""Seconds for responses in progress when the server stops."""

LIMITS = Limits()
"""Limits on what clients send."""

CHECK_EVERY = 1.0
"""Seconds between two checks of the files of the web configuration."""


class WebConfigFile:
    """The web configuration file in use, and the files that it names."""

    def __init__(
        self, path: Path | None, *, on_reload: Callable[[bool], None] = lambda _: None
    ) -> None:
        """Read the file; raise `ConfigError` if it is invalid.

        `on_reload` is called with success or failure each time the file was read again.
        """
        self._path = path
        self._on_reload = on_reload
        self.config = WebConfig()
        self.context: ssl.SSLContext | None = None
        if path is not None:
            self.config, self.context = _load(path)
        self._seen = self._signature(self.config)

    def refresh(self) -> None:
        """Read the file again if it changed, or a file that it names.

        An invalid file never replaces a valid one.
        """
        if self._path is None or (now := self._signature(self.config)) == self._seen:
            return
        self._seen = now
        try:
            self.config, self.context = _load(self._path)
        except ConfigError as error:
            self._on_reload(False)
            for problem in error.problems:
                log.exception("invalid web configuration, the old one stays", problem=problem)
            return
        self._on_reload(True)
        self._seen = self._signature(self.config)
        log.info("web configuration reloaded", file=str(self._path))

    def is_allowed(self, transport: asyncio.BaseTransport) -> bool:
        """Return whether the client certificate has a name that is allowed, if names are listed."""
        allowed = self.config.tls.client_allowed_sans if self.config.tls else ()
        given = (
            tls_context.subject_alt_names(transport.get_extra_info("peercert"))
            if allowed
            else set()
        )
        return not allowed or any(tls_context.normalized(name) in given for name in allowed)

    def _signature(self, config: WebConfig) -> list[Any]:
        named = config.tls.files() if config.tls else []
        return [_stat(path) for path in [self._path, *named] if path is not None]


def _load(path: Path) -> tuple[WebConfig, ssl.SSLContext | None]:
    config = web_config.read(path)
    context = tls_context.build(config.tls, path) if config.tls else None
    for warning in config.warnings:
        log.warning("web configuration", problem=warning)
    return config, context


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Server(uvicorn.Server):
    """Serves an application on one socket until stopped."""

    def __init__(
        self,
        app: ASGIApp,
        sock: socket.socket,
        file: WebConfigFile,
        *,
        max_connections: Callable[[], int],
        limits: Limits = LIMITS,
    ) -> None:
        """`max_connections` is called for each new connection, since a reload may change it."""
        super().__init__(
            uvicorn.Config(
                WebConfigMiddleware(app, lambda: file.config),
                http=LimitedProtocol,
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_keep_alive=limits.keep_alive,
                timeout_graceful_shutdown=DRAIN,
            )
        )
        self._file = file
        self._limits = limits
        self._connections = Connections(
            sock,
            protocol=self._protocol,
            context=lambda: file.context,
            limit=lambda: connections_within(max_connections(), self._descriptors),
            handshake=limits.receive,
        )
        self._descriptors: int | None = None

    async def run_until_stopped(self) -> None:
        """Serve."""
        self._descriptors = raise_limit()
        checker = asyncio.create_task(self._check_file())
        try:
            await self.serve()
        finally:
            checker.cancel()
            self._connections.close()
            await self._connections.abort()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Start to accept connections; uvicorn calls this."""
        servers: list[Any] = [self._connections]
        self.servers = servers
        if not self.should_exit:
            self._connections.start()
        self.started = True

    def stop(self) -> None:
        """Accept no more connections, and stop after the responses in progress."""
        self.should_exit = True
        self._connections.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service."""
        yield

    async def _check_file(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            await asyncio.to_thread(self._file.refresh)

    def _protocol(self) -> LimitedProtocol:
        return LimitedProtocol(
            limits=self._limits,
            is_allowed=self._file.is_allowed,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
