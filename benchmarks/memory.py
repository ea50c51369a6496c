"""Memory of a service that holds many series: at rest, and while all of them change.

`python -m benchmarks.memory [SERIES]`: growth of the process beyond one that holds a single org,
with the page kept ready in gzip and scraped once a second for half a minute.
"""

import http.client
import sys
import time

from benchmarks import dataset, servers
from benchmarks.measure import Child, Report, module
from benchmarks.scrape import ACCEPT, scrape

_TIMES = 30


def held(kind: str, orgs: int, courses: int) -> tuple[int, int]:
    """Return memory at rest after some scrapes, and the most that was ever held, in bytes."""
    with module("benchmarks.servers", kind, orgs, courses) as child:
        read(child)
        return child.memory(), child.peak()


def read(child: Child) -> None:
    """Scrape for a while, so that all that scrapes need is there."""
    connection = http.client.HTTPConnection("127.0.0.1", child.port, timeout=600)
    for _ in range(_TIMES):
        scrape(connection, ACCEPT["text"], "gzip")
        time.sleep(1)
    connection.close()


def main(series: int) -> None:
    """Print the table."""
    orgs = max(series // 1000, 1)
    courses = dataset.courses_for(series, orgs=orgs)
    count = orgs * (dataset.SERIES_OF_ORG + dataset.SERIES_OF_COURSE * courses)
    report = Report(
        f"Memory, {count:,} series",
        *("server", "at rest", "bytes a series", "at most", "bytes a series"),
    )
    least, peak = held("ours", 1, 1)
    for kind, name in {
        "ours": "exporter",
        "changing": f"exporter, all changing every {servers.CYCLE:g} s",
    }.items():
        rest, most = held(kind, orgs, courses)
        report.row(
            name,
            f"{rest / 1e6:,.0f} MB",
            f"{(rest - least) / count:.0f}",
            f"{most / 1e6:,.0f} MB",
            f"{(most - peak) / count:.0f}",
        )
    report.show()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
