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


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, by the paths of the settings they stand for."""
    return {k.replace("__", "."): v for k, v in options.items() if v is not None}
