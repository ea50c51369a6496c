"""What happens at the university: realistic, and the same for the same seed and day."""

from datetime import UTC, date, datetime, timedelta
from statistics import fmean, median, pstdev

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exporter.demo.data import calendar
from exporter.demo.data.org import Event
from exporter.demo.data.org_view import OrgView
from exporter.demo.university import Drop, University

NIGHT = datetime(2026, 3, 18, 23, 59, 59, tzinfo=UTC)
UNIVERSITY = University()
DAYS = st.dates(date(2024, 3, 1), date(2027, 12, 31))
EARLIER_WEEKS = 4


def view(university=UNIVERSITY, moment=NIGHT, org="globex", **narrowed):
    return OrgView.at(university.data(org), moment, drops=university.drops, **narrowed)


def night_of(day):
    return datetime.combine(day, NIGHT.time(), UTC)


def days_before(moment, number):
    today = moment.toordinal()
    return range(today - number, today)


def in_a_break(days):
    """Return whether any of `days` is in a break, or beside one."""
    year = date.fromordinal(days.start).year
    return any(
        first.toordinal() - 1 < days.stop and days.start <= last.toordinal() + 1
        for first, last in calendar.breaks(year - 1, year + 1)
    )


def by_day_of(seen, days):
    """Return everything that is counted by day."""
    chats = seen.chats(days)
    return {
        **{event: seen.counts(event, days) for event in Event},
        "active": [seen.active((day,)) for day in days],
        "registrations": seen.registrations(days),
        "seconds": seen.seconds(days),
        **chats._asdict(),
    }


@given(day=DAYS, org=st.sampled_from([org.key for org in UNIVERSITY.orgs]))
def test_every_week_shows_life(day, org):
    week = by_day_of(view(org=org, moment=night_of(day)), days_before(night_of(day), 7))
    for name in ("active", Event.ENROLLMENT, Event.VIDEO, "sessions", "messages"):
        assert sum(week[name]) > 0


@given(day=DAYS, later=st.integers(1, 400))
def test_a_complete_day_never_changes(day, later):
    moment = night_of(day)
    days = days_before(moment, 3)
    then = view(moment=moment + timedelta(days=later), org="acme")
    assert by_day_of(view(moment=moment, org="acme"), days) == by_day_of(then, days)
    assert by_day_of(view(University(), moment=moment, org="acme"), days) == by_day_of(then, days)


@given(day=DAYS)
def test_no_week_outside_the_breaks_looks_like_a_drop(day):
    weeks = [
        range(day.toordinal() - 7 * (back + 1), day.toordinal() - 7 * back)
        for back in range(EARLIER_WEEKS + 1)
    ]
    assume(not in_a_break(weeks[0]))
    seen = view(org="acme", moment=night_of(day))
    for total in (
        seen.active,
        lambda span: sum(seen.counts(Event.VIDEO, span)),
        lambda span: sum(seen.counts(Event.ENROLLMENT, span)),
        lambda span: sum(seen.chats(span).sessions),
    ):
        now, *earlier = map(total, weeks)
        assert now / median(earlier) > 0.65


def test_a_break_is_a_drop_that_the_calendar_explains():
    seen = view(org="acme", moment=night_of(date(2026, 4, 10)))
    inside, before = date(2026, 4, 9).toordinal(), date(2026, 4, 2).toordinal()
    ratio = seen.active(range(inside - 6, inside + 1)) / seen.active(range(before - 6, before + 1))
    assert 0.4 < ratio < 0.8


@given(day=DAYS)
def test_weekends_are_low(day):
    monday = day.toordinal() - day.weekday() - 7
    assume(not in_a_break(range(monday, monday + 7)))
    seen = view(org="initech", moment=night_of(day))
    by_day = [seen.active((monday + place,)) for place in range(7)]
    assert max(by_day[5:]) < fmean(by_day[:5])


def test_the_level_moves_slowly_and_counts_scatter_as_if_people_came_on_their_own():
    data = UNIVERSITY.data("initech")
    days = range(date(2024, 1, 1).toordinal(), date(2027, 1, 1).toordinal())
    level = [data.chance.level(data.salt, day) - 1 for day in days]
    assert 0.7 < sum(map(lambda a, b: a * b, level, level[1:])) / sum(x * x for x in level) < 0.95
    assert 0.03 < pstdev(level) < 0.08
    flat = [1.0] * len(days)
    for mean in (0.3, 4.0, 60.0):
        counts = data.chance.counts(data.salt, mean, days, flat)
        assert fmean(counts) == pytest.approx(mean, rel=0.15)
        assert 0.6 < pstdev(counts) ** 2 / mean < 1.5


def test_people_are_active_by_the_clock_of_their_time_zone():
    # Acme is in New York, where the working day begins at 13:00 UTC.
    at_noon = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
    shares = {org: view(org=org, moment=at_noon).so_far for org in ("acme", "globex", "initech")}
    assert shares["acme"] < shares["globex"] < shares["initech"]


