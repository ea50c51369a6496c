import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from exporter import catalog
from exporter.catalog import Area, Metric
from exporter.exposition import Format, LineRenderer, header, negotiate

METRIC = Metric(
    "iblai_thing", 'Help with "quotes", \\ and\na newline.', ("org", "zone", "a"), Area.COURSES
)

label = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
floats = st.floats(allow_nan=True, allow_infinity=True)


def ours(rows, constants, form):
    end = b"# EOF\n" if form is Format.OPENMETRICS else b""
    return header(METRIC, form) + LineRenderer(constants).lines(METRIC, rows) + end


def theirs(rows, constants, form):
    class Once:
        def collect(self):
            names = [*constants, *(n for n in METRIC.labels if n not in constants)]
            family = GaugeMetricFamily(METRIC.name, METRIC.help, labels=names)
            for own, value in rows.items():
                family.add_metric([*constants.values(), *own], value)
            yield family

    registry = CollectorRegistry()
    registry.register(Once())
    return (generate_openmetrics if form is Format.OPENMETRICS else generate_latest)(registry)


@given(
    rows=st.dictionaries(st.tuples(label, label), floats, min_size=1, max_size=5),
    org=label,
    extra=st.dictionaries(st.sampled_from(["campus", "zz", "Aa"]), label),
    form=st.sampled_from(Format),
)
def test_text_is_byte_for_byte_what_prometheus_client_writes(rows, org, extra, form):
    constants = {"org": org, **extra}
    assert ours(rows, constants, form) == theirs(rows, constants, form)


@given(value=label)
def test_any_label_value_survives_a_parser(value):
    text = LineRenderer({"org": value}).lines(METRIC, {("x", "y"): 1.0}).decode()
    family = next(iter(text_string_to_metric_families(text)))
    assert family.samples[0].labels == {"org": value, "zone": "x", "a": "y"}


def test_a_percent_sign_is_a_character_like_others():
    assert LineRenderer({"org": "100%d"}).lines(METRIC, {("%s", "%"): 1.0}) == (
        b'iblai_thing{a="%",org="100%d",zone="%s"} 1.0\n'
    )


def test_a_metric_without_labels_has_no_braces():
    metric = Metric("iblai_x", "X.", (), Area.EXPORTER)
    assert LineRenderer({}).lines(metric, {(): math.inf}) == b"iblai_x +Inf\n"


def test_metrics_about_the_same_courses_share_rendered_labels():
    renderer = LineRenderer({"org": "acme"})
    rows = {("bio",): 1.0, ("art",): 2.0}
    for name in ("iblai_x", "iblai_y"):
        metric = Metric(name, "X.", ("org", "course_id"), Area.COURSES)
        text = "".join(
            f'{name}{{course_id="{course}",org="acme"}} {value}\n'
            for (course,), value in rows.items()
        )
        assert renderer.lines(metric, rows).decode() == text


PLAIN = "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/html", PLAIN),
        ("text/plain;version=0.0.4", PLAIN),
        ("text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8"),
        (
            "text/plain;version=1.0.0;escaping=allow-utf-8",
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (
            "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        (
            "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
        ),
        ("application/openmetrics-text;version=9,text/plain;q=0.1", PLAIN),
        ("application/openmetrics-text;q=0", PLAIN),
        ("application/openmetrics-text;q=much", PLAIN),
    ],
)
def test_the_format_is_negotiated(accept, content_type):
    assert negotiate(accept).content_type == content_type


@pytest.mark.parametrize(
    "accept",
    [
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        ),
        "text/plain;version=1.0.0;escaping=underscores",
        "text/plain",
    ],
)
def test_the_content_type_is_that_of_prometheus_client(accept):
    assert negotiate(accept).content_type == choose_encoder(accept)[1]


def test_every_metric_of_the_catalog_has_the_header_prometheus_client_would_write():
    for metric in catalog.METRICS:
        assert header(metric, Format.TEXT).startswith(b"# HELP " + metric.name.encode())
        assert header(metric, Format.TEXT).endswith(f" {metric.kind}\n".encode())
