from datetime import UTC, date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.demo.campus import Figure
from exporter.demo.university import Drop, University
from exporter.demo.view import View

NIGHT = datetime(2026, 3, 18, 23, 59, 59, tzinfo=UTC)
UNIVERSITY = University()
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


def view(university=UNIVERSITY, moment=NIGHT, org="globex", **narrowed):
    return View.at(university.campus(org), moment, drops=university.drops, **narrowed)


def days_before(moment, number):
    today = moment.toordinal()
    return range(today - number, today)


def test_the_first_orgs_are_named_and_sit_in_three_time_zones():
    orgs = UNIVERSITY.orgs
    assert [(org.key, org.timezone) for org in orgs] == [
        ("acme", "America/New_York"),
        ("globex", "UTC"),
        ("initech", "Europe/Berlin"),
    ]
    assert all(2 <= len(org.mentors) <= 3 for org in orgs)


def test_further_orgs_are_numbered_and_their_time_zones_exist():
    orgs = University(orgs=40, courses=1).orgs
    assert orgs[3].key == "org-0004"
    assert all(ZoneInfo(org.timezone) for org in orgs)
    assert len({org.key for org in orgs}) == len({org.api_key for org in orgs}) == 40


def test_keys_are_64_hexadecimal_digits_and_follow_from_the_seed():
    first, again, other = University(7), University(7), University(8)
    assert all(len(bytes.fromhex(org.api_key)) == 32 for org in first.orgs)
    assert first.orgs == again.orgs
    assert not {org.api_key for org in first.orgs} & {org.api_key for org in other.orgs}


def test_an_org_in_text_shows_no_key():
    org = UNIVERSITY.orgs[0]
    assert org.api_key not in f"{org!r} {org}"


def test_course_ids_are_unique_and_awkward():
    courses = University(courses=50).campus("acme").courses
    ids = [course.course_id for course in courses]
    assert len(set(ids)) == 50
    assert "course-v1:Acme+Bio101+2026" in ids
    assert "Acme/Course/Run" in ids
    names = [course.name for course in courses]
    assert "" in names
    for mark in ('"', "\\", "\n", "🎨", "מ"):
        assert any(mark in name for name in names)


@given(day=DAYS, org=st.sampled_from([org.key for org in UNIVERSITY.orgs]))
def test_every_day_shows_life(day, org):
    seen = view(org=org, moment=datetime.combine(day, NIGHT.time(), UTC))
    week = days_before(day, 7)
    assert seen.active(week) > 0
    assert sum(seen.counts(Figure.ENROLLMENTS, week)) > 0
    assert sum(seen.counts(Figure.VIDEOS, week)) > 0
    assert sum(seen.sessions(week)) > 0


@given(day=DAYS)
def test_no_week_looks_like_a_drop_that_nobody_asked_for(day):
    seen = view(org="acme", moment=datetime.combine(day, NIGHT.time(), UTC))

    def weeks(total):
        this, *earlier = (
            total(range(day.toordinal() - 7 * (back + 1), day.toordinal() - 7 * back))
            for back in range(5)
        )
        return this / median(earlier)

    assert weeks(seen.active) > 0.7
    assert weeks(lambda span: sum(seen.counts(Figure.VIDEOS, span))) > 0.7
    assert weeks(lambda span: sum(seen.counts(Figure.ENROLLMENTS, span))) > 0.7
    assert weeks(lambda span: sum(seen.sessions(span))) > 0.7


@given(day=DAYS)
def test_weekends_are_low(day):
    monday = day.toordinal() - day.weekday() - 7
    seen = view(org="initech", moment=datetime.combine(day, NIGHT.time(), UTC))
    by_day = [seen.active((monday + place,)) for place in range(7)]
    assert max(by_day[5:]) < min(by_day[:4])


