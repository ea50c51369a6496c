"""Measures by day: one request covers today, the windows and the history."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import pytest

from exporter import catalog
from exporter.api.errors import RejectedError
from exporter.api.payloads import PayloadError
from exporter.catalog import Windowed
from exporter.collectors import COLLECTORS, audience, daily
from exporter.windows import WINDOWS, Span
from tests.collectors.conftest import (
    FORBIDDEN,
    NOT_FOUND,
    TODAY,
    YESTERDAY,
    ago,
    counts,
    days_of,
    series,
)
from tests.collectors.responses import EVENTS, TOTALS

DAY = timedelta(days=1)


COLLECT = {collector.name: collector.collect for collector in COLLECTORS}


@dataclass(frozen=True)
class Case:
    """A measure, the collector that requests it, and its response for values by day."""

    measure: Windowed
    name: str
    respond: object

    @property
    def collect(self):
        return COLLECT[self.name]


SERIES = [Case(measure, name, series) for name, measure in TOTALS.items()]
EVENT_LISTS = [
    Case(measure, name, partial(counts, member)) for name, (measure, member) in EVENTS.items()
]
every = pytest.mark.parametrize("case", SERIES + EVENT_LISTS, ids=lambda case: case.measure.name)
series_with_total = pytest.mark.parametrize("case", SERIES, ids=lambda case: case.measure.name)
events = pytest.mark.parametrize("case", EVENT_LISTS, ids=lambda case: case.measure.name)


def days_kept(case):
    return daily.EXPECTED_DAYS if case.measure.expected else daily.WINDOW_DAYS


def name_of(case, window):
    return case.measure.at(window).name.removeprefix("iblai_")


def expected(case, value):
    """Return the values of all windows for `value(day)`."""
    spans = {w: Span(TODAY - DAY * n, YESTERDAY) for w, n in WINDOWS.items()}
    spans["today"] = Span(TODAY, TODAY)
    return {
        name_of(case, window): sum(value(day) for day in spans[window])
        for window in case.measure.windows
    }


@every
async def test_one_request_covers_today_the_windows_and_the_history(bench, api, case):
    api.answers[case.measure.endpoint] = case.respond(lambda day: 1 + ago(day))
    assert await bench.values(case.collect) == expected(case, lambda day: 1 + ago(day))
    assert api.spans() == [(TODAY - DAY * days_kept(case), TODAY)]
    values = bench.history.series("acme", case.measure.name)
    assert values.covers(Span(TODAY - DAY * days_kept(case), TODAY))
    assert values.get(YESTERDAY - DAY * 20) == 22


@every
async def test_later_only_the_last_two_days_and_today_are_requested(bench, api, case):
    api.answers[case.measure.endpoint] = case.respond(lambda day: 1 + ago(day))
    first = await bench.values(case.collect)
    api.calls.clear()
    assert await bench.values(case.collect) == first
    assert api.spans() == [(TODAY - DAY * 2, TODAY)]


@every
@pytest.mark.parametrize("gap", [1, 5])
async def test_after_a_gap_the_days_since_the_last_request_are_requested(bench, api, case, gap):
    api.answers[case.measure.endpoint] = case.respond(lambda _: 2)
    await bench.values(case.collect)
    api.calls.clear()
    bench.advance(days=gap)
    found = await bench.values(case.collect)
    assert api.spans() == [(TODAY - DAY * 2, TODAY + DAY * gap)]
    for window, length in WINDOWS.items():
        if window in case.measure.windows:
            assert found[name_of(case, window)] == 2 * length


@every
async def test_late_data_of_the_last_two_days_is_noticed_and_that_of_older_days_is_not(
    bench, api, case
):
    api.answers[case.measure.endpoint] = case.respond(lambda _: 2)
    await bench.values(case.collect)
    api.answers[case.measure.endpoint] = case.respond(lambda day: 5 if ago(day) <= 2 else 100)
    found = await bench.values(case.collect)
    assert found[name_of(case, "1d")] == 5
    if "7d" in case.measure.windows:
        assert found[name_of(case, "7d")] == 5 * 2 + 2 * 5


@every
async def test_with_an_exclusive_end_the_values_are_the_same(bench, api, case):
    """The API leaves the end date out; one more day is requested."""
    bench.configure(range_end="exclusive")

    def respond(call):
        shorter = dict(call.query)
        last = date.fromisoformat(shorter["end_date"]) - DAY
        shorter["end_date"] = last.isoformat()
        return case.respond(lambda day: 1 + ago(day))(type("Call", (), {"query": shorter}))

    api.answers[case.measure.endpoint] = respond
    assert await bench.values(case.collect) == expected(case, lambda day: 1 + ago(day))
    assert api.requested("end_date") == [((TODAY + DAY).isoformat(),)]


@every
async def test_days_beyond_the_requested_range_never_count(bench, api, case):
    """A day after today, as a platform in another time zone may return it, is ignored."""

    def respond(call):
        longer = dict(call.query)
        longer["start_date"] = (min(days_of(call)) - DAY * 3).isoformat()
        longer["end_date"] = (TODAY + DAY).isoformat()
        return case.respond(lambda _: 2)(type("Call", (), {"query": longer}))

    api.answers[case.measure.endpoint] = respond
    assert await bench.values(case.collect) == expected(case, lambda _: 2)


@every
@pytest.mark.parametrize("error", [FORBIDDEN, NOT_FOUND], ids=["403", "404"])
async def test_an_error_of_the_api_fails_the_run(bench, api, case, error):
    api.answers[case.measure.endpoint] = error
    with pytest.raises(RejectedError):
        await bench.values(case.collect)


# Series with a total.


@series_with_total
async def test_windows_with_an_unknown_day_are_absent(bench, api, case):
    api.answers[case.measure.endpoint] = series(lambda day: None if ago(day) == 3 else 2)
    found = await bench.values(case.collect)
    windows = {name_of(case, w) for w in case.measure.windows}
    assert found.keys() == windows - {name_of(case, "7d"), name_of(case, "28d")}


@series_with_total
async def test_a_missing_newest_day_is_unknown_and_not_0(bench, api, case):
    """The platform is late, or leaves the end date out."""

    def late(call):
        days = {day.isoformat(): 27 for day in days_of(call) if day < YESTERDAY}
        return {"data": days, "total": 27 * len(days)}

    api.answers[case.measure.endpoint] = late
    assert await bench.values(case.collect) == {}
    assert bench.history.series("acme", case.measure.name).get(YESTERDAY) is None


@series_with_total
async def test_while_the_newest_day_is_missing_the_windows_that_end_earlier_stay(bench, api, case):
    def until(newest):
        def respond(call):
            days = {day.isoformat(): 2 for day in days_of(call) if day <= newest}
            return {"data": days, "total": 2 * len(days)}

        return respond

    api.answers[case.measure.endpoint] = until(TODAY)
    await bench.values(case.collect)
    bench.advance(days=1)
    api.answers[case.measure.endpoint] = until(TODAY - DAY)
    await bench.values(case.collect)
    complete = {name_of(case, w): 2 * n for w, n in WINDOWS.items()}
    assert bench.served(case.collect) == complete
    [item] = (
        item
        for item in bench.snapshots.items("acme", case.collect.__name__).values()
        if not item.of_day
    )
    assert item.day == TODAY
    api.answers[case.measure.endpoint] = until(TODAY + DAY)
    await bench.values(case.collect)
    assert bench.served(case.collect).items() >= complete.items()
    [item] = (
        item
        for item in bench.snapshots.items("acme", case.collect.__name__).values()
        if not item.of_day
    )
    assert item.day == TODAY + DAY


@series_with_total
async def test_a_response_without_any_value_is_a_failure(bench, api, case):
    api.answers[case.measure.endpoint] = {"data": {YESTERDAY.isoformat(): "many"}}
    with pytest.raises(PayloadError):
        await bench.values(case.collect)
    api.answers[case.measure.endpoint] = {"data": {}, "total": 0}
    with pytest.raises(PayloadError, match="no day has a value"):
        await bench.values(case.collect)


async def test_a_day_given_twice_with_the_same_value_counts_once(bench, api):
    def twice(call):
        days = {day.isoformat(): 14 for day in days_of(call)}
        return {"data": {**days, f"{YESTERDAY}T00:00:00Z": 14}, "total": 14 * len(days)}

    api.answers[catalog.VIDEO_COMPLETIONS.endpoint] = twice
    assert (await bench.values(COLLECT["videos"]))["video_completions_1d"] == 14


# Event lists.


@events
async def test_idle_days_of_event_lists_are_0(bench, api, case):
    api.answers[case.measure.endpoint] = case.respond(lambda day: 3 * (ago(day) == 5))
    found = await bench.values(case.collect)
    assert found == expected(case, lambda day: 3 * (ago(day) == 5))


@events
async def test_an_empty_event_list_means_0_for_every_day(bench, api, case):
    api.answers[case.measure.endpoint] = []
    assert await bench.values(case.collect) == expected(case, lambda _: 0)


@events
async def test_a_row_without_a_date_makes_the_other_days_unknown(bench, api, case):
    rows = case.respond(lambda _: 2)

    def undated(call):
        found = [row for row in rows(call) if not row["date"].startswith(YESTERDAY.isoformat())]
        return [*found, {**found[0], "date": None}]

    api.answers[case.measure.endpoint] = undated
    found = await bench.values(case.collect)
    assert name_of(case, "1d") not in found
    assert bench.errors[case.measure.endpoint.name, "date"] == 1


@events
async def test_rows_that_all_lie_outside_the_range_are_a_payload_error(bench, api, case):
    member = next(iter(case.respond(lambda _: 2)(SimpleCall())[0].keys() - {"date"}))
    api.answers[case.measure.endpoint] = [{"date": "2020-01-01", member: 3}]
    with pytest.raises(PayloadError, match="outside"):
        await bench.values(case.collect)
    assert bench.errors == {(case.measure.endpoint.name, "unreadable"): 1}


class SimpleCall:
    """A request of one day."""

    def __init__(self):
        self.query = {"start_date": "2026-05-05", "end_date": "2026-05-05"}


async def test_users_of_one_day_are_unique_and_not_added_up_to_weeks(bench, api):
    api.answers[catalog.AGENT_USERS.endpoint] = counts("user_count", lambda _: 7)
    assert await bench.values(COLLECT["agent_users"]) == {"agent_users_1d": 7}


# Enrollments: the same endpoint twice, for `active=y` and `active=n`.


def by_flag(enrolled, left):
    return lambda call: (enrolled if call.query["active"] == "y" else left)(call)


async def test_enrollments_and_unenrollments_are_two_requests(bench, api):
    api.answers[catalog.ENROLLMENTS.endpoint] = by_flag(series(3), series(1))
    found = await bench.values(audience.enrollments)
    assert found["enrollments_today"] == 3
    assert found["enrollments_7d"] == 21
    assert found["unenrollments_28d"] == 28
    assert len(found) == 8
    assert api.requested("active", "end_date") == [("y", "2026-05-06"), ("n", "2026-05-06")]
    assert bench.history.series("acme", "enrollments").get(YESTERDAY) == 3
    assert bench.history.series("acme", "unenrollments").get(YESTERDAY) == 1


async def test_enrollments_that_no_response_extends_beyond_are_absent_and_not_0(bench, api):
    """Version 1 exported `enrollments_1d` 0 instead of 27."""

    def without_end(call):
        days = {day.isoformat(): 27 for day in days_of(call) if day < TODAY}
        return {"data": days, "total": 27 * len(days)}

    api.answers[catalog.ENROLLMENTS.endpoint] = without_end
    found = await bench.values(audience.enrollments)
    assert found["enrollments_1d"] == 27
    assert "enrollments_today" not in found
