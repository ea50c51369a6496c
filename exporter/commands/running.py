"""What commands share: exit codes, errors, and running the service."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import click
import uvloop

from exporter.problems import ConfigError
from exporter.service import Service
from exporter.web.listener import BindError, bind

EXIT_FAILED = 1
"""A check failed."""

EXIT_USAGE = 2
"""The command line or the configuration is invalid."""

T = TypeVar("T")


def or_exit(read: Callable[[], T], *, status: int = EXIT_USAGE) -> T:
    """Return the result of `read`, or print what is wrong with the configuration and exit."""
    try:
        return read()
    except ConfigError as error:
        end(error, status=status)


def end(error: ConfigError, *, status: int = EXIT_USAGE) -> NoReturn:
    """Print what is wrong with a configuration and exit."""
    for problem in error.problems:
        click.echo(problem, err=True)
    sys.exit(status)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def serve_until_stopped(
    service: Service, address: str, *, banner: Callable[[str], str] | None = None
) -> None:
    """Serve on `address`. `banner` returns what to print at the start, given the URL."""
    try:
        sock = bind(address)
    except BindError as error:
        raise click.ClickException(str(error)) from None

    def started() -> None:
        if banner is not None:
            click.echo(banner(f"http://localhost:{sock.getsockname()[1]}"), err=True)

    run(service.run(sock, started=started))
