"""`metrics` and `settings`: print the references."""

import click

from exporter import reference

_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
)


@click.command()
@_format_option
def metrics(form: str) -> None:
    """Print the reference of all metrics."""
    click.echo(reference.metrics(form), nl=False)


@click.command()
@_format_option
def settings(form: str) -> None:
    """Print the reference of all settings, with their environment variables."""
    click.echo(reference.settings(form), nl=False)
