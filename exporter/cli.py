"""The command line. A command is imported when it is called."""

import io
import signal
import sys
from importlib import import_module
from typing import Any

import click

from exporter import __version__
from exporter.commands.repeated import reject_repeated

_COMMANDS = {
    "serve": "exporter.commands.serve:serve",
    "demo": "exporter.commands.demo:demo",
    "simulate": "exporter.commands.demo:simulate",
    "check": "exporter.commands.check:check",
    "backfill": "exporter.backfill.command:backfill",
    "metrics": "exporter.commands.reference:metrics",
    "settings": "exporter.commands.reference:settings",
    "healthcheck": "exporter.commands.health:healthcheck",
}


class _Commands(click.Group):
    """A group that imports a command when it is called."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command. Characters that the terminal cannot show become escapes."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        if cmd_name == "serve":
            # SIGHUP before the service runs must not end the process.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command and its arguments, unless an option is repeated among them."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            reject_repeated(command, command.context_class(command, ctx, name), rest)
        return name, command, rest


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="iblai-exporter")
def main() -> None:
    """Prometheus exporter for the learning analytics of ibl.ai.

    Try it without a key:  iblai-exporter demo

    A setting comes from an option, else from the environment (IBLAI_…, with __ between
    levels), else from the configuration file, else it has its default.
    """
