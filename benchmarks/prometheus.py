"""What a real Prometheus measures: this exporter, nginx with the same bytes, and prometheus-client.

`python -m benchmarks.prometheus [SERIES]` scrapes each with Debian's Prometheus at its default
timeout, a new database for each run and the runs in turn. The first scrape of a run creates the
series and is left out; of the others the quickest counts, since what else runs only adds.
"""

import contextlib
import gzip
import json
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import dataset
from benchmarks.measure import Child, Report, free_port, middle, module, program
from benchmarks.scrape import page_of

INTERVAL = 12
_SCRAPES = 4
_RUNS = 2
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; sendfile on;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port}; root {folder}; gzip_static on;
    default_type "{content_type}";
  }}
}}
"""

_PROMETHEUS = """
global: {{scrape_interval: {interval}s, scrape_timeout: 10s}}
scrape_configs: [{{job_name: page, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
"""


@contextlib.contextmanager
def nginx(page: bytes, folder: Path) -> Iterator[Child]:
    """Serve a page from files, plain and compressed."""
    port = free_port()
    (folder / "metrics").write_bytes(gzip.decompress(page))
    (folder / "metrics.gz").write_bytes(page)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, content_type=_CONTENT_TYPE))
    with program("nginx", "-p", folder, "-c", config, port=port) as child:
        yield child


@contextlib.contextmanager
def prometheus(target: int, folder: Path) -> Iterator[Child]:
    """Have Prometheus scrape a port of loopback."""
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(_PROMETHEUS.format(port=target, interval=INTERVAL))
    data = folder / "tsdb"
    shutil.rmtree(data, ignore_errors=True)
    flags = (f"--config.file={config}", f"--storage.tsdb.path={data}", "--log.level=error")
    address = f"--web.listen-address=127.0.0.1:{port}"
    with program("prometheus", *flags, address, port=port) as child:
        yield child


def query(server: Child, expression: str) -> list[float]:
    """Return the values of an instant query, or the points of a range."""
    url = f"{server.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310 - loopback
        result = json.load(response)["data"]["result"]
    return [
        float(value)
        for row in result
        for _, value in row.get("values", [row.get("value")])
        if value
    ]


def watch(target: Child, folder: Path, *, scrapes: int) -> tuple[list[float], list[float], float]:
    """Return what Prometheus reports of its scrapes: durations and `up`; and CPU time of each.

    What the server spends between two scrapes is counted in.
    """
    with prometheus(target.port, folder) as server:
        wait_for(server, scrapes=1)
        before = target.cpu()
        wait_for(server, scrapes=scrapes)
        cpu = (target.cpu() - before) / (scrapes - 1)
        durations = query(server, "scrape_duration_seconds[1h]")[1:]
        return durations, query(server, "up[1h]"), cpu


def wait_for(server: Child, *, scrapes: int) -> None:
    """Wait until Prometheus, which may still be starting, has scraped so often."""
    seen = 0
    while seen < scrapes:
        time.sleep(0.5)
        with contextlib.suppress(urllib.error.HTTPError):
            seen = len(query(server, "up[1h]"))


def main(series: int) -> None:
    """Print the table."""
    missing = [name for name in ("nginx", "prometheus") if not shutil.which(name)]
    if missing:
        sys.exit(f"needs {' and '.join(missing)}")
    orgs = max(series // 1000, 1)
    courses = dataset.courses_for(series, orgs=orgs)
    durations: dict[str, list[float]] = {"exporter": [], "nginx": []}
    spent: dict[str, list[float]] = {"exporter": [], "nginx": []}
    with TemporaryDirectory() as name:
        folder = Path(name)
        with module("benchmarks.servers", "ours", orgs, courses) as ours:
            page = page_of(ours, "gzip")
            with nginx(page, folder) as files:
                for _ in range(_RUNS):
                    for kind, target in (("exporter", ours), ("nginx", files)):
                        seen, _, cpu = watch(target, folder, scrapes=_SCRAPES)
                        durations[kind] += seen
                        spent[kind].append(cpu)
        with module("benchmarks.servers", "peer", orgs, courses) as peer:
            seen, ups, cpu = watch(peer, folder, scrapes=2)
    report = Report(
        f"As Prometheus sees it, {series:,} series",
        *("server", "scrape_duration_seconds", "CPU of the server", "up"),
    )
    for kind, taken in durations.items():
        report.row(kind, f"{min(taken):.2f} s", f"{middle(spent[kind]) * 1e3:.1f} ms", "1")
    report.row("prometheus-client", f"{middle(seen):.2f} s", f"{cpu * 1e3:,.0f} ms", f"{ups[-1]:g}")
    share = min(durations["exporter"]) / min(durations["nginx"])
    report.row("exporter / nginx", f"{share:.2f}", "", "")
    report.show()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