@given(day=DAYS, main=st.booleans(), department=st.sampled_from([None, 1, 2, 3]))
def test_the_orgs_series_is_exactly_the_sum_of_its_courses(day, main, department):
    university = University(drops=[Drop("acme", 2, 0.5)])
    moment = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=15)
    seen = view(university, moment, "acme", main=main, department=department)
    days = range(day.toordinal() - 5, day.toordinal() + 2)
    for event in Event:
        of_courses = [seen.counts(event, days, (course,)) for course in seen.courses]
        assert seen.counts(event, days) == [sum(values) for values in zip(*of_courses, strict=True)]


def test_unique_users_are_fewer_than_the_sum_over_courses_and_over_days():
    seen = view(org="acme")
    week = days_before(NIGHT, 7)
    total = seen.active(week)
    assert max(seen.users((course,), week) for course in seen.courses) <= total
    assert total < sum(seen.users((course,), week) for course in seen.courses)
    assert total < sum(seen.active((day,)) for day in week)


@given(day=DAYS, first=st.integers(0, 86399), second=st.integers(0, 86399), late=st.booleans())
def test_today_only_grows(day, first, second, late):
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    today = range(day.toordinal(), day.toordinal() + 1)
    earlier, later = (
        by_day_of(view(org="acme", moment=midnight + timedelta(seconds=s), late=late), today)
        for s in sorted((first, second))
    )
    for name, (value,) in earlier.items():
        assert value <= later[name][0]


@given(day=DAYS, hour=st.floats(0, 23.9))
def test_late_data_grow_until_six_and_are_complete_then(day, hour):
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    yesterday = range(day.toordinal() - 1, day.toordinal())
    complete = by_day_of(view(org="acme", moment=midnight), yesterday)
    moments = (midnight + timedelta(hours=h) for h in (0, hour, max(hour, 6)))
    seen = [by_day_of(view(org="acme", moment=m, late=True), yesterday) for m in moments]
    for name, (value,) in complete.items():
        first, then, last = (each[name][0] for each in seen)
        assert first <= then <= last == value
    assert seen[0]["sessions"] < complete["sessions"]


def test_nothing_happens_tomorrow_nor_before_an_org_opens():
    seen = view(org="acme")
    tomorrow = range(NIGHT.toordinal() + 1, NIGHT.toordinal() + 3)
    assert {max(values) for values in by_day_of(seen, tomorrow).values()} == {0}
    new = University(opened={"acme": date(2026, 3, 14)})
    seen = view(new, org="acme")
    before = range(date(2026, 3, 1).toordinal(), date(2026, 3, 14).toordinal())
    assert {max(values) for values in by_day_of(seen, before).values()} == {0}
    assert seen.active(range(before.stop, before.stop + 1)) > 0


def test_a_drop_lowers_its_org_on_its_days_and_nothing_else():
    usual, dropped = view(org="acme"), view(University(drops=[Drop("acme", 3, 0.6)]), org="acme")
    during, before = days_before(NIGHT, 3), range(NIGHT.toordinal() - 40, NIGHT.toordinal() - 3)

    def values(seen, days):
        chats = seen.chats(days)
        return (
            seen.active(days),
            sum(seen.counts(Event.ENROLLMENT, days)),
            sum(seen.counts(Event.VIDEO, days)),
            sum(chats.sessions),
            sum(chats.messages) / sum(chats.sessions),
        )

    for fallen, whole in zip(values(dropped, during), values(usual, during), strict=True):
        assert 0.2 < fallen / whole < 0.65
    assert values(dropped, before) == values(usual, before)
    other = University(drops=[Drop("globex", 3, 0.6)])
    assert view(other, org="acme").active(during) == usual.active(during)


def test_a_drop_includes_today():
    usual, dropped = view(org="acme"), view(University(drops=[Drop("acme", 0, 1.0)]), org="acme")
    today = (NIGHT.toordinal(),)
    assert usual.active(today) > dropped.active(today) == 0
    assert usual.active(days_before(NIGHT, 1)) == dropped.active(days_before(NIGHT, 1))


@given(day=DAYS, org=st.sampled_from(["org-0009", "acme"]))
def test_conversations_are_sessions_with_messages(day, org):
    seen = view(University(orgs=9), org=org, moment=night_of(day))
    week = days_before(night_of(day), 7)
    for agent in seen.agents:
        chats = seen.chats(week, (agent,))
        users = [seen.users((agent,), (day,)) for day in week]
        for n, sessions, talks, said in zip(
            users, chats.sessions, chats.conversations, chats.messages, strict=True
        ):
            assert n <= sessions >= talks <= said
            assert bool(n) == bool(sessions)
            assert bool(talks) == bool(said)


def test_sessions_without_messages_are_ordinary_and_some_averages_are_below_one():
    university = University(orgs=12)
    month = days_before(NIGHT, 28)
    averages = []
    for org in university.orgs:
        seen = view(university, org=org.key)
        for agent in seen.agents:
            chats = seen.chats(month, (agent,))
            assert sum(chats.conversations) < sum(chats.sessions)
            averages.append(sum(chats.messages) / sum(chats.sessions))
    assert min(averages) < 0.5
    assert max(averages) > 4
