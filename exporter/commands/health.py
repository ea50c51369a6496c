"""`healthcheck`: for containers. They run it often, so that it imports nothing large."""

import contextlib
import json
import os
from http.client import HTTPException
from pathlib import Path
from typing import Any

import click

from exporter import healthcheck as health
from exporter import yamlfile
from exporter.commands.options import config_option
from exporter.problems import ConfigError

_DEFAULT = ":10880"


@click.command()
@config_option
@click.option("--url", help="Address to request.  [default: the listen address, on this machine]")
def healthcheck(config: Path | None, url: str | None) -> None:
    """Exit 0 if the exporter on this machine is alive; for containers."""
    address = _address(config)
    urls = [url] if url else [health.default_url(address, tls=tls) for tls in (False, True)]
    if not any(map(_healthy, urls)):
        raise click.ClickException(f"{urls[0]} does not respond; check that the exporter runs")


def _healthy(url: str) -> bool:
    try:
        return health.healthy(url)
    except (HTTPException, ValueError):
        return False  # not a URL


def _address(config: Path | None) -> str:
    """Return where the exporter listens, according to the environment or the configuration."""
    address = os.environ.get("IBLAI_WEB__LISTEN_ADDRESS")
    path = config or os.environ.get("IBLAI_CONFIG")
    if not address:
        address = _listen_address(_section(os.environ.get("IBLAI_WEB", "")))
    if not address and path:
        # A running exporter keeps its address if its configuration becomes invalid.
        with contextlib.suppress(ConfigError):
            address = _listen_address(yamlfile.read(Path(path)).tree.get("web"))
    return address or _DEFAULT


def _section(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _listen_address(web: Any) -> str:
    return str(web.get("listen_address") or "") if isinstance(web, dict) else ""
