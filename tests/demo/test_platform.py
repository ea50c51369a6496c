from datetime import UTC, date, datetime
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.university import LEARNER_NAME_PREFIX, LEARNER_USERNAME_PREFIX, University

AUDIENCE = "/api/ai-analytics/audience/orgs/{org}"
ENGAGEMENT = "/api/ai-analytics/engagement/orgs/{org}"
AGENTS = "/api/ai-analytics/orgs/{org}/users/{user_id}"
ACTIVE = f"{AUDIENCE}/active-users/per-course"
VIDEOS = f"{ENGAGEMENT}/videos/"
VIDEOS_OVER_TIME = f"{ENGAGEMENT}/videos/over-time"
LEARNERS = f"{AUDIENCE}/active-users/users"
ENROLLMENTS = f"{AUDIENCE}/enrollments/over-time"
MESSAGES = f"{AGENTS}/average-messages-per-session/"
DATED = {"start_date": "2026-03-11", "end_date": "2026-03-17"}
OWN = {"include_main_platform": "false"}


def course_enrollments(course_id):
    return f"{AUDIENCE}/enrollments/courses/{quote(course_id, safe='')}/over-time"


@pytest.mark.parametrize("scheme", ["Api-Token ", "Api-Key ", ""])
def test_a_key_is_taken_in_every_documented_form(platform, scheme):
    answer = platform.client.get(
        ACTIVE.replace("{org}", "acme"),
        headers={"Authorization": scheme + platform.acme.api_key},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("scheme", ["Token ", "Basic ", "api-token ", "Api-Token x "])
def test_other_forms_of_a_key_are_rejected(platform, scheme):
    answer = platform.client.get(
        ACTIVE.replace("{org}", "acme"),
        headers={"Authorization": scheme + platform.acme.api_key},
    )
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


def test_no_key_and_a_wrong_key_are_rejected(platform):
    path = ACTIVE.replace("{org}", "acme")
    for headers in ({}, {"Authorization": "Api-Token " + "0" * 64}):
        answer = platform.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


def test_a_bearer_token_is_rejected_in_other_words(platform):
    answer = platform.client.get(
        ACTIVE.replace("{org}", "acme"),
        headers={"Authorization": f"Bearer {platform.acme.api_key}"},
    )
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"


def test_a_key_opens_only_its_own_org_and_user(platform):
    assert platform.get(ACTIVE.replace("{org}", "globex")).status_code == 401
    assert platform.get(MESSAGES.replace("{user_id}", "other"), **DATED).status_code == 401


def test_what_does_not_exist_is_not_found(platform):
    assert platform.get(ACTIVE.replace("{org}", "nobody")).status_code == 404
    assert platform.get(course_enrollments("course-v1:No+Such+Course")).status_code == 404
    assert platform.get(MESSAGES, mentor_id="nobody", **DATED).status_code == 404
    assert platform.get("/api/ai-analytics/nothing").status_code == 404


@pytest.mark.parametrize("path", [ACTIVE + "/", VIDEOS.rstrip("/"), MESSAGES.rstrip("/")])
def test_a_path_with_the_wrong_slash_is_not_found(platform, path):
    assert platform.get(path, **DATED).status_code == 404


def test_every_listed_course_can_be_asked_about(platform):
    rows = platform.json(VIDEOS, length=100)["data"]
    assert len(rows) == 12
    for row in rows:
        assert len(platform.json(course_enrollments(row["course_id"]))["data"]) == 7


def test_required_dates_are_required(platform):
    answer = platform.get(MESSAGES)
    assert answer.status_code == 400
    assert answer.json() == {"start_date": ["This field is required."]}


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "soon"},
        {"end_date": "2026-02-30"},
        {"start_date": "2026-03-02", "end_date": "2026-03-01"},
        {"start_date": "0001-01-01", "end_date": "9999-12-31"},
        {"active": "maybe"},
        {"department_id": "arts"},
        {"include_main_platform": "perhaps"},
    ],
)
def test_an_invalid_query_is_a_bad_request(platform, query):
    assert platform.get(ENROLLMENTS, **query).status_code == 400


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("path", [ENROLLMENTS, VIDEOS_OVER_TIME, ACTIVE, MESSAGES])
def test_nothing_happens_at_the_ends_of_the_calendar(platform, path, day):
    payload = platform.json(path, start_date=day, end_date=day)
    assert payload == [] or payload["total"] == 0


