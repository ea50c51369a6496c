"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

config_option = click.option(
    "--config",
    "--config.file",
    "-c",
    "config",
    type=click.Path(path_type=Path),
    help="Configuration file, YAML.  [env var: IBLAI_CONFIG; default: environment alone]",
)

_SERVING = (
    click.option(
        "--listen-address",
        "--web.listen-address",
        "web__listen_address",
        metavar="[HOST]:PORT",
        help="Address to listen on.  [env var: IBLAI_WEB__LISTEN_ADDRESS; default: :10880]",
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
        type=click.Choice(["debug", "info", "warn", "warning", "error"], case_sensitive=False),
        help="Least important lines to log.  [env var: IBLAI_LOG__LEVEL; default: info; demo: "
        "warning]",
    ),
    click.option(
        "--log-format",
        "--log.format",
        "log__format",
        type=click.Choice(["logfmt", "json"]),
        help="Format of a line of the log.  [env var: IBLAI_LOG__FORMAT; default: logfmt]",
    ),
)


def serving_options(command: Command) -> Command:
    """Add the options of `serve` and `demo`. A name is the path of a setting, with __ for dots."""
    for option in reversed(_SERVING):
        command = option(command)
    return command


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that are set, by the path of their setting."""
    return {k.replace("__", "."): v for k, v in options.items() if v is not None}
