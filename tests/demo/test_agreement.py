"""Figures of different endpoints that tell of the same thing agree."""

import pytest

AI = "/api/ai-analytics"
AUDIENCE = f"{AI}/audience/orgs/{{org}}"
ENGAGEMENT = f"{AI}/engagement/orgs/{{org}}"
OVERVIEW = f"{AI}/overview/orgs/{{org}}"
PERFORMANCE = f"{AI}/performance/orgs/{{org}}"
AGENTS = f"{AI}/orgs/{{org}}/users/{{user_id}}"
NEWER = "/api/analytics"
WEEK = {"start_date": "2026-03-11", "end_date": "2026-03-17"}
CUSTOM = {**WEEK, "date_filter": "custom", "platform_key": "acme", "granularity": "day"}
OWN = {"include_main_platform": "false"}
ALL = {"length": 100}
BIOLOGY = "course-v1:Acme+Bio101+2026"


@pytest.fixture(autouse=True)
def at_the_end_of_the_day(platform):
    platform.moment = platform.moment.replace(day=19, hour=3, minute=59)


@pytest.mark.parametrize(
    ("whole", "rows", "field"),
    [
        (f"{AUDIENCE}/enrollments/over-time", f"{AUDIENCE}/enrollments/per-course", "users"),
        (f"{ENGAGEMENT}/time/over-time", f"{ENGAGEMENT}/time/per-course", "time_spent"),
        (f"{ENGAGEMENT}/time/over-time", f"{OVERVIEW}/most-active-courses", "time_spent"),
    ],
)
def test_rows_add_up_to_the_series_of_the_org(platform, whole, rows, field):
    listed = platform.json(rows, **WEEK, **ALL)["data"]
    total = platform.json(whole, **WEEK)["total"]
    assert total == sum(row[field] for row in listed) > 0


@pytest.mark.parametrize("what", ["videos", "time"])
def test_the_series_of_the_org_is_that_of_its_courses(platform, what):
    courses = [row["course_id"] for row in platform.json(f"{ENGAGEMENT}/videos/", **ALL)["data"]]
    parts = [
        platform.json(f"{ENGAGEMENT}/courses/{course}/{what}/over-time", **WEEK)["data"]
        for course in (name.replace("/", "%2F") for name in courses)
    ]
    whole = platform.json(f"{ENGAGEMENT}/{what}/over-time", **WEEK)["data"]
    assert whole == {day: sum(part[day] for part in parts) for day in whole}


def test_videos_of_a_course_add_up_to_what_seed_1_says_of_it(platform):
    rows = platform.json(f"{ENGAGEMENT}/videos/", **ALL)["data"]
    course = next(row for row in rows if row["course_id"] == BIOLOGY)
    videos = platform.json(f"{ENGAGEMENT}/courses/{BIOLOGY}/videos/")["data"]
    assert len(videos) == course["num_vids"]
    assert sum(video["total_time"] for video in videos) == course["time_watched"]
    summary = platform.json(f"{ENGAGEMENT}/courses/{BIOLOGY}/videos/summary")["data"]
    listed = [v["id"] for week in summary for s in week["subsections"] for v in s["videos"]]
    assert listed == [video["id"] for video in videos]
    assert summary[-1]["subsections"][0]["total_watch"] == "N/A"


def test_time_is_spent_by_active_users_alone(platform):
    active = platform.json(f"{AUDIENCE}/active-users/per-course", **WEEK)["data"]
    spent = platform.json(f"{ENGAGEMENT}/time/per-course", **WEEK, **ALL)["data"]
    for users, time in zip(active, spent, strict=True):
        assert (users["user_count"] > 0) == (time["time_spent"] > 0)


def test_all_registered_users_are_listed_and_counted(platform):
    listed = platform.json(f"{AUDIENCE}/registered-users/", **OWN, length=1)["pagination"]
    metric = platform.json(f"{NEWER}/users/", metric="registered_users", platform_key="acme")
    agents = platform.json(f"{AGENTS}/user-metrics/")
    assert listed["totalItems"] == metric["count"] == agents["registered_users"]["total"]


