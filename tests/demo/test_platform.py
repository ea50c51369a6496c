from datetime import UTC, datetime
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
def test_other_forms_of_a_key_are_refused(platform, scheme):
    answer = platform.client.get(
        ACTIVE.replace("{org}", "acme"),
        headers={"Authorization": scheme + platform.acme.api_key},
    )
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


def test_no_key_and_a_wrong_key_are_refused(platform):
    path = ACTIVE.replace("{org}", "acme")
    for headers in ({}, {"Authorization": "Api-Token " + "0" * 64}):
        answer = platform.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


def test_a_bearer_token_is_refused_in_its_own_words(platform):
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
def test_what_cannot_be_read_is_a_bad_request(platform, query):
    assert platform.get(ENROLLMENTS, **query).status_code == 400


def test_a_range_without_dates_is_the_last_seven_days_and_today_is_one_of_them(platform):
    days = platform.json(ENROLLMENTS)["data"]
    assert list(days) == [f"2026-03-{day}" for day in range(12, 19)]


def test_today_is_the_date_in_the_orgs_own_time_zone(platform):
    platform.moment = datetime(2026, 3, 18, 1, 0, tzinfo=UTC)
    acme, globex, _ = platform.university.orgs
    assert list(platform.json(ENROLLMENTS, acme)["data"])[-1] == "2026-03-17"
    assert list(platform.json(ENROLLMENTS, globex)["data"])[-1] == "2026-03-18"


def test_today_fills_up_as_the_day_goes(platform):
    today = {"start_date": "2026-03-18", "end_date": "2026-03-18"}
    totals = []
    for hour in (4, 9, 16, 23):
        platform.moment = datetime(2026, 3, 18, hour, 0, tzinfo=UTC)
        totals.append(platform.json(VIDEOS_OVER_TIME, **today)["total"])
    assert totals[0] == 0
    assert totals == sorted(set(totals))


def test_an_inclusive_end_date_counts_in(run):
    inclusive, exclusive = run(), run(range_end="exclusive")
    assert list(inclusive.json(VIDEOS_OVER_TIME, **DATED)["data"])[-1] == "2026-03-17"
    assert list(exclusive.json(VIDEOS_OVER_TIME, **DATED)["data"])[-1] == "2026-03-16"
    one_day = {"start_date": "2026-03-17", "end_date": "2026-03-17"}
    assert exclusive.json(VIDEOS_OVER_TIME, **one_day) == {"data": {}, "total": 0}


def test_a_day_without_events_is_said_to_be_zero(run):
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


def test_changes_compare_with_the_time_before(platform):
    now = platform.json(ENROLLMENTS, **DATED)
    before = platform.json(ENROLLMENTS, start_date="2026-03-04", end_date="2026-03-10")
    assert now["meta"]["total"] == now["total"]
    assert now["meta"]["change_range"] == now["total"] - before["total"]
    assert now["meta"]["change_last_seven_days"] == now["total"] - before["total"]


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
    buckets = platform.json(MESSAGES, **DATED)
    assert [bucket["time"] for bucket in buckets] == [
        f"2026-03-{day}T00:00:00Z" for day in range(11, 18)
    ]
    assert all(isinstance(bucket["avg_messages"], int) for bucket in buckets)
    assert all(bucket["avg_messages"] > 0 < bucket["total_sessions"] for bucket in buckets)


def test_sessions_of_an_org_are_those_of_its_mentors(platform):
    def sessions(**query):
        buckets = platform.json(MESSAGES, **DATED, **query)
        return [bucket["total_sessions"] for bucket in buckets]

    parts = [sessions(mentor_id=mentor) for mentor in platform.acme.mentors]
    assert sessions() == [sum(values) for values in zip(*parts, strict=True)]


@pytest.mark.parametrize(("aggregation", "number"), [("hourly", 7 * 24), ("weekly", 2)])
def test_hours_and_weeks_add_up_to_the_days(platform, aggregation, number):
    days = platform.json(MESSAGES, **DATED)
    buckets = platform.json(MESSAGES, **DATED, aggregation=aggregation)
    assert len(buckets) == number
    assert sum(b["total_sessions"] for b in buckets) == sum(d["total_sessions"] for d in days)


def test_hours_to_come_have_no_sessions(platform):
    today = {"start_date": "2026-03-18", "end_date": "2026-03-18", "aggregation": "hourly"}
    buckets = platform.json(MESSAGES, **today)
    assert sum(bucket["total_sessions"] for bucket in buckets[:12]) > 0
    assert sum(bucket["total_sessions"] for bucket in buckets[13:]) == 0


def test_answers_carry_the_platforms_own_date(platform):
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
