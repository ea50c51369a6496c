import itertools
import json
import re
import shutil
import subprocess

import pytest

from deploy.prometheus import drops
from exporter.catalog import METRICS, Kind
from exporter.collectors import COLLECTORS, Rhythm
from grafana import build, links, lint, shared, style
from tests.grafana import queries

ANY = {
    "org": ".+",
    "job": ".+",
    "instance": ".+",
    "course": "course-v1:Acme+Bio101+2026",
    "__rate_interval": "4m",
}
CONTENT = 1440 - 300 - 2 * 16
"""Pixels that Grafana leaves to panels beside its menu."""

PADDING = 8 + 2 * 8
UNSIZED = 150
"""Pixels of a column that does not say how many it wants."""

GIVEN_BY_PROMETHEUS = {"up", "ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds"}
GIVEN_BY_THE_CLIENT_LIBRARY = {
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
}


def exported():
    for metric in METRICS:
        yield metric.name
        if metric.kind is Kind.HISTOGRAM:
            yield f"{metric.name}_bucket"


def test_committed_files_are_what_the_code_builds():
    built = {path.name: text for path, text in build.documents()}
    committed = {path.name: path.read_text() for path in build.DIRECTORY.iterdir()}
    assert committed == built


def test_the_dashboards_have_the_uids_that_links_and_alerts_name():
    uids = [json.loads(text)["uid"] for _, text in build.documents()]
    assert uids == list(links.TITLES)
    assert uids[:4] == [links.OVERVIEW, links.ORG, links.COURSE, links.HEALTH]


def test_every_metric_that_is_asked_for_is_exported(dashboard):
    asked = set().union(*(queries.metrics(q) for _, q in queries.expressions(dashboard, ANY)))
    assert asked
    assert asked <= {*exported(), *GIVEN_BY_PROMETHEUS, *GIVEN_BY_THE_CLIENT_LIBRARY}


