"""`check`: whether a configuration is valid, and what it demands of the platform."""

import sys
from functools import partial
from pathlib import Path

import click

from exporter import collectors, logs
from exporter.api.credentials import unreadable_keys
from exporter.check.live import check_live
from exporter.check.plan import make_plan
from exporter.check.report import amount, echo, print_plan
from exporter.check.series import ASSUMED_COURSES, assumed_size
from exporter.commands.options import config_option
from exporter.commands.running import EXIT_FAILED, or_exit, run
from exporter.commands.screen import screen
from exporter.settings import load
from exporter.web.server import WebConfigFile


@click.command()
@config_option
@click.option("--live", is_flag=True, help="Call each collector of each org once.")
@click.option(
    "--courses",
    default=ASSUMED_COURSES,
    show_default=True,
    type=click.IntRange(0, 100_000),
    help="Assumed number of courses per org; --live counts them.",
)
def check(config: Path | None, *, live: bool, courses: int) -> None:
    """Validate a configuration and print what it demands.

    Prints orgs, collectors, requests per hour and the number of series. Exits 1 if the
    configuration is invalid, demand exceeds the rate limit, or an API key cannot be read.
    """
    settings = or_exit(partial(load, config, known_collectors=collectors.NAMES), status=EXIT_FAILED)
    logs.configure(level="error", form="logfmt")
    or_exit(partial(WebConfigFile, settings.web.config_file), status=EXIT_FAILED)
    console = screen()
    if live:
        well = or_exit(lambda: run(check_live(settings, console)), status=EXIT_FAILED)
    else:
        sizes = {org.key: assumed_size(org, courses=courses) for org in settings.orgs}
        plan = make_plan(settings, sizes)
        print_plan(plan, settings, console, counted=False)
        well = plan.fits
    if missing := len(unreadable_keys(settings.orgs)):
        have = "has" if missing == 1 else "have"
        echo(console, f"{amount(missing, 'org')} {have} no API key that can be read.", style="red")
    if missing or not well:
        sys.exit(EXIT_FAILED)
