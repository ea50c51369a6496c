import asyncio
import gzip
import threading
import zlib
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from exporter import catalog, page
from exporter.api import endpoints
from exporter.exposition import Format, Pen
from exporter.page import MetricsPage, deflate, gzip_member
from exporter.samples import Samples
from exporter.snapshots import Snapshot, SnapshotStore, render
from exporter.telemetry import Telemetry

READ = {Format.TEXT: read_text, Format.OPENMETRICS: read_openmetrics}


@pytest.fixture
def metrics(store, telemetry, clock):
    return MetricsPage(store, telemetry, clock)


def put(store, clock, *, org="acme", courses=2, value=7.0, expires=100.0):
    samples = Samples()
    samples.add(catalog.ACTIVE_USERS.at("7d"), value)
    for course in range(courses):
        samples.add(catalog.COURSE_ACTIVE_USERS.at("7d"), value, f"course-{course}")
    store.put(
        Snapshot(
            org,
            "active_users",
            clock.now(),
            clock.monotonic() + expires,
            render(samples, {"org": org}),
            len(samples),
            {f"course-{course}": "A name" for course in range(courses)},
            {},
        ),
        {"org": org},
    )


def figures(body, form=Format.TEXT):
    found = {}
    for family in READ[form](body.decode()):
        for sample in family.samples:
            if sample.name.startswith("iblai_") and "org" in sample.labels:
                key = sample.name, tuple(sorted(sample.labels.items()))
                assert key not in found, "a series twice"
                found[key] = sample.value
    return found


@pytest.mark.parametrize("form", Format)
async def test_plain_and_compressed_pages_say_the_same_in_every_format(
    metrics, store, telemetry, clock, form
):
    telemetry.watch("acme", {"org": "acme"}, [("active_users", endpoints.ACTIVE_USERS_PER_COURSE)])
    put(store, clock)
    put(store, clock, org="globex")
    plain = figures(await metrics.read(form, gzip=False), form)
    packed = figures(gzip.decompress(await metrics.read(form, gzip=True)), form)
    assert plain == packed
    assert ("iblai_active_users_7d", (("org", "globex"),)) in plain


async def test_the_compressed_page_is_one_member_that_every_client_reads_whole(
    metrics, store, clock
):
    put(store, clock)
    reader = zlib.decompressobj(wbits=31)
    text = reader.decompress(await metrics.read(Format.TEXT, gzip=True)) + reader.flush()
    assert reader.eof
    assert reader.unused_data == b""
    assert b"process_start_time_seconds" in text


async def test_a_change_is_seen_by_the_next_reader(metrics, store, clock):
    put(store, clock, value=1.0)
    await metrics.read(Format.TEXT, gzip=True)
    put(store, clock, value=2.0)
    clock.advance(1)
    found = figures(gzip.decompress(await metrics.read(Format.TEXT, gzip=True)))
    assert found["iblai_active_users_7d", (("org", "acme"),)] == 2


async def test_figures_whose_time_is_over_are_gone_without_any_visit(metrics, store, clock):
    put(store, clock, expires=60)
    assert figures(await metrics.read(Format.TEXT, gzip=False))
    clock.advance(61)
    found = figures(await metrics.read(Format.TEXT, gzip=False))
    assert not [name for name, _ in found if name.startswith("iblai_active")]


async def test_large_pages_are_made_in_a_thread_and_are_whole_too(
    metrics, store, clock, monkeypatch
):
    monkeypatch.setattr(page, "_SMALL", 100)
    put(store, clock, courses=500)
    text = gzip.decompress(await metrics.read(Format.TEXT, gzip=True)).decode()
    assert len(figures(text.encode())) == 1001
    assert text.count("# TYPE iblai_course_active_users_7d gauge") == 1


@pytest.fixture
async def large(metrics, store, clock, monkeypatch):
    """Return a way to read a page that takes long to be put together, as a page of figures."""
    monkeypatch.setattr(page, "_SMALL", 100)
    put(store, clock, value=1.0)
    put(store, clock, org="globex")

    async def read():
        clock.advance(1)
        return figures(gzip.decompress(await metrics.read(Format.TEXT, gzip=True)))

    await read()
    return read