def test_every_figure_of_the_platform_is_on_a_dashboard():
    asked = set()
    for _, text in build.documents():
        dashboard = json.loads(text)
        for _, query in queries.expressions(dashboard, ANY):
            asked |= queries.metrics(query)
    shown = {
        "iblai_active_users_today",
        "iblai_active_users_28d",
        "iblai_active_learners",
        "iblai_course_video_watch_seconds",
        "iblai_course_enrollments_28d",
        "iblai_mentor_chat_sessions_7d_baseline",
        *(f"iblai_{f.source.name}_{w}" for f in style.WATCHED for w in ("1d", "7d_baseline")),
    }
    assert shown <= asked


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_every_query_parses(dashboard, tmp_path):
    asked = [query for _, query in queries.expressions(dashboard, ANY)]
    rules = [{"record": f"query_{n}", "expr": query} for n, query in enumerate(asked)]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = subprocess.run(
        ["promtool", "check", "rules", path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert f"{len(asked)} rules found" in checked.stdout


def test_the_linter_finds_nothing_but_known_exceptions(dashboard):
    found = {(finding.uid, finding.rule) for finding in lint.findings(dashboard)}
    known = {key for key in lint.EXCEPTIONS if key[0] == dashboard["uid"]}
    assert found == known


def test_the_linter_finds_what_is_wrong(dashboard):
    dashboard = json.loads(json.dumps(dashboard))
    dashboard["editable"] = True
    panel = next(lint.panels(dashboard))
    panel["description"] = ""
    panel["datasource"] = {"type": "prometheus", "uid": "prometheus"}
    del panel["fieldConfig"]["defaults"]["unit"]
    panel["targets"] = [
        {"refId": "A", "instant": False, "expr": "sum(rate(iblai_api_requests_total{}[5m]))"},
        {"refId": "B", "instant": False, "expr": "iblai_api_retries_total"},
    ]
    found = {finding.rule for finding in lint.findings(dashboard)}
    assert found >= {
        "uneditable-dashboard",
        "panel-title-description",
        "panel-datasource",
        "panel-units",
        "target-rate-interval",
        "target-counter-agg",
        "target-job",
    }


def test_panels_fill_the_grid_without_overlap(dashboard):
    taken = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = set(
            itertools.product(
                range(place["x"], place["x"] + place["w"]),
                range(place["y"], place["y"] + place["h"]),
            )
        )
        assert not cells & taken, panel["title"]
        taken |= cells
    bottom = max(y for _, y in taken) + 1
    assert len(taken) == 24 * bottom


def test_panels_have_ids_of_their_own(dashboard):
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


def test_titles_of_panels_are_unique_so_that_people_can_speak_of_them(dashboard):
    titles = [panel["title"] for panel in lint.panels(dashboard)]
    assert len(titles) == len(set(titles))


def test_instances_and_jobs_are_made_one_before_anything_is_added_up(dashboard):
    for _, target in lint.targets(dashboard):
        query = target["expr"].replace("${window}", "7d")
        for name, before in queries.selections(query):
            if not name.startswith("ALERTS"):
                assert re.search(r"(max|min) by \([^)]+\) \((rate\(|increase\()?$", before), query


def test_tables_come_in_pages_and_with_a_limit(dashboard):
    for panel in lint.panels(dashboard):
        if panel["type"] == "table":
            assert panel["options"]["footer"]["enablePagination"]
            steps = {step["id"]: step["options"] for step in panel["transformations"]}
            assert steps["limit"]["limitField"] <= 200


def columns(panel):
    """Yield title and properties of the columns of a table."""
    for override in panel["fieldConfig"]["overrides"]:
        yield override["matcher"]["options"], {p["id"]: p["value"] for p in override["properties"]}


def tables(dashboard):
    return (panel for panel in lint.panels(dashboard) if panel["type"] == "table")


def test_tables_fit_a_screen_of_1440_pixels(dashboard):
    for panel in tables(dashboard):
        wanted = sum(
            properties.get("custom.width", properties.get("custom.minWidth", UNSIZED))
            for _, properties in columns(panel)
            if "custom.hidden" not in properties
        )
        assert wanted <= CONTENT * panel["gridPos"]["w"] / 24 - PADDING, panel["title"]


def test_what_is_not_there_is_a_grey_dash_and_not_a_bar_of_nothing(dashboard):
    for panel in tables(dashboard):
        shown = next(s for s in panel["transformations"] if s["id"] == "organize")["options"]
        values = [to for name, to in shown["renameByName"].items() if name.startswith("Value")]
        for title, properties in columns(panel):
            if title in values:
                (null,) = (m for m in properties["mappings"] if m["type"] == "special")
                assert null["options"]["match"] == "null"
                assert null["options"]["result"] == {"text": style.ABSENT, "color": style.USUAL}


def test_labels_are_texts_even_if_they_look_like_numbers(dashboard):
    for panel in tables(dashboard):
        shown = next(s for s in panel["transformations"] if s["id"] == "organize")["options"]
        texts = [to for name, to in shown["renameByName"].items() if not name.startswith("Value")]
        assert {p["unit"] for title, p in columns(panel) if title in texts} == {style.TEXT}


def test_tables_hide_columns_and_have_pages_in_old_and_new_grafana(dashboard):
    for panel in tables(dashboard):
        options = panel["options"]
        assert options["enablePagination"] == options["footer"]["enablePagination"]
        for _, properties in columns(panel):
            hidden = properties.get("custom.hideFrom", {"viz": False})["viz"]
            assert hidden == properties.get("custom.hidden", False)


def test_tables_are_sorted_by_a_column_that_they_have(dashboard):
    for panel in tables(dashboard):
        shown = {title for title, _ in columns(panel)}
        assert {by["displayName"] for by in panel["options"]["sortBy"]} <= shown


def test_rows_are_in_the_same_order_with_and_without_a_click_on_a_heading(dashboard):
    for panel in tables(dashboard):
        orders = [s["options"]["sort"] for s in panel["transformations"] if s["id"] == "sortBy"]
        asked = [(by["field"], by["desc"]) for (by,) in reversed(orders)]
        assert asked == [(by["displayName"], by["desc"]) for by in panel["options"]["sortBy"]]


def test_links_lead_to_dashboards_and_variables_that_exist():
    boards = {json.loads(text)["uid"]: json.loads(text) for _, text in build.documents()}
    urls = [url for board in boards.values() for url in queries.urls(board) if url[:3] == "/d/"]
    assert len(urls) > 20
    for url in urls:
        uid, _, rest = url.removeprefix("/d/").partition("?")
        offered = {variable["name"] for variable in lint.variables(boards[uid])}
        assert queries.set_by(rest) <= offered, url


def test_all_orgs_are_shown_until_some_are_chosen(dashboard):
    for variable in lint.variables(dashboard):
        if variable.get("includeAll"):
            assert variable["current"]["value"] == ["$__all"]
            assert f'=~"${variable["name"]}"' in json.dumps(dashboard).replace('\\"', '"')


def test_panels_use_what_grafana_has_had_since_11(dashboard):
    for panel in lint.panels(dashboard):
        assert panel["type"] in {"bargauge", "stat", "table", "timeseries"}
        steps = {step["id"] for step in panel.get("transformations", ())}
        assert steps <= {"limit", "merge", "organize", "sortBy"}
        matchers = {o["matcher"]["id"] for o in panel["fieldConfig"]["overrides"]}
        assert matchers <= {"byFrameRefID", "byName", "byRegexp"}


def test_falls_are_coloured_by_thresholds_that_begin_with_a_number(dashboard):
    for panel in lint.panels(dashboard):
        for _, properties in columns(panel):
            first, *others = properties.get("thresholds", {"steps": [{"value": None}]})["steps"]
            if any(step["value"] < 0 for step in others):
                assert first["value"] == -1, panel["title"]


def test_marks_of_alerts_are_asked_for_in_the_same_words_old_and_new(dashboard):
    (marks,) = dashboard["annotations"]["list"]
    assert marks["target"]["expr"] == marks["expr"]
    assert marks["target"]["interval"] == marks["step"]


def test_the_figures_that_have_an_alert_on_a_drop_are_the_ones_that_are_watched():
    watched = {(figure.source.name, figure.scale) for figure in style.WATCHED}
    assert watched == {(figure.name, figure.scale) for figure in drops.FIGURES}


def test_collectors_that_run_every_few_minutes_are_known_by_their_names():
    for collector in COLLECTORS:
        frequent = re.fullmatch(shared.TODAY, collector.name) is not None
        assert frequent == (collector.rhythm is Rhythm.TODAY), collector.name


def test_a_figure_has_one_colour_everywhere():
    colours = {}
    for _, text in build.documents():
        for name, colour in queries.colours(json.loads(text)):
            assert colours.setdefault(name, colour) == colour, name
    assert len(colours) > 5
