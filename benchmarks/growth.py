"""How cost grows with the number of orgs: of a scrape, and of a poll.

`python -m benchmarks.growth`: a page is rendered when values change, so the cost of a scrape grows
only with the bytes that are sent.
"""

import asyncio

import uvloop

from benchmarks.measure import Report, module
from benchmarks.polling import Bench
from benchmarks.scrape import ACCEPT, cpu_per_scrape
from exporter import logs

ORGS = (10, 100, 1000, 5000)
COURSES = 5
_POLLED = 1000
"""Orgs up to which polls are measured too."""


def main() -> None:
    """Print the table."""
    logs.configure(level="info", form="logfmt")
    report = Report(
        f"Growth, orgs of {COURSES} courses",
        *("orgs", "CPU of a scrape, gzip", "size", "requests of a cycle", "CPU of a request"),
    )
    for orgs in ORGS:
        with module("benchmarks.servers", "ours", orgs, COURSES) as child:
            each, size = cpu_per_scrape(child, ACCEPT["text"], "gzip", times=50)
        requests = cpu = "–"
        if orgs <= _POLLED:
            with (
                module("benchmarks.api_server", COURSES) as platform,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                spent = runner.run(Bench(platform.url, orgs).pipeline())
            requests, cpu = f"{spent.requests:,}", f"{spent.each:,.0f} µs"
        report.row(f"{orgs:,}", f"{each * 1e3:.2f} ms", f"{size / 1e6:.2f} MB", requests, cpu)
    report.show()


if __name__ == "__main__":
    main()
