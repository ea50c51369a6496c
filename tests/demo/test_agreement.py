"""Endpoints that count the same thing agree."""

from urllib.parse import quote

import pytest

from exporter.demo.university import University

AI = "/api/ai-analytics"
AUDIENCE = f"{AI}/audience/orgs/{{org}}"
ENGAGEMENT = f"{AI}/engagement/orgs/{{org}}"
PERFORMANCE = f"{AI}/performance/orgs/{{org}}"
AGENTS = f"{AI}/orgs/{{org}}/users/{{user_id}}"
V2 = "/api/analytics"
WEEK = {"start_date": "2026-03-11", "end_date": "2026-03-17"}
CUSTOM = {**WEEK, "date_filter": "custom", "platform_key": "acme", "granularity": "day"}
OWN = {"include_main_platform": "false"}
ALL = {"length": 100}


@pytest.fixture(autouse=True)
def at_the_end_of_the_day(platform):
    platform.moment = platform.moment.replace(hour=23, minute=59)


def test_time_of_the_org_is_that_of_its_courses(platform):
    listed = platform.json(f"{ENGAGEMENT}/time/per-course", **WEEK, **ALL)["data"]
    total = platform.json(f"{ENGAGEMENT}/time/over-time", **WEEK)["total"]
    assert total == sum(row["time_spent"] for row in listed) > 0


def test_time_is_spent_by_active_users_alone(platform):
    active = platform.json(f"{AUDIENCE}/active-users/per-course", **WEEK)["data"]
    spent = platform.json(f"{ENGAGEMENT}/time/per-course", **WEEK, **ALL)["data"]
    for users, time in zip(active, spent, strict=True):
        assert (users["user_count"] > 0) == (time["time_spent"] > 0)


def test_all_registered_users_are_listed_and_counted(platform):
    listed = platform.json(f"{AUDIENCE}/registered-users/", **OWN, length=1)["pagination"]
    metric = platform.json(f"{V2}/users/", metric="registered_users", platform_key="acme")
    assert listed["totalItems"] == metric["count"]


def test_passes_are_completions_and_nobody_passes_who_is_not_enrolled(platform):
    graded = platform.json(f"{PERFORMANCE}/grading/per-course", **ALL)["data"]
    completed = platform.json(f"{ENGAGEMENT}/course_completion/per-course", **ALL)["data"]
    assert [row["num_passed"] for row in graded] == [row["completions"] for row in completed]
    assert all(row["num_passed"] <= row["num_enrollments"] for row in graded)


def test_grades_of_the_org_lie_among_those_of_its_courses(platform):
    grades = [
        row["avg_grade"]
        for row in platform.json(f"{PERFORMANCE}/grading/per-course", **ALL)["data"]
    ]
    average = platform.json(f"{PERFORMANCE}/grading/average")["data"]["average"]
    assert min(grades) < average < max(grades)


def by_day(rows, time, value):
    return {row[time][:10]: row[value] for row in rows}


def test_sessions_are_the_same_in_both_generations(platform):
    seed = platform.json(f"{AGENTS}/average-messages-per-session/", **WEEK)
    sessions = by_day(seed, "time", "total_sessions")
    points = platform.json(f"{V2}/sessions/", **CUSTOM)["points"]
    assert by_day(points, "date", "value") == sessions
    headline = platform.json(f"{V2}/sessions/", **CUSTOM | {"metric": "headline"})
    messages = platform.json(f"{V2}/messages/", **WEEK, platform_key="acme")["summary"]
    said = messages["user_queries"] + messages["assistant_responses"]
    mean = headline["avg_messages_per_session"]["value"]
    assert mean == pytest.approx(said / sum(sessions.values()), abs=0.005)
    # Those of seed 3 are rounded to whole messages on each day.
    rounded = sum(row["avg_messages"] * row["total_sessions"] for row in seed)
    assert mean == pytest.approx(rounded / sum(sessions.values()), abs=0.5)


def test_conversations_are_the_same_wherever_they_are_counted(platform):
    rows = platform.json(f"{AGENTS}/conversation/", **WEEK)
    counts = by_day(rows, "date", "conversation_count")
    points = platform.json(f"{V2}/conversations/", **CUSTOM)["points"]
    assert by_day(points, "date", "value") == counts
    total = sum(counts.values())
    assert platform.json(f"{AGENTS}/user-sentiment/", **WEEK)["total_sentiments"] == total
    topics = platform.json(f"{AGENTS}/most-discussed-topics/", **WEEK)
    assert sum(topic["conversation_count"] for topic in topics) == total
    messages = platform.json(f"{V2}/messages/", **WEEK, platform_key="acme")
    assert messages["summary"]["total_conversations"] == total
    assert messages["pagination"]["total_records"] == total
    assert total < sum(
        by_day(platform.json(f"{V2}/sessions/", **CUSTOM)["points"], "date", "value").values()
    )


