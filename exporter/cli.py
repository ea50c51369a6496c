"""The commands. Each puts settings together and hands over to the module that does the work."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import uvloop
from rich.console import Console

from exporter import __version__, check, collectors, healthcheck, logs, reference
from exporter.backfill.command import backfill
from exporter.command_line import config_option
from exporter.demo import command as simulation
from exporter.demo.background import Background
from exporter.demo.university import University
from exporter.service import BindError, Service, bind
from exporter.settings import ConfigError, Settings, Web, listen, load
from exporter.sharding import Shard
from exporter.web import webconfig

EXIT_FAILED = 1
"""Something that was checked, or tried, is not well."""

EXIT_USAGE = 2
"""The command line or the configuration is wrong."""

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_KNOWN = frozenset(collector.name for collector in collectors.COLLECTORS)

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

_SERVING = (
    click.option(
        "--listen-address",
        "--web.listen-address",
        "web__listen_address",
        metavar="[HOST]:PORT",
        help="Where to serve.  [env var: IBLAI_WEB__LISTEN_ADDRESS; default: :10880]",
    ),
    click.option(
        "--web.config.file",
        "--web-config-file",
        "web__config_file",
        type=click.Path(),
        help="TLS, client certificates, passwords and headers, in the format of Prometheus' "
        "exporter-toolkit.  [env var: IBLAI_WEB__CONFIG_FILE]",
    ),
    click.option(
        "--log-level",
        "--log.level",
        "log__level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        help="How much to say.  [env var: IBLAI_LOG__LEVEL; default: info]",
    ),
    click.option(
        "--log-format",
        "--log.format",
        "log__format",
        type=click.Choice(["logfmt", "json"]),
        help="How to say it.  [env var: IBLAI_LOG__FORMAT; default: logfmt]",
    ),
)


def serving_options(command: Command) -> Command:
    """Add the options that `serve` and `demo` share.

    Their names are paths of settings, with __ for a dot.
    """
    for option in reversed(_SERVING):
        command = option(command)
    return command


@click.group(context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="iblai-exporter")
def main() -> None:
    """Prometheus exporter for the learning analytics of ibl.ai.

    Try it without a key:  iblai-exporter demo

    Every setting can come from the configuration file, from the environment (IBLAI_…, with __
    between levels) or, where a person would type it, from an option. An option wins over the
    environment, and that over the file.
    """


@main.command()
@config_option
@serving_options
@click.option(
    "--enable-reload/--no-enable-reload",
    "--web.enable-reload/--no-web.enable-reload",
    "web__enable_reload",
    default=None,
    help="Allow POST /-/reload.  [env var: IBLAI_WEB__ENABLE_RELOAD; default: off]",
)
@click.option(
    "--shard",
    metavar="N/M",
    help="Serve a share of the orgs: 0/3 is the first of three exporters with one configuration."
    "  [env var: IBLAI_EXPORTER_SHARD; or IBLAI_EXPORTER_SHARDS, in a pod of a StatefulSet]",
)
@click.option(
    "--watch-config",
    is_flag=True,
    help="Load the configuration anew whenever its file changes, as SIGHUP does.",
)
def serve(config: Path | None, *, shard: str | None, watch_config: bool, **options: Any) -> None:
    """Poll the configured orgs and serve their figures.

    \b
    With a file:         iblai-exporter serve --config iblai.yml
    With no file at all: IBLAI_ORGS=acme IBLAI_USER_ID=ops IBLAI_API_KEY=… iblai-exporter serve
    """
    share = _or_exit(partial(_shard, shard))

    def read() -> Settings:
        found = load(config, flags=_given(options), known_collectors=_KNOWN)
        return replace(found, orgs=tuple(o for o in found.orgs if not share or share.keeps(o.key)))

    settings = _or_exit(read)
    logs.configure(level=settings.log.level, form=settings.log.format)
    _warn(settings)
    watched = config if watch_config else None
    service = _or_exit(partial(Service, settings, load=read, watch=watched, shard=share))
    _serve(service, settings)


@main.command()
@serving_options
@click.option("--orgs", default=3, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--courses", default=12, show_default=True, type=click.IntRange(1, 1_000))
@click.option("--seed", default=7, show_default=True, help="Another seed is another university.")
@click.option(
    "--drop",
    "drops",
    multiple=True,
    metavar="ORG:DAYS:FRACTION",
    help="Have engagement fall: acme:3:0.6 loses 60 % over the last 3 days and today.",
)
def demo(*, orgs: int, courses: int, seed: int, drops: tuple[str, ...], **options: Any) -> None:
    """Serve an embedded simulation of the platform: no key, no network.

    \b
    A drop worth an alert:  iblai-exporter demo --drop acme:7:0.6
    """
    with _simulated(orgs=orgs, courses=courses, seed=seed, drops=drops) as (platform, university):
        flags = {**simulation.settings(platform.url, university), **_given(options)}
        read = partial(load, None, flags=flags, environ={}, known_collectors=_KNOWN)
        settings = _or_exit(read)
        logs.configure(level=settings.log.level, form=settings.log.format)
        service = _or_exit(partial(Service, settings, load=read))
        _serve(service, settings, banner=partial(simulation.banner, orgs=orgs))


@main.command()
@click.option("--listen-address", default="127.0.0.1:10881", show_default=True)
@click.option("--orgs", default=3, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--courses", default=12, show_default=True, type=click.IntRange(1, 1_000))
@click.option("--seed", default=7, show_default=True, help="Another seed is another university.")
@click.option("--drop", "drops", multiple=True, metavar="ORG:DAYS:FRACTION")
@click.option(
    "--fault", "faults", multiple=True, metavar="KEY=VALUE,…", help="Misbehave on command."
)
def simulate(
    listen_address: str,
    *,
    orgs: int,
    courses: int,
    seed: int,
    drops: tuple[str, ...],
    faults: tuple[str, ...],
) -> None:
    """Serve only the simulated platform, and print a configuration that fits it."""
    try:
        host, port = listen(listen_address)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    with _simulated(
        orgs=orgs, courses=courses, seed=seed, drops=drops, faults=faults, host=host, port=port
    ) as (platform, university):
        click.echo(simulation.example_config(platform.url, university))
        sys.stdout.flush()
        simulation.wait()


@main.command("check")
@config_option
@click.option("--live", is_flag=True, help="Call each collector of each org once.")
def check_command(config: Path | None, *, live: bool) -> None:
    """Validate a configuration and print what it will cost; exit 0 only if all is well."""
    settings = _or_exit(partial(load, config, known_collectors=_KNOWN))
    logs.configure(level="error", form="logfmt")
    console = Console()
    check.print_plan(settings, console)
    if live and not _run(check.live(settings, console)):
        sys.exit(EXIT_FAILED)


_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
)


@main.command("metrics")
@_format_option
def metrics_command(form: str) -> None:
    """Print the reference of all metrics."""
    click.echo(reference.metrics(form), nl=False)


@main.command("settings")
@_format_option
def settings_command(form: str) -> None:
    """Print the reference of all settings, with the names they have in the environment."""
    click.echo(reference.settings(form), nl=False)


@main.command("healthcheck")
@config_option
@click.option("--url", help="Where to ask.  [default: the listen address, on this machine]")
def healthcheck_command(config: Path | None, url: str | None) -> None:
    """Exit 0 if the exporter on this machine is alive, for containers."""
    if url is None:
        try:
            web = load(config, known_collectors=_KNOWN).web
            tls = webconfig.read(web.config_file).tls if web.config_file else None
        except ConfigError:
            # The demo has none, and one that went bad does not make a running exporter dead.
            web, tls = Web(), None
        url = healthcheck.default_url(web.listen_address, tls=tls is not None)
    if not healthcheck.healthy(url):
        raise click.ClickException(f"{url} does not answer that it is alive")


def _shard(text: str | None) -> Shard | None:
    try:
        return Shard.parse(text) if text else Shard.from_environment(os.environ)
    except ValueError as error:
        raise ConfigError([f"--shard: {error}" if text else str(error)]) from None


main.add_command(backfill)


@contextmanager
def _simulated(**shape: Any) -> Iterator[tuple[Background, University]]:
    with ExitStack() as stack:
        try:
            running = stack.enter_context(simulation.simulated(**shape))
        except (ValueError, OSError) as error:
            raise click.ClickException(str(error)) from None
        yield running


def _serve(
    service: Service, settings: Settings, *, banner: Callable[[str], str] | None = None
) -> None:
    try:
        sock = bind(settings.web.listen_address)
    except BindError as error:
        raise click.ClickException(str(error)) from None

    def started() -> None:
        if banner is not None:
            click.echo(banner(_url(sock.getsockname()[1])), err=True)

    _run(service.run(sock, started=started))


def _url(port: int) -> str:
    return f"http://localhost:{port}"


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {k.replace("__", "."): v for k, v in options.items() if v is not None}


def _or_exit(read: Callable[[], T]) -> T:
    try:
        return read()
    except ConfigError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(EXIT_USAGE)


def _warn(settings: Settings) -> None:
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