async def test_whoever_reads_a_large_page_does_not_wait_until_it_is_put_together_anew(
    large, metrics, store, clock
):
    put(store, clock, value=2.0)
    key = "iblai_active_users_7d", (("org", "acme"),)
    assert (await large())[key] == 1
    await asyncio.gather(*metrics._making.values())
    assert (await large())[key] == 2


async def test_a_large_page_tells_of_visits_that_brought_nothing_too(large, metrics, telemetry):
    telemetry.watch("acme", {"org": "acme"}, [("videos", endpoints.VIDEOS_OVER_TIME)])
    await large()
    await asyncio.gather(*metrics._making.values())
    assert ("iblai_up", (("org", "acme"),)) in await large()


async def test_what_was_taken_out_is_not_on_the_next_large_page(large, store):
    store.drop("globex")
    assert ("iblai_active_users_7d", (("org", "globex"),)) not in await large()


async def test_what_is_taken_out_while_a_large_page_is_made_is_not_on_it(
    large, metrics, store, clock, monkeypatch
):
    begun, go_on = threading.Event(), threading.Event()

    def slow(chunks, *, last):
        if not last:
            begun.set()
            go_on.wait(10)
        return deflate(chunks, last=last)

    monkeypatch.setattr(page, "deflate", slow)
    put(store, clock, value=2.0)
    metrics._begin(Format.TEXT)
    await asyncio.to_thread(begun.wait, 10)
    store.drop("globex")
    reading = asyncio.create_task(large())
    await asyncio.sleep(0)
    go_on.set()
    assert ("iblai_active_users_7d", (("org", "globex"),)) not in await reading


async def test_own_metrics_of_many_orgs_are_written_while_others_have_their_turn(
    metrics, store, telemetry, clock
):
    orgs = [f"org-{number}" for number in range(3 * page._SLICE)]
    for org in orgs:
        telemetry.watch(org, {"org": org}, [("videos", endpoints.VIDEOS_OVER_TIME)])
    written = []
    store.listeners.append(lambda: written.append(store.generation))
    reading = asyncio.create_task(metrics.read(Format.TEXT, gzip=False))
    turns = []
    while not reading.done():
        turns.append(len(written))
        await asyncio.sleep(0)
    steps = [after - before for before, after in pairwise([*turns, len(written)])]
    assert max(steps) <= page._SLICE
    found = figures(await reading)
    assert {dict(labels)["org"] for name, labels in found if name == "iblai_up"} == set(orgs)


@pytest.fixture
def deflated(monkeypatch):
    """Count the pages that are compressed."""
    made = []

    def counting(chunks, *, last):
        if not last:
            made.append(chunks)
        return deflate(chunks, last=last)

    monkeypatch.setattr(page, "deflate", counting)
    return made


async def test_a_page_is_compressed_once_however_often_it_is_read(metrics, store, clock, deflated):
    put(store, clock)
    for _ in range(10):
        await metrics.read(Format.TEXT, gzip=True)
        await metrics.read(Format.TEXT, gzip=False)
        clock.advance(5)
    assert len(deflated) == 1


async def test_whoever_reads_while_a_page_is_made_waits_for_that_one(
    metrics, store, clock, deflated
):
    put(store, clock)
    pages = await asyncio.gather(*(metrics.read(Format.TEXT, gzip=True) for _ in range(10)))
    assert len(deflated) == 1
    assert all(figures(gzip.decompress(found)) for found in pages)


async def test_a_page_is_made_again_after_a_change_before_anybody_asks(
    metrics, store, clock, deflated
):
    put(store, clock, value=1.0)
    await metrics.read(Format.TEXT, gzip=True)
    put(store, clock, value=2.0)
    metrics._timer.cancel()
    metrics._remake()
    await asyncio.gather(*metrics._making.values())
    assert len(deflated) == 2
    await metrics.read(Format.TEXT, gzip=True)
    assert len(deflated) == 2


