"""Every query of every dashboard, asked of a real Prometheus that scrapes the demo."""

import http.server
import itertools
import json
import re
import sys
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families as read_text

from exporter.catalog import METRICS, Kind
from grafana import build, links, lint, style
from tests.grafana import queries
from tests.integration.conftest import Exporter, Prometheus, free_port, until

ALL = ".+"
SINCE = 20
STEP = 5
FORTNIGHT, GRAFANAS_STEP = 14 * 24 * 3600, 30 * 60
"""The default time range, and the step that Grafana takes for it."""

REQUESTS = "sum by (job, instance) (rate(iblai_api_requests_total[1m]))"
RULE = """
groups:
  - name: fires
    rules:
      - alert: IblaiTest
        expr: max by (org) (iblai_up) == 1
        labels: {severity: warning, window: 7d}
"""
CONFIG = """
global: {scrape_interval: %s, scrape_timeout: %s, evaluation_interval: 1s}
rule_files: [%s]
scrape_configs:
"""
JOB = """
  - {job_name: %s, static_configs: [{targets: [%s]}]}
"""

WITHOUT_FAULTS = "there are no faults"
WITHOUT_HISTORY = "it compares with a week ago"
MAY_BE_EMPTY = {
    (links.HEALTH, "Unreadable responses per hour"): WITHOUT_FAULTS,
    (links.HEALTH, "Orgs failing by collector"): WITHOUT_FAULTS,
    (links.HEALTH, "Share of requests failing by org"): WITHOUT_FAULTS,
    (links.HEALTH, "Items failing by collector"): WITHOUT_FAULTS,
    (links.ORG, "Courses that dropped most"): WITHOUT_HISTORY,
    (links.ORG, "Agents that dropped most"): WITHOUT_HISTORY,
    (links.COURSE, "Active users vs. a week earlier"): WITHOUT_HISTORY,
}
"""Panels that may be empty, and why."""


def boards():
    return [json.loads(text) for _, text in build.documents()]


def config(path, jobs, *, every="3s"):
    rules = path / "rules.yml"
    rules.write_text(RULE)
    text = CONFIG % (every, every, rules)
    return text + "".join(JOB % (name, ", ".join(targets)) for name, targets in jobs.items())


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two exporters of the same orgs."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    drop = ("--drop", "acme:8:0.6")
    with Exporter("demo", *drop, cwd=first) as one, Exporter("demo", *drop, cwd=second) as two:
        yield one.wait(), two.wait()


@pytest.fixture(scope="module")
def prometheus(pair, tmp_path_factory):
    """A Prometheus that scrapes one of the two by two jobs, and the other by one."""
    one, two = (process.url.removeprefix("http://") for process in pair)
    path = tmp_path_factory.mktemp("prometheus")
    with Prometheus(config(path, {"a": [one, two], "b": [one]}), cwd=path) as process:
        process.wait()
        until(
            lambda: len(process.query("iblai_course_unenrollments_28d")) >= 3 * 3 * 12,
            within=120,
            what="values of all courses of all orgs from three scrapes",
        )
        until(
            lambda: min(process.query("min(iblai_collector_success)").values(), default=0) == 1,
            within=120,
            what="a success of every collector",
        )
        until(
            lambda: len(process.query("iblai_active_users_1d_expected_low")) >= 3 * 3,
            within=120,
            what="expected ranges",
        )
        until(lambda: process.query('ALERTS{alertstate="firing"}'), what="an alert")
        until(
            lambda: min(process.query(REQUESTS).values(), default=0) > 0,
            within=60,
            what="a poll of today's values between two scrapes",
        )
        yield process


def offered(process, dashboard, chosen):
    """Return what each variable that asks Prometheus would offer, as text by value."""
    found = {}
    for name, function, expression, label in queries.variable_queries(dashboard):
        asked = queries.substituted(expression, chosen)
        if function == "label_values":
            values = process.get(f"label/{label}/values", **{"match[]": asked})
            found[name] = {value: value for value in values}
        else:
            regex = next(v["regex"] for v in lint.variables(dashboard) if v["name"] == name)
            pattern = re.compile(regex.strip("/").replace("(?<", "(?P<"))
            rows = process.get("query", query=asked)["result"]
            matches = [pattern.search(printed(row)) for row in rows]
            found[name] = {match["value"]: match["text"] for match in matches}
    return found


def printed(row):
    """Return a sample as Grafana prints it for the regular expression of a variable."""
    labels = ",".join(f'{name}="{value}"' for name, value in row["metric"].items())
    return f"{{{labels}}} {row['value'][1]} {row['value'][0] * 1000}"


