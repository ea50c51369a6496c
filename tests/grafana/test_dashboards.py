import itertools
import json
import re
import shutil
import subprocess

import pytest

from deploy.prometheus import engagement
from exporter import catalog
from exporter.catalog import METRICS, Kind
from exporter.collectors import COLLECTORS
from exporter.settings.schema import EXTRAS
from grafana import build, drops, links, lint, promql, style
from tests.grafana import queries, text

ANY = {
    "org": ".+",
    "job": ".+",
    "instance": ".+",
    "course": "course-v1:Acme+Bio101+2026",
    "__rate_interval": "4m",
    "__interval": "5m",
}
UNSIZED = 100
"""Pixels of a column that does not say how many it needs."""

SORT_ICON = 18 + 4
CELL_PADDING = 2 * 6 + 1
NUMBER = 70
"""Pixels of a number beside its name."""

GIVEN_BY_PROMETHEUS = {"up", "ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds"}
GIVEN_BY_THE_CLIENT_LIBRARY = {
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
}
PRIVATE_WORDS = (
    "usual(ly)?",
    "figures?",
    "colou?red by",
    "against usual",
    "asks?|asked",
    "lowest",
    "fading",
    "came back",
    "where to look",
    "trusted",
    "too small",
    "there are",
    "have been used",
    "liked",
    "used for",
    "tried",
    "took",
    "wrong",
    "a drop below",
    "visits?",
    "answers?",
    "told|tells|reads",
)
"""Words that the dashboards' wording avoids."""


def boards():
    return [json.loads(document) for _, document in build.documents()]


def exported():
    for metric in METRICS:
        yield metric.name
        if metric.kind is Kind.HISTOGRAM:
            yield f"{metric.name}_bucket"


def test_committed_files_are_what_the_code_builds():
    built = {path.name: document for path, document in build.documents()}
    committed = {path.name: path.read_text() for path in build.DIRECTORY.iterdir()}
    assert committed == built


def test_the_dashboards_have_the_uids_that_links_and_alerts_name():
    uids = [board["uid"] for board in boards()]
    assert uids == list(links.TITLES)
    assert uids[:4] == ["iblai-overview", "iblai-org", "iblai-course", "iblai-health"]
    assert "iblai-costs" in uids


def test_an_alert_can_open_the_org_dashboard_at_its_measure():
    (org,) = (board for board in boards() if board["uid"] == links.ORG)
    offered = {v["name"]: [o["value"] for o in v.get("options", ())] for v in lint.variables(org)}
    engagement = {measure.source.name for measure in style.ENGAGEMENT}
    assert set(offered["figure"]) == engagement
    assert set(offered["window"]) == {"1d", "7d"}
    assert "org" in offered
    expected = {m.name for m in catalog.WINDOWED if m.expected and m.labels == ("org",)}
    assert expected - engagement == {"unenrollments", "registrations", "cost"}


def test_dashboards_and_alerts_agree_on_what_engagement_is():
    assert {m.source for m in style.ENGAGEMENT} == set(engagement.MEASURES)
    assert drops.WINDOWS == engagement.WINDOWS


def test_every_metric_of_a_query_is_exported(dashboard):
    asked = set().union(*(queries.metrics(q) for _, q in queries.expressions(dashboard, ANY)))
    assert asked
    assert asked <= {*exported(), *GIVEN_BY_PROMETHEUS, *GIVEN_BY_THE_CLIENT_LIBRARY}


def test_every_choice_of_a_measure_selects_a_metric():
    for board in boards():
        for title, query in queries.expressions(board, ANY):
            assert queries.metrics(query), title


def test_every_measure_is_on_a_dashboard():
    shown = set()
    for board in boards():
        for _, query in queries.expressions(board, ANY):
            shown |= queries.metrics(query)
    measures = {
        measure.name
        for measure in catalog.WINDOWED
        if not any(measure.at(window).name in shown for window in measure.windows)
    }
    assert measures == set()
    gauges = {m.name for m in METRICS if m.kind is Kind.GAUGE and "spend_cap" in m.name}
    assert gauges - shown == {"iblai_spend_cap_exceeded"}


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
    found = {(departure.uid, departure.rule) for departure in lint.departures(dashboard)}
    known = {key for key in lint.EXCEPTIONS if key[0] == dashboard["uid"]}
    assert found == known


