"""`healthcheck`: for containers, which ask often, so that nothing large is imported for it."""

import os
from pathlib import Path

import click

from exporter import healthcheck as health
from exporter import yamlfile
from exporter.commands.options import config_option
from exporter.problems import ConfigError

_DEFAULT = ":10880"


@click.command()
@config_option
@click.option("--url", help="Where to ask.  [default: the listen address, on this machine]")
def healthcheck(config: Path | None, url: str | None) -> None:
    """Exit 0 if the exporter on this machine is alive, for containers."""
    address = _address(config)
    urls = [url] if url else [health.default_url(address, tls=tls) for tls in (False, True)]
    if not any(map(health.healthy, urls)):
        raise click.ClickException(f"{urls[0]} does not answer that it is alive")


def _address(config: Path | None) -> str:
    """Return where the exporter listens, as the environment or the configuration says."""
    told = os.environ.get("IBLAI_WEB__LISTEN_ADDRESS")
    path = config or os.environ.get("IBLAI_CONFIG")
    if told or not path:
        return told or _DEFAULT
    try:
        web = yamlfile.read(Path(path)).tree.get("web")
    except ConfigError:
        # A configuration that went bad does not make a running exporter dead.
        return _DEFAULT
    return str(web.get("listen_address") or _DEFAULT) if isinstance(web, dict) else _DEFAULT
