"""Every gauge against an independent client of the simulated API, which asks for each one anew."""

import json
import math
import urllib.parse
import urllib.request
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from exporter import catalog, collectors
from exporter.collectors.audience import PAST_PER_RUN, past_requests
from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.university import Drop, University
from exporter.history.expected import REACH, SENSITIVITY, Kind, expected_range
from exporter.settings import Org
from tests.conftest import FakeClock
from tests.integration.laboratory import exporter, quick

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
MOMENTS = {
    "noon": (NOON, 1),
    "just after midnight": (datetime(2026, 3, 9, 0, 0, 30, tzinfo=UTC), 0),
    "just before midnight, at the end of a month": (
        datetime(2026, 2, 28, 23, 59, 50, tzinfo=UTC),
        1,
    ),
}
"""Moments, each with the number that the platform gives to the first page of a list."""

LENGTHS = {"1d": 1, "7d": 7, "28d": 28}
WEEKS = {"7d": 7, "28d": 28}
DAYS_OF_USAGE = {"1d": 1, "7d": 7}
AI = "/api/ai-analytics"
V2 = "/api/analytics"


class Client:
    """What an org's gauges must be, by single requests and a pocket calculator."""

    def __init__(self, base, org, today):
        self.base, self.org, self.today = base, org, today
        self.gauges = {}
        self.of_user = f"{AI}/orgs/{org.key}/users/{org.user_id}"

    def get(self, path, **query):
        if path.startswith(V2):
            query = {"platform_key": self.org.key, **query}
            if "start_date" in query:
                query["date_filter"] = "custom"
        request = urllib.request.Request(
            f"{self.base}{path}?{urllib.parse.urlencode(query)}",
            headers={"Authorization": f"Api-Token {self.org.api_key}"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def rows(self, path, **query):
        """Return the rows of all pages."""
        rows, number, pages = [], 0, 1
        while number < pages:
            number += 1
            response = self.get(path, page=number, length=5, **query)
            rows += response["data"]
            pages = response["pagination"]["totalPages"]
        return rows

    def put(self, name, value, **labels):
        if value is not None:
            key = f"iblai_{name}", tuple(sorted({"org": self.org.key, **labels}.items()))
            assert key not in self.gauges
            self.gauges[key] = value

    def span(self, length, *, ago=0):
        """Return the query of the `length` complete days that end `ago` days before yesterday."""
        last = self.today - timedelta(days=1 + ago)
        return self.dates(last - timedelta(days=length - 1), last)

    @staticmethod
    def dates(first, last):
        return {"start_date": first.isoformat(), "end_date": last.isoformat()}

    def windows(self, name, value, *, unit="", windows=LENGTHS, today=True, **labels):
        """Put the value of every window; `value(dates)` requests it."""
        if today:
            self.put(f"{name}_today{unit}", value(self.dates(self.today, self.today)), **labels)
        for window, length in windows.items():
            self.put(f"{name}_{window}{unit}", value(self.span(length)), **labels)

    def top(self, name, label, parts):
        """Put the ten largest parts, equal names added up, and the sum of all others."""
        sums = defaultdict(float)
        for title, value in parts:
            sums[title] += value
        parts = sorted(sums.items(), key=lambda part: (-part[1], part[0]))
        for title, value in parts[:10]:
            self.put(name, value, **{label: title})
        if parts[10:]:
            self.put(name, sum(value for _, value in parts[10:]), **{label: "other"})

    def summed(self, path, **query):
        """Return a request for the sum of a series of days."""
        return lambda dates: sum(self.get(path, **dates, **query)["data"].values())

    def counted(self, path, member, **query):
        """Return a request for the sum of a list of events."""
        path = f"{self.of_user}{path}"
        return lambda dates: sum(row[member] for row in self.get(path, **dates, **query))

    def chat(self, *, average, **query):
        """Return a request for chat sessions, or for their average of messages."""

        def value(dates):
            path = f"{self.of_user}/average-messages-per-session/"
            rows = self.get(path, aggregation="daily", **dates, **query)
            sessions = sum(row["total_sessions"] for row in rows)
            if not average:
                return sessions
            messages = sum(row["total_sessions"] * row["avg_messages"] for row in rows)
            return messages / sessions if sessions else None

        return value

    def compute(self):
        self.learning()
        self.courses()
        self.agents()
        self.newer_family()
        self.costs()
        return self.gauges

    def active(self, dates):
        return self.get(f"{AI}/audience/orgs/{self.org.key}/active-users/per-course", **dates)

    def learning(self):
        audience = f"{AI}/audience/orgs/{self.org.key}"
        engagement = f"{AI}/engagement/orgs/{self.org.key}"
        self.windows("active_users", lambda dates: self.active(dates)["total"])
        for name, flag in (("enrollments", "y"), ("unenrollments", "n")):
            self.windows(name, self.summed(f"{audience}/enrollments/over-time", active=flag))
        self.windows("video_completions", self.summed(f"{engagement}/videos/over-time"))
        response = self.get(f"{audience}/active-users/users", length=1)
        self.put("active_learners", response["pagination"]["totalItems"])
        response = self.get(f"{audience}/registered-users/", length=1)
        self.put("registered_users", response["pagination"]["totalItems"])
        registered = self.summed(f"{audience}/registered-users/over-time")
        self.windows("registrations", registered, today=False)
        self.windows("time_spent", self.summed(f"{engagement}/time/over-time"), unit="_seconds")
        self.windows("completions", self.summed(f"{engagement}/course_completion/over-time"))
        mean = f"{engagement}/time/average-perlearner-percourse"
        self.windows(
            "avg_time_per_learner",
            lambda dates: self.get(mean, **dates)["average"],
            unit="_seconds",
            today=False,
        )
        grade = self.get(f"{AI}/performance/orgs/{self.org.key}/grading/average")
        self.put("avg_grade_ratio", grade["data"]["average"] / 100)

    def courses(self):
        engagement = f"{AI}/engagement/orgs/{self.org.key}"
        for window, length in LENGTHS.items():
            for row in self.active(self.span(length))["data"]:
                course = {"course_id": row["course_id"]}
                self.put(f"course_active_users_{window}", row["user_count"], **course)
        for row in self.rows(f"{engagement}/videos/"):
            course = {"course_id": row["course_id"]}
            self.put("course_info", 1, **course, course_name=row["name"])
            self.put("course_videos", row["num_vids"], **course)
            self.put("course_video_completions", row["num_watched"], **course)
            self.put("course_video_watch_seconds", row["time_watched"], **course)
            self.put("course_video_watched_ratio", row["avg_percent_watched"] / 100, **course)
            self.put("course_video_watch_seconds_per_learner", row["avg_time_watched"], **course)
            quoted = urllib.parse.quote(row["course_id"], safe="")
            path = f"{AI}/audience/orgs/{self.org.key}/enrollments/courses/{quoted}/over-time"
            for name, flag in (("enrollments", "y"), ("unenrollments", "n")):
                value = self.summed(path, active=flag)
                self.windows(f"course_{name}", value, today=False, **course)
        for window, length in WEEKS.items():
            for row in self.rows(f"{engagement}/time/per-course", **self.span(length)):
                course = {"course_id": row["course_id"]}
                self.put(f"course_time_spent_{window}_seconds", row["time_spent"], **course)
                mean = f"course_avg_time_per_learner_{window}_seconds"
                self.put(mean, row["average_time"], **course)
        for row in self.rows(f"{engagement}/activity"):
            course = {"course_id": row["course_id"]}
            self.put("course_activity_per_learner", row["average_days"], **course)
        for row in self.rows(f"{engagement}/course_completion/per-course"):
            course = {"course_id": row["course_id"]}
            self.put("course_enrolled_users", row["enrollments"], **course)
            self.put("course_completed_users", row["completions"], **course)
            self.put("course_completion_ratio", row["average"] / 100, **course)
        for row in self.rows(f"{AI}/performance/orgs/{self.org.key}/grading/per-course"):
            course = {"course_id": row["course_id"]}
            self.put("course_graded_users", row["num_enrollments"], **course)
            self.put("course_avg_grade_ratio", row["avg_grade"] / 100, **course)
            self.put("course_passed_users", row["num_passed"], **course)

    def agents(self):
        self.windows("chat_sessions", self.chat(average=False))
        self.windows("avg_messages_per_session", self.chat(average=True))
        listed = self.get(f"{self.of_user}/costs/permentor/", limit=100, **self.span(1))
        names = {row["mentor_unique_id"]: row["mentor_name"] for row in listed["mentor_data"]}
        for id_ in self.org.mentors:
            mentor = {"mentor_id": id_}
            self.put("mentor_info", 1, **mentor, mentor_name=names[id_])
            self.windows("mentor_chat_sessions", self.chat(average=False, **mentor), **mentor)
            average = self.chat(average=True, **mentor)
            self.windows("mentor_avg_messages_per_session", average, **mentor)
        daily = {"aggregation": "daily"}
        conversations = self.counted("/conversation/", "conversation_count", **daily)
        self.windows("conversations", conversations)
        users = self.counted("/usage-summary/", "user_count")
        self.windows("agent_users", users, today=False, windows={"1d": 1})
        registrations = self.counted("/registered-users-trend/", "count", **daily)
        self.windows("agent_registrations", registrations, today=False)
        ratings = self.counted("/rating-summary/", "total_ratings", group_by="day")
        self.windows("ratings", ratings, today=False)
        feedback = self.counted("/user-feedback/", "feedback_count", **daily)
        self.windows("feedback_entries", feedback, today=False)
        summary = self.get(f"{self.of_user}/conversation-summary/")
        self.put("human_messages", summary["total_human_messages"])
        self.put("ai_messages", summary["total_ai_messages"])
        summary = self.get(f"{self.of_user}/mentor-summary/")
        self.put("agents", summary["total_mentors"])
        self.put("active_agents", summary["active_mentors"])
        for window, length in WEEKS.items():
            dates = self.span(length)
            pie = self.get(f"{self.of_user}/user-metrics-pie-chart/", **dates)
            self.put(f"new_agent_users_{window}", pie["new_users"]["count"])
            self.put(f"returning_agent_users_{window}", pie["returning_users"]["count"])
            heard = self.get(f"{self.of_user}/user-sentiment/", **dates)
            for sentiment, share in heard["sentiment_distribution"].items():
                self.put(f"sentiment_{window}_ratio", share / 100, sentiment=sentiment)
            topics = self.get(f"{self.of_user}/most-discussed-topics/", **daily, **dates)
            parts = [(topic["topic_name"], topic["conversation_count"]) for topic in topics]
            self.top(f"topic_conversations_{window}", "topic", parts)

    def newer_family(self):
        for window, length in WEEKS.items():
            dates = self.span(length)
            summary = self.get(f"{V2}/messages/", limit=1, **dates)["summary"]
            self.put(f"user_messages_{window}", summary["user_queries"])
            self.put(f"assistant_responses_{window}", summary["assistant_responses"])
            self.put(f"avg_sentiment_score_{window}", summary["average_sentiment_score"])
            talks = self.get(f"{V2}/conversations/", metric="headline", **dates)
            messages = talks["avg_messages_per_conversation"]["value"]
            self.put(f"avg_messages_per_conversation_{window}", messages)
            cost = talks["avg_cost_per_conversation"]["value"]
            self.put(f"avg_cost_per_conversation_{window}_usd", cost)
            sessions = self.get(f"{V2}/sessions/", metric="headline", **dates)
            self.put(f"avg_rating_{window}", sessions["avg_rating"]["value"])
        for metric, name in (
            ("currently_active", "agent_users_active_now"),
            ("active_users_last_30d", "agent_users_30d"),
        ):
            response = self.get(f"{V2}/users/", metric=metric, date_filter="today")
            self.put(name, response["count"])
        topics = self.get(f"{V2}/topics/", metric="overview", date_filter="today")
        self.put("messages_this_month", topics["messages"]["this_month"])

    def costs(self):
        cost = f"{self.of_user}/tenant-cost/"
        self.windows("cost", lambda dates: self.get(cost, **dates)["total_cost"], unit="_usd")
        for window, length in WEEKS.items():
            dates = self.span(length)
            parts = self.get(f"{self.of_user}/costs/model/", **dates)
            models = [(row["model"], row["total_cost"]) for row in parts]
            self.top(f"model_cost_{window}_usd", "model", models)
            parts = self.get(f"{self.of_user}/costs/permentor/", limit=100, **dates)["mentor_data"]
            agents = [(row["mentor_name"], row["total_cost"]) for row in parts]
            self.top(f"agent_cost_{window}_usd", "agent", agents)
            path = f"{V2}/financial/details/"
            parts = self.get(path, group_by="provider", limit=100, **dates)["rows"]
            providers = [(row["provider"], float(row["total_cost"])) for row in parts]
            self.top(f"provider_cost_{window}_usd", "provider", providers)
        cap = self.get(f"/api/ai-mentor/orgs/{self.org.key}/spend-caps/tenant/")
        self.put("spend_cap_limit_usd", float(cap["max_cost_usd"]))
        self.put("spend_cap_spent_usd", float(cap["current_spend_usd"]))
        self.put("spend_cap_remaining_usd", float(cap["remaining_usd"]))
        self.put("spend_cap_exceeded", float(cap["is_exceeded"]))
        self.usage("today", self.dates(self.today, self.today))
        for window, length in DAYS_OF_USAGE.items():
            self.usage(window, self.span(length))

    def usage(self, window, dates):
        measures = {
            "count": "llm_calls_{}",
            "input_tokens": "llm_input_tokens_{}",
            "output_tokens": "llm_output_tokens_{}",
            "total_cost": "llm_cost_{}_usd",
        }
        path, more = f"{V2}/llm-usage/", {"group_by": "model", "limit": 1000, **dates}
        sums = self.get(path, measures=",".join(measures), aggregation="sum", **more)["data"]
        assert len(sums) <= 10
        for row in sums:
            for member, name in measures.items():
                self.put(name.format(window), row[f"sum_{member}"], model=row["model"])
        for quantile in ("p50", "p95"):
            rows = self.get(path, measures="latency", aggregation=quantile, **more)["data"]
            for row in rows:
                seconds = row[f"{quantile}_latency"] / 1000
                self.put(f"llm_latency_{quantile}_{window}_seconds", seconds, model=row["model"])


def configured(base, known):
    """Return the settings of an org of the university, with everything on."""
    return Org(
        key=known.key,
        user_id=known.user_id,
        api_key=SecretStr(known.api_key),
        base_url=base,
        timezone=known.timezone,
        mentors=known.mentors,
        extras=("learning", "agents", "costs", "usage"),
        topics=True,
        collectors={"past_active_users": False},
    )


async def served(orgs, now, *, times=1):
    """Return the gauges of orgs after so many runs of every collector."""
    async with exporter(orgs, clock=FakeClock(now), limits=quick(page_size=7)) as made:
        for _ in range(times):
            await made.collect_all()
        for org in orgs:
            for name, outcome in made.telemetry.outcomes(org.key).items():
                assert (name, outcome.error) == (name, "")
        return await made.values()


def without_expected(gauges):
    return {key: value for key, value in gauges.items() if "_expected" not in key[0]}


def differences(found, wanted):
    """Return the gauges that differ, with both values; None is absent."""
    pairs = {key: (found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys()}
    return {
        key: (value, other)
        for key, (value, other) in pairs.items()
        if value is None or other is None or not math.isclose(value, other, abs_tol=1e-9)
    }


@pytest.mark.parametrize(("now", "page_base"), MOMENTS.values(), ids=MOMENTS)
async def test_every_gauge_of_every_org_and_course_is_what_single_requests_add_up_to(
    now, page_base
):
    university = University(orgs=3, courses=9, drops=[Drop("globex", 2, 0.5)])
    platform = build_platform(university, now=lambda: now, page_base=page_base)
    by_hand = build_platform(university, now=lambda: now)
    with Background(platform) as running, Background(by_hand) as reference:
        found = await served([configured(running.url, org) for org in university.orgs], now)
        wanted = {}
        for org in university.orgs:
            wanted |= Client(reference.url, org, now.date()).compute()
    assert differences(without_expected(found), wanted) == {}
    names = {m.name for m in catalog.METRICS if m.area is not catalog.Area.EXPORTER}
    quantiles = {"iblai_active_learner_engagement_index", "iblai_active_learner_performance_index"}
    missing = names - quantiles - {name for name, _ in found}
    assert not {n for n in missing if "_today" not in n and "active_users" not in n}
    if now == NOON:
        # Expected ranges of active users follow from requests that take a while.
        assert all(n.startswith("iblai_active_users_") and "_expected" in n for n in missing)


BY_DAY = {
    "enrollments": ("audience", "enrollments/over-time", {"active": "y"}, Kind.COUNT),
    "video_completions": ("engagement", "videos/over-time", {}, Kind.COUNT),
    "registrations": ("audience", "registered-users/over-time", {}, Kind.COUNT),
    "completions": ("engagement", "course_completion/over-time", {}, Kind.COUNT),
    "time_spent": ("engagement", "time/over-time", {}, Kind.SUM),
}


async def test_expected_ranges_follow_from_the_days_that_the_api_returns():
    university = University(orgs=2, courses=3, learners=300)
    today = NOON.date()
    wanted = {}
    with Background(build_platform(university, now=lambda: NOON)) as running:
        org = university.org("globex")
        found = await served([configured(running.url, org)], NOON)
        client = Client(running.url, org, today)
        for name, (area, path, query, kind) in BY_DAY.items():
            days = client.get(
                f"{AI}/{area}/orgs/{org.key}/{path}", **client.span(REACH + 7), **query
            )["data"]
            unit = "_seconds" if kind is Kind.SUM else ""
            for window, length in {"1d": 1, "7d": 7}.items():
                expected = range_of(days, today - timedelta(days=1), length=length, kind=kind)
                client.put(f"{name}_{window}_expected{unit}", expected.value)
                client.put(f"{name}_{window}_expected_low{unit}", expected.low)
        wanted = client.gauges
    assert len(wanted) > 10
    prefixes = tuple(f"iblai_{name}_" for name in BY_DAY)
    ranges = {
        key: value
        for key, value in found.items()
        if key[0].startswith(prefixes) and "_expected" in key[0]
    }
    assert differences(ranges, wanted) == {}


def range_of(days, end, *, length, kind):
    """Return the expected range of a window from the days by date."""
    past = {}
    for ago in range(1, REACH + 1):
        last = end - timedelta(days=ago)
        dates = [last - timedelta(days=back) for back in range(length)]
        past[last] = float(sum(days[day.isoformat()] for day in dates))
    return range_from(past, end, length=length, kind=kind)


def range_from(past, end, *, length, kind):
    """Return the expected range of a window from past ones by their last day."""
    by_end = {end - timedelta(days=ago): None for ago in range(1, REACH + 1)}
    return expected_range(
        {**by_end, **past},
        end,
        length=length,
        is_quiet=lambda _: False,
        sensitivity=SENSITIVITY["normal"],
        kind=kind,
    )


async def test_expected_ranges_of_active_users_follow_from_the_past_requested_window_by_window():
    university = University(orgs=2, courses=1, learners=600)
    end = NOON.date() - timedelta(days=1)
    with Background(build_platform(university, now=lambda: NOON)) as running:
        known = university.org("globex")
        only = {name: name.endswith("active_users") for name in collectors.NAMES}
        org = replace(configured(running.url, known), collectors=only, extras=())
        found = await served([org], NOON, times=-(-past_requests() // PAST_PER_RUN))
        client = Client(running.url, known, NOON.date())
        for window, length, step in (("1d", 1, 1), ("7d", 7, 7)):
            past = {
                end - timedelta(days=ago): client.active(client.span(length, ago=ago))["total"]
                for ago in range(step, REACH + 1, step)
            }
            expected = range_from(past, end, length=length, kind=Kind.COUNT)
            client.put(f"active_users_{window}_expected", expected.value)
            client.put(f"active_users_{window}_expected_low", expected.low)
    assert len(client.gauges) == 4
    ranges = {key: value for key, value in found.items() if "_expected" in key[0]}
    assert differences(ranges, client.gauges) == {}


class NewerClient(Client):
    """The core gauges of a deployment that has only the newer family."""

    def compute(self):
        def of_users(dates):
            query = {"metric": "active_users", "granularity": "day", **dates}
            return self.get(f"{V2}/users/", **query).get("count")

        def enrolled(dates):
            response = self.get(f"{V2}/content/", metric="courses", limit=1, **dates)
            return response["summary"]["totals"]["total_enrollments"]

        def sessions(dates):
            query = {"metric": "sessions", "granularity": "day", **dates}
            return sum(point["value"] for point in self.get(f"{V2}/sessions/", **query)["points"])

        def average(dates):
            response = self.get(f"{V2}/sessions/", metric="headline", **dates)
            return response["avg_messages_per_session"]["value"] if sessions(dates) else None

        self.windows("active_users", of_users)
        self.windows("enrollments", enrolled)
        self.windows("chat_sessions", sessions)
        self.windows("avg_messages_per_session", average)
        return self.gauges


async def test_without_the_endpoints_of_the_seeds_the_newer_family_fills_the_core_gauges():
    university = University(orgs=1, courses=3)
    core = ("active_users_today", "active_users", "enrollments", "chat")
    (org,) = university.orgs
    with Background(build_platform(university, now=lambda: NOON, generation="v2")) as running:
        settings = Org(
            key=org.key,
            user_id=org.user_id,
            api_key=SecretStr(org.api_key),
            base_url=running.url,
            collectors={name: name in core for name in collectors.NAMES},
        )
        found = await served([settings], NOON, times=3)
        wanted = NewerClient(running.url, org, NOON.date()).compute()
    of_org = {key: v for key, v in without_expected(found).items() if len(key[1]) == 1}
    assert differences(of_org, wanted) == {}