def test_an_empty_range_has_no_users(run):
    exclusive = run(range_end="exclusive")
    dates = {"start_date": "2026-03-17", "end_date": "2026-03-17", "date_filter": "custom"}
    for metric in ("active_users", "registered_users"):
        payload = exclusive.json("/api/analytics/users/", metric=metric, granularity="day", **dates)
        assert payload["points"] == []


def test_a_range_without_dates_is_the_last_seven_days_and_today_is_one_of_them(platform):
    days = platform.json(ENROLLMENTS)["data"]
    assert list(days) == [f"2026-03-{day}" for day in range(12, 19)]


def test_days_are_utc_for_orgs_of_every_time_zone(platform):
    platform.moment = datetime(2026, 3, 18, 1, 0, tzinfo=UTC)
    for org in platform.university.orgs:
        days = platform.json(ENROLLMENTS, org)["data"]
        assert list(days) == [f"2026-03-{day}" for day in range(12, 19)]


def test_today_fills_up_as_the_day_goes(platform):
    today = {"start_date": "2026-03-18", "end_date": "2026-03-18"}
    totals = []
    for hour in (0, 4, 9, 16, 23):
        platform.moment = datetime(2026, 3, 18, hour, 0, tzinfo=UTC)
        totals.append(platform.json(VIDEOS_OVER_TIME, **today)["total"])
    assert totals[0] <= 1
    assert totals == sorted(set(totals))


def test_an_inclusive_end_date_counts_in(run):
    inclusive, exclusive = run(), run(range_end="exclusive")
    assert list(inclusive.json(VIDEOS_OVER_TIME, **DATED)["data"])[-1] == "2026-03-17"
    assert list(exclusive.json(VIDEOS_OVER_TIME, **DATED)["data"])[-1] == "2026-03-16"
    one_day = {"start_date": "2026-03-17", "end_date": "2026-03-17"}
    assert exclusive.json(VIDEOS_OVER_TIME, **one_day) == {"data": {}, "total": 0}


def test_learning_series_have_idle_days_as_zero(run):
    small = run(University(orgs=1, courses=1, learners=10))
    days = small.json(ENROLLMENTS, start_date="2026-01-01", end_date="2026-02-28")["data"]
    assert len(days) == 59
    assert 0 in days.values()


def test_a_total_is_the_sum_of_its_days(platform):
    for path in (ENROLLMENTS, VIDEOS_OVER_TIME):
        answer = platform.json(path, **DATED)
        assert answer["total"] == sum(answer["data"].values()) > 0


def test_the_org_is_the_sum_of_its_courses_but_for_unique_users(platform):
    rows = platform.json(VIDEOS, length=100)["data"]
    for active in ("y", "n"):
        query = {**DATED, "active": active}
        parts = [platform.json(course_enrollments(r["course_id"]), **query) for r in rows]
        whole = platform.json(ENROLLMENTS, **query)
        assert whole["data"] == {
            day: sum(part["data"][day] for part in parts) for day in whole["data"]
        }
    active = platform.json(ACTIVE, **DATED)
    assert active["total"] < sum(row["user_count"] for row in active["data"])


def test_the_main_platform_is_counted_in_unless_it_is_declined(platform):
    for path in (ENROLLMENTS, VIDEOS_OVER_TIME, ACTIVE):
        with_main = platform.json(path, **DATED)["total"]
        assert with_main > platform.json(path, **DATED, **OWN)["total"]
        assert with_main == platform.json(path, **DATED, include_main_platform="true")["total"]


