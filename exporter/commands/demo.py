"""`demo` and `simulate`: the simulated platform, with and without an exporter before it."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import click

from exporter import collectors, logs
from exporter.commands.options import given, serving_options
from exporter.commands.running import or_exit, serve_until_stopped
from exporter.demo import command as simulation
from exporter.demo.background import Background
from exporter.demo.university import University
from exporter.problems import ConfigError
from exporter.service import Service
from exporter.settings import listen, load


@click.command()
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
        flags = {**simulation.settings(platform.url, university), **given(options)}
        read = partial(load, None, flags=flags, environ={}, known_collectors=collectors.NAMES)
        settings = or_exit(read)
        logs.configure(level=settings.log.level, form=settings.log.format)
        service = or_exit(partial(Service, settings, load=read))
        banner = partial(simulation.banner, orgs=orgs)
        serve_until_stopped(service, settings.web.listen_address, banner=banner)


@click.command()
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


@contextmanager
def _simulated(**shape: Any) -> Iterator[tuple[Background, University]]:
    with ExitStack() as stack:
        try:
            running = stack.enter_context(simulation.simulated(**shape))
        except (ValueError, OSError) as error:
            raise click.ClickException(str(error)) from None
        yield running
