"""Time to write and to load the state of many orgs.

`python -m benchmarks.state [ORGS]`: per org 10 series of 182 days, 100 of 28 days and 60 payloads
of 2 KiB.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measure import Report
from exporter.history.database import FILE_NAME
from exporter.history.series import DailyValues
from exporter.history.state import StateFile

_DAY = date(2026, 5, 5)
_LONG, _SHORT = 182, 28
_SERIES, _PARTS, _PAYLOADS = 10, 100, 60
_PAYLOAD = os.urandom(2048)


def days(count: int) -> DailyValues:
    """Return a series of `count` days."""
    return DailyValues({_DAY - timedelta(days=age): float(age) for age in range(count)})


def fill(state: StateFile, orgs: int) -> None:
    """Put everything of all orgs."""
    long, short = days(_LONG), days(_SHORT)
    for org in (f"org-{number}" for number in range(orgs)):
        for number in range(_SERIES):
            state.put_history(org, "me", series=f"series-{number}", part="", values=long)
        for number in range(_PARTS):
            state.put_history(org, "me", series="course", part=f"course-{number}", values=short)
        for number in range(_PAYLOADS):
            state.put_snapshot(
                org, "me", collector="courses", item=f"course-{number}", payload=_PAYLOAD
            )


def seconds(work: Callable[[], object]) -> str:
    """Return how long `work` takes."""
    start = time.perf_counter()
    work()
    return f"{time.perf_counter() - start:.2f} s"


def main(orgs: int) -> None:
    """Print the table."""
    report = Report(f"State file of {orgs:,} orgs", "step", "time")
    with tempfile.TemporaryDirectory() as directory:
        state = StateFile.open(Path(directory), interval=3600)
        report.row("put", seconds(lambda: fill(state, orgs)))
        report.row("write", seconds(state.flush))
        state.close()
        wanted = {f"org-{number}": "me" for number in range(orgs)}
        state = StateFile.open(Path(directory))
        for _ in range(3):
            report.row("load", seconds(lambda: state.load(wanted)))
        state.close()
        report.row("size", f"{(Path(directory) / FILE_NAME).stat().st_size / 1e6:.0f} MB")
    report.show()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