def chosen(dashboard, **values):
    text = {"job": ALL, "instance": ALL, "org": ALL, "course": ""}
    text |= {"__rate_interval": "1m", "__interval": f"{STEP}s"}
    text |= {name: queries.escaped([value], several=False) for name, value in values.items()}
    return text


def says_nothing(target):
    """Return whether a query makes the row of a table that has no other."""
    return target["expr"].startswith("label_replace(vector(0) unless")


def wanted_labels(panel, target):
    """Return the labels that a panel needs of the answer to a query."""
    if says_nothing(target):
        return set()
    if panel["type"] != "table":
        return set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
    renamed = next(s for s in panel["transformations"] if s["id"] == "organize")["options"]
    columns = [name for name in renamed["renameByName"] if not name.startswith("Value")]
    some = {"course_name", "mentor_name", "figure", "metric", "window"}  # of one query of several
    some |= {"revision"}  # of an image
    return set(columns) - some


def ask(process, target, asked):
    """Return the result of a query and the seconds that it took."""
    now = time.time()
    end = now // STEP * STEP
    span = {"start": end - SINCE, "end": end, "step": f"{STEP}s"}
    began = time.perf_counter()
    if target["instant"]:
        result = process.get("query", query=asked, time=now)["result"]
    else:
        result = process.get("query_range", query=asked, **span)["result"]
    return result, time.perf_counter() - began


def marked(process, marks, choice):
    """Return what an annotation marks in the last hour."""
    return process.get(
        "query_range",
        query=queries.substituted(marks["expr"], choice),
        start=time.time() - 3600,
        end=time.time(),
        step=f"{STEP}s",
    )["result"]


def ask_all(process, dashboard, choice, *, most=None):
    """Yield panel, target, result and seconds of every query, for every or `most` choices.

    Queries that do not depend on what is chosen are asked once.
    """
    known = {}
    for names in itertools.islice(queries.choices(dashboard), most):
        for panel in lint.panels(dashboard):
            for target in panel["targets"]:
                asked = queries.substituted(target["expr"], {**choice, **names})
                key = asked, target["instant"]
                if key not in known:
                    known[key] = ask(process, target, asked)
                yield panel, target, *known[key]


def one_of_each(process, dashboard):
    """Return a choice of everything at once, and one of a single org and course."""
    everything = chosen(dashboard)
    if dashboard["uid"] != links.COURSE:
        return [everything, chosen(dashboard, org="acme")]
    offers = offered(process, dashboard, chosen(dashboard, org="acme"))
    return [chosen(dashboard, org="acme", course=course) for course in offers["course"]]


@pytest.mark.parametrize("dashboard", boards(), ids=lambda board: board["uid"])
def test_every_panel_has_what_it_shows(prometheus, dashboard, report):
    slowest = 0.0, ""
    panels, shown = set(), set()
    for choice in one_of_each(prometheus, dashboard):
        for panel, target, result, seconds in ask_all(prometheus, dashboard, choice):
            slowest = max(slowest, (seconds, panel["title"]))
            panels.add((dashboard["uid"], panel["title"]))
            if result:
                shown.add((dashboard["uid"], panel["title"]))
            for row in result:
                assert wanted_labels(panel, target) <= set(row["metric"]), panel["title"]
    assert panels - shown <= set(MAY_BE_EMPTY)
    report("slowest query of 3 orgs: {:.3f} s, {}".format(*slowest))


@pytest.mark.parametrize("dashboard", boards(), ids=lambda board: board["uid"])
def test_every_variable_offers_something(prometheus, dashboard):
    offers = offered(prometheus, dashboard, chosen(dashboard, org="acme"))
    assert all(offers.values())
    assert set(offers.get("org", ["acme"])) >= {"acme"}


def test_a_course_is_chosen_by_its_name_whatever_the_name_holds(prometheus, pair):
    dashboard = next(board for board in boards() if board["uid"] == links.COURSE)
    offers = offered(prometheus, dashboard, chosen(dashboard, org="acme"))
    infos = [s for s in samples(pair[0]) if s.name == "iblai_course_info"]
    names = {
        s.labels["course_id"]: s.labels["course_name"] or s.labels["course_id"]
        for s in infos
        if s.labels["org"] == "acme"
    }
    assert offers["course"] == names
    assert any('"' in name for name in names.values())


@pytest.fixture
def report(capsys):
    """Return a way to say something that is read when all goes well, too."""

    def say(text):
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return say


def samples(exporter):
    return [s for family in read_text(exporter.metrics()) for s in family.samples]