def test_the_linter_finds_departures_from_its_rules(dashboard):
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
    found = {departure.rule for departure in lint.departures(dashboard)}
    assert found >= {
        "uneditable-dashboard",
        "panel-title-description",
        "panel-datasource",
        "panel-units",
        "target-rate-interval",
        "target-counter-agg",
        "target-job",
    }


# Layout.


def rows(dashboard):
    """Yield the panels of each row, the headings among them, and where the row begins."""
    opened = [p for p in dashboard["panels"] if not (p["type"] == "row" and p["collapsed"])]
    yield (
        opened,
        {
            (x, p["gridPos"]["y"])
            for p in dashboard["panels"]
            if p["type"] == "row" and p["collapsed"]
            for x in range(24)
        },
    )
    for panel in dashboard["panels"]:
        if panel["type"] == "row" and panel["collapsed"]:
            y = panel["gridPos"]["y"]
            yield panel["panels"], {(x, n) for x in range(24) for n in range(y + 1)}


def test_panels_fill_the_grid_without_overlap(dashboard):
    for panels, above in rows(dashboard):
        taken = set(above)
        for panel in panels:
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
    ids += [p["id"] for row in dashboard["panels"] for p in row.get("panels", ())]
    assert len(ids) == len(set(ids))


def test_titles_of_panels_are_unique_in_their_row(dashboard):
    row, titles = None, []
    for panel in dashboard["panels"]:
        row = panel["title"] if panel["type"] == "row" else row
        titles += [
            (row, shown["title"])
            for shown in (panel, *panel.get("panels", ()))
            if shown["type"] != "row"
        ]
    assert len(titles) == len(set(titles))


def longest(dashboard, title):
    """Return `title` with the longest text of each variable."""
    for name in re.findall(r"\$\{(\w+):text\}", title):
        variable = next(v for v in lint.variables(dashboard) if v["name"] == name)
        option = max((o["text"] for o in variable["options"]), key=text.width)
        title = title.replace(f"${{{name}:text}}", option)
    return title


def test_titles_fit_at_1440_pixels_beside_the_docked_menu(dashboard):
    for panel in lint.panels(dashboard):
        icons = bool(panel["description"]) + bool(panel.get("links"))
        room = text.title_room(panel["gridPos"]["w"], icons=icons)
        title = longest(dashboard, panel["title"])
        assert text.width(title) <= room, (title, text.width(title), room)


def test_the_names_beside_big_numbers_fit(dashboard):
    for panel in lint.panels(dashboard):
        if panel["type"] == "stat" and panel["options"]["textMode"] == "value_and_name":
            shown = re.compile(panel["options"]["reduceOptions"]["fields"].strip("/"))
            legends = dict.fromkeys(target["legendFormat"] for target in panel["targets"])
            names = [name for name in legends if shown.match(name)]
            room = text.panel_width(panel["gridPos"]["w"]) - 16
            if panel["options"]["orientation"] == "horizontal":
                room -= NUMBER
            else:
                room = room / len(names) - 8
            for name in names:
                filled = name.replace("{{included}}", "28").replace("{{of}}", "30")
                assert text.width(filled, size=13) <= room, (panel["title"], filled)


def test_headlines_are_high_enough_for_grafana_to_draw_their_sparkline():
    sparkling = [
        panel
        for board in boards()
        for panel in lint.panels(board)
        if panel["type"] == "stat" and panel["options"]["graphMode"] == "area"
    ]
    assert len(sparkling) > 2 * len(style.HEADLINES)
    for panel in sparkling:
        body = panel["gridPos"]["h"] * text.ROW - text.GAP - text.PANEL_HEADER
        assert body > text.LEAST_OF_A_SPARKLINE, panel["title"]
        assert any(not target["instant"] for target in panel["targets"])
        # The range of the sparkline is that of all queries, and one of them is above the line.
        assert panel["options"]["reduceOptions"]["fields"] == "/^(?!(Time|headroom)$)/"
        assert re.search(r"\* 1\.\d$", panel["targets"][-1]["expr"])


@pytest.mark.parametrize("texts", [{"org": "globex"}, {"org": "All"}])
def test_controls_take_one_row(dashboard, texts):
    shown = {
        v["name"]: max((o["text"] for o in v.get("options", ())), key=text.width, default="All")
        for v in lint.variables(dashboard)
    }
    shown |= texts | {"datasource": "Prometheus", "course": "Biology 101"}
    needed = text.controls(lint.variables(dashboard), shown)
    assert needed <= text.CONTENT, needed


