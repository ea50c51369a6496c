import gzip
import json
import math
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from exporter.demo.faults import Fault, FaultPlan, Kind, Payload
from exporter.demo.target import Target

AUDIENCE = "/api/ai-analytics/audience/orgs/{org}"
ACTIVE = f"{AUDIENCE}/active-users/per-course"
LEARNERS = f"{AUDIENCE}/active-users/users"
VIDEOS = "/api/ai-analytics/engagement/orgs/{org}/videos/"
VIDEOS_OVER_TIME = f"{VIDEOS}over-time"
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)


def target(endpoint="videos/", org="acme"):
    return Target(f"/api/ai-analytics/engagement/orgs/{org}/{endpoint}", org, endpoint)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503])
@pytest.mark.parametrize("body", ["json", "html"])
def test_a_status_comes_with_a_body_for_machines_or_for_people(platform, status, body):
    platform.plan.add(Fault("status", status=status, body=body))
    answer = platform.get(ACTIVE)
    assert answer.status_code == status
    assert body in answer.headers["content-type"]
    assert ("detail" in answer.json()) if body == "json" else ("<html>" in answer.text)


def test_retry_after_is_in_seconds_or_a_date(platform):
    with platform.plan.during(Fault("status", status=429, retry_after=30)):
        assert platform.get(ACTIVE).headers["retry-after"] == "30"
    with platform.plan.during(Fault("status", status=429, retry_after=NOW + timedelta(minutes=1))):
        assert platform.get(ACTIVE).headers["retry-after"] == "Wed, 18 Mar 2026 16:01:00 GMT"


def test_a_fault_applies_only_to_the_org_and_the_endpoints_it_names(platform):
    platform.plan.add(Fault("status", org="acme", endpoint="videos*", status=500))
    globex = platform.university.orgs[1]
    assert platform.get(VIDEOS).status_code == 500
    assert platform.get(VIDEOS_OVER_TIME).status_code == 500
    assert platform.get(ACTIVE).status_code == 200
    assert platform.get(VIDEOS, globex).status_code == 200


def test_a_fault_may_name_the_whole_path(platform):
    platform.plan.add(Fault("status", endpoint="/api/*/audience/*"))
    assert platform.get(ACTIVE).status_code == 500
    assert platform.get(VIDEOS).status_code == 200


def test_a_fault_lasts_from_its_start_until_before_its_end(platform):
    hour = timedelta(hours=1)
    platform.plan.add(Fault("status", start=NOW, end=NOW + hour))
    seen = []
    for moment in (NOW - hour, NOW, NOW + hour):
        platform.moment = moment
        seen.append(platform.get(ACTIVE).status_code)
    assert seen == [200, 500, 200]


def test_a_fault_can_be_switched_while_the_platform_runs(platform):
    broken = threading.Event()
    platform.plan.add(Fault("status", active=broken.is_set))
    assert platform.get(ACTIVE).status_code == 200
    broken.set()
    assert platform.get(ACTIVE).status_code == 500
    platform.plan.clear()
    assert platform.get(ACTIVE).status_code == 200
    with platform.plan.during(Fault("status", status=503)):
        assert platform.get(ACTIVE).status_code == 503
    assert platform.get(ACTIVE).status_code == 200


def test_a_fault_applies_as_often_as_it_says():
    fault = Fault("status", times=2)
    plan = FaultPlan([fault])
    assert [plan.pick(target(), NOW) is not None for _ in range(4)] == [True, True, False, False]
    plan.clear()
    plan.add(fault)
    assert [plan.pick(target(), NOW) is not None for _ in range(3)] == [True, True, False]


def test_the_first_fault_that_applies_wins():
    first, second = Fault("timeout", endpoint="videos/"), Fault("cut")
    plan = FaultPlan([first, second])
    assert plan.pick(target(), NOW) is first
    assert plan.pick(target("time/over-time"), NOW) is second
    plan.remove(first)
    assert plan.pick(target(), NOW) is second


def test_a_probability_is_kept_and_repeats():
    hits = [
        [plan.pick(target(), NOW) is not None for _ in range(1000)]
        for plan in (FaultPlan([Fault("status", probability=0.3)]) for _ in range(2))
    ]
    assert hits[0] == hits[1]
    assert 250 < sum(hits[0]) < 350


def test_a_request_that_times_out_is_never_answered(platform):
    platform.plan.add(Fault("timeout"))
    platform.client.timeout = httpx.Timeout(0.1)
    try:
        with pytest.raises(httpx.ReadTimeout):
            platform.get(ACTIVE)
    finally:
        platform.client.timeout = httpx.Timeout(5)
    (request,) = platform.recorder.requests
    assert request.status is None


def test_a_slow_answer_comes_a_byte_at_a_time(platform):
    correct = platform.get(VIDEOS_OVER_TIME).content
    platform.plan.add(Fault("drip", seconds=0))
    assert platform.get(VIDEOS_OVER_TIME).content == correct


def test_a_cut_connection_ends_in_the_middle_of_the_body(platform):
    platform.plan.add(Fault("cut"))
    with pytest.raises(httpx.RemoteProtocolError):
        platform.get(ACTIVE)


def test_truncated_json_is_whole_http(platform):
    platform.plan.add(Fault("truncated"))
    answer = platform.get(ACTIVE)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def numbers(value):
    if isinstance(value, dict):
        return [n for item in value.values() for n in numbers(item)]
    if isinstance(value, list):
        return [n for item in value for n in numbers(item)]
    return [] if isinstance(value, str) else [value]


