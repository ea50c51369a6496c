"""The catalog: names, units, HELP and labels of every metric."""

import re
import subprocess
from collections import Counter

import pytest

from exporter import catalog
from exporter.catalog import Area, Exempt, Kind, People
from exporter.settings.fields import label_name
from exporter.windows import EXPECTED, TODAY, WINDOWS

GAUGES = [m for m in catalog.METRICS if m.area is not Area.EXPORTER]
ids = [metric.name for metric in catalog.METRICS]
windowed = pytest.mark.parametrize("measure", catalog.WINDOWED, ids=lambda measure: measure.name)

UNITS = {"seconds": "seconds", "ratio": "0 to 1", "usd": "US dollars"}
"""Units of gauges, and the words of HELP for them."""


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


def test_promtool_check_metrics_prints_nothing():
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


of_orgs = pytest.mark.parametrize("metric", GAUGES, ids=[m.name for m in GAUGES])


@of_orgs
def test_every_value_of_an_org_names_its_endpoint(metric):
    assert metric.labels[0] == "org"
    assert re.search(r" Polled from /api/[^ ]+( \w+ /api/[^ ]+)?\.$", metric.help)
    assert metric.source.startswith("/api/")
    assert metric.kind in {Kind.GAUGE, Kind.SUMMARY}


@pytest.mark.parametrize("metric", catalog.METRICS, ids=ids)
def test_only_counters_end_in_total_and_nothing_ends_like_a_part_of_a_histogram(metric):
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert not metric.name.endswith(("_count", "_sum", "_bucket"))


@of_orgs
def test_metrics_of_a_course_or_mentor_say_so_in_name_and_labels(metric):
    assert metric.name.startswith("iblai_course_") == ("course_id" in metric.labels)
    assert metric.name.startswith("iblai_mentor_") == ("mentor_id" in metric.labels)


@pytest.mark.parametrize("metric", catalog.METRICS, ids=ids)
def test_the_unit_is_the_last_part_of_the_name(metric):
    name = metric.name.removesuffix("_total") if metric.kind is Kind.COUNTER else metric.name
    for unit in UNITS:
        if f"_{unit}_" in f"{name}_":
            assert (
                name.endswith(f"_{unit}") or name == "iblai_course_video_watch_seconds_per_learner"
            )


@of_orgs
def test_the_unit_is_in_the_help(metric):
    if not metric.name.endswith("_per_learner"):
        for unit, words in UNITS.items():
            assert metric.name.endswith(f"_{unit}") == (words in metric.help)


@pytest.mark.parametrize("name", ["user", "username", "name", "learner", "email", "user_id"])
def test_no_label_could_name_a_person(name):
    assert not [metric.name for metric in catalog.METRICS if name in metric.labels]


@windowed
def test_the_window_is_in_the_name_before_the_unit_and_is_no_label(measure):
    unit = f"_{measure.unit}" if measure.unit else ""
    for window in measure.windows:
        metric = measure.at(window)
        assert metric.name == f"iblai_{measure.name}_{window}{unit}"
        assert metric.labels == measure.labels
    for window in measure.expected:
        name = f"iblai_{measure.name}_{window}"
        assert measure.expected_at(window).name == f"{name}_expected{unit}"
        assert measure.expected_low_at(window).name == f"{name}_expected_low{unit}"


@pytest.mark.parametrize(
    "name",
    [
        "iblai_time_spent_7d_seconds",
        "iblai_cost_7d_usd",
        "iblai_sentiment_7d_ratio",
        "iblai_time_spent_7d_expected_seconds",
        "iblai_time_spent_7d_expected_low_seconds",
        "iblai_cost_1d_expected_usd",
        "iblai_active_users_7d_expected",
        "iblai_active_users_7d_expected_low",
    ],
)
def test_names_of_the_contract_exist(name):
    assert name in catalog.BY_NAME


@windowed
def test_expected_ranges_are_those_of_windows_that_exist(measure):
    assert set(measure.windows) <= {TODAY, *WINDOWS}
    assert set(measure.expected) <= set(EXPECTED) & set(measure.windows)


@windowed
def test_only_values_of_the_org_have_an_expected_range(measure):
    assert not measure.expected or measure.labels == ("org",)


@windowed
def test_min_group_size_applies_to_all_windows_alike_and_to_expected_ranges_as_to_their_window(
    measure,
):
    assert {measure.at(window).privacy for window in measure.windows} == {measure.privacy}
    for window in measure.expected:
        for metric in (measure.expected_at(window), measure.expected_low_at(window)):
            if isinstance(measure.privacy, Exempt):
                assert metric.privacy == measure.privacy
            else:
                assert metric.privacy == People((measure.at(window).name,))


@windowed
def test_a_window_that_a_measure_does_not_have_is_an_error(measure):
    with pytest.raises(KeyError):
        measure.at("3d")


@of_orgs
def test_users_and_learners_are_people(metric):
    if re.search("users|learners", metric.name):
        assert isinstance(metric.privacy, People)


def test_baselines_of_version_1_are_gone():
    assert not [metric.name for metric in catalog.METRICS if "baseline" in metric.name]


@pytest.mark.parametrize("label", ["org", "topic", "model", "provider", "agent", "sentiment", "le"])
def test_no_label_of_a_metric_can_be_set_by_an_operator(label):
    with pytest.raises(ValueError, match="choose another name"):
        label_name(label)
