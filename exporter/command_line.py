"""Options that several commands share."""

from pathlib import Path

import click

config_option = click.option(
    "--config",
    "--config.file",
    "-c",
    "config",
    type=click.Path(path_type=Path),
    help="Configuration file, YAML.  [env var: IBLAI_CONFIG; default: environment alone]",
)