def columns(panel):
    """Yield title and properties of the columns of a table."""
    for override in panel["fieldConfig"]["overrides"]:
        yield override["matcher"]["options"], {p["id"]: p["value"] for p in override["properties"]}


def tables(dashboard):
    return (panel for panel in lint.panels(dashboard) if panel["type"] == "table")


def needed(properties):
    return properties.get("custom.width", properties.get("custom.minWidth", UNSIZED))


def test_tables_fit_a_screen_of_1440_pixels(dashboard):
    for panel in tables(dashboard):
        total = sum(needed(p) for _, p in columns(panel) if "custom.hidden" not in p)
        assert total <= text.panel_width(panel["gridPos"]["w"]) - 2 * GUTTER, panel["title"]


GUTTER = 8


def test_headings_of_columns_fit_with_the_icon_of_their_order(dashboard):
    for panel in tables(dashboard):
        for title, properties in columns(panel):
            if "custom.hidden" not in properties:
                wanted = text.width(title) + SORT_ICON + CELL_PADDING
                assert wanted <= needed(properties), (panel["title"], title, wanted)


def test_the_first_screen_shows_engagement_data_quality_and_drops():
    (overview,) = (board for board in boards() if board["uid"] == links.OVERVIEW)
    room = 900 - text.CONTROLS_END
    above = [
        panel
        for panel in lint.panels(overview)
        if (panel["gridPos"]["y"] + panel["gridPos"]["h"]) * text.ROW <= room
    ]
    titles = [panel["title"] for panel in above]
    for measure in style.HEADLINES:
        assert titles.count(measure.title) == 2
    assert {"Data quality", "Orgs needing attention"} <= set(titles)
    (quality,) = (panel for panel in above if panel["title"] == "Data quality")
    names = {target["legendFormat"] for target in quality["targets"]}
    assert {"Orgs failing, of {{of}}", "Oldest data", "Alerts firing"} <= names


def test_health_opens_with_three_rows_and_folds_the_details():
    (health,) = (board for board in boards() if board["uid"] == links.HEALTH)
    headings = [p for p in health["panels"] if p["type"] == "row"]
    assert [heading["collapsed"] for heading in headings] == [False] * 3 + [True] * 3
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in health["panels"])
    assert height * text.ROW < 1500


# Words.


def words_of(dashboard):
    """Yield every text of a dashboard that people see."""
    yield dashboard["description"]
    for variable in lint.variables(dashboard):
        yield variable["label"]
        yield from (option["text"] for option in variable.get("options") or ())
    for panel in dashboard["panels"]:
        yield panel["title"]
    for panel in lint.panels(dashboard):
        yield panel["title"]
        yield panel["description"]
        yield panel["fieldConfig"]["defaults"]["noValue"]
        yield from (target.get("legendFormat", "") for target in panel["targets"])
        for title, properties in columns(panel):
            if panel["type"] == "table" and "custom.hidden" not in properties:
                yield title
    yield from (link["title"] for link in queries.links(dashboard))
    yield from (annotation["titleFormat"] for annotation in dashboard["annotations"]["list"])


def test_texts_use_the_approved_words(dashboard):
    for shown in words_of(dashboard):
        fixed = re.sub(r"\$\{\w+:text\}|\{\{\w+\}\}", "", shown)
        found = re.search(rf"\b({'|'.join(PRIVATE_WORDS)})\b", fixed, re.IGNORECASE)
        assert not found, (shown, found)


def test_tooltips_have_at_most_two_sentences(dashboard):
    for panel in lint.panels(dashboard):
        sentences = re.findall(r"[.!?](?= [A-Z]|$)", panel["description"])
        assert 1 <= len(sentences) <= 2, panel["title"]
        assert "Windows are complete days" not in panel["description"]


def test_the_dashboard_of_an_extra_says_how_to_turn_it_on():
    for extra, uid in zip(
        EXTRAS, (links.LEARNING, links.AGENTS, links.COSTS, links.MODELS), strict=True
    ):
        (board,) = (board for board in boards() if board["uid"] == uid)
        (panel,) = (p for p in lint.panels(board) if p["title"] == "Orgs included")
        assert panel["fieldConfig"]["defaults"]["noValue"] == f"no data: set extras: [{extra}]"
        assert f"the extra {extra}" in board["description"]
        (target,) = panel["targets"]
        for collector in COLLECTORS:
            if collector.group == extra:
                assert re.search(rf"\b{collector.name}\b", target["expr"])


