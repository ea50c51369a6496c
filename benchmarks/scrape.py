"""What a scrape costs the server, against prometheus-client and Pushgateway with the same values.

`python -m benchmarks.scrape [SERIES]`: CPU time of the server per scrape, the whole response read
on a kept connection. The exporter and prometheus-client both serve on uvicorn with uvloop and
httptools; Pushgateway is Debian's, and knows no OpenMetrics.
"""

import http.client
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import dataset
from benchmarks.measure import ROUNDS, Child, Report, free_port, middle, module, program

ACCEPT = {
    "text": "text/plain;version=0.0.4",
    "OpenMetrics": "application/openmetrics-text;version=1.0.0",
}
ENCODING = {"gzip": "gzip", "identity": "identity"}
_TIMES = {"ours": 50, "peer": 2}
_PUSHGATEWAY = "prometheus-pushgateway"


def scrape(connection: http.client.HTTPConnection, accept: str, encoding: str) -> int:
    """Read the page once; return its size on the wire in bytes."""
    headers = {"Accept": accept, "Accept-Encoding": encoding}
    connection.request("GET", "/metrics", headers=headers)
    response = connection.getresponse()
    assert response.status == http.client.OK
    return len(response.read())


def cpu_per_scrape(child: Child, accept: str, encoding: str, *, times: int) -> tuple[float, int]:
    """Return the server's CPU time per scrape in seconds, and the size of the page."""
    connection = http.client.HTTPConnection("127.0.0.1", child.port, timeout=300)
    size = scrape(connection, accept, encoding)
    rounds = []
    for _ in range(ROUNDS):
        before = child.cpu()
        for _ in range(times):
            size = scrape(connection, accept, encoding)
        rounds.append((child.cpu() - before) / times)
    connection.close()
    return middle(rounds), size


@contextmanager
def pushgateway(page: bytes) -> Iterator[Child]:
    """Run a Pushgateway that holds a page."""
    port = free_port()
    address = f"--web.listen-address=127.0.0.1:{port}"
    with program(_PUSHGATEWAY, address, "--log.level=error", port=port) as child:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request("PUT", "/metrics/job/iblai", body=page)
        response = connection.getresponse()
        assert response.status == http.client.OK, response.read()
        connection.close()
        yield child


def page_of(child: Child, encoding: str = "identity") -> bytes:
    """Return the page as it is sent in an encoding."""
    connection = http.client.HTTPConnection("127.0.0.1", child.port, timeout=300)
    connection.request("GET", "/metrics", headers={"Accept-Encoding": encoding})
    page = connection.getresponse().read()
    connection.close()
    return page


def main(series: int) -> None:
    """Print the table."""
    if not shutil.which(_PUSHGATEWAY):
        sys.exit(f"needs {_PUSHGATEWAY}")
    orgs = max(series // 1000, 1)
    courses = dataset.courses_for(series, orgs=orgs)
    found: dict[tuple[str, str, str], tuple[float, int]] = {}
    for kind, times in _TIMES.items():
        with module("benchmarks.servers", kind, orgs, courses) as child:
            for form, accept in ACCEPT.items():
                for encoding in ENCODING:
                    found[kind, form, encoding] = cpu_per_scrape(
                        child, accept, encoding, times=times
                    )
            if kind == "ours":
                page = page_of(child)
    with pushgateway(page) as child:
        pushed = {
            encoding: cpu_per_scrape(child, ACCEPT["text"], encoding, times=_TIMES["peer"])[0]
            for encoding in ENCODING
        }
    report = Report(
        f"CPU of the server per scrape, {series:,} series",
        *("page", "exporter", "prometheus-client", "ratio", "Pushgateway", "ratio", "size"),
    )
    for form in ACCEPT:
        for encoding in ENCODING:
            mine, size = found["ours", form, encoding]
            theirs, _ = found["peer", form, encoding]
            report.row(
                f"{form}, {encoding}",
                f"{mine * 1e3:.2f} ms",
                f"{theirs * 1e3:,.0f} ms",
                f"1/{theirs / mine:,.0f}",
                f"{pushed[encoding] * 1e3:,.0f} ms" if form == "text" else "–",
                f"1/{pushed[encoding] / mine:,.0f}" if form == "text" else "–",
                f"{size / 1e6:.2f} MB",
            )
    report.show()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