def test_departments_share_the_courses_out(platform):
    whole = platform.json(ACTIVE, **DATED)["data"]
    parts = [platform.json(ACTIVE, **DATED, department_id=n)["data"] for n in (1, 2, 3)]
    assert sorted((row for part in parts for row in part), key=str) == sorted(whole, key=str)
    assert platform.json(ACTIVE, **DATED, department_id=4)["total"] == 0


@pytest.mark.parametrize("base", [0, 1])
def test_pages_are_counted_from_the_base_and_hold_every_row_once(run, base):
    platform = run(University(courses=25), page_base=base)
    first = platform.json(VIDEOS)
    assert first["pagination"] == {
        "totalItems": 25,
        "currentPage": base,
        "perPage": 10,
        "totalPages": 3,
    }
    pages = [platform.json(VIDEOS, page=base + place)["data"] for place in range(3)]
    assert first["data"] == pages[0]
    assert len({row["course_id"] for page in pages for row in page}) == 25
    assert platform.json(VIDEOS, page=base + 3)["data"] == []
    assert platform.get(VIDEOS, page=base - 1).status_code == 400


def test_a_page_has_a_hundred_rows_at_most(platform):
    answer = platform.json(LEARNERS, length=5000)
    assert answer["pagination"]["perPage"] == len(answer["data"]) == 100
    assert platform.get(LEARNERS, length=0).status_code == 400


def test_learners_have_names_that_are_easy_to_look_for(platform):
    rows = platform.json(LEARNERS, length=20)["data"]
    assert len({row["username"] for row in rows}) == 20
    assert all(row["username"].startswith(LEARNER_USERNAME_PREFIX) for row in rows)
    assert all(row["name"].startswith(LEARNER_NAME_PREFIX) for row in rows)


def test_active_learners_are_those_of_the_last_seven_days(platform):
    listed = platform.json(LEARNERS, length=1)["pagination"]["totalItems"]
    assert listed == platform.json(ACTIVE, **OWN)["total"]


def test_messages_per_session_are_whole_numbers_of_each_day(platform):
    rows = platform.json(MESSAGES, **DATED)
    assert [row["time"] for row in rows] == [f"2026-03-{day}T00:00:00Z" for day in range(11, 18)]
    assert all(isinstance(row["avg_messages"], int) for row in rows)
    assert all(row["avg_messages"] > 0 < row["total_sessions"] for row in rows)


LISTS = [
    f"{AGENTS}/{path}/"
    for path in (
        "average-messages-per-session",
        "conversation",
        "rating-summary",
        "usage-summary",
        "user-feedback",
    )
]


@pytest.mark.parametrize("path", LISTS)
def test_lists_by_day_omit_idle_days(run, path):
    platform = run(University(orgs=9))
    small = platform.university.org("org-0009")
    dates = {"start_date": "2026-01-01", "end_date": "2026-03-17"}
    rows = platform.json(path, small, **dates)
    times = {row.get("time") or row.get("date") or row["period"] for row in rows}
    assert len(times) < 76
    assert all(
        count > 0
        for row in rows
        for name, count in row.items()
        if name.endswith(("_count", "_sessions", "_ratings"))
    )


@pytest.mark.parametrize("path", LISTS)
def test_lists_by_day_are_empty_before_an_org_opens_and_when_nobody_came(run, path):
    platform = run(University(opened={"acme": date(2026, 3, 14)}))
    week = {"start_date": "2026-03-01", "end_date": "2026-03-13"}
    assert platform.json(path, **week) == []
    assert platform.json(VIDEOS_OVER_TIME, **week)["data"] == {
        f"2026-03-{day:02}": 0 for day in range(1, 14)
    }
    assert platform.json(MESSAGES, start_date="2026-03-01", end_date="2026-03-17") != []
    platform.moment = datetime(2026, 3, 18, 0, 0, tzinfo=UTC)
    today = {"start_date": "2026-03-18", "end_date": "2026-03-18"}
    assert platform.json(path, **today) == []


