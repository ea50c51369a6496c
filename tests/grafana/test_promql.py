"""What expressions come to, asked of promtool."""

import json
import shutil
import subprocess

import pytest

from exporter import catalog
from grafana import drops, promql, style

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")

WINDOW = "7d"
DAY = 24 * 3600


def series(name, values, **labels):
    text = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return {"series": f"{name}{{{text}}}", "values": str(values)}


def measured(measure, org, value, expected=None, low=None, *, window=WINDOW):
    """Yield the series of an org's measure, with those of its expected range that are given."""
    given = {"": value, promql.EXPECTED: expected, promql.LOW: low}
    for kind, number in given.items():
        if number is not None:
            scaled = number if isinstance(number, str) else number * measure.scale
            yield series(promql.over(measure.source, window, kind), scaled, org=org)


@pytest.fixture
def check(tmp_path):
    """Return a check that an expression comes to samples: a value by its labels."""

    def come_to(expression, given, expected, *, at="0", interval="1m"):
        samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
        asked = {
            "expr": expression.replace("$org", ".+"),
            "eval_time": at,
            "exp_samples": samples,
        }
        test = {"interval": interval, "input_series": list(given), "promql_expr_test": [asked]}
        path = tmp_path / "test.yml"
        path.write_text(json.dumps({"tests": [test]}))
        ran = subprocess.run(
            ["promtool", "test", "rules", path], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    return come_to


def of(org, figure):
    return f'{{figure="{figure}", org="{org}"}}'


def both(org, value):
    """Yield the series of active users in both windows, of which 100 are expected."""
    for window in drops.WINDOWS:
        yield from measured(style.ACTIVE_USERS, org, value, 100, 70, window=window)


@pytest.mark.parametrize("measure", style.WATCHED, ids=lambda measure: measure.source.name)
def test_every_measure_of_engagement_is_listed_when_it_drops(check, measure):
    given = [*measured(measure, "acme", 30, 100, 70), *both("globex", 100)]
    check(drops.worst(), given, {of("acme", measure.source.name): -0.7})


def test_what_is_within_its_range_is_not_listed(check):
    given = [*measured(style.ACTIVE_USERS, "acme", 71, 100, 70)]
    check(drops.worst(), given, {})


def test_a_measure_without_a_bound_is_not_listed(check):
    check(drops.worst(), measured(style.ACTIVE_USERS, "acme", 1, 100), {})


def test_the_worse_of_both_windows_decides_on_the_order(check):
    given = [
        *measured(style.ACTIVE_USERS, "acme", 20, 100, 70, window="1d"),
        *measured(style.ACTIVE_USERS, "acme", 75, 100, 70, window="7d"),
    ]
    check(drops.worst(), given, {of("acme", "active_users"): -0.8})
    check(drops.change("7d"), given, {of("acme", "active_users"): -0.25})


def test_silence_without_an_expected_value_is_all_of_it(check):
    given = measured(style.ACTIVE_USERS, "acme", 0, None, 1, window="1d")
    check(drops.worst(), given, {of("acme", "active_users"): -1})


def test_a_drop_has_lasted_since_the_metric_was_last_within_its_range(check):
    days = "100+0x10 50+0x5"  # a value every 12 hours: five days as expected, then below
    given = [
        series(promql.over(catalog.ACTIVE_USERS, "1d"), days, org="acme"),
        series(promql.over(catalog.ACTIVE_USERS, "1d", promql.EXPECTED), "100x20", org="acme"),
        series(promql.over(catalog.ACTIVE_USERS, "1d", promql.LOW), "70x20", org="acme"),
    ]
    expected = {of("acme", "active_users"): 3 * DAY}
    check(drops.lasting(), given, expected, at="192h", interval="12h")


def test_without_history_a_drop_has_lasted_since_yesterday_began(check):
    # The first value comes between two steps of the past.
    given = [
        *(
            series(promql.over(catalog.ACTIVE_USERS, "1d", kind), f"_x60 {value}x9", org="acme")
            for kind, value in (("", 10), (promql.EXPECTED, 100), (promql.LOW, 70))
        ),
        series(catalog.WINDOW_END.name, "_x60 0x9", org="acme", collector="active_users"),
    ]
    expected = {of("acme", "active_users"): 3660 + DAY}
    check(drops.lasting(), given, expected, at="61m")


def test_a_measure_has_its_title_as_a_label(check):
    given = measured(style.TIME, "acme", 10, 100, 70)
    expected = {'{figure="time_spent", metric="Learning hours", org="acme"}': -0.9}
    check(drops.titled(drops.worst()), given, expected)


def test_orgs_together_are_compared_with_what_is_expected_of_the_same_orgs(check):
    users = style.ACTIVE_USERS
    given = [
        *measured(users, "acme", 50, 100, 70),
        *measured(users, "new", 30),
        *measured(users, "gone", None, 900, 600),
    ]
    check(promql.value(users, WINDOW), given, {"{}": 80})
    check(promql.expected_value(users, WINDOW), given, {"{}": 130})
    check(promql.expected_value(users, WINDOW, promql.LOW), given, {"{}": 100})
    check(promql.change(users, WINDOW), given, {"{}": -0.5})
    check(promql.below(users, WINDOW), given, {"{}": 80})


def test_nothing_is_expected_where_no_org_has_an_expected_value(check):
    given = measured(style.ACTIVE_USERS, "new", 30)
    check(promql.expected_value(style.ACTIVE_USERS, WINDOW), given, {})


def test_means_are_weighted_by_what_they_are_means_over(check):
    given = [
        *measured(style.MESSAGES, "acme", 4, 8),
        *measured(style.SESSIONS, "acme", 30),
        *measured(style.MESSAGES, "globex", 8, 8),
        *measured(style.SESSIONS, "globex", 10),
    ]
    check(promql.value(style.MESSAGES, WINDOW), given, {"{}": 5})
    check(promql.expected_value(style.MESSAGES, WINDOW), given, {"{}": 8})
    check(promql.change(style.MESSAGES, WINDOW), given, {"{}": 5 / 8 - 1})


def test_hours_are_shown_of_a_metric_in_seconds(check):
    now, expected = promql.value(style.TIME, WINDOW), promql.expected_value(style.TIME, WINDOW)
    given = [*measured(style.TIME, "acme", 100, 90), *measured(style.TIME, "globex", 10, 10)]
    check(f"{now} - ({expected}) / 2", given, {"{}": 60})


@pytest.mark.parametrize(
    ("measure", "value"),
    [(style.ACTIVE_USERS, 14), (style.TIME, 14), (style.MESSAGES, 7)],
    ids=lambda given: getattr(given, "title", ""),
)
def test_the_chosen_measure_is_summed_or_averaged_over_orgs(check, measure, value):
    def chosen(kind=""):
        expression = drops.chosen(kind).replace("${figure}", measure.source.name)
        return expression.replace("${window}", WINDOW)

    given = [*measured(measure, "acme", 6, 12, 9), *measured(measure, "globex", 8)]
    check(chosen(), given, {"{}": value})
    check(chosen(promql.EXPECTED), given, {"{}": value * 20 / 14})
    check(chosen(promql.LOW), given, {"{}": value * 17 / 14})


def polled(*orgs):
    return [
        series(catalog.COLLECTOR_SUCCESS.name, 1, org=org, collector="active_users") for org in orgs
    ]


def test_a_sum_says_how_many_orgs_it_includes(check):
    users = style.ACTIVE_USERS
    given = [*polled("acme", "globex", "initech"), *measured(users, "acme", 50)]
    shown = promql.with_orgs(promql.value(users, WINDOW), users, WINDOW)
    check(shown.replace(promql.AT_END, ""), given, {'{included="1", of="3"}': 50})
    check(promql.incomplete(users, WINDOW), given, {"{}": 1})
    whole = [*polled("acme"), *measured(users, "acme", 50)]
    check(promql.incomplete(users, WINDOW), whole, {})


def test_a_mark_is_the_one_step_in_which_something_begins(check):
    users = style.ACTIVE_USERS
    mark = promql.beginning(promql.below(users, WINDOW)).replace("$__interval", "1h")
    given = [
        series(promql.over(users.source, WINDOW), "100x4 50x9", org="acme"),
        series(promql.over(users.source, WINDOW, promql.LOW), "70x20", org="acme"),
    ]
    marked = f"(({mark}) * 0 + time())[9h:1h] offset 1h"
    check(f"count_over_time({marked})", given, {"{}": 1}, at="12h", interval="1h")
    check(f"max_over_time({marked})", given, {"{}": 4 * 3600}, at="12h", interval="1h")


def test_an_agent_without_a_name_has_its_id(check):
    sessions = promql.over(catalog.MENTOR_CHAT_SESSIONS, WINDOW)
    given = [
        series(sessions, 5, org="acme", mentor_id="1"),
        series(sessions, 7, org="acme", mentor_id="2"),
        series(catalog.MENTOR_INFO.name, 1, org="acme", mentor_id="1", mentor_name="Tutor"),
    ]
    expected = {
        '{mentor_id="1", mentor_name="Tutor", org="acme"}': 5,
        '{mentor_id="2", mentor_name="2", org="acme"}': 7,
    }
    check(promql.agent_named(promql.per_agent(sessions)), given, expected)


def test_a_collector_that_was_never_tried_has_not_failed(check):
    success, attempt = catalog.COLLECTOR_SUCCESS.name, catalog.COLLECTOR_LAST_ATTEMPT.name
    given = [
        series(success, 0, org="acme", collector="new"),
        series(attempt, 0, org="acme", collector="new"),
        series(success, 0, org="acme", collector="failing"),
        series(attempt, 1, org="acme", collector="failing"),
        series(success, 1, org="acme", collector="fine"),
        series(attempt, 1, org="acme", collector="fine"),
    ]
    expected = {
        '{org="acme", collector="new"}': 0,
        '{org="acme", collector="failing"}': 1,
        '{org="acme", collector="fine"}': 0,
    }
    check(promql.failing(), given, expected)


def test_a_drop_has_the_window_in_which_it_is_below_its_range_yesterday_first(check):
    given = [
        *measured(style.ACTIVE_USERS, "both", 20, 100, 70, window="1d"),
        *measured(style.ACTIVE_USERS, "both", 60, 100, 70, window="7d"),
        *measured(style.ACTIVE_USERS, "week", 90, 100, 70, window="1d"),
        *measured(style.ACTIVE_USERS, "week", 60, 100, 70, window="7d"),
        *measured(style.ACTIVE_USERS, "fine", 90, 100, 70, window="1d"),
    ]
    expected = {
        '{figure="active_users", org="both", window="1d"}': 1,
        '{figure="active_users", org="week", window="7d"}': 1,
    }
    check(drops.window_of(), given, expected)


def test_a_drop_lasts_seven_days_at_most(check):
    given = [
        series(promql.over(catalog.ACTIVE_USERS, "1d", kind), f"{value}x40", org="acme")
        for kind, value in (("", 10), (promql.EXPECTED, 100), (promql.LOW, 70))
    ]
    expected = {of("acme", "active_users"): 7 * DAY}
    check(drops.lasting(), given, expected, at="240h", interval="12h")
