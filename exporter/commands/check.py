"""`check`: what a configuration costs, and whether the API goes along with it."""

import sys
from functools import partial
from pathlib import Path

import click

from exporter import check as checking
from exporter import collectors, logs
from exporter.api.account import unreadable
from exporter.commands.options import config_option
from exporter.commands.running import EXIT_FAILED, or_exit, run
from exporter.commands.screen import screen
from exporter.settings import load
from exporter.web.port import WebFile


@click.command()
@config_option
@click.option("--live", is_flag=True, help="Call each collector of each org once.")
def check(config: Path | None, *, live: bool) -> None:
    """Validate a configuration and print what it will cost; exit 0 only if all is well."""
    settings = or_exit(partial(load, config, known_collectors=collectors.NAMES))
    logs.configure(level="error", form="logfmt")
    or_exit(partial(WebFile, settings.web.config_file))
    console = screen()
    checking.print_plan(settings, console)
    well = checking.print_missing_keys(len(unreadable(settings.orgs)), console)
    if live:
        well = or_exit(lambda: run(checking.live(settings, console))) and well
    if not well:
        sys.exit(EXIT_FAILED)
