"""Where commands print tables."""

import os

from rich.console import Console

_UNLIMITED = 10_000
"""Columns of a pipe or a file: tables take what they need."""


def screen() -> Console:
    """Return standard output. In a pipe or a file, each row of a table is one line."""
    console = Console()
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return Console(width=_UNLIMITED)