def test_learners_can_be_searched(platform):
    (row,) = platform.json(f"{AUDIENCE}/registered-users/", search="acme-00007")["data"]
    assert row["username"].endswith("acme-00007")
    assert platform.json(f"{OVERVIEW}/learners", search="nobody at all")["data"] == []


def test_completions_over_time_are_those_of_the_overview(platform):
    series = platform.json(f"{ENGAGEMENT}/course_completion/over-time", **WEEK)
    data = platform.json(f"{OVERVIEW}/courses/completions", **WEEK)["data"]
    assert data["overtime"] == series["data"]
    assert data["completed_count"] == series["total"]
    assert (
        data["total_user_count"]
        == platform.json(f"{AUDIENCE}/active-users/per-course", **WEEK)["total"]
    )


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
    assert average == platform.json(f"{OVERVIEW}/average-grade")["data"]["average"]
    course = platform.json(f"{PERFORMANCE}/courses/{BIOLOGY}/grading/average")["data"]["average"]
    assert course == grades[0]


def test_sessions_are_the_same_wherever_they_are_told(platform):
    seed = platform.json(f"{AGENTS}/average-messages-per-session/", **WEEK)
    counts = [bucket["total_sessions"] for bucket in seed]
    told = platform.json(f"{AGENTS}/conversation/", **WEEK)
    assert [bucket["conversation_count"] for bucket in told] == counts
    points = platform.json(f"{NEWER}/sessions/", **CUSTOM)["points"]
    assert [point["value"] for point in points] == counts
    sentiment = platform.json(f"{AGENTS}/user-sentiment/", **WEEK)
    assert sentiment["total_sentiments"] == sum(counts)
    topics = platform.json(f"{AGENTS}/most-discussed-topics/", **WEEK)
    assert sum(topic["conversation_count"] for topic in topics) == sum(counts)
    summary = platform.json(f"{NEWER}/messages/", **WEEK, platform_key="acme")["summary"]
    assert summary["total_conversations"] == sum(counts)


def test_users_of_mentors_are_never_more_than_their_sessions(platform):
    users = platform.json(f"{AGENTS}/usage-summary/", **WEEK)
    sessions = platform.json(f"{AGENTS}/conversation/", **WEEK)
    for day, bucket in zip(users, sessions, strict=True):
        assert 0 < day["user_count"] <= bucket["conversation_count"]
    by_mentor = platform.json(f"{AGENTS}/total-users-by-mentor/", **WEEK)
    assert [b["user_count"] for b in by_mentor] == [day["user_count"] for day in users]


def test_new_and_returning_users_are_all_users(platform):
    pie = platform.json(f"{AGENTS}/user-metrics-pie-chart/", **WEEK)
    assert sum(part["percentage"] for part in pie.values()) == pytest.approx(100, abs=0.02)
    weekly = platform.json(f"{AGENTS}/user-cohorts-over-time/", **WEEK, aggregation="weekly")
    assert len(weekly["periods"]) == len(weekly["new_users"]) == len(weekly["veteran_users"]) == 2


def test_costs_of_parts_add_up_to_those_of_the_org(platform):
    total = platform.json(f"{AGENTS}/tenant-cost/", **WEEK)["total_cost"]
    models = platform.json(f"{AGENTS}/costs/model/", **WEEK)
    assert sum(row["total_cost"] for row in models) == pytest.approx(total, abs=1e-9)
    mentors = platform.json(f"{AGENTS}/costs/permentor/", **WEEK)
    assert mentors["tenant_total_cost"] == total
    for row in mentors["mentor_data"]:
        path = f"{AGENTS}/mentors/{row['mentor_unique_id']}/cost/"
        assert platform.json(path, **WEEK)["total_cost"] == row["total_cost"]
    assert sum(row["total_cost"] for row in mentors["mentor_data"]) == pytest.approx(total)