def test_this_month_and_last_month_are_those_of_the_calendar(platform):
    overview = platform.json(f"{V2}/topics/", platform_key="acme")
    for name, this in (
        ("this_month", ("2026-03-01", "2026-03-18")),
        ("last_month", ("2026-02-01", "2026-02-28")),
    ):
        dates = {"start_date": this[0], "end_date": this[1]}
        rows = platform.json(f"{AGENTS}/conversation/", **dates)
        assert overview["conversations"][name] == sum(row["conversation_count"] for row in rows)
        summary = platform.json(f"{V2}/messages/", **dates, platform_key="acme")["summary"]
        assert overview["messages"][name] == (
            summary["user_queries"] + summary["assistant_responses"]
        )


def test_users_of_agents_are_never_more_than_their_sessions(platform):
    users = platform.json(f"{AGENTS}/usage-summary/", **WEEK)
    sessions = platform.json(f"{AGENTS}/average-messages-per-session/", **WEEK)
    for day, bucket in zip(users, sessions, strict=True):
        assert 0 < day["user_count"] <= bucket["total_sessions"]


def test_new_and_returning_users_are_all_users(platform):
    pie = platform.json(f"{AGENTS}/user-metrics-pie-chart/", **WEEK)
    assert sum(part["percentage"] for part in pie.values()) == pytest.approx(100, abs=0.02)


def test_content_is_that_of_the_seeds_for_the_same_days(platform):
    content = platform.json(f"{V2}/content/", **CUSTOM | {"metric": "courses"}, limit=100)
    totals = content["summary"]["totals"]
    active = platform.json(f"{AUDIENCE}/active-users/per-course", **WEEK, **OWN)
    enrolled = platform.json(f"{AUDIENCE}/enrollments/over-time", **WEEK, **OWN)
    spent = platform.json(f"{ENGAGEMENT}/time/over-time", **WEEK, **OWN)
    assert totals["total_learners"] == active["total"]
    assert totals["total_enrollments"] == enrolled["total"]
    assert totals["total_time_spent"] == spent["total"]
    rows = {row["id"]: row["analytics"] for row in content["results"]}
    for course, row in rows.items():
        seed = f"{AUDIENCE}/enrollments/courses/{quote(course, safe='')}/over-time"
        assert row["enrollments"] == platform.json(seed, **WEEK, **OWN)["total"]
    assert {course: row["active_enrollments"] for course, row in rows.items()} == {
        row["course_id"]: row["user_count"] for row in active["data"]
    }


def test_costs_of_parts_add_up_to_those_of_the_org(platform):
    total = platform.json(f"{AGENTS}/tenant-cost/", **WEEK)["total_cost"]
    models = platform.json(f"{AGENTS}/costs/model/", **WEEK)
    assert sum(row["total_cost"] for row in models) == pytest.approx(total, abs=1e-9)
    mentors = platform.json(f"{AGENTS}/costs/permentor/", **WEEK)
    assert mentors["tenant_total_cost"] == total
    assert sum(row["total_cost"] for row in mentors["mentor_data"]) == pytest.approx(total)


def test_both_stores_of_costs_agree(platform):
    total = platform.json(f"{AGENTS}/tenant-cost/", **WEEK)["total_cost"]
    answer = platform.json(f"{V2}/financial/", **CUSTOM, metric="total_costs")
    assert answer["value"] == f"{total:.5f}"
    assert sum(float(point["value"]) for point in answer["overtime"]) == pytest.approx(total)
    for group in ("provider", "llm_model", "mentor"):
        details = platform.json(f"{V2}/financial/details/", **CUSTOM, group_by=group, limit="100")
        assert details["total_cost"] == f"{total:.5f}"
        assert sum(float(row["total_cost"]) for row in details["rows"]) == pytest.approx(total)


def test_a_stale_store_of_costs_returns_zeros_and_the_other_one_does_not(run):
    stale = run(stale_costs=True)
    answer = stale.json(f"{V2}/financial/", **CUSTOM, metric="total_costs")
    assert answer["value"] == "0.00000"
    assert {point["value"] for point in answer["overtime"]} == {"0.00000"}
    details = stale.json(f"{V2}/financial/details/", **CUSTOM, group_by="mentor")
    assert details["total_cost"] == "0.00000"
    assert stale.json(f"{AGENTS}/tenant-cost/", **WEEK)["total_cost"] > 0


def test_agents_with_equal_names_are_separate_rows(platform):
    rows = platform.json(f"{V2}/financial/details/", **CUSTOM, group_by="mentor")["rows"]
    assert len(rows) == 3
    assert len({row["mentor"] for row in rows}) == 2


def usage(platform, **query):
    return platform.json(
        f"{V2}/llm-usage/", **{"platform_key": "acme", **WEEK, "date_filter": "custom", **query}
    )