# Data.


def test_instances_and_jobs_are_reduced_to_one_before_anything_is_added_up(dashboard):
    reduced = re.compile(r"(max|min) by \([^)]+\) \((rate\(|increase\(|last_over_time\()?$")
    for _, target in lint.targets(dashboard):
        query = re.sub(r"\$\{\w+\}", "7d", target["expr"]).replace(" @ end()", "")
        query = re.sub(r"\((last_over_time\([^()]*\)) or [^()]*\)", r"(\1)", query)
        query = query.replace("((last_over_time", "(last_over_time")
        for name, before in queries.selections(query):
            if not name.startswith("ALERTS"):
                assert reduced.search(before), query


def test_charts_show_the_step_that_contains_now(dashboard):
    for panel in lint.panels(dashboard):
        for target in panel["targets"]:
            if not target["instant"]:
                assert panel["interval"] == "5m"
                selectors = re.findall(r"\{[^{}]*\}(?!\})(.*?)(?=\))", target["expr"])
                assert selectors
                for after in selectors:
                    if after.startswith("["):
                        assert "offset -$__interval" in after, target["expr"]


def test_a_measure_with_an_expected_range_is_never_drawn_without_it():
    ranges = {
        measure.at(window).name: measure.expected_at(window).name
        for measure in catalog.WINDOWED
        for window in measure.expected
        if measure.labels == ("org",)
    }
    drawn = set()
    for board in boards():
        if board["uid"] == links.COURSE:
            continue
        for choice in queries.choices(board):
            for panel in lint.panels(board):
                if panel["type"] == "timeseries":
                    asked = [
                        queries.metrics(queries.substituted(t["expr"], {**ANY, **choice}))
                        for t in panel["targets"]
                    ]
                    together = set().union(*asked)
                    drawn |= {m for m in ranges if m in together and ranges[m] in together}
    for board in boards():
        for panel in lint.panels(board):
            asked = set().union(
                *(
                    queries.metrics(queries.substituted(t["expr"], {**ANY, **choice}))
                    for choice in queries.choices(board)
                    for t in panel["targets"]
                )
            )
            if panel["type"] == "timeseries" and any("_expected" in m for m in asked):
                assert any("_expected_low" in metric for metric in asked), panel["title"]
    judged = {
        measure.at(window).name
        for measure in (*(m.source for m in style.ENGAGEMENT), catalog.REGISTRATIONS, catalog.COST)
        for window in measure.expected
    }
    assert judged - drawn == {"iblai_cost_7d_usd"}


def test_no_data_is_never_a_number(dashboard):
    for title, target in lint.targets(dashboard):
        assert not re.search(r"\* 0 \+ -\d", target["expr"]), title


def test_no_chart_has_a_second_axis_and_bottom_legends_have_no_values(dashboard):
    assert "axisPlacement" not in json.dumps(dashboard)
    for panel in lint.panels(dashboard):
        if panel["type"] == "timeseries":
            legend = panel["options"]["legend"]
            assert legend["calcs"] == (["max"] if legend["placement"] == "right" else [])


def test_durations_on_axes_are_hours_minutes_or_below_a_minute():
    for board in boards():
        for panel in lint.panels(board):
            if panel["type"] == "timeseries" and panel["fieldConfig"]["defaults"]["unit"] == "s":
                assert re.search(r"[Ll]atency|lag|Duration|Slowest|[Ss]lowest", panel["title"]), (
                    panel["title"]
                )


def test_a_sum_without_all_orgs_says_so_and_is_not_green():
    (overview,) = (board for board in boards() if board["uid"] == links.OVERVIEW)
    for measure in style.HEADLINES:
        for panel in (p for p in lint.panels(overview) if p["title"] == measure.title):
            value, complete, lacking, _ = panel["targets"]
            assert value["legendFormat"] == "{{included}} of {{of}} orgs"
            assert f'collector="{measure.collector}"' in complete["expr"]
            assert "unless" in complete["expr"]
            assert dict(columns(panel))["C"]["color"]["fixedColor"] == style.GRAY
            assert lacking["legendFormat"] == complete["legendFormat"]


