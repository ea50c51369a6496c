"""`serve`: the service itself."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from exporter import collectors, logs
from exporter.commands.options import config_option, given, serving_options
from exporter.commands.running import or_exit, serve_until_stopped
from exporter.problems import ConfigError
from exporter.service import ConfigFile, Service
from exporter.settings import Settings, load
from exporter.settings.sources import CONFIG
from exporter.sharding import Shard


@click.command()
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
    help="Reload the configuration when its file changes, as on SIGHUP.",
)
def serve(config: Path | None, *, shard: str | None, watch_config: bool, **options: Any) -> None:
    """Poll the configured orgs and serve their metrics.

    \b
    With a file:         iblai-exporter serve --config iblai.yml
    Without a file:      IBLAI_ORGS=acme IBLAI_USER_ID=ops IBLAI_API_KEY=… iblai-exporter serve
    """
    share = or_exit(partial(_shard, shard))

    def read() -> Settings:
        found = load(config, flags=given(options), known_collectors=collectors.NAMES)
        return replace(found, orgs=tuple(o for o in found.orgs if not share or share.keeps(o.key)))

    settings = or_exit(read)
    logs.configure(level=settings.log.level, form=settings.log.format)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    file = config or _named()
    watch = ConfigFile(file, reload=watch_config) if file else None
    service = or_exit(partial(Service, settings, load=read, watch=watch, shard=share))
    serve_until_stopped(service, settings.web.listen_address)


def _named() -> Path | None:
    """Return the configuration file that the environment names."""
    return Path(os.environ[CONFIG]) if os.environ.get(CONFIG) else None


def _shard(text: str | None) -> Shard | None:
    try:
        return Shard.from_environment(os.environ) if text is None else Shard.parse(text)
    except ValueError as error:
        raise ConfigError([str(error) if text is None else f"--shard: {error}"]) from None
