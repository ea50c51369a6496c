"""`demo` and `simulate`: the simulated platform, with and without an exporter."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar

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

Command = TypeVar("Command", bound=Callable[..., Any])

_ENVIRONMENT = ("IBLAI_WEB__", "IBLAI_LOG__")
"""Variables that the demo takes: those of its options. Others are about a real platform."""

_LEVEL = "IBLAI_LOG__LEVEL"

_PLATFORM = (
    click.option(
        "--orgs",
        default=3,
        show_default=True,
        type=click.IntRange(1, 10_000),
        help="Number of orgs.",
    ),
    click.option(
        "--courses",
        default=12,
        show_default=True,
        type=click.IntRange(1, 1_000),
        help="Courses per org.",
    ),
    click.option("--seed", default=7, show_default=True, help="Seed of the random data."),
    click.option(
        "--drop",
        "drops",
        multiple=True,
        metavar="ORG:DAYS:FRACTION",
        help="A drop in engagement: acme:3:0.6 loses 60 % over the last 3 days and today.",
    ),
    click.option(
        "--generation",
        default="both",
        show_default=True,
        type=click.Choice(["seeds", "v2", "both"]),
        help="Endpoints to simulate: those of the seeds, /api/analytics/ (v2), or both.",
    ),
    click.option("--stale-costs", is_flag=True, help="Return zeros from financial/."),
    click.option(
        "--late-data",
        is_flag=True,
        help="Deliver events hours late: yesterday grows until 06:00 UTC.",
    ),
)


def _platform_options(command: Command) -> Command:
    """Add the options that shape the simulated platform."""
    for option in reversed(_PLATFORM):
        command = option(command)
    return command


@click.command()
@serving_options
@_platform_options
def demo(
    *,
    orgs: int,
    courses: int,
    seed: int,
    drops: tuple[str, ...],
    generation: str,
    stale_costs: bool,
    late_data: bool,
    **options: Any,
) -> None:
    """Serve an embedded simulation of the platform: no key, no network.

    \b
    A drop that fires an alert:  iblai-exporter demo --drop acme:7:0.6
    """
    with _simulated(
        orgs=orgs,
        courses=courses,
        seed=seed,
        drops=drops,
        generation=generation,
        stale_costs=stale_costs,
        late_data=late_data,
    ) as (platform, university):
        environ = {n: v for n, v in os.environ.items() if n.startswith(_ENVIRONMENT)}
        flags = {**simulation.settings(platform.url, university), **given(options)}
        if environ.get(_LEVEL) and options["log__level"] is None:
            del flags["log.level"]
        read = partial(load, None, flags=flags, environ=environ, known_collectors=collectors.NAMES)
        settings = or_exit(read)
        logs.configure(level=settings.log.level, form=settings.log.format)
        service = or_exit(partial(Service, settings, load=read))
        banner = partial(simulation.banner, orgs=orgs)
        serve_until_stopped(service, settings.web.listen_address, banner=banner)


@click.command()
@click.option(
    "--listen-address", default="127.0.0.1:10881", show_default=True, help="Address to listen on."
)
@_platform_options
@click.option(
    "--fault", "faults", multiple=True, metavar="KEY=VALUE,…", help="Inject a fault into responses."
)
def simulate(listen_address: str, **shape: Any) -> None:
    """Serve only the simulated platform, and print a configuration for it."""
    try:
        host, port = listen(listen_address)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    with _simulated(**shape, host=host, port=port) as (platform, university):
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
