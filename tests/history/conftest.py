"""State files, and processes that use one."""

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from exporter.history.database import FILE_NAME
from exporter.history.series import DailyValues
from exporter.history.state import StateFile

DAY = date(2026, 5, 5)


def values(*numbers):
    """Return the values of the days from DAY on."""
    return DailyValues({date.fromordinal(DAY.toordinal() + i): n for i, n in enumerate(numbers)})


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def file(directory):
    return directory / FILE_NAME


@pytest.fixture
def public():
    """Return a directory that every user may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


@contextmanager
def opened(directory, **options):
    """Open a state file, and close it."""
    state = StateFile.open(directory, **options)
    try:
        yield state
    finally:
        state.close()


@contextmanager
def process(script, *arguments):
    """Run a script in a process of its own, and end it."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()
