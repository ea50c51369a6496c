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

from exporter import catalog
from exporter.api import endpoints
from exporter.exposition import Format, LineRenderer, page
from exporter.exposition.page import MetricsPage, deflate, gzip_member
from exporter.exposition.rendered import RenderedLines
from exporter.telemetry import Telemetry

READ = {Format.TEXT: read_text, Format.OPENMETRICS: read_openmetrics}


class NothingServed:
    """What telemetry needs of the renderer, for orgs without values."""

    def series(self, org, collector):
        return 0

    def dropped(self, org):
        return {}

    def window_end(self, org, collector):
        return None


@pytest.fixture
def lines():
    return RenderedLines()


@pytest.fixture
def telemetry(lines):
    return Telemetry(lines, NothingServed())


@pytest.fixture
def metrics(lines, telemetry, clock):
    return MetricsPage(lines, telemetry, clock)


def register(telemetry, org="acme", name="videos", endpoint=endpoints.VIDEOS_OVER_TIME):
    telemetry.register(org, {"org": org}, [(name, endpoint)], showing_up=[name])


def put(lines, *, org="acme", courses=2, value=7.0):
    """Write the lines of one collector."""
    renderer = LineRenderer({"org": org})
    metrics = {
        catalog.ACTIVE_USERS.at("7d"): {(): value},
        catalog.COURSE_ACTIVE_USERS.at("7d"): {(f"course-{n}",): value for n in range(courses)},
    }
    lines.write((org, "active_users"), {m.name: renderer.lines(m, r) for m, r in metrics.items()})


def values(body, form=Format.TEXT):
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
    metrics, lines, telemetry, form
):
    register(telemetry)
    put(lines)
    put(lines, org="globex")
    plain = values(await metrics.read(form, gzip=False), form)
    packed = values(gzip.decompress(await metrics.read(form, gzip=True)), form)
    assert plain == packed
    assert ("iblai_active_users_7d", (("org", "globex"),)) in plain


async def test_the_compressed_page_is_a_single_gzip_member(metrics, lines, clock):
    put(lines)
    reader = zlib.decompressobj(wbits=31)
    text = reader.decompress(await metrics.read(Format.TEXT, gzip=True)) + reader.flush()
    assert reader.eof
    assert reader.unused_data == b""
    assert b"process_start_time_seconds" in text


async def test_a_change_is_on_the_next_page(metrics, lines, clock):
    put(lines, value=1.0)
    await metrics.read(Format.TEXT, gzip=True)
    put(lines, value=2.0)
    clock.advance(1)
    found = values(gzip.decompress(await metrics.read(Format.TEXT, gzip=True)))
    assert found["iblai_active_users_7d", (("org", "acme"),)] == 2


async def test_lines_that_are_removed_are_gone_from_the_next_page(metrics, lines):
    put(lines)
    for gzipped in (False, True):
        await metrics.read(Format.TEXT, gzip=gzipped)
    lines.remove("acme")
    assert not values(await metrics.read(Format.TEXT, gzip=False))
    assert not values(gzip.decompress(await metrics.read(Format.TEXT, gzip=True)))


async def test_large_pages_are_compressed_in_a_thread_and_are_complete(metrics, lines, monkeypatch):
    monkeypatch.setattr(page, "_SMALL", 100)
    put(lines, courses=500)
    text = gzip.decompress(await metrics.read(Format.TEXT, gzip=True)).decode()
    assert len(values(text.encode())) == 501
    assert text.count("# TYPE iblai_course_active_users_7d gauge") == 1


@pytest.fixture
async def large(metrics, lines, clock, monkeypatch):
    """Return a way to read a page that takes long to render."""
    monkeypatch.setattr(page, "_SMALL", 100)
    put(lines, value=1.0)
    put(lines, org="globex")

    async def read():
        clock.advance(1)
        return values(gzip.decompress(await metrics.read(Format.TEXT, gzip=True)))

    await read()
    return read


async def test_a_scrape_of_a_large_page_does_not_wait_until_it_is_rendered_again(
    large, metrics, lines
):
    put(lines, value=2.0)
    key = "iblai_active_users_7d", (("org", "acme"),)
    assert (await large())[key] == 1
    await asyncio.gather(*metrics._making.values())
    assert (await large())[key] == 2


async def test_a_large_page_is_rendered_again_after_changes_of_own_metrics(
    large, metrics, telemetry
):
    register(telemetry)
    await large()
    await asyncio.gather(*metrics._making.values())
    assert ("iblai_up", (("org", "acme"),)) in await large()


async def test_removed_series_are_not_on_the_next_large_page(large, lines):
    lines.remove("globex")
    assert ("iblai_active_users_7d", (("org", "globex"),)) not in await large()