def test_usage_of_models_adds_up_to_costs_and_answers(platform):
    query = {"group_by": "model", "measures": "total_cost,count,total_tokens"}
    payload = usage(platform, **query)
    assert payload["resource"] == "metrics"
    costs = platform.json(f"{AGENTS}/costs/model/", **WEEK)
    assert {row["model"]: row["sum_total_cost"] for row in payload["data"]} == pytest.approx(
        {row["model"]: row["total_cost"] for row in costs}
    )
    messages = platform.json(f"{V2}/messages/", **WEEK, platform_key="acme")["summary"]
    answers = messages["assistant_responses"]
    assert sum(row["sum_count"] for row in payload["data"]) == answers


def test_percentiles_of_latency_are_in_order_and_differ_by_model(platform):
    by_model = [
        {
            row["model"]: row[f"{p}_latency"]
            for row in usage(platform, group_by="model", measures="latency", aggregation=p)["data"]
        }
        for p in ("p50", "p75", "p90", "p95", "p99")
    ]
    for model in by_model[0]:
        values = [each[model] for each in by_model]
        assert values == sorted(values)
        assert 50 < values[0] < 10_000
    assert len(set(by_model[0].values())) == len(by_model[0]) == 4


@pytest.mark.parametrize(
    "query",
    [
        {"measures": "tokens"},
        {"measures": "count,nonsense"},
        {"aggregation": "p42"},
        {"group_by": "user"},
        {"limit": "0"},
    ],
)
def test_an_unknown_value_is_a_bad_request_to_llm_usage(platform, query):
    answer = platform.get(f"{V2}/llm-usage/", platform_key="acme", **query)
    assert answer.status_code == 400


def test_a_spend_cap_is_monthly_and_not_every_org_has_one(run):
    platform = run(University(orgs=30, courses=1))
    platform.moment = platform.moment.replace(hour=23, minute=59)
    caps = {}
    for org in platform.university.orgs:
        answer = platform.get("/api/ai-mentor/orgs/{org}/spend-caps/tenant/", org)
        assert answer.status_code in {200, 404}
        if answer.status_code == 200:
            caps[org] = answer.json()
    assert 15 < len(caps) < 30
    assert {cap["is_exceeded"] for cap in caps.values()} == {True, False}
    for org, cap in caps.items():
        month = {"start_date": "2026-03-01", "end_date": "2026-03-18"}
        cost = platform.json(f"{AGENTS}/tenant-cost/", org, **month)["total_cost"]
        spent, limit = float(cap["current_spend_usd"]), float(cap["max_cost_usd"])
        assert spent == pytest.approx(cost, abs=0.005)
        assert float(cap["remaining_usd"]) == pytest.approx(max(limit - spent, 0), abs=0.011)
        assert cap["is_exceeded"] == (float(cap["remaining_usd"]) == 0)


def test_active_users_are_the_same_in_both_generations(platform):
    seeds = platform.json(f"{AUDIENCE}/active-users/per-course", **WEEK, **OWN)["total"]
    v2 = platform.json(f"{V2}/users/", **CUSTOM, metric="active_users")
    assert v2["count"] == seeds
    month = platform.json(f"{V2}/users/", metric="active_users_last_30d", platform_key="acme")
    assert month["count"] > seeds
    now = platform.json(f"{V2}/users/", metric="currently_active", platform_key="acme")
    assert 0 <= now["count"] < seeds


def test_ratings_are_means_from_0_to_5(platform):
    for one in ("session", "conversation"):
        headline = platform.json(f"{V2}/{one}s/", **CUSTOM | {"metric": "headline"})
        assert 0 < headline["avg_rating"]["value"] <= 5
        assert 0 < headline["avg_rating"]["prev_value"] <= 5


def test_pages_of_v2_lists_have_every_row_once(platform):
    path, query = f"{V2}/content/", {"metric": "courses", "platform_key": "acme", "limit": 5}
    pages = [platform.json(path, **query, page=page) for page in (1, 2, 3)]
    ids = [row["id"] for page in pages for row in page["results"]]
    assert len(ids) == len(set(ids)) == pages[0]["pagination"]["count"] == 12
    assert [page["pagination"]["current_page"] for page in pages] == [1, 2, 3]
    assert platform.get(path, **query, page=4).status_code == 404


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"{V2}/users/", {}),
        (f"{V2}/financial/", {"metric": "total"}),
        (f"{V2}/financial/details/", {}),
        (f"{V2}/content/", {}),
        (f"{V2}/sessions/", {"date_filter": "custom"}),
        (f"{V2}/sessions/", {"granularity": "minute"}),
        (f"{V2}/messages/", {"page": "0"}),
        (f"{AGENTS}/tenant-cost/", {}),
    ],
)
def test_what_v2_endpoints_need_is_required(platform, path, query):
    assert platform.get(path, **query).status_code == 400


def test_a_key_does_not_open_another_org_by_platform_key(platform):
    path, metric = f"{V2}/users/", "active_users"
    assert platform.get(path, metric=metric, platform_key="globex").status_code == 401
    assert platform.get(path, metric=metric, platform_key="nobody").status_code == 404
    assert platform.get(path, metric=metric).status_code == 200