def test_v2_sessions_have_idle_days_as_zero(run):
    platform = run(University(opened={"acme": date(2026, 3, 14)}))
    points = platform.json(
        "/api/analytics/sessions/",
        platform_key="acme",
        granularity="day",
        date_filter="custom",
        **DATED,
    )["points"]
    assert [point["value"] > 0 for point in points] == [False] * 3 + [True] * 4


def test_an_average_below_one_half_is_rounded_to_zero(run):
    platform = run(University(orgs=12))
    rows = [
        row
        for org in platform.university.orgs
        for agent in org.mentors
        for row in platform.json(MESSAGES, org, **DATED, mentor_id=agent)
    ]
    assert all(row["total_sessions"] > 0 for row in rows)
    assert any(row["avg_messages"] == 0 for row in rows if row["total_sessions"] > 10)


SEED_PATHS = [ACTIVE, VIDEOS, VIDEOS_OVER_TIME, LEARNERS, ENROLLMENTS, MESSAGES]
V2_PATHS = [f"/api/analytics/{path}/" for path in ("topics", "sessions", "messages", "llm-usage")]


@pytest.mark.parametrize(
    ("generation", "there", "gone"),
    [("seeds", SEED_PATHS, V2_PATHS), ("v2", V2_PATHS, SEED_PATHS)],
)
def test_a_deployment_may_have_one_generation_of_endpoints(run, generation, there, gone):
    platform = run(generation=generation)
    for path in there:
        assert platform.get(path, **DATED).status_code == 200
    for path in gone:
        answer = platform.get(path, **DATED)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found."})
    cost = f"{AGENTS}/tenant-cost/"
    assert platform.get(cost, **DATED).status_code == 200


def test_late_data_leave_the_newest_day_out_and_let_yesterday_grow(run):
    platform, late = run(), run(late_data=True)
    dates = {"start_date": "2026-03-16", "end_date": "2026-03-18"}
    whole = platform.json(VIDEOS_OVER_TIME, **dates)["data"]
    seen = []
    for hour in (1, 3, 7):
        late.moment = datetime(2026, 3, 18, hour, 0, tzinfo=UTC)
        seen.append(late.json(VIDEOS_OVER_TIME, **dates)["data"])
    assert [list(days) for days in seen] == [list(whole)[:2], list(whole), list(whole)]
    yesterday = [days["2026-03-17"] for days in seen]
    assert yesterday[0] < yesterday[1] < yesterday[2] == whole["2026-03-17"]
    assert {days["2026-03-16"] for days in seen} == {whole["2026-03-16"]}


def test_sessions_of_an_org_are_those_of_its_mentors(platform):
    def sessions(**query):
        buckets = platform.json(MESSAGES, **DATED, **query)
        return [bucket["total_sessions"] for bucket in buckets]

    parts = [sessions(mentor_id=mentor) for mentor in platform.acme.mentors]
    assert sessions() == [sum(values) for values in zip(*parts, strict=True)]


def test_responses_have_the_platforms_own_date(platform):
    assert platform.get(ACTIVE).headers.get_list("date") == ["Wed, 18 Mar 2026 16:00:00 GMT"]


def test_a_thousand_orgs_answer_like_three(run):
    platform = run(University(orgs=1000, courses=50))
    org = platform.university.orgs[-1]
    assert org.key == "org-1000"
    assert len(platform.json(ACTIVE, org)["data"]) == 50


def test_the_platform_can_stand_behind_a_path_prefix():
    university = University()
    prefixed = Starlette(routes=[Mount("/dm", build_platform(university))])
    acme = university.orgs[0]
    with Background(prefixed) as background:
        answer = httpx.get(
            f"{background.url}/dm{ACTIVE.replace('{org}', 'acme')}",
            headers={"Authorization": f"Api-Token {acme.api_key}"},
        )
    assert len(answer.json()["data"]) == 12