def test_measures_name_the_collector_that_their_values_come_from():
    names = {collector.name: collector for collector in COLLECTORS}
    for measure in (*style.ENGAGEMENT, style.UNENROLLMENTS, style.REGISTRATIONS, style.COST):
        endpoint = names[measure.collector].endpoint
        assert endpoint == measure.source.endpoint, measure.title


# Tables.


def test_tables_come_in_pages_and_with_a_limit(dashboard):
    for panel in tables(dashboard):
        assert panel["options"]["footer"]["enablePagination"]
        steps = {step["id"]: step["options"] for step in panel["transformations"]}
        assert steps["limit"]["limitField"] <= 200


def test_a_table_without_rows_says_why(dashboard):
    for panel in tables(dashboard):
        if len(panel["targets"]) == 1 or panel["title"] in {"Orgs", "Collectors"}:
            continue
        asked = panel["targets"][-1]["expr"]
        text = panel["fieldConfig"]["defaults"]["noValue"]
        place = re.search(rf'"(\w+)", "{re.escape(text)}", "", ""\)$', asked)
        assert asked.startswith("label_replace(vector(0) unless on () (")
        shown = next(s for s in panel["transformations"] if s["id"] == "organize")["options"]
        assert dict(columns(panel))[shown["renameByName"][place[1]]].get("custom.hidden") is None
        assert dict(columns(panel))["Nothing"]["custom.hidden"]


def test_a_value_that_does_not_exist_is_a_gray_dash(dashboard):
    for panel in tables(dashboard):
        shown = next(s for s in panel["transformations"] if s["id"] == "organize")["options"]
        values = [to for name, to in shown["renameByName"].items() if name.startswith("Value")]
        for title, properties in columns(panel):
            if title in values:
                (null,) = (m for m in properties["mappings"] if m["type"] == "special")
                assert null["options"]["match"] == "null"
                assert null["options"]["result"] == {"text": style.ABSENT, "color": style.GRAY}


def test_a_panel_colored_by_value_shows_in_gray_that_it_has_none(dashboard):
    for panel in lint.panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        if len(defaults["thresholds"]["steps"]) > 1:
            (null,) = (m for m in defaults["mappings"] if m["type"] == "special")
            assert null["options"] == {"match": "null", "result": {"color": style.GRAY}}


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


# Variables and links.


def test_the_default_data_source_is_used_until_another_is_chosen(dashboard):
    (source,) = (v for v in lint.variables(dashboard) if v["type"] == "datasource")
    assert source["current"]["value"] == source["current"]["text"] == "default"


def test_all_never_matches_more_than_what_is_offered(dashboard):
    for variable in lint.variables(dashboard):
        if variable.get("allValue"):
            assert variable["name"] == "org"
    for title, query in queries.expressions(dashboard, {**ANY, "org": "ORG"}):
        for selector in re.findall(r"((?:\w|:)*)\{([^{}]*)\}", query):
            if "ORG" in selector[1]:
                assert "iblai" in "".join(selector).lower(), title


def test_all_orgs_are_shown_until_some_are_chosen(dashboard):
    for variable in lint.variables(dashboard):
        if variable.get("includeAll"):
            assert variable["current"]["value"] == ["$__all"]
            assert f'=~"${variable["name"]}' in json.dumps(dashboard).replace('\\"', '"')


def several(dashboard):
    return {v["name"]: bool(v.get("multi")) for v in lint.variables(dashboard)}


def test_links_set_variables_that_exist_and_single_ones_to_single_values():
    by_uid = {board["uid"]: board for board in boards()}
    seen = 0
    for board in boards():
        for link in queries.links(board):
            if not link["url"].startswith("/d/"):
                continue
            seen += 1
            uid, _, rest = link["url"].removeprefix("/d/").partition("?")
            here, there = several(board), several(by_uid[uid])
            for name, value in queries.set_by(rest).items():
                assert name in there, link["url"]
                single = "__data.fields" in value or not here.get(name)
                assert there[name] or single, link["url"]
            assert "${__url_time_range}" in rest
    assert seen > 20


def test_a_headline_opens_the_chart_of_its_measure_and_window():
    (overview,) = (board for board in boards() if board["uid"] == links.OVERVIEW)
    for measure in style.HEADLINES:
        panels = [p for p in lint.panels(overview) if p["title"] == measure.title]
        for panel, window in zip(panels, drops.WINDOWS, strict=True):
            (link,) = panel["links"]
            chosen = queries.set_by(link["url"])
            assert (chosen["figure"], chosen["window"]) == (measure.source.name, window)


