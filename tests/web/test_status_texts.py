"""How values are written on the status pages, and which changes are good."""

import pytest

from exporter import catalog
from exporter.web import texts


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (174377, "seconds", "48.4 h"),
        (90, "seconds", "1.5 min"),
        (12.34, "seconds", "12.3 s"),
        (1234.5, "usd", "$1,234.50"),
        (0, "usd", "$0.00"),
        (0.723, "ratio", "72.3%"),
        (1487, "", "1,487"),
        (100, "", "100"),
        (7.25, "", "7.25"),
        (7.5, "", "7.5"),
        (23.61, "", "23.6"),
        (1304.5, "", "1,304"),
        (0, "", "0"),
        (None, "usd", "–"),
    ],
)
def test_values_have_their_unit(value, unit, text):
    assert texts.amount(value, unit) == text


@pytest.mark.parametrize(
    ("measure", "value", "tone"),
    [
        (catalog.ACTIVE_USERS, 130, "good"),
        (catalog.ACTIVE_USERS, 70, "bad"),
        (catalog.UNENROLLMENTS, 200, "bad"),
        (catalog.UNENROLLMENTS, 50, "good"),
        (catalog.COST, 76, "good"),
        (catalog.COST, 200, "bad"),
        (catalog.COST, 110, ""),
        (catalog.ACTIVE_USERS, None, ""),
    ],
    ids=lambda given: getattr(given, "name", str(given)),
)
def test_a_change_is_colored_by_what_is_good(measure, value, tone):
    assert texts.tone(value, 100, measure) == tone


@pytest.mark.parametrize(
    ("value", "expected", "text"),
    [(60, 100, "−40%"), (130, 100, "+30%"), (100, 100, "±0%"), (5, None, ""), (5, 0, "")],
)
def test_a_change_is_a_percentage_of_the_expected_value(value, expected, text):
    assert texts.change(value, expected) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (0, "0 s"), (59, "59 s"), (7200, "2 h"), (200000, "2 d")]
)
def test_an_age_has_its_largest_unit(seconds, text):
    assert texts.age(seconds) == text
