"""What `check` predicts without asking the platform."""

from dataclasses import replace

import pytest

from exporter import catalog, collectors
from exporter.check.extras import off_extras, trial_of
from exporter.check.plan import make_plan
from exporter.check.series import ASSUMED_PARTS, Size, assumed_size, count
from exporter.settings import ApiLimits, Courses, Org, Settings
from exporter.settings.schema import EXTRAS


def plan(*orgs, courses=50, **limits):
    settings = Settings(orgs=orgs, api=ApiLimits(**limits))
    return make_plan(settings, {org.key: assumed_size(org, courses=courses) for org in orgs})


def org(key="acme", **settings):
    return Org(key=key, user_id="ops", **settings)


def test_an_org_with_defaults_and_50_courses_takes_at_most_66_requests_per_hour():
    assert 30 < plan(org()).requests_per_hour <= 66


def test_a_thousand_orgs_with_defaults_fit_20_requests_per_second():
    orgs = [org(f"org-{number}") for number in range(1000)]
    found = plan(*orgs)
    assert found.fits
    assert found.hosts[0].demand == pytest.approx(1000 * plan(org()).requests_per_hour / 3600)


def test_an_org_has_at_most_100_series_of_the_exporter_with_the_core_collectors():
    assert plan(org()).orgs[0].series.own <= 100


def test_requests_that_are_sent_once_are_not_part_of_those_per_hour():
    found = plan(org())
    assert found.requests_once == sum(c.once for c in collectors.of(org())) > 100


def test_lists_of_courses_take_a_request_per_page():
    few, many = (
        make_plan(Settings(orgs=(org(),)), {"acme": Size(courses=courses, mentors=0)})
        for courses in (100, 1000)
    )
    name = "course_videos"
    assert many.orgs[0].requests[name] == pytest.approx(10 * few.orgs[0].requests[name])


def test_series_grow_with_courses_and_mentors():
    per_course = sum(
        metric.labels[:2] == ("org", "course_id")
        for metric in catalog.METRICS
        if metric.source in {catalog.source(c.endpoint) for c in collectors.of(org())}
    )
    assert plan(org(), courses=11).series - plan(org(), courses=10).series == per_course + 1
    with_mentors = plan(org(mentors=("a", "b"))).series - plan(org(mentors=("a",))).series
    assert with_mentors == 8 + 1  # two measures over four windows, and the name


def test_the_series_limit_bounds_the_values_of_an_org():
    limited = plan(org(series_limit=200)).orgs[0].series
    assert limited.values == 200
    assert limited.own == plan(org()).orgs[0].series.own


def test_topics_and_quantiles_count_only_if_they_are_on():
    agents = org(extras=("agents",))
    topics = plan(replace(agents, topics=True))
    assert topics.uncertain == 2 * (catalog.TOP + 1 - ASSUMED_PARTS)
    assert plan(agents).uncertain == 0
    more = plan(org(learner_indexes=True)).series - plan(org()).series
    assert more == 2 * 3


def test_demand_above_the_rate_limit_stretches_intervals():
    found = plan(*(org(f"org-{n}") for n in range(4)), rate_limit=0.01)
    assert not found.fits
    demand = 4 * plan(org()).requests_per_hour / 3600
    assert found.hosts[0].stretch.k == pytest.approx(demand / 0.01)
    assert found.hosts[0].greedy == []


def test_an_org_that_demands_far_more_than_the_others_is_named():
    others = [org(f"org-{n}") for n in range(4)]
    found = plan(org("hasty", interval=1.0), *others, rate_limit=1.0)
    assert found.hosts[0].greedy == ["hasty"]


def test_each_host_has_its_own_demand_and_path_prefixes_do_not_matter():
    found = plan(
        org("a", base_url="https://one.example/x"),
        org("b", base_url="https://one.example/y"),
        org("c", base_url="https://two.example:8443"),
    )
    assert {host.origin: sorted(host.demands) for host in found.hosts} == {
        "https://one.example": ["a", "b"],
        "https://two.example:8443": ["c"],
    }


def test_course_enrollments_that_are_off_take_no_requests():
    (off,) = plan(org(courses=Courses(enrollments=False))).orgs
    assert "course_enrollments" not in off.requests
    assert off.requests_per_hour < plan(org()).requests_per_hour


def test_comments_are_not_series():
    assert count([b"# HELP a b\na 1\n", b"", b"b 2\nc 3\n"]) == 3


def test_a_trial_has_the_extras_that_are_off_and_nothing_else():
    settings = Settings(orgs=(org(extras=("costs",)), org("b", extras=EXTRAS)))
    (trial,) = trial_of(settings).orgs
    assert trial.key == "acme"
    groups = {collector.group for collector in collectors.of(trial)}
    assert groups == set(off_extras(settings.orgs[0])) == {"learning", "agents", "usage"}