@pytest.mark.parametrize("measure", style.HEADLINES, ids=lambda measure: measure.source.name)
def test_two_exporters_and_two_jobs_count_nothing_twice(prometheus, pair, measure):
    exported = {(s.name, s.labels.get("org")): s.value for s in samples(pair[0])}
    orgs = {org for name, org in exported if name == "iblai_up"}
    for panel, window in zip(headlines(measure), ("1d", "7d"), strict=True):
        name = f"iblai_{measure.source.name}_{window}"
        weight = f"iblai_{measure.weight.name}_{window}" if measure.weight else ""
        weights = {org: exported[weight, org] if weight else 1.0 for org in orgs}
        total = sum(exported[name, org] * weights[org] for org in orgs)
        expected = total / sum(weights.values()) if weight else total
        ((labels, shown),) = now(prometheus, panel["targets"][0]).items()
        assert shown == pytest.approx(expected)
        assert dict(labels) == {"included": "3", "of": "3"}


def dashboard_of(uid):
    return next(board for board in boards() if board["uid"] == uid)


def headlines(measure):
    """Return the panels of yesterday and of 7 days."""
    overview = dashboard_of(links.OVERVIEW)
    return [panel for panel in lint.panels(overview) if panel["title"] == measure.title]


def now(process, target, *, uid=links.OVERVIEW, window="7d", **values):
    """Return what a query comes to at the end of the time range, by labels."""
    choice = {**chosen(dashboard_of(uid), **values), "window": window, "figure": "active_users"}
    rows, _ = ask(process, target, queries.substituted(target["expr"], choice))
    return {
        frozenset(row["metric"].items()): float((row.get("value") or row["values"][-1])[1])
        for row in rows
    }


def test_two_jobs_do_not_double_the_requests_of_an_exporter(prometheus):
    health = next(board for board in boards() if board["uid"] == links.HEALTH)
    panel = next(p for p in lint.panels(health) if p["title"].startswith("Requests to the API"))
    asked = panel["targets"][0]["expr"]
    at = time.time()

    def rate(job):
        choice = {**chosen(health), "job": job}
        return sum(prometheus.query(queries.substituted(asked, choice), time=at).values())

    # The larger of the two counts for each series, whatever a few samples of each make of it.
    alone = rate("a"), rate("b")
    assert 0 < max(alone) <= rate("a|b") < 0.9 * sum(alone)


def test_the_table_of_drops_names_the_org_its_metrics_and_since_when(prometheus):
    panel = next(
        p
        for p in lint.panels(dashboard_of(links.OVERVIEW))
        if p["title"] == "Orgs needing attention"
    )
    found = {}
    for target, title in zip(panel["targets"], value_columns(panel), strict=True):
        found[title] = {
            (dict(labels)["org"], dict(labels)["figure"]): value
            for labels, value in now(prometheus, target).items()
        }
    assert {org for org, _ in found["Worst"]} == {"acme"}
    assert ("acme", "active_users") in found["Worst"]
    assert set(found["7 days"]) <= set(found["Worst"])
    assert -0.9 < found["7 days"]["acme", "active_users"] < -0.3
    assert min(found["Worst"].values()) < -0.3
    for seconds in found["For"].values():
        assert 0 < seconds < 2.5 * 24 * 3600
    assert found["Nothing"] == {}
    worst = panel["targets"][value_columns(panel).index("Worst")]
    titles = {dict(labels)["metric"] for labels in now(prometheus, worst)}
    assert "Active users" in titles


def test_the_org_that_dropped_is_the_first_of_all_orgs(prometheus):
    panel = next(p for p in lint.panels(dashboard_of(links.OVERVIEW)) if p["title"] == "Orgs")
    worst = dict(zip(value_columns(panel), panel["targets"], strict=True))["Worst"]
    shares = {dict(labels)["org"]: share for labels, share in now(prometheus, worst).items()}
    assert min(shares, key=shares.get) == "acme"
    assert shares["acme"] < -0.3 < min(shares["globex"], shares["initech"])


@pytest.mark.parametrize("figure", [measure.source.name for measure in style.WATCHED])
def test_an_alert_opens_the_chart_of_its_measure_with_the_expected_range(prometheus, figure):
    org = dashboard_of(links.ORG)
    panel = next(p for p in lint.panels(org) if p["title"].startswith("${figure:text} vs."))
    choice = {**chosen(org, org="acme"), "window": "7d", "figure": figure}
    value, expected, low = (
        ask(prometheus, target, queries.substituted(target["expr"], choice))[0]
        for target in panel["targets"]
    )
    assert len(value) == len(expected) == len(low) == 1
    last = [float(rows[0]["values"][-1][1]) for rows in (value, low, expected)]
    assert last[1] < last[2]
    (marks,) = (a for a in org["annotations"]["list"] if a["name"] == panel["title"])
    begins = marked(prometheus, marks, choice)
    assert len(begins) == (1 if last[0] < last[1] else 0)
    for row in begins:
        assert len(row["values"]) == 1


