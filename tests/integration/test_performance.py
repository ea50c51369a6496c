"""What can be counted, and what is far cheaper than with another library. No limits in seconds."""

import gzip
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import dataset, servers
from exporter import catalog
from exporter.exposition.orgs import OrgRenderer
from exporter.exposition.rendered import RenderedLines
from exporter.history.ranges import ExpectedRanges
from exporter.history.store import History
from exporter.snapshots import Snapshots

COURSES = 50


async def scrape(app, *, encoding):
    """Return the page of an ASGI application as it is sent."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/metrics",
        "raw_path": b"/metrics",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"accept", b"text/plain"), (b"accept-encoding", encoding.encode())],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200
    return b"".join(message.get("body", b"") for message in sent[1:])


async def cpu(app, *, encoding, times):
    """Return the CPU time of one scrape in seconds."""
    began = time.process_time()
    for _ in range(times):
        await scrape(app, encoding=encoding)
    return (time.process_time() - began) / times


@pytest.fixture(scope="module")
def applications():
    orgs = 20
    courses = dataset.courses_for(20_000, orgs=orgs)
    return servers.ours(orgs, courses), servers.peer(orgs, courses)


def samples(body):
    return {
        (s.name, frozenset(s.labels.items())): s.value
        for family in text_string_to_metric_families(body.decode())
        for s in family.samples
        if "org" in s.labels
    }


async def test_the_page_has_every_value_that_prometheus_client_serves(applications):
    ours, peer = applications
    found = samples(gzip.decompress(await scrape(ours, encoding="gzip")))
    assert len(found) > 19_000
    assert found == samples(await scrape(peer, encoding="identity"))


@pytest.mark.parametrize(("encoding", "times"), [("gzip", 50), ("identity", 10)])
async def test_a_scrape_takes_a_small_part_of_the_cpu_of_prometheus_client(
    applications, encoding, times
):
    ours, peer = applications
    await scrape(ours, encoding=encoding)
    mine = await cpu(ours, encoding=encoding, times=100)
    theirs = await cpu(peer, encoding=encoding, times=2)
    assert theirs / mine > times


def test_nothing_is_left_of_values_that_were_replaced(clock):
    assert rendered(clock, versions=range(30)) == rendered(clock, versions=[29])


def rendered(clock, *, versions):
    """Return the lines of an org after its values were replaced."""
    snapshots, lines = Snapshots(), RenderedLines()
    renderer = OrgRenderer(snapshots, ExpectedRanges(History()), lines)
    renderer.configure(dataset.org(0))
    for version in versions:
        dataset.put(snapshots, clock, 0, COURSES, version=version)
    families = lines.families(catalog.METRICS)
    return lines.size, [(metric.name, chunks) for metric, chunks in families]
