"""Where commands print tables."""

import os

from rich.console import Console

_ENDLESS = 10_000
"""Columns where nobody's screen ends the line: tables take what they need of them."""


def screen() -> Console:
    """Return standard output: as wide as the screen, and without end in a pipe or a file.

    What reads a table there (a script, a log, a person later) is to find each row in one line.
    """
    console = Console()
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return Console(width=_ENDLESS)