def test_without_history_charts_show_data_in_a_fortnight_as_grafana_asks_for_it(prometheus):
    for dashboard in boards():
        steps = {"__interval": f"{GRAFANAS_STEP}s", "__rate_interval": f"{GRAFANAS_STEP + 15}s"}
        choice = chosen(dashboard)
        if dashboard["uid"] == links.COURSE:
            choice = one_of_each(prometheus, dashboard)[0]
        end = time.time() // GRAFANAS_STEP * GRAFANAS_STEP
        empty = set()
        for panel in lint.panels(dashboard):
            if panel["type"] != "timeseries":
                continue
            names = next(iter(queries.choices(dashboard)))
            asked = queries.substituted(panel["targets"][0]["expr"], {**choice, **steps, **names})
            result = prometheus.get(
                "query_range",
                query=asked,
                start=end - FORTNIGHT,
                end=end,
                step=f"{GRAFANAS_STEP}s",
            )["result"]
            if not result:
                empty.add((dashboard["uid"], panel["title"]))
        assert empty <= set(MAY_BE_EMPTY)


def value_columns(panel):
    renamed = next(s for s in panel["transformations"] if s["id"] == "organize")["options"]
    return [title for name, title in renamed["renameByName"].items() if name.startswith("Value")]


def test_alerts_that_fire_are_listed_and_marked_once_on_health(prometheus):
    health = dashboard_of(links.HEALTH)
    choice = chosen(health)
    table = next(p for p in lint.panels(health) if p["title"] == "Firing alerts")
    shown = prometheus.query(queries.substituted(table["targets"][0]["expr"], choice))
    assert {dict(labels)["alertname"] for labels in shown} == {"IblaiTest"}
    (marks,) = health["annotations"]["list"]
    rows = marked(prometheus, marks, choice)
    assert [len(row["values"]) for row in rows] == [1]


ORGS, COURSES = 1000, 5


def page():
    """Return the exposition of many orgs: every gauge that is asked for, made-up values."""
    lines = []
    asked = {
        name
        for board in boards()
        for _, query in queries.expressions(board, chosen(board))
        for name in queries.metrics(query)
    }
    parts = {
        "course_id": [f"course-v1:Org+C{n}+2026" for n in range(COURSES)],
        "course_name": ["Course"],
        "mentor_id": ["mentor-1"],
        "sentiment": ["positive", "neutral", "negative"],
        "mentor_name": ["Tutor"],
        "generation": ["seeds"],
        "reason": ["series_limit"],
        **{part: [f"{part} {n}" for n in range(12)] for part in ("topic", "model", "provider")},
        "agent": ["Study Coach"],
        "collector": ["active_users", "chat", "enrollments", "videos"],
    }
    for metric in METRICS:
        if metric.name in asked and metric.kind is Kind.GAUGE and "org" in metric.labels:
            lines.append(f"# TYPE {metric.name} gauge")
            others = [label for label in metric.labels if label != "org"]
            for n, values in itertools.product(
                range(ORGS), list(itertools.product(*(parts[label] for label in others)))
            ):
                labels = "".join(f',{k}="{v}"' for k, v in zip(others, values, strict=True))
                lines.append(f'{metric.name}{{org="org-{n:04}"{labels}}} {1 + n % 97}')
    return "\n".join(lines).encode() + b"\n"


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A Prometheus that knows a thousand orgs."""
    body = page()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = tmp_path_factory.mktemp("crowd")
    target = "{}:{}".format(*server.server_address)
    with Prometheus(config(path, {"a": [target]}, every="60s"), cwd=path) as process:
        process.wait()
        until(lambda: len(process.query("iblai_up")) == ORGS, within=240, what="a thousand orgs")
        yield process
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("dashboard", boards(), ids=lambda board: board["uid"])
def test_with_a_thousand_orgs_panels_stay_bounded(crowd, dashboard, report):
    choice = chosen(dashboard)
    if dashboard["uid"] == links.COURSE:
        choice = chosen(dashboard, org="org-0007", course="course-v1:Org+C1+2026")
    took = []
    for panel, _, result, seconds in ask_all(crowd, dashboard, choice, most=2):
        took.append((seconds, panel["title"]))
        if panel["type"] != "table":
            assert len(result) <= 30, panel["title"]
        assert len(result) <= ORGS, panel["title"]
    report("slowest query of {} orgs: {:.3f} s, {}".format(ORGS, *max(took)))
    assert len(took) > 10