async def test_series_removed_while_a_large_page_is_rendered_are_not_on_it(
    large, metrics, lines, monkeypatch
):
    begun, go_on = threading.Event(), threading.Event()

    def slow(chunks, *, last):
        if not last:
            begun.set()
            go_on.wait(10)
        return deflate(chunks, last=last)

    monkeypatch.setattr(page, "deflate", slow)
    put(lines, value=2.0)
    metrics._begin(Format.TEXT)
    await asyncio.to_thread(begun.wait, 10)
    lines.remove("globex")
    reading = asyncio.create_task(large())
    await asyncio.sleep(0)
    go_on.set()
    assert ("iblai_active_users_7d", (("org", "globex"),)) not in await reading


async def test_own_metrics_of_many_orgs_are_rendered_without_blocking_the_event_loop(
    metrics, lines, telemetry
):
    orgs = [f"org-{number}" for number in range(3 * page._SLICE)]
    for org in orgs:
        register(telemetry, org)
    written = []
    lines.listeners.append(lambda: written.append(lines.generation))
    reading = asyncio.create_task(metrics.read(Format.TEXT, gzip=False))
    turns = []
    while not reading.done():
        turns.append(len(written))
        await asyncio.sleep(0)
    steps = [after - before for before, after in pairwise([*turns, len(written)])]
    assert max(steps) <= page._SLICE
    found = values(await reading)
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


async def test_a_page_is_compressed_once_however_often_it_is_read(metrics, lines, clock, deflated):
    put(lines)
    for _ in range(10):
        await metrics.read(Format.TEXT, gzip=True)
        await metrics.read(Format.TEXT, gzip=False)
        clock.advance(5)
    assert len(deflated) == 1


async def test_scrapes_during_rendering_share_one_page(metrics, lines, clock, deflated):
    put(lines)
    pages = await asyncio.gather(*(metrics.read(Format.TEXT, gzip=True) for _ in range(10)))
    assert len(deflated) == 1
    assert all(values(gzip.decompress(found)) for found in pages)


async def test_a_page_is_rendered_again_after_a_change_before_the_next_scrape(
    metrics, lines, clock, deflated
):
    put(lines, value=1.0)
    await metrics.read(Format.TEXT, gzip=True)
    put(lines, value=2.0)
    metrics._timer.cancel()
    metrics._remake()
    await asyncio.gather(*metrics._making.values())
    assert len(deflated) == 2
    await metrics.read(Format.TEXT, gzip=True)
    assert len(deflated) == 2


async def test_a_format_that_is_no_longer_scraped_is_no_longer_rendered(
    metrics, lines, clock, deflated
):
    put(lines)
    await metrics.read(Format.OPENMETRICS, gzip=True)
    clock.advance(page._UNREAD - 1)
    await metrics.read(Format.TEXT, gzip=True)
    clock.advance(2)
    put(lines, value=2.0)
    metrics._timer.cancel()
    metrics._remake()
    assert set(metrics._making) == {Format.TEXT}
    await asyncio.gather(*metrics._making.values())
    found = values(await metrics.read(Format.OPENMETRICS, gzip=False), Format.OPENMETRICS)
    assert found["iblai_active_users_7d", (("org", "acme"),)] == 2


async def test_the_page_of_one_org_has_current_counters(metrics, lines, telemetry):
    register(telemetry)
    metrics.read_org("acme", Format.TEXT, gzip=False)
    telemetry.requested("acme", "videos_over_time", "200", 0.1)
    found = values(metrics.read_org("acme", Format.TEXT, gzip=False))
    key = (("code", "200"), ("org", "acme"))
    assert found["iblai_api_requests_total", key] == 1


async def test_the_page_of_one_org_contains_no_other(metrics, lines, clock):
    put(lines, org="acme")
    put(lines, org="globex")
    for form in Format:
        body = metrics.read_org("globex", form, gzip=False)
        found = values(body, form)
        assert found
        assert all(dict(labels)["org"] == "globex" for _, labels in found)
        assert gzip.decompress(metrics.read_org("globex", form, gzip=True)) == body


ORG_METRICS = [metric for metric in catalog.METRICS if "org" in metric.labels]
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=True)


@st.composite
def values_of_orgs(draw):
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


@given(given_values=values_of_orgs(), form=st.sampled_from(Format), packed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_whole_page_is_byte_for_byte_what_prometheus_client_writes(
    clock, given_values, form, packed
):
    found, constants = given_values
    lines = RenderedLines()
    telemetry = Telemetry(lines, NothingServed())
    metrics = MetricsPage(lines, telemetry, clock)
    for org, families in found.items():
        renderer = LineRenderer(constants[org])
        rows = {m.name: renderer.lines(m, given) for m, given in families if given}
        lines.write((org, "writer"), rows)
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


async def test_a_scrape_ends_although_series_are_removed_all_the_time(metrics, lines):
    families = lines.families

    def removing(wanted):
        lines.write(("acme", "videos"), {"iblai_course_videos": b"x 1\n"}, removed=True)
        return families(wanted)

    lines.families = removing
    await metrics.read(Format.TEXT, gzip=True)
    lines.write(("acme", "videos"), {}, removed=True)
    assert await asyncio.wait_for(metrics.read(Format.TEXT, gzip=True), 5)