@given(day=DAYS, main=st.booleans(), department=st.sampled_from([None, 1, 2, 3]))
def test_the_orgs_series_is_exactly_the_sum_of_its_courses(day, main, department):
    university = University(drops=[Drop("acme", 2, 0.5)])
    moment = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=15)
    seen = view(university, moment, "acme", main=main, department=department)
    days = range(day.toordinal() - 5, day.toordinal() + 2)
    for figure in Figure:
        of_courses = [seen.counts(figure, days, (course,)) for course in seen.courses]
        assert seen.counts(figure, days) == [
            sum(values) for values in zip(*of_courses, strict=True)
        ]


def test_unique_users_are_fewer_than_the_sum_over_courses_and_over_days():
    seen = view(org="acme")
    week = days_before(NIGHT, 7)
    total = seen.active(week)
    assert max(seen.users((course,), week) for course in seen.courses) <= total
    assert total < sum(seen.users((course,), week) for course in seen.courses)
    assert total < sum(seen.active((day,)) for day in week)


@given(day=DAYS, first=st.integers(0, 86399), second=st.integers(0, 86399))
def test_today_only_grows(day, first, second):
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    earlier, later = (
        view(org="acme", moment=midnight + timedelta(seconds=seconds))
        for seconds in sorted((first, second))
    )
    today = range(day.toordinal(), day.toordinal() + 1)
    assert not earlier.reach(today) & ~later.reach(today)
    for figure in Figure:
        assert earlier.counts(figure, today) <= later.counts(figure, today)
    assert earlier.messages(today) <= later.messages(today)


def test_nothing_happens_tomorrow():
    seen = view(org="acme")
    tomorrow = range(NIGHT.toordinal() + 1, NIGHT.toordinal() + 3)
    assert seen.active(tomorrow) == 0
    assert seen.counts(Figure.VIDEOS, tomorrow) == seen.sessions(tomorrow) == [0, 0]


def test_a_drop_lowers_its_org_on_its_days_and_nothing_else():
    usual, dropped = view(org="acme"), view(University(drops=[Drop("acme", 3, 0.6)]), org="acme")
    during, before = days_before(NIGHT, 3), range(NIGHT.toordinal() - 40, NIGHT.toordinal() - 3)
    readings = (
        lambda seen, days: seen.active(days),
        lambda seen, days: sum(seen.counts(Figure.ENROLLMENTS, days)),
        lambda seen, days: sum(seen.counts(Figure.VIDEOS, days)),
        lambda seen, days: sum(seen.sessions(days)),
        lambda seen, days: sum(seen.messages(days)) / sum(seen.sessions(days)),
    )
    for reading in readings:
        assert 0.2 < reading(dropped, during) / reading(usual, during) < 0.65
        assert reading(dropped, before) == reading(usual, before)
    other = University(drops=[Drop("globex", 3, 0.6)])
    assert view(other, org="acme").active(during) == usual.active(during)


def test_a_drop_reaches_today():
    usual, dropped = view(org="acme"), view(University(drops=[Drop("acme", 0, 1.0)]), org="acme")
    today = (NIGHT.toordinal(),)
    assert usual.active(today) > dropped.active(today) == 0
    assert usual.active(days_before(NIGHT, 1)) == dropped.active(days_before(NIGHT, 1))


def test_a_drop_reads_as_it_is_written():
    assert Drop.parse("acme:3:0.6") == Drop("acme", 3, 0.6)


@pytest.mark.parametrize(
    "text", ["", "acme", "acme:3", ":3:0.5", "acme:x:0.5", "acme:-1:0.5", "acme:3:60", "acme:3:nan"]
)
def test_a_drop_that_cannot_be_read_teaches_how_to_write_one(text):
    with pytest.raises(ValueError, match=r"acme:3:0\.6"):
        Drop.parse(text)


def test_a_drop_of_an_unknown_org_is_refused():
    with pytest.raises(ValueError, match="nobody"):
        University(drops=[Drop("nobody", 1, 0.5)])


def test_no_org_has_fewer_users_than_sessions_would_need():
    seen = view(org="acme")
    week = days_before(NIGHT, 7)
    users = [seen.users(seen.mentors, (day,)) for day in week]
    assert all(a <= b for a, b in zip(users, seen.sessions(week), strict=True))
    assert all(a <= b for a, b in zip(seen.sessions(week), seen.messages(week), strict=True))
