"""What can be counted, and what is cheaper than a peer by far. Nothing here is about seconds."""

import gzip
import time
from collections import Counter
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from benchmarks import figures, servers
from exporter import catalog, collectors
from exporter.api.client import ApiClient, Limits
from exporter.check import cost
from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.recorder import Recorder
from exporter.demo.university import University
from exporter.poller import Poller, Rounds
from exporter.settings import ApiLimits, Org
from exporter.snapshots import SnapshotStore
from exporter.telemetry import Telemetry

COURSES = 50
HOUR = timedelta(hours=1)


async def ask(app, *, encoding):
    """Ask an ASGI application for its page, and return the body."""
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
    """Return the CPU time of one answer in seconds."""
    began = time.process_time()
    for _ in range(times):
        await ask(app, encoding=encoding)
    return (time.process_time() - began) / times


@pytest.fixture(scope="module")
def applications():
    orgs = 20
    courses = figures.courses_for(20_000, orgs=orgs)
    return servers.ours(orgs, courses), servers.peer(orgs, courses)


def samples(body):
    return {
        (s.name, frozenset(s.labels.items())): s.value
        for family in text_string_to_metric_families(body.decode())
        for s in family.samples
        if "org" in s.labels
    }


async def test_the_page_has_every_figure_that_prometheus_client_serves(applications):
    ours, peer = applications
    found = samples(gzip.decompress(await ask(ours, encoding="gzip")))
    assert len(found) > 19_000
    assert found == samples(await ask(peer, encoding="identity"))


@pytest.mark.parametrize(("encoding", "times"), [("gzip", 50), ("identity", 10)])
async def test_a_scrape_takes_a_small_part_of_the_cpu_of_prometheus_client(
    applications, encoding, times
):
    ours, peer = applications
    await ask(ours, encoding=encoding)
    mine = await cpu(ours, encoding=encoding, times=100)
    theirs = await cpu(peer, encoding=encoding, times=2)
    assert theirs / mine > times


def test_nothing_is_left_of_figures_that_were_replaced(clock):
    often, once = SnapshotStore(), SnapshotStore()
    for turn in range(30):
        figures.put(often, clock, 0, COURSES, turn=turn)
    figures.put(once, clock, 0, COURSES, turn=29)
    assert often.pieces(catalog.METRICS) == once.pieces(catalog.METRICS)


async def test_requests_per_org_and_hour_are_those_that_check_tells(clock):
    recorder = Recorder()
    university = University(orgs=1, courses=COURSES)
    tenant = university.orgs[0]
    platform = build_platform(university, now=clock.now, recorder=recorder)
    with Background(platform) as running:
        org = Org(
            key=tenant.key,
            user_id=tenant.user_id,
            api_key=SecretStr(tenant.api_key),
            base_url=running.url,
            timezone=tenant.timezone,
        )
        hours = await polled(org, clock, recorder, hours=2)
    told = cost(org, courses=COURSES, page_size=ApiLimits().page_size).requests
    once_a_day = sum(collector.once_a_day for collector in collectors.of(org))
    every_hour = told - once_a_day / 24
    assert hours == pytest.approx([every_hour + once_a_day, every_hour])


async def polled(org, clock, recorder, *, hours):
    """Have the poller visit an org as its rhythms say; return the requests of each hour."""
    store = SnapshotStore()
    telemetry = Telemetry(store)
    client = ApiClient(Limits(rate_limit=1e6), telemetry, clock)
    poller = Poller(
        api=client, store=store, telemetry=telemetry, limits=ApiLimits(rate_limit=1e6), clock=clock
    )
    poller.set_orgs([org])
    start = clock.now()
    counts = Counter()
    for moment, place in sorted(visits(org, start, start + hours * HOUR)):
        clock.advance((moment - clock.now()).total_seconds())
        recorder.clear()
        await poller.run(org.key, collectors.of(org)[place])
        counts[(moment - start) // HOUR] += len(recorder.requests)
        assert telemetry.outcome(org.key, collectors.of(org)[place].name).success
    await poller.close()
    await client.aclose()
    return [counts[hour] for hour in range(hours)]


def visits(org, start, end):
    """Yield each moment at which a collector is due, and its place in the list."""
    for place, collector in enumerate(collectors.of(org)):
        rounds = Rounds(
            first=start,
            every=timedelta(seconds=collector.rhythm.seconds(org)),
            zone=org.zone,
            after_midnight=timedelta(seconds=5),
        )
        moment = rounds.get_next_fire_time(None, start)
        while moment < end:
            yield moment, place
            moment = rounds.get_next_fire_time(moment, start)
