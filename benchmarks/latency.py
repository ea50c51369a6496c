"""How long a scrape waits while the exporter polls flat out, and how long its loop is held.

`python -m benchmarks.latency [ORGS] [COURSES]`: scrapes 20 times a second on a kept connection,
while orgs are polled at the default rate limit, at ten times as much and as fast as possible,
and while nothing changes. The platform is another process that responds at once.
"""

import http.client
import re
import sys
import time
from dataclasses import dataclass

from benchmarks.measure import Child, Report, module, percentile
from benchmarks.scrape import ACCEPT, page_of, scrape

PAUSE = 0.05
_INTERVALS = {
    "polling at 20/s, the default limit": (60.0, 20.0),
    "polling at 200/s": (60.0, 200.0),
    "polling flat out": (10.0, 1e4),
    "at rest": (3600.0, 1e4),
}
"""Seconds between two polls of an org, and requests per second."""

_SECONDS = 30.0
_LAG = rb'iblai_exporter_event_loop_lag_seconds_bucket\{le="(.+)"\} (.+)'
_REQUESTS = rb"iblai_api_requests_total\{.+\} (.+)"


def latencies(child: Child, seconds: float) -> list[float]:
    """Return how long each scrape took, in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", child.port, timeout=60)
    scrape(connection, ACCEPT["text"], "gzip")
    found = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        scrape(connection, ACCEPT["text"], "gzip")
        found.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    connection.close()
    return found


@dataclass(frozen=True, slots=True)
class State:
    """The exporter at a moment: its requests so far, and the lag of its event loop."""

    at: float
    page: bytes

    @classmethod
    def of(cls, child: Child) -> "State":
        """Fetch the page; it is parsed later, when nothing is measured."""
        return cls(time.monotonic(), page_of(child))

    @property
    def series(self) -> int:
        """Return how many series there are."""
        return len(re.findall(rb"^[^#\n]", self.page, re.MULTILINE))

    @property
    def requests(self) -> float:
        """Return how many requests were sent."""
        return sum(map(float, re.findall(_REQUESTS, self.page)))

    @property
    def lag(self) -> dict[float, float]:
        """Return how many checks found the loop late by at most so many seconds."""
        return {float(bound): float(count) for bound, count in re.findall(_LAG, self.page)}


def worst(before: dict[float, float], after: dict[float, float]) -> str:
    """Return the bucket that the worst lag of the time between is in."""
    known = {bound: after[bound] - before[bound] for bound in sorted(after)}
    bound = min(bound for bound, count in known.items() if count == max(known.values()))
    return f"≤ {bound * 1e3:g} ms"


def beyond(before: dict[float, float], after: dict[float, float], bound: float) -> float:
    """Return the share of checks that found the loop later than `bound` seconds."""
    checks = after[float("inf")] - before[float("inf")]
    return 1 - (after[bound] - before[bound]) / checks


def main(orgs: int, courses: int) -> None:
    """Print the table."""
    report = Report(
        f"Scrapes while {orgs:,} orgs of {courses} courses are polled",
        *("the exporter is", "series", "requests/s", "p50", "p99", "worst"),
        *("loop late > 20 ms", "worst lag"),
    )
    for name, (interval, limit) in _INTERVALS.items():
        with (
            module("benchmarks.api_server", courses) as platform,
            module("benchmarks.servers", "polling", orgs, platform.url, interval, limit) as child,
        ):
            settle(child, orgs, resting=name == "at rest")
            before = State.of(child)
            took = latencies(child, _SECONDS)
            after = State.of(child)
        rate = (after.requests - before.requests) / (after.at - before.at)
        report.row(
            name,
            f"{after.series:,}",
            f"{rate:,.0f}",
            *(f"{percentile(took, share) * 1e3:.1f} ms" for share in (0.5, 0.99, 1.0)),
            f"{beyond(before.lag, after.lag, 0.02):.2%}",
            worst(before.lag, after.lag),
        )
    report.show()


def settle(child: Child, orgs: int, *, resting: bool) -> None:
    """Wait until all orgs were polled, or until no more requests are sent."""
    before = -1.0
    while True:
        time.sleep(3)
        requests = State.of(child).requests
        if requests == before or (not resting and requests > orgs):
            return
        before = requests


if __name__ == "__main__":
    sizes = [int(text) for text in sys.argv[1:]]
    main(*(sizes + [1000, 5][len(sizes) :]))