def test_wrong_json_of_another_shape(platform):
    for payload, wrong in (("null", None), ("list", []), ("text", "ok")):
        with platform.plan.during(Fault("json", payload=payload)):
            assert platform.json(ACTIVE) == wrong
    with platform.plan.during(Fault("json", payload="deep")):
        assert platform.get(ACTIVE).text.startswith("[" * 10_000)
    with platform.plan.during(Fault("json", payload="empty")):
        assert platform.get(ACTIVE).content == b""


def test_wrong_json_of_the_correct_shape(platform):
    correct = platform.json(ACTIVE)
    with platform.plan.during(Fault("json", payload="words")):
        words = platform.json(ACTIVE)
    assert words.keys() == correct.keys()
    assert numbers(words) == []
    with platform.plan.during(Fault("json", payload="nulls")):
        assert set(numbers(platform.json(ACTIVE))) == {None}
    with platform.plan.during(Fault("json", payload="nan")):
        assert all(math.isnan(number) for number in numbers(platform.json(ACTIVE)))
    with platform.plan.during(Fault("json", payload="infinity")):
        assert set(numbers(platform.json(ACTIVE))) == {math.inf}
    with platform.plan.during(Fault("json", payload="surrogates")):
        assert {row["name"] for row in platform.json(ACTIVE)["data"]} == {"\ud83d"}


def test_an_unreachable_store_of_costs_is_null_with_zeros_by_day(platform):
    period = {"date_filter": "7d", "platform_key": "acme"}
    with platform.plan.during(Fault("json", payload="no_costs", endpoint="financial/*")):
        costs = platform.json("/api/analytics/financial/", metric="total_costs", **period)
        details = platform.json("/api/analytics/financial/details/", group_by="mentor", **period)
    assert costs["value"] is None
    assert [point["value"] for point in costs["overtime"]] == [0] * 7
    assert (details["total_cost"], details["rows"]) == (None, [])


def test_the_tracing_backend_can_be_away(platform):
    platform.plan.add(Fault("status", status=502, endpoint="llm-usage/"))
    assert platform.get("/api/analytics/llm-usage/").status_code == 502
    assert platform.get("/api/analytics/topics/").status_code == 200


def test_a_page_for_people_with_a_good_status(platform):
    platform.plan.add(Fault("html"))
    answer = platform.get(ACTIVE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_the_correct_response_declared_as_plain_text(platform):
    correct = platform.json(ACTIVE)
    platform.plan.add(Fault("content_type"))
    answer = platform.get(ACTIVE)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.json() == correct


def test_a_huge_body_is_as_huge_as_said(platform):
    platform.plan.add(Fault("huge", size=3_000_000))
    assert len(platform.get(ACTIVE).content) == 3_000_002


def test_a_gzip_bomb_is_small_on_the_wire_and_large_when_opened(platform):
    platform.plan.add(Fault("gzip_bomb", size=8_000_000))
    request = platform.client.build_request("GET", platform.url + "/x")
    answer = platform.client.send(request, stream=True)
    packed = b"".join(answer.iter_raw())
    assert len(packed) < 20_000
    assert len(gzip.decompress(packed)) == 8_000_002


@pytest.mark.parametrize(("path", "key"), [(VIDEOS, "course_id"), (LEARNERS, "username")])
def test_endless_pages_never_repeat_a_row(platform, path, key):
    platform.plan.add(Fault("endless_pages"))
    pages = [platform.json(path, page=page, length=5) for page in (1, 2, 700_000)]
    rows = [row[key] for page in pages for row in page["data"]]
    assert len(rows) == len(set(rows)) == 15
    assert [page["pagination"]["currentPage"] for page in pages] == [1, 2, 700_000]
    assert all(page["pagination"]["totalPages"] > 10**6 for page in pages)


def test_a_redirect_points_to_another_host(platform):
    platform.plan.add(Fault("redirect", location="http://elsewhere.invalid/login?next=here"))
    answer = platform.get(ACTIVE)
    assert answer.status_code == 302
    assert answer.headers["location"] == "http://elsewhere.invalid/login?next=here"


def test_a_skewed_clock_shows_in_the_date(platform):
    correct = platform.json(ACTIVE)
    platform.plan.add(Fault("clock_skew", seconds=-3600))
    answer = platform.get(ACTIVE)
    assert answer.headers.get_list("date") == ["Wed, 18 Mar 2026 15:00:00 GMT"]
    assert answer.json() == correct


def test_every_kind_can_be_parsed():
    for kind in Kind:
        assert Fault.parse(f"kind={kind}") == Fault(kind)
    for payload in Payload:
        assert Fault.parse(f"payload={payload}") == Fault("json", payload=payload)


def test_a_fault_is_parsed_from_text():
    assert Fault.parse("org=acme,endpoint=videos*,status=500,probability=0.5") == Fault(
        "status", org="acme", endpoint="videos*", status=500, probability=0.5
    )
    assert Fault.parse("status=429, retry_after=30") == Fault(
        "status", status=429, retry_after=30.0
    )
    assert Fault.parse("kind=timeout,start=2026-03-18T16:00,end=2026-03-18T17:00+01:00") == Fault(
        "timeout", start=NOW, end=NOW
    )


@pytest.mark.parametrize(
    "text",
    ["", "500", "status", "kind=flood", "payload=tea", "status=high", "probability=2", "body=xml",
     "when=now", "start=soon", "active=yes"],
)  # fmt: skip
def test_an_invalid_fault_is_an_error_that_quotes_it(text):
    with pytest.raises(ValueError, match="is not a fault"):
        Fault.parse(text)