def test_a_drop_opens_the_chart_of_its_metric_and_window():
    (overview,) = (board for board in boards() if board["uid"] == links.OVERVIEW)
    (panel,) = (p for p in lint.panels(overview) if p["title"] == "Orgs needing attention")
    (link,) = queries.links(dict(columns(panel))["Org"])
    assert {"org", "figure", "window"} <= queries.set_by(link["url"]).keys()


def test_links_to_a_dashboard_take_the_window_along():
    for board in boards():
        for link in queries.links(board):
            uid = link["url"].removeprefix("/d/").partition("?")[0]
            if uid == links.COURSE and "window" in several(board):
                assert "window" in queries.set_by(link["url"]), link["url"]


def test_the_drop_down_takes_variables_to_dashboards_where_they_mean_the_same():
    kinds = {}
    for board in boards():
        (link,) = board["links"]
        assert link["asDropdown"]
        assert link["includeVars"]
        assert link["keepTime"]
        assert link["tags"] == [links.LISTED]
        for variable in lint.variables(board):
            kind = (
                bool(variable.get("multi")),
                tuple(o["value"] for o in variable.get("options") or ()),
            )
            if links.LISTED in board["tags"]:
                assert kinds.setdefault(variable["name"], kind) == kind, variable["name"]
    (course,) = (board for board in boards() if board["uid"] == links.COURSE)
    assert links.LISTED not in course["tags"]
    for variable in lint.variables(course):
        if variable["name"] == "window":
            assert kinds["window"][1] == tuple(o["value"] for o in variable["options"])


# Marks.


def test_marks_are_where_something_begins_and_never_regions(dashboard):
    for marks in dashboard["annotations"]["list"]:
        begins, lasts = marks["expr"].split(" unless (", 1)
        assert "offset -$__interval" in begins
        assert "[1d]" in lasts or dashboard["uid"] == links.HEALTH
        assert marks["hide"]


def test_a_chart_is_marked_by_its_own_measure_alone(dashboard):
    panels = {panel["id"]: panel for panel in lint.panels(dashboard)}
    for marks in dashboard["annotations"]["list"]:
        if "ALERTS" in marks["expr"]:
            assert dashboard["uid"] == links.HEALTH
            assert 'alertname!~"IblaiEngagement.+"' in marks["expr"]
            continue
        (panel,) = marks["filter"]["ids"]
        assert panels[panel]["title"] == marks["name"]
        for choice in queries.choices(dashboard):
            now = {**ANY, **choice}
            drawn = set().union(
                *(
                    queries.metrics(queries.substituted(t["expr"], now))
                    for t in panels[panel]["targets"]
                )
            )
            assert queries.metrics(queries.substituted(marks["expr"], now)) <= drawn


def test_marks_are_the_same_query_in_old_and_new_grafana(dashboard):
    for marks in dashboard["annotations"]["list"]:
        assert marks["target"]["expr"] == marks["expr"]
        assert marks["target"]["interval"] == marks["step"]


def test_panels_use_what_grafana_has_had_since_11(dashboard):
    for panel in lint.panels(dashboard):
        assert panel["type"] in {"bargauge", "stat", "table", "timeseries"}
        steps = {step["id"] for step in panel.get("transformations", ())}
        assert steps <= {"limit", "merge", "organize", "sortBy"}
        matchers = {o["matcher"]["id"] for o in panel["fieldConfig"]["overrides"]}
        assert matchers <= {"byFrameRefID", "byName", "byRegexp"}


def test_drops_are_colored_by_thresholds_that_begin_with_a_number(dashboard):
    for panel in lint.panels(dashboard):
        for _, properties in columns(panel):
            first, *others = properties.get("thresholds", {"steps": [{"value": None}]})["steps"]
            if any(step["value"] < 0 for step in others):
                assert first["value"] == -1, panel["title"]


def test_a_measure_has_one_color_everywhere():
    colors = {}
    for board in boards():
        for name, color in queries.colors(board):
            if name in {measure.title for measure in style.ENGAGEMENT}:
                assert colors.setdefault(name, color) == color, name
    assert len(colors) > 5


def test_the_table_of_drops_is_of_all_measures_of_engagement():
    for measure in style.ENGAGEMENT:
        assert measure.source.name in drops.measures("1d")
        assert promql.over(measure.source, "1d") in queries.metrics(drops.measures("1d"))
