"""The open port: plain or TLS, changed under way when its configuration file changes."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from exporter.problems import ConfigError
from exporter.web import tls, webconfig
from exporter.web.auth import Guard
from exporter.web.webconfig import WebConfig

log = structlog.get_logger(__name__)

DRAIN = 3
"""Seconds that answers under way are given at the end."""

LOOK_EVERY = 1.0
"""Seconds between two looks at the files of the web configuration."""


class WebFile:
    """The web configuration file as it is in use, and what it names."""

    def __init__(self, path: Path | None, *, tell: Callable[[bool], None] = lambda _: None) -> None:
        """Read the file; raise `ConfigError` if it is bad.

        `tell` is told whenever the file is read again whether it is good.
        """
        self._path = path
        self._tell = tell
        self.config = WebConfig()
        self.context: ssl.SSLContext | None = None
        self._seen = self._signature(self.config)
        if path is not None:
            self.config, self.context = _load(path)
            self._seen = self._signature(self.config)

    def rules(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the users and the headers in use."""
        return self.config.users, self.config.headers

    def refresh(self) -> bool:
        """Read the file again if it, or what it names, changed; tell whether TLS changed.

        A bad file never replaces a good one.
        """
        if self._path is None or (now := self._signature(self.config)) == self._seen:
            return False
        self._seen = now
        try:
            self.config, self.context = _load(self._path)
        except ConfigError as error:
            self._tell(False)
            for problem in error.problems:
                log.exception("web configuration is bad, the old one stays", problem=problem)
            return False
        self._tell(True)
        self._seen = self._signature(self.config)
        log.info("web configuration read again", file=str(self._path))
        return True

    def _signature(self, config: WebConfig) -> list[Any]:
        named = [config.tls.cert_file, config.tls.key_file] if config.tls else []
        if config.tls and config.tls.client_ca_file:
            named.append(config.tls.client_ca_file)
        return [_stat(path) for path in [self._path, *named] if path is not None]


def _load(path: Path) -> tuple[WebConfig, ssl.SSLContext | None]:
    config = webconfig.read(path)
    return config, tls.context(config.tls, path) if config.tls else None


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Port(uvicorn.Server):
    """Serves an application on one socket until told to stop."""

    def __init__(self, app: ASGIApp, sock: socket.socket, file: WebFile) -> None:
        super().__init__(
            uvicorn.Config(
                Guard(app, file.rules),
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=DRAIN,
            )
        )
        self._sock = sock
        self._file = file

    async def run_until_stopped(self) -> None:
        """Serve."""
        self.config.load()
        self.config.ssl = self._file.context
        watcher = asyncio.create_task(self._watch())
        try:
            # A copy, so that another listener can be opened on the same socket later.
            await self.serve(sockets=[self._sock.dup()])
        finally:
            watcher.cancel()
            self._sock.close()

    def stop(self) -> None:
        """Take no more requests, and end once those under way are answered."""
        self.should_exit = True
        # The last copy that listens: who comes now is refused, and not left waiting.
        self._sock.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service."""
        yield

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            changed = await asyncio.to_thread(self._file.refresh)
            if changed and self.started and not self.should_exit:
                await self._listen_anew()

    async def _listen_anew(self) -> None:
        """Answer new connections by the new rules; those that are open go on."""
        self.config.ssl = self._file.context
        before = list(self.servers)
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                self._protocol, sock=self._sock.dup(), ssl=self.config.ssl, backlog=512
            )
        ]
        for server in before:
            server.close()

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made
