"""The history knows the values of each org, series and part, and reports what changes."""

from datetime import date, timedelta

import pytest

from exporter.history.series import DailyValues
from exporter.history.store import KEEP_DAYS, History

DAY = date(2026, 5, 5)


@pytest.fixture
def changes():
    return []


@pytest.fixture
def history(changes):
    def changed(org, series, part, values):
        changes.append((org, series, part, values and dict(values.items())))

    return History(on_change=changed)


def test_values_belong_to_one_org_series_and_part(history):
    history.update("acme", "sessions", days={DAY: 1})
    history.update("acme", "sessions", part="bot", days={DAY: 2})
    history.update("acme", "messages", days={DAY: 3})
    history.update("beta", "sessions", days={DAY: 4})
    assert history.series("acme", "sessions").get(DAY) == 1
    assert history.series("acme", "sessions", part="bot").get(DAY) == 2
    assert history.series("acme", "messages").get(DAY) == 3
    assert history.series("beta", "sessions").get(DAY) == 4


def test_asking_for_an_unknown_series_does_not_add_it(history):
    assert len(history.series("acme", "sessions", part="bot")) == 0
    assert history.parts("acme", "sessions") == ()
    assert list(history.of("acme")) == []


def test_only_changes_are_reported(history, changes):
    assert history.update("acme", "sessions", days={DAY: 1})
    assert not history.update("acme", "sessions", days={DAY: 1})
    assert not history.update("acme", "sessions", days={})
    assert changes == [("acme", "sessions", "", {DAY: 1})]


def test_parts_that_are_no_longer_wanted_are_removed(history, changes):
    for part in ("a", "b", "c"):
        history.update("acme", "enrollments", part=part, days={DAY: 1})
    history.update("acme", "sessions", part="b", days={DAY: 1})
    changes.clear()
    history.keep_parts("acme", "enrollments", parts=["a", "c", "d"])
    assert sorted(history.parts("acme", "enrollments")) == ["a", "c"]
    assert history.parts("acme", "sessions") == ("b",)
    assert changes == [("acme", "enrollments", "b", None)]
    history.keep_parts("unknown", "enrollments", parts=[])
    assert list(history.of("unknown")) == []


def test_a_forgotten_org_leaves_nothing_and_the_others_alone(history, changes):
    history.update("acme", "sessions", days={DAY: 1})
    history.update("acme", "sessions", part="bot", days={DAY: 1})
    history.update("beta", "sessions", days={DAY: 1})
    changes.clear()
    history.forget("acme")
    history.forget("acme")
    assert list(history.of("acme")) == []
    assert history.parts("beta", "sessions") == ("",)
    assert changes == [("acme", "sessions", "", None), ("acme", "sessions", "bot", None)]


def test_a_series_keeps_a_year_unless_more_is_asked_for(history):
    days = {DAY - timedelta(days=age): age for age in range(1000)}
    history.update("acme", "sessions", days=days)
    history.update("acme", "messages", days=days, keep=1000)
    assert len(history.series("acme", "sessions")) == KEEP_DAYS
    assert len(history.series("acme", "messages")) == 1000


def test_a_series_that_has_only_days_after_the_last_one_is_removed(history, changes):
    later = DAY + timedelta(days=90)
    history.update("acme", "sessions", days={DAY: 2, later: 1})
    history.update("acme", "messages", days={later: 1})
    history.update("beta", "messages", days={later: 1})
    changes.clear()
    history.drop_after(DAY)
    assert dict(history.series("acme", "sessions").items()) == {DAY: 2}
    assert [name for name, _, _ in history.of("acme")] == ["sessions"]
    assert list(history.of("beta")) == []
    assert changes == [("acme", "messages", "", None), ("beta", "messages", "", None)]


def test_restored_values_are_no_change_and_replace_the_org_s(history, changes):
    history.update("acme", "sessions", days={DAY: 1})
    changes.clear()
    history.restore("acme", {("messages", ""): DailyValues({DAY: 5})})
    assert history.series("acme", "messages").get(DAY) == 5
    assert len(history.series("acme", "sessions")) == 0
    assert changes == []


def test_the_hook_is_optional():
    history = History()
    assert history.update("acme", "sessions", days={DAY: 1})
    history.forget("acme")
    assert list(history.of("acme")) == []
