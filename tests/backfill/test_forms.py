import asyncio
import json
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from exporter.api import endpoints
from exporter.api.payloads import (
    PayloadError,
    read_costs,
    read_counts,
    read_courses,
    read_daily,
    read_sessions,
)
from exporter.backfill.desk import Desk
from exporter.backfill.forms import FORMS
from exporter.backfill.kept import Scene
from exporter.backfill.ledger import Ledger
from exporter.settings import Org
from exporter.windows import Span
from tests.backfill.conftest import DAY, MadeUpApi, StillClock, call, span

LENGTH = 40
HULL = span(0, LENGTH - 1)


@st.composite
def short_spans(draw):
    first = draw(st.integers(0, LENGTH - 1))
    return span(first, draw(st.integers(first, LENGTH - 1)))


def either(read, body, over):
    """Return the figures by day that a body reads as, or that it cannot be read."""
    try:
        answer = read(body)
    except PayloadError:
        # Only one collector, that of enrolments, reads two answers, so that it makes a difference.
        return "unreadable" if read is read_daily else dict.fromkeys(over)
    if read is read_sessions:
        return {day: answer.days.get(day) for day in over}
    return answer.over(over)


def by_the_desk(answer, endpoint, over, reach):
    api = MadeUpApi(answer)

    async def ask():
        with Ledger(None) as ledger:
            clock = StillClock()
            desk = Desk(api, ledger, clock, hull=HULL, reach=reach, sleep=clock.sleep)
            return await desk.get(Org(key="acme"), call(over, endpoint))

    return asyncio.run(ask()), api.asked


def rows_of(days, count):
    return [{"date": day, count: value} for day, value in days.items()]


LISTS = {"data", "overtime"}
SHAPES = {
    endpoints.VIDEOS_OVER_TIME: (read_daily, lambda days, total: {"data": days, "total": total}),
    endpoints.CONVERSATIONS: (
        partial(read_counts, count="conversation_count"),
        lambda days, total: rows_of(days, "conversation_count"),
    ),
    endpoints.COSTS: (
        read_costs,
        lambda days, total: {"overtime": rows_of(days, "value"), "value": total},
    ),
}
SHOWN = st.sampled_from(["number", "text", "null", "odd", "left out", "misplaced"])
MOSTLY = st.one_of(
    st.just(["number"] * LENGTH),
    st.lists(st.sampled_from(["number", "left out"]), min_size=LENGTH, max_size=LENGTH),
    st.lists(st.sampled_from(["number", "null"]), min_size=LENGTH, max_size=LENGTH),
    st.lists(SHOWN, min_size=LENGTH, max_size=LENGTH),
)


@settings(deadline=None)
@given(
    truth=st.lists(st.integers(0, 3), min_size=LENGTH, max_size=LENGTH),
    shown=MOSTLY,
    only_zeros_hidden=st.booleans(),
    total=st.sampled_from(["true", "shown", "none", "missing", "wrong", "text"]),
    over=short_spans(),
    reach=st.integers(3, LENGTH),
    shape=st.sampled_from(list(SHAPES)),
)
def test_a_cut_of_a_daily_answer_reads_as_the_answer_to_the_short_range(
    truth, shown, only_zeros_hidden, total, over, reach, shape
):
    read, write = SHAPES[shape]

    def answer(asked):
        data, summed = {}, 0
        for day in asked:
            place = (day - DAY).days
            value, how = truth[place], shown[place]
            if only_zeros_hidden and value and how != "text":
                how = "number"
            if how != "left out":
                key = f"day {place}" if how == "misplaced" else day.isoformat()
                data[key] = {"null": None, "odd": "many", "text": f"{value}.0"}.get(how, value)
                summed += value if how in {"number", "text"} else 0
        whole = sum(truth[(day - DAY).days] for day in asked)
        sums = {"true": whole, "shown": summed, "none": None, "wrong": whole + 1}
        sums["text"] = str(whole)
        written = write(data, sums.get(total))
        if total == "missing" and isinstance(written, dict):
            written = {name: value for name, value in written.items() if name in LISTS}
        return json.dumps(written).encode()

    body, asked = by_the_desk(answer, shape, over, reach)
    assert either(read, body, over) == either(read, answer(over), over)
    event("asked for the short range itself" if over in asked else "cut")


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, LENGTH - 1),
            st.one_of(st.none(), st.just("odd"), st.integers(0, 9)),
            st.one_of(st.none(), st.floats(0, 50, allow_nan=False), st.integers(0, 9)),
            st.sampled_from(["", "T00:00:00Z", " 13:00:00", "T", "X"]),
        ),
        max_size=60,
    ),
    over=short_spans(),
    reach=st.integers(3, LENGTH),
    nested=st.booleans(),
)
def test_a_cut_of_chat_sessions_reads_as_the_answer_to_the_short_range(rows, over, reach, nested):
    def answer(asked):
        found = [
            {
                "time": f"{DAY + timedelta(days=place)}{suffix}",
                "total_sessions": sessions,
                "avg_messages": average,
            }
            for place, sessions, average, suffix in rows
            if DAY + timedelta(days=place) in asked
        ]
        return json.dumps([found] if nested else found).encode()

    body, _ = by_the_desk(answer, endpoints.MESSAGES_PER_SESSION, over, reach)
    assert either(read_sessions, body, over) == either(read_sessions, answer(over), over)


TEXTS = st.sampled_from([None, 7, "", " ", "a", "b", "Ä\n", "\ud800", "x" * 600])


@settings(deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "course_id": TEXTS,
                "name": TEXTS,
                "user_count": st.one_of(st.none(), st.integers(-1, 9), st.just("7")),
            }
        )
    ),
    total=st.one_of(st.none(), st.integers(0, 99), st.just("n/a")),
)
def test_active_users_are_kept_as_they_read(rows, total):
    def read(body):
        try:
            answer = read_courses(body, fields=("user_count",))
        except PayloadError:
            return "unreadable"
        return answer.names, answer.columns, answer.total

    body = json.dumps({"data": rows, "total": total, "meta": {"total": 1}}).encode()
    kept, _ = by_the_desk(lambda _: body, endpoints.ACTIVE_USERS_PER_COURSE, Span(DAY, DAY), LENGTH)
    assert read(kept) == read(body)


SECRET = "Zaphod Quillfeather"


def with_learners(answer):
    """Return an answer that names a learner wherever it has room for more."""
    if isinstance(answer, list):
        return [*map(with_learners, answer), SECRET, {"username": SECRET, SECRET: 1}]
    if isinstance(answer, dict):
        more = {"username": SECRET, "learners": {SECRET: 1}, SECRET: 2, "users": [SECRET]}
        return {**{key: with_learners(value) for key, value in answer.items()}, **more}
    return answer


@pytest.mark.parametrize("endpoint", FORMS, ids=lambda endpoint: endpoint.name)
def test_nothing_of_a_learner_is_kept(endpoint):
    form = FORMS[endpoint]
    example = form.example(span(0, 6), Scene(["a", "b"], 100))
    kept = form.keep(json.dumps(with_learners(json.loads(example))).encode())
    assert kept.body
    assert b"Zaphod" not in kept.body
    assert any(str(n).encode() in kept.body for n in (100, 6))


@pytest.mark.parametrize("endpoint", FORMS, ids=lambda endpoint: endpoint.name)
def test_the_example_of_each_form_is_an_answer_that_can_be_kept(endpoint):
    form = FORMS[endpoint]
    kept = form.keep(form.example(span(0, 6), Scene(["a", "b"], 100)))
    assert kept.flaws == {}
