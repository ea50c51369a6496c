import re
import subprocess
from collections import Counter

import pytest

from exporter import catalog
from exporter.catalog import Area, Kind
from exporter.settings.fields import label_name
from exporter.windows import BASELINES, TODAY, WINDOWS

GAUGES = [m for m in catalog.METRICS if m.area is not Area.EXPORTER]
ids = [metric.name for metric in catalog.METRICS]
of_windows = pytest.mark.parametrize("figure", catalog.WINDOWED, ids=lambda figure: figure.name)


def page(metrics):
    """Return a page with one sample of each metric."""
    lines = []
    for metric in metrics:
        labels = ",".join(f'{label}="0.5"' for label in metric.labels)
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        if metric.kind is Kind.HISTOGRAM:
            upper = ",".join(filter(None, (labels, 'le="+Inf"')))
            lines.append(f"{metric.name}_bucket{{{upper}}} 1")
            lines += [f"{metric.name}_{part}{{{labels}}} 1" for part in ("sum", "count")]
        else:
            lines.append(f"{metric.name}{{{labels}}} 1")
    return "\n".join([*lines, ""])


def test_promtool_has_nothing_to_say_of_any_name_or_help():
    lint = subprocess.run(
        ["promtool", "check", "metrics"],
        input=page(catalog.METRICS),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")


def test_names_are_unique_and_none_is_a_part_of_another_family():
    names = Counter(ids)
    assert set(names.values()) == {1}
    parts = {f"{m.name}{s}" for m in catalog.METRICS for s in ("_bucket", "_sum", "_count")}
    assert not parts & set(names)


@pytest.mark.parametrize("metric", catalog.METRICS, ids=ids)
def test_every_metric_is_named_and_described_for_a_person(metric):
    assert re.fullmatch(r"iblai(_[a-z0-9]+)+", metric.name)
    assert metric.help[0].isupper()
    assert metric.help.endswith(".")
    assert "\n" not in metric.help
    assert all(re.fullmatch(r"[a-z_]+", label) for label in metric.labels)
    assert len(set(metric.labels)) == len(metric.labels)


@pytest.mark.parametrize("metric", GAUGES, ids=[m.name for m in GAUGES])
def test_every_figure_says_that_it_is_polled_from_where_and_about_which_org(metric):
    assert metric.labels[0] == "org"
    assert re.search(r" Polled from /api/[^ ]+( \w+ /api/[^ ]+)?\.$", metric.help)
    assert metric.source.startswith("/api/")
    assert not metric.name.endswith(("_total", "_count", "_sum"))
    assert metric.kind in {Kind.GAUGE, Kind.SUMMARY}


@pytest.mark.parametrize("metric", GAUGES, ids=[m.name for m in GAUGES])
def test_what_is_about_a_course_or_mentor_says_so_in_name_and_labels(metric):
    assert metric.name.startswith("iblai_course_") == ("course_id" in metric.labels)
    assert metric.name.startswith("iblai_mentor_") == ("mentor_id" in metric.labels)


@pytest.mark.parametrize("metric", GAUGES, ids=[m.name for m in GAUGES])
def test_the_unit_is_in_the_name_and_in_the_help(metric):
    for unit, word in (("_seconds", "seconds"), ("_ratio", "0 to 1"), ("_usd", "US dollars")):
        if not metric.name.endswith("_baseline"):
            assert (unit in metric.name) == (word in metric.help)


@pytest.mark.parametrize("name", ["user", "username", "name", "learner", "email", "user_id"])
def test_no_label_could_name_a_person(name):
    assert not [metric.name for metric in catalog.METRICS if name in metric.labels]


@of_windows
def test_the_window_is_in_the_name_and_no_label(figure):
    for window in figure.windows:
        metric = figure.at(window)
        assert metric.name == f"iblai_{figure.name}_{window}"
        assert metric.labels == figure.labels
    for window in figure.baselines:
        assert figure.baseline(window).name == f"iblai_{figure.name}_{window}_baseline"


@of_windows
def test_windows_are_those_there_are_and_a_baseline_has_its_window_beside_it(figure):
    assert set(figure.windows) <= {TODAY, *WINDOWS}
    assert set(figure.baselines) <= set(BASELINES) & set(figure.windows)


@of_windows
def test_small_groups_are_withheld_in_every_window_or_in_none(figure):
    assert {metric.people for metric in figure.metrics()} == {figure.people}


@of_windows
def test_a_figure_asked_for_in_a_window_it_does_not_have_is_an_error(figure):
    with pytest.raises(KeyError):
        figure.at("3d")


def test_users_are_people_and_nothing_else_is():
    people = {metric.name for metric in GAUGES if metric.people}
    assert all(re.search("users|learners", name) for name in people)


def test_the_figures_of_an_org_as_a_whole_are_counted():
    assert len([m for m in GAUGES if m.labels == ("org",)]) == catalog.ORG_FIGURES


@pytest.mark.parametrize("label", ["org", "topic", "model", "provider", "agent", "sentiment", "le"])
def test_no_label_of_a_metric_can_be_set_by_an_operator(label):
    with pytest.raises(ValueError, match="choose another name"):
        label_name(label)