async def test_a_format_that_nobody_reads_any_more_is_no_longer_made(
    metrics, store, clock, deflated
):
    put(store, clock)
    await metrics.read(Format.OPENMETRICS, gzip=True)
    clock.advance(page._UNREAD - 1)
    await metrics.read(Format.TEXT, gzip=True)
    clock.advance(2)
    put(store, clock, value=2.0)
    metrics._timer.cancel()
    metrics._remake()
    assert set(metrics._making) == {Format.TEXT}
    await asyncio.gather(*metrics._making.values())
    found = figures(await metrics.read(Format.OPENMETRICS, gzip=False), Format.OPENMETRICS)
    assert found["iblai_active_users_7d", (("org", "acme"),)] == 2


async def test_the_page_of_one_org_tells_what_was_counted_a_moment_ago(
    metrics, store, telemetry, clock
):
    telemetry.watch("acme", {"org": "acme"}, [("videos", endpoints.VIDEOS_OVER_TIME)])
    metrics.read_org("acme", Format.TEXT, gzip=False)
    telemetry.requested("acme", "videos_over_time", "200", 0.1)
    found = figures(metrics.read_org("acme", Format.TEXT, gzip=False))
    key = (("code", "200"), ("endpoint", "videos_over_time"), ("org", "acme"))
    assert found["iblai_api_requests_total", key] == 1


async def test_the_page_of_one_org_holds_no_other(metrics, store, clock):
    put(store, clock, org="acme")
    put(store, clock, org="globex")
    for form in Format:
        body = metrics.read_org("globex", form, gzip=False)
        found = figures(body, form)
        assert found
        assert all(dict(labels)["org"] == "globex" for _, labels in found)
        assert gzip.decompress(metrics.read_org("globex", form, gzip=True)) == body


ORG_METRICS = [metric for metric in catalog.METRICS if "org" in metric.labels]
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=True)


@st.composite
def figures_of_orgs(draw):
    """Return values by org, metric and labels; the constants of each org beside them."""
    orgs = draw(st.lists(words, min_size=1, max_size=3, unique=True))
    extra = draw(st.dictionaries(st.sampled_from(["campus", "Zone"]), words))
    found = {}
    for org in orgs:
        metrics = draw(st.lists(st.sampled_from(ORG_METRICS), max_size=5, unique=True))
        found[org] = [
            (
                m,
                draw(
                    st.dictionaries(st.tuples(*[words] * (len(m.labels) - 1)), floats, max_size=3)
                ),
            )
            for m in metrics
        ]
    return found, {org: {"org": org, **extra} for org in orgs}


class Families:
    """The same figures as families of prometheus-client, in the order of the catalog."""

    def __init__(self, found, constants):
        self._found = found
        self._constants = constants

    def collect(self):
        for metric in ORG_METRICS:
            family = Family(metric.name.removesuffix("_total"), metric.help, str(metric.kind))
            for org, families in self._found.items():
                for other, rows in families:
                    for labels, value in rows.items() if other is metric else ():
                        own = zip(metric.labels[1:], labels, strict=True)
                        family.add_sample(metric.name, {**self._constants[org], **dict(own)}, value)
            if family.samples:
                yield family


@given(given_figures=figures_of_orgs(), form=st.sampled_from(Format), packed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_whole_page_is_byte_for_byte_what_prometheus_client_writes(
    clock, given_figures, form, packed
):
    found, constants = given_figures
    store = SnapshotStore()
    telemetry = Telemetry(store)
    metrics = MetricsPage(store, telemetry, clock)
    for org, families in found.items():
        pen = Pen(constants[org])
        rows = {m.name: pen.lines(m, given) for m, given in families if given}
        store.write((org, "writer"), rows)
    telemetry.process_text = lambda _: b"# EOF\n" if form is Format.OPENMETRICS else b""
    page = asyncio.run(metrics.read(form, gzip=packed))
    registry = CollectorRegistry()
    registry.register(Families(found, constants))
    write = generate_openmetrics if form is Format.OPENMETRICS else generate_latest
    assert (gzip.decompress(page) if packed else page) == write(registry)


@given(st.lists(st.binary(max_size=2000), max_size=5), st.binary(max_size=2000))
def test_two_pieces_are_one_gzip_member(chunks, tail):
    packed = gzip_member(deflate(chunks, last=False), deflate([tail], last=True))
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(packed) + reader.flush() == b"".join(chunks) + tail
    assert reader.eof
    assert not reader.unused_data
