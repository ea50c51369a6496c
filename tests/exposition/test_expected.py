"""Expected ranges: beside their windows, from the history, computed again only after a change."""

from datetime import timedelta

import pytest

from exporter import catalog
from exporter.history import ranges
from exporter.settings import Alerts
from exporter.windows import Span
from tests.exposition.conftest import TODAY, YESTERDAY, item

VIDEOS = catalog.VIDEO_COMPLETIONS
DAY = timedelta(days=1)
EXPECTED = {
    f"video_completions_{window}_{kind}"
    for window in ("1d", "7d")
    for kind in ("expected", "expected_low")
}


def fill(served, *, days=210, of=lambda day: 100 + 10 * day.weekday() + day.day % 3):
    past = Span(TODAY - DAY * days, YESTERDAY)
    served.history.update("acme", VIDEOS.name, days={day: of(day) for day in past})


def add_windows(served, *windows, day=TODAY):
    rows = [(VIDEOS.at(window), 7.0) for window in windows or VIDEOS.windows]
    served.put("videos", video_completions=item(*rows, day=day))


def expected(served):
    return {name: value for name, value in served.values().items() if "expected" in name}


@pytest.fixture
def computed(monkeypatch):
    """Return the windows whose range was computed."""
    calls = []
    compute = ranges.expected_range

    def counted(values, end, **options):
        calls.append((end, options["length"]))
        return compute(values, end, **options)

    monkeypatch.setattr(ranges, "expected_range", counted)
    return calls


def test_a_window_with_a_history_has_an_expected_value_and_a_lower_bound(served):
    fill(served)
    add_windows(served)
    found = expected(served)
    assert found.keys() == EXPECTED
    for window in ("1d", "7d"):
        value = found[f"video_completions_{window}_expected"]
        assert 0 < found[f"video_completions_{window}_expected_low"] < value
    # Yesterday was a Tuesday: 110 to 112.
    assert found["video_completions_1d_expected"] == pytest.approx(111, abs=4)
    assert found["video_completions_7d_expected"] == pytest.approx(917, rel=0.05)


def test_without_a_history_there_is_no_expected_range(served):
    add_windows(served)
    assert expected(served) == {}
    assert len(served.values()) == len(VIDEOS.windows)


def test_only_windows_that_are_served_have_an_expected_range(served):
    fill(served)
    add_windows(served, "7d")
    assert expected(served).keys() == {name for name in EXPECTED if "_7d_" in name}
    add_windows(served, "today", "28d")
    assert expected(served) == {}


def test_the_range_is_that_of_the_day_on_which_the_window_ends(served, computed):
    fill(served)
    add_windows(served, day=TODAY - DAY * 3)
    assert {end for end, _ in computed} == {YESTERDAY - DAY * 3}


def test_a_range_is_computed_again_only_if_its_inputs_change(served, computed):
    fill(served)
    add_windows(served)
    assert len(computed) == 2
    for _ in range(5):
        add_windows(served)
    served.configure(labels={"campus": "north"})
    assert len(computed) == 2
    served.history.update("acme", VIDEOS.name, days={TODAY: 3.0})
    add_windows(served)
    assert len(computed) == 2  # today is not part of any complete window
    served.history.update("acme", VIDEOS.name, days={YESTERDAY - DAY * 9: 3.0})
    add_windows(served)
    assert len(computed) == 4
    add_windows(served, day=TODAY + DAY)
    assert len(computed) == 6


def test_the_value_of_the_window_itself_does_not_change_what_is_expected(served, computed):
    fill(served)
    add_windows(served, "1d")
    before = expected(served)
    served.history.update("acme", VIDEOS.name, days={YESTERDAY: 1.0})
    add_windows(served, "1d")
    assert expected(served) == before
    assert len(computed) == 1


def test_the_sensitivity_moves_the_bound_at_once_and_not_the_expected_value(served):
    fill(served, of=lambda day: 100 + 10 * day.weekday() + (day.toordinal() * 7919) % 23)
    add_windows(served)
    bounds, values = {}, set()
    for sensitivity in ("low", "normal", "high", "10"):
        served.configure(alerts=Alerts(sensitivity=sensitivity))
        found = expected(served)
        bounds[sensitivity] = found["video_completions_1d_expected_low"]
        values.add(found["video_completions_1d_expected"])
    assert bounds["low"] < bounds["normal"] < bounds["high"] < bounds["10"]
    assert len(values) == 1


@pytest.mark.parametrize("quiet", [YESTERDAY - DAY, YESTERDAY, TODAY])
def test_near_a_quiet_day_the_lower_bound_disappears_at_once(served, quiet):
    """The day before and the day after a quiet day are treated as quiet, too."""
    fill(served)
    add_windows(served, "1d")
    assert len(expected(served)) == 2
    served.configure(quiet_days=(Span(quiet, quiet),))
    assert expected(served).keys() == {"video_completions_1d_expected"}
    served.configure(quiet_days=())
    assert len(expected(served)) == 2


def test_a_quiet_day_within_the_week_removes_only_the_lower_bound_of_the_week(served):
    fill(served)
    add_windows(served)
    quiet = YESTERDAY - DAY * 4
    served.configure(quiet_days=(Span(quiet, quiet),))
    assert expected(served).keys() == EXPECTED - {"video_completions_7d_expected_low"}


def test_the_range_of_active_users_of_a_week_follows_from_unique_users_of_weeks(served):
    for number in range(1, 27):
        end = YESTERDAY - DAY * 7 * number
        served.history.update("acme", "active_users_7d", days={end: 400 + number % 3})
    served.put("active_users", **{"7d": item((catalog.ACTIVE_USERS.at("7d"), 90.0))})
    found = expected(served)
    assert found["active_users_7d_expected"] == pytest.approx(401, abs=2)


def test_expected_ranges_of_small_groups_are_withheld_with_their_window(served):
    fill(served)
    add_windows(served)
    served.configure(min_group_size=8)
    assert served.values() == {}
    served.configure(min_group_size=7)
    assert expected(served).keys() == EXPECTED


def test_an_org_that_is_forgotten_leaves_no_range(served, computed):
    fill(served)
    add_windows(served)
    served.renderer.forget("acme")
    served.renderer.configure(served.org)
    add_windows(served)
    assert len(computed) >= 4