def test_the_newer_costs_are_the_older_ones_as_text(platform):
    total = platform.json(f"{AGENTS}/tenant-cost/", **WEEK)["total_cost"]
    answer = platform.json(f"{NEWER}/financial/", **CUSTOM, metric="total_costs")
    assert answer["value"] == f"{total:.5f}"
    assert sum(float(point["value"]) for point in answer["overtime"]) == pytest.approx(total)
    assert (answer["percentage_change"], answer["comparison_info"]) == (None, {})
    for group in ("provider", "llm_model", "username", "mentor", "platform", "action"):
        details = platform.json(
            f"{NEWER}/financial/details/", **CUSTOM, group_by=group, limit="100"
        )
        assert details["total_cost"] == f"{total:.5f}"
        assert sum(float(row["total_cost"]) for row in details["rows"]) == pytest.approx(total)
    invoice = platform.json(f"{NEWER}/financial/invoice/", **WEEK, platform_key="acme")
    assert invoice["summary"]["total_cost"] == f"{total:.3f}"


def test_costs_can_be_compared_and_narrowed_to_a_provider(platform):
    path, query = f"{NEWER}/financial/", {**CUSTOM, "metric": "total_costs"}
    compared = platform.json(path, **query, comparison_days="7")
    assert compared["comparison_info"]["comparison_end"] == "2026-03-10"
    assert compared["percentage_change"] is not None
    part = platform.json(path, **query, provider="openai")
    assert 0 < float(part["value"]) < float(compared["value"])


def test_active_users_are_the_same_in_the_newer_family(platform):
    older = platform.json(f"{AUDIENCE}/active-users/per-course", **WEEK, **OWN)["total"]
    newer = platform.json(f"{NEWER}/users/", **CUSTOM, metric="active_users")
    assert newer["count"] == older
    now = platform.json(f"{NEWER}/users/", metric="currently_active", platform_key="acme")
    assert 0 <= now["count"] < older


def test_messages_by_hour_add_up_to_all_messages(platform):
    cells = platform.json(f"{NEWER}/time/", **CUSTOM)["data"]
    human, machine = (
        platform.json(f"{NEWER}/messages/", **WEEK, platform_key="acme")["summary"][key]
        for key in ("user_queries", "assistant_responses")
    )
    assert sum(cell["value"] for cell in cells) == human + machine
    assert {cell["day_of_week"] for cell in cells} == set(range(7))


def test_pages_of_topics_link_to_each_other(platform):
    path = f"{AGENTS}/topic-statistics/"
    first = platform.json(path, page_size=10)
    assert first["previous"] is None
    assert len(first["results"]) == 10
    second = platform.json(first["next"].removeprefix(platform.url))
    assert second["next"] is None
    assert len(first["results"]) + len(second["results"]) == first["count"]
    assert platform.get(path, page=3, page_size=10).status_code == 404


def test_pages_of_the_newer_lists_hold_every_row_once(platform):
    query = {"date_filter": "30d", "platform_key": "acme"}
    pages = [
        platform.json(f"{NEWER}/topics/details/", **query, limit=5, page=page) for page in (1, 2, 3)
    ]
    names = [row["name"] for page in pages for row in page["results"]]
    assert len(names) == len(set(names)) == pages[0]["pagination"]["total_records"]
    assert platform.get(f"{NEWER}/content/", metric="courses", page=99).status_code == 404


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"{NEWER}/users/", {}),
        (f"{NEWER}/financial/", {"metric": "total"}),
        (f"{NEWER}/financial/details/", {}),
        (f"{NEWER}/content/", {}),
        (f"{NEWER}/sessions/", {"date_filter": "custom"}),
        (f"{NEWER}/sessions/", {"granularity": "minute"}),
        (f"{NEWER}/topics/details/", {"page": "0"}),
        (f"{AGENTS}/tenant-cost/", {}),
        (f"{AGENTS}/sentiment-count/", {"period": "1y"}),
    ],
)
def test_what_the_newer_endpoints_need_is_required(platform, path, query):
    assert platform.get(path, **query).status_code == 400


def test_another_orgs_figures_cannot_be_asked_for_by_platform_key(platform):
    path, metric = f"{NEWER}/users/", "active_users"
    assert platform.get(path, metric=metric, platform_key="globex").status_code == 401
    assert platform.get(path, metric=metric, platform_key="nobody").status_code == 404
    assert platform.get(path, metric=metric).status_code == 200
