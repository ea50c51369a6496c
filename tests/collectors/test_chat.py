"""Chat sessions: event lists, weighted averages, mentors."""

import pytest

from exporter.api import endpoints
from exporter.collectors import chat, v2
from tests.collectors.conftest import NOT_FOUND, TODAY, UNREADABLE, ago, counts, sessions
from tests.collectors.responses import agent

CHAT = endpoints.MESSAGES_PER_SESSION


async def test_the_sessions_of_today_and_the_messages_in_each(bench, api):
    api.answers[CHAT] = [{"time": "2026-05-06T00:00:00Z", "avg_messages": 5, "total_sessions": 10}]
    found = await bench.values(chat.chat)
    assert found["chat_sessions_today"] == 10
    assert found["avg_messages_per_session_today"] == 5
    assert found["chat_sessions_7d"] == 0
    assert "avg_messages_per_session_7d" not in found
    requested = api.requested("start_date", "end_date", "aggregation", "mentor_id")
    assert requested == [("2025-10-08", "2026-05-06", "daily", None)]


async def test_days_without_a_row_are_idle_and_not_unknown(bench, api):
    """Rows for 2026-03-20 to -25: from 03-19 on, 1,145 sessions of 4.009 messages."""
    bench.advance(days=(TODAY.replace(month=3, day=26) - TODAY).days)
    counted = (250, 110, 130, 620, 20, 15)
    averages = (3, 4, 5, 4, 6, 10)
    api.answers[CHAT] = [
        {"time": f"2026-03-{20 + n}T00:00:00Z", "avg_messages": mean, "total_sessions": count}
        for n, (count, mean) in enumerate(zip(counted, averages, strict=True))
    ]
    found = await bench.values(chat.chat)
    assert found["chat_sessions_7d"] == 1145
    assert found["avg_messages_per_session_7d"] == pytest.approx(4.009, abs=5e-4)
    assert found["chat_sessions_28d"] == 1145
    assert found["chat_sessions_1d"] == 15
    assert found["chat_sessions_today"] == 0
    assert "avg_messages_per_session_today" not in found
    assert not bench.errors


async def test_an_empty_list_means_no_sessions_on_any_day(bench, api):
    api.answers[CHAT] = []
    found = await bench.values(chat.chat)
    assert found == {f"chat_sessions_{w}": 0 for w in ("today", "1d", "7d", "28d")}


@pytest.mark.parametrize(
    "wrap", [lambda rows: rows, lambda rows: [rows], lambda rows: [[row] for row in rows]]
)
async def test_averages_are_weighted_by_sessions_in_any_form_of_the_list(bench, api, wrap):
    plain = sessions(lambda day: 30 if ago(day) == 1 else 10, lambda day: 8 if ago(day) == 1 else 4)
    api.answers[CHAT] = lambda call: wrap(plain(call))
    found = await bench.values(chat.chat)
    assert found["chat_sessions_7d"] == 90
    assert found["avg_messages_per_session_7d"] == pytest.approx((240 + 6 * 40) / 90)
    assert found["avg_messages_per_session_1d"] == 8
    assert len(found) == 8
    assert len(api.calls) == 1


async def test_sessions_whose_messages_are_unknown_still_count(bench, api):
    api.answers[CHAT] = sessions(lambda _: 2, lambda day: None if ago(day) == 1 else 3)
    found = await bench.values(chat.chat)
    assert found["chat_sessions_7d"] == 14
    assert "avg_messages_per_session_7d" not in found
    assert found["avg_messages_per_session_today"] == 3


async def test_sessions_without_messages_lower_the_average(bench, api):
    api.answers[CHAT] = sessions(lambda _: 2, lambda day: 0 if ago(day) == 1 else 7)
    found = await bench.values(chat.chat)
    assert found["avg_messages_per_session_1d"] == 0
    assert found["avg_messages_per_session_7d"] == 6


async def test_later_only_days_that_can_still_change_are_requested(bench, api):
    api.answers[CHAT] = sessions(lambda _: 2, lambda _: 3)
    await bench.values(chat.chat)
    api.calls.clear()
    found = await bench.values(chat.chat)
    assert api.requested("start_date", "end_date") == [("2026-05-04", "2026-05-06")]
    assert found["chat_sessions_28d"] == 56


async def test_each_mentor_has_metrics_of_its_own(bench, api):
    bench.mentors = ("m1", "m2")
    row = {"time": "2026-05-06", "avg_messages": 4, "total_sessions": 6}
    api.answers[CHAT] = lambda call: {"m1": [row], "m2": [[]]}[call.query["mentor_id"]]
    found = await bench.values(chat.mentor_chat)
    assert found["mentor_chat_sessions_today m1"] == 6
    assert found["mentor_avg_messages_per_session_today m1"] == 4
    assert found["mentor_chat_sessions_7d m2"] == 0
    assert {call.subject for call in api.calls} == {"m1", "m2"}
    assert set(api.requested("start_date")) == {("2026-04-08",)}


@pytest.mark.parametrize("response", [NOT_FOUND, UNREADABLE], ids=["404", "unreadable"])
async def test_a_typo_in_mentors_costs_that_mentor_alone(bench, api, response):
    bench.mentors = ("typo", "m1")
    good = sessions(lambda _: 2, lambda _: 3)
    api.answers[CHAT] = good
    api.fails = lambda call: response if call.query.get("mentor_id") == "typo" else None
    result = await bench.run(chat.mentor_chat)
    assert result.failed.keys() == {"typo"}
    assert bench.served(chat.mentor_chat)["mentor_chat_sessions_7d m1"] == 14
    assert (await bench.values(chat.chat))["chat_sessions_7d"] == 14


async def test_a_mentor_that_is_no_longer_configured_leaves_nothing_behind(bench, api):
    bench.mentors = ("m1", "m2")
    api.answers[CHAT] = sessions(lambda _: 2, lambda _: 3)
    await bench.values(chat.chat)
    await bench.values(chat.mentor_chat)
    bench.mentors = ("m2",)
    await bench.values(chat.mentor_chat)
    assert not [name for name in bench.served(chat.mentor_chat) if "m1" in name]
    assert set(bench.history.parts("acme", "chat_sessions")) == {"", "m2"}


async def test_names_of_mentors_come_from_the_list_of_agents(bench, api):
    api.answers[endpoints.MENTOR_COSTS] = {"mentor_data": [agent(1), agent(2, name="Tutor")]}
    result = await bench.run(chat.mentors)
    assert result.items["names"].mentors == {"6f1c-1": "Coach 1", "6f1c-2": "Tutor"}
    assert api.requested("start_date", "end_date") == [("2026-05-05", "2026-05-06")]


async def test_back_on_the_seeds_no_average_of_the_newer_family_stays(bench, api):
    """Both generations serve averages, under keys of their own."""
    api.answers[endpoints.V2_SESSIONS] = lambda call: (
        {"points": counts("value", lambda _: 2)(call)}
        if call.query["metric"] == "sessions"
        else {"avg_messages_per_session": {"value": 9}}
    )
    api.answers[CHAT] = sessions(lambda _: 2, lambda _: 3)
    newer = await v2.chat(bench.make_run("chat"))
    assert newer.items.keys() == {"org", "org/today", "org/averages", "org/averages/today"}
    seeds = await bench.run(chat.chat)
    assert {key for key in newer.items if seeds.wanted(key)} == {"org", "org/today"}
