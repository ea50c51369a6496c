"""What `check --live` concludes about the platform, and what it leaves open."""

from datetime import UTC, date, datetime

import pytest

from exporter.check.platform import UNKNOWN, generation_text, is_offered, time_zone_of
from exporter.settings import Org

MOMENT = datetime(2026, 5, 6, 13, 31, tzinfo=UTC)
AUCKLAND = Org(key="acme", user_id="ops", timezone="Pacific/Auckland")  # 7 May already
UTC_ORG = Org(key="acme", user_id="ops")
LATE = datetime(2026, 5, 6, 2, 0, tzinfo=UTC)
NEW_YORK = Org(key="acme", user_id="ops", timezone="America/New_York")  # still 5 May


def test_a_missing_day_shows_nothing_about_the_time_zone():
    text = time_zone_of(date(2026, 5, 6), MOMENT, AUCKLAND)
    assert text.startswith(UNKNOWN)
    assert "2026-05-07 in Pacific/Auckland and 2026-05-06 in UTC" in text
    assert time_zone_of(date(2026, 5, 1), MOMENT, UTC_ORG).startswith(UNKNOWN)
    assert time_zone_of(None, MOMENT, UTC_ORG).startswith(UNKNOWN)


def test_data_of_a_day_that_has_begun_only_in_the_configured_zone_confirms_it():
    assert time_zone_of(date(2026, 5, 7), MOMENT, AUCKLAND).startswith("matches")


def test_data_of_a_day_that_has_not_begun_in_the_configured_zone_contradicts_it():
    assert time_zone_of(date(2026, 5, 6), LATE, NEW_YORK).startswith("does not match")
    assert time_zone_of(date(2026, 5, 7), MOMENT, UTC_ORG).startswith("does not match")


def test_the_same_day_in_both_zones_decides_nothing():
    noon = datetime(2026, 5, 6, 12, tzinfo=UTC)
    assert time_zone_of(date(2026, 5, 6), noon, NEW_YORK).startswith(UNKNOWN)
    assert time_zone_of(date(2026, 5, 6), noon, UTC_ORG).startswith("no contradiction")


@pytest.mark.parametrize(
    ("statuses", "offered"),
    [
        ({"a": ["200"]}, True),
        ({"a": ["404"], "b": ["503", "200"]}, True),
        ({"a": ["404"], "b": ["410"]}, False),
        ({"a": ["404", "404"]}, None),  # one endpoint
        ({"a": ["404"], "b": []}, None),
        ({"a": ["404"], "b": ["401"]}, None),
        ({"a": ["404"], "b": ["timeout"]}, None),
        ({}, None),
    ],
)
def test_a_family_of_endpoints_is_gone_only_if_several_say_so(statuses, offered):
    assert is_offered(statuses) is offered


def test_what_is_unknown_about_a_generation_is_called_unknown():
    assert generation_text(seeds=True, v2=True) == "both (seeds and v2)"
    assert UNKNOWN in generation_text(seeds=True, v2=None)
    assert generation_text(seeds=False, v2=False) == UNKNOWN
    assert generation_text(seeds=None, v2=None) == UNKNOWN
