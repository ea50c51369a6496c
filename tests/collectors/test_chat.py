import pytest

from exporter.api import endpoints
from exporter.api.errors import Refused, Unavailable
from exporter.api.payloads import PayloadError
from exporter.collectors import chat
from tests.collectors.conftest import BROKEN, FORBIDDEN, NOT_FOUND, back, days_of

CHAT = endpoints.MESSAGES_PER_SESSION


def buckets(sessions, average, wrap=lambda rows: rows):
    def answer(call):
        return wrap(
            [
                {
                    "time": f"{day.isoformat()}T00:00:00Z",
                    "avg_messages": average(day),
                    "total_sessions": sessions(day),
                }
                for day in days_of(call)
            ]
        )

    return answer


def by_mentor(answers):
    return lambda call: answers[call.query.get("mentor_id")]


async def test_the_sessions_of_today_and_the_messages_in_each(trip, api):
    api.answers[CHAT] = [{"time": "2026-05-06T00:00:00Z", "avg_messages": 5, "total_sessions": 10}]
    assert await trip.figures(chat.chat_today) == {
        "chat_sessions_today": 10,
        "avg_messages_per_session_today": 5,
    }
    asked = api.asked("start_date", "end_date", "aggregation", "mentor_id")
    assert asked == [("2026-05-06", "2026-05-06", "daily", None)]


@pytest.mark.parametrize(
    "wrap", [lambda rows: rows, lambda rows: [rows], lambda r: [[x] for x in r]]
)
async def test_averages_are_weighted_by_sessions_in_any_form_of_the_list(trip, api, wrap):
    def sessions(day):
        return 30 if back(day) == 1 else 10

    def average(day):
        return 8 if back(day) == 1 else 4

    api.answers[CHAT] = buckets(sessions, average, wrap)
    found = await trip.figures(chat.chat)
    assert found["chat_sessions_7d"] == 90
    assert found["avg_messages_per_session_7d"] == pytest.approx((240 + 6 * 40) / 90)
    assert found["avg_messages_per_session_1d"] == 8
    assert found["avg_messages_per_session_1d_baseline"] == 4
    assert found["chat_sessions_7d_baseline"] == 70
    assert len(found) == 10
    assert len(api.calls) == 1


async def test_a_window_without_sessions_has_no_average(trip, api):
    api.answers[CHAT] = buckets(lambda _: 0, lambda _: 0)
    found = await trip.figures(chat.chat)
    assert set(found.values()) == {0}
    assert not any("avg" in name for name in found)


async def test_sessions_whose_messages_are_unknown_still_count(trip, api):
    api.answers[CHAT] = buckets(lambda _: 2, lambda day: None if back(day) == 1 else 3)
    found = await trip.figures(chat.chat)
    assert found["chat_sessions_7d"] == 14
    assert "avg_messages_per_session_7d" not in found
    assert found["avg_messages_per_session_7d_baseline"] == 3


async def test_a_day_left_out_is_unknown_since_nothing_says_that_it_was_empty(trip, api):
    api.answers[CHAT] = []
    assert await trip.figures(chat.chat) == {}


async def test_each_mentor_that_the_org_names_has_figures_of_its_own(trip, api):
    trip.wants(mentors=("m1", "m2"))
    today = {"time": "2026-05-06", "avg_messages": 4, "total_sessions": 9}
    api.answers[CHAT] = by_mentor(
        {None: [today], "m1": [today | {"total_sessions": 6}], "m2": [[]]}
    )
    assert await trip.figures(chat.chat_today) == {
        "chat_sessions_today": 9,
        "avg_messages_per_session_today": 4,
        "mentor_chat_sessions_today m1": 6,
        "mentor_avg_messages_per_session_today m1": 4,
    }
    assert {call.subject for call in api.calls} == {"", "m1", "m2"}


async def test_mentors_have_baselines_too(trip, api):
    trip.wants(mentors=("m1",))
    api.answers[CHAT] = buckets(lambda _: 2, lambda _: 3)
    found = await trip.figures(chat.chat)
    assert found["mentor_chat_sessions_7d_baseline m1"] == 14
    assert found["mentor_avg_messages_per_session_7d_baseline m1"] == 3


async def test_a_mentor_that_is_not_found_is_passed_over(trip, api):
    trip.wants(mentors=("gone", "m1"))
    today = [{"time": "2026-05-06", "avg_messages": 4, "total_sessions": 9}]
    api.answers[CHAT] = by_mentor({None: today, "gone": NOT_FOUND, "m1": today})
    found = await trip.figures(chat.chat_today)
    assert "mentor_chat_sessions_today m1" in found
    assert not any("gone" in name for name in found)


@pytest.mark.parametrize(
    ("answer", "error"), [(FORBIDDEN, Refused), (BROKEN, Unavailable), (b"{}", PayloadError)]
)
async def test_any_other_trouble_with_a_mentor_fails_the_visit(trip, api, answer, error):
    trip.wants(mentors=("m1",))
    api.answers[CHAT] = by_mentor({None: [], "m1": answer})
    with pytest.raises(error):
        await trip.figures(chat.chat_today)


async def test_the_days_of_the_org_are_kept_for_charts_and_those_of_mentors_are_not(trip, api):
    trip.wants(mentors=("m1",))
    api.answers[CHAT] = buckets(back, lambda _: 3)
    daily = (await trip.findings(chat.chat)).daily
    assert list(daily) == ["chat_sessions"]
    assert list(daily["chat_sessions"].values()) == list(range(35, 0, -1))
