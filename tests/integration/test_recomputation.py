"""Every gauge against an independent reckoning that reads the simulated API by its own means."""

import json
import math
import statistics
import urllib.parse
import urllib.request
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from exporter import catalog, collectors
from exporter.api.client import ApiClient, Limits
from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.university import Drop, University
from exporter.exposition import Format
from exporter.page import MetricsPage
from exporter.poller import Poller
from exporter.settings import ApiLimits, Org
from exporter.snapshots import SnapshotStore
from exporter.telemetry import Telemetry
from tests.conftest import FakeClock

MOMENTS = [
    datetime(2026, 5, 6, 12, tzinfo=UTC),
    datetime(2026, 3, 9, 3, 30, tzinfo=UTC),  # New York: the evening of the day the clocks changed
    datetime(2026, 3, 1, 23, 30, tzinfo=UTC),  # Berlin: already March 2nd
]
LENGTHS = {"1d": 1, "7d": 7, "28d": 28}
WEEKS = {"7d": 7, "28d": 28}


class Reckoning:
    """What an org's gauges must be, as a person with a pocket calculator would find out."""

    def __init__(self, base, org, today):
        self.base, self.org, self.today = base, org, today
        self.gauges = {}

    def get(self, path, **query):
        query.setdefault("include_main_platform", "false")
        request = urllib.request.Request(
            f"{self.base}{path}?{urllib.parse.urlencode(query)}",
            headers={"Authorization": f"Api-Token {self.org.api_key}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def put(self, name, value, **labels):
        if value is not None:
            key = f"iblai_{name}", tuple(sorted({"org": self.org.key, **labels}.items()))
            assert key not in self.gauges
            self.gauges[key] = value

    def ends(self, days_back, length):
        """The window of `length` days that ended `days_back` days before yesterday."""
        last = self.today - timedelta(days=1 + days_back)
        return last - timedelta(days=length - 1), last

    def dates(self, first, last):
        return {"start_date": first.isoformat(), "end_date": last.isoformat()}

    def windows(self, name, value, *, baselines=True, windows=LENGTHS, today=True, **labels):
        """Put a figure for every window; `value(first, last)` asks for it."""
        if today:
            self.put(f"{name}_today", value(self.today, self.today), **labels)
        for window, length in windows.items():
            self.put(f"{name}_{window}", value(*self.ends(0, length)), **labels)
            if baselines and window != "28d":
                past = [value(*self.ends(7 * week, length)) for week in (1, 2, 3, 4)]
                known = [v for v in past if v is not None]
                usual = statistics.median(known) if len(known) >= 3 else None
                self.put(f"{name}_{window}_baseline", usual, **labels)

    def reckon(self):  # noqa: C901 - one list of all figures, to be read beside the contract
        key, user = self.org.key, self.org.user_id
        ai = "/api/ai-analytics"
        quoted = urllib.parse.quote(key, safe="")

        def active(first, last):
            path = f"{ai}/audience/orgs/{quoted}/active-users/per-course"
            return self.get(path, **self.dates(first, last))

        self.windows("active_users", lambda a, b: active(a, b)["total"])
        for window, length in LENGTHS.items():
            for row in active(*self.ends(0, length))["data"]:
                self.put(
                    f"course_active_users_{window}", row["user_count"], course_id=row["course_id"]
                )
        names = {}
        for row in self.rows(f"{ai}/engagement/orgs/{quoted}/videos/"):
            course = {"course_id": row["course_id"]}
            names[row["course_id"]] = row["name"]
            self.put("course_videos", row["num_vids"], **course)
            self.put("course_video_completions", row["num_watched"], **course)
            self.put("course_video_watch_seconds", row["time_watched"], **course)
            self.put("course_video_watched_ratio", row["avg_percent_watched"] / 100, **course)
            self.put("course_video_watch_seconds_per_learner", row["avg_time_watched"], **course)
        for course_id, name in names.items():
            self.put("course_info", 1, course_id=course_id, course_name=name)

        def summed(path, **query):
            def value(first, last):
                answer = self.get(path, **self.dates(first, last), **query)
                return sum(answer["data"].values())

            return value

        for figure, flag in (("enrollments", "y"), ("unenrollments", "n")):
            path = f"{ai}/audience/orgs/{quoted}/enrollments/over-time"
            self.windows(figure, summed(path, active=flag))
            for course_id in names:
                course = urllib.parse.quote(course_id, safe="")
                path = f"{ai}/audience/orgs/{quoted}/enrollments/courses/{course}/over-time"
                self.windows(
                    f"course_{figure}",
                    summed(path, active=flag),
                    baselines=False,
                    today=False,
                    course_id=course_id,
                )
        self.windows("video_completions", summed(f"{ai}/engagement/orgs/{quoted}/videos/over-time"))

        def chat(pick, **query):
            def value(first, last):
                path = f"{ai}/orgs/{quoted}/users/{user}/average-messages-per-session/"
                rows = self.get(path, **self.dates(first, last), **query)
                sessions = sum(row["total_sessions"] for row in rows)
                messages = sum(row["total_sessions"] * row["avg_messages"] for row in rows)
                return pick(sessions, messages)

            return value

        def average(sessions, messages):
            return messages / sessions if sessions else None

        self.windows("chat_sessions", chat(lambda s, _: s))
        self.windows("avg_messages_per_session", chat(average))
        for mentor in self.org.mentors:
            self.windows(
                "mentor_chat_sessions", chat(lambda s, _: s, mentor_id=mentor), mentor_id=mentor
            )
            self.windows(
                "mentor_avg_messages_per_session", chat(average, mentor_id=mentor), mentor_id=mentor
            )
        path = f"{ai}/audience/orgs/{quoted}/active-users/users"
        answer = self.get(path, length=1)
        self.put("active_learners", answer["pagination"]["totalItems"])
        self.reckon_outcomes(f"{ai}/{{}}/orgs/{quoted}", summed)
        self.reckon_agents(f"{ai}/orgs/{quoted}/users/{user}")
        self.reckon_costs(f"{ai}/orgs/{quoted}/users/{user}")
        return self.gauges

    def reckon_outcomes(self, root, summed):
        audience, engagement = root.format("audience"), root.format("engagement")
        grading = f"{root.format('performance')}/grading"
        answer = self.get(f"{audience}/registered-users/", length=1)
        self.put("registered_users", answer["pagination"]["totalItems"])
        path = f"{audience}/registered-users/over-time"
        self.windows("registrations", summed(path), today=False)
        self.windows("time_spent_seconds", summed(f"{engagement}/time/over-time"))
        self.windows("completions", summed(f"{engagement}/course_completion/over-time"))

        def mean(first, last):
            path = f"{engagement}/time/average-perlearner-percourse"
            return self.get(path, **self.dates(first, last))["average"]

        self.windows("avg_time_per_learner_seconds", mean, baselines=False, today=False)
        for window, length in WEEKS.items():
            dates = self.dates(*self.ends(0, length))
            for row in self.rows(f"{engagement}/time/per-course", **dates):
                course = {"course_id": row["course_id"]}
                mean_name = f"course_avg_time_per_learner_seconds_{window}"
                self.put(f"course_time_spent_seconds_{window}", row["time_spent"], **course)
                self.put(mean_name, row["average_time"], **course)
        for row in self.rows(f"{engagement}/activity"):
            self.put("course_visits_per_learner", row["average_days"], course_id=row["course_id"])
        for row in self.rows(f"{engagement}/course_completion/per-course"):
            course = {"course_id": row["course_id"]}
            self.put("course_enrolled_users", row["enrollments"], **course)
            self.put("course_completed_users", row["completions"], **course)
            self.put("course_completion_ratio", row["average"] / 100, **course)
        self.put("avg_grade_ratio", self.get(f"{grading}/average")["data"]["average"] / 100)
        for row in self.rows(f"{grading}/per-course"):
            course = {"course_id": row["course_id"]}
            self.put("course_avg_grade_ratio", row["avg_grade"] / 100, **course)
            self.put("course_passed_users", row["num_passed"], **course)

    def reckon_agents(self, root):
        def counted(path, count):
            def value(first, last):
                return sum(row[count] for row in self.get(root + path, **self.dates(first, last)))

            return value

        plain = {"baselines": False, "today": False}
        self.windows("conversations", counted("/conversation/", "conversation_count"))
        users = counted("/usage-summary/", "user_count")
        self.windows("agent_users", users, today=False, windows={"1d": 1})
        self.windows("ratings", counted("/rating-summary/", "total_ratings"), **plain)
        self.windows("feedback_entries", counted("/user-feedback/", "feedback_count"), **plain)
        summary = self.get(f"{root}/conversation-summary/")
        self.put("human_messages", summary["total_human_messages"])
        self.put("ai_messages", summary["total_ai_messages"])
        summary = self.get(f"{root}/mentor-summary/")
        self.put("agents", summary["total_mentors"])
        self.put("active_agents", summary["active_mentors"])
        for window, length in WEEKS.items():
            dates = self.dates(*self.ends(0, length))
            pie = self.get(f"{root}/user-metrics-pie-chart/", **dates)
            self.put(f"new_agent_users_{window}", pie["new_users"]["count"])
            self.put(f"returning_agent_users_{window}", pie["returning_users"]["count"])
            heard = self.get(f"{root}/user-sentiment/", **dates)
            for sentiment, share in heard["sentiment_distribution"].items():
                self.put(f"sentiment_ratio_{window}", share / 100, sentiment=sentiment)
            topics = self.get(f"{root}/most-discussed-topics/", **dates)
            self.top(
                f"topic_conversations_{window}",
                "topic",
                [(topic["topic_name"], topic["conversation_count"]) for topic in topics],
            )

    def reckon_costs(self, root):
        def cost(first, last):
            return self.get(f"{root}/tenant-cost/", **self.dates(first, last))["total_cost"]

        self.windows("cost_usd", cost)
        groups = {"model": "llm_model", "provider": "provider", "agent": "mentor"}
        for window, length in WEEKS.items():
            dates = {"date_filter": "custom", **self.dates(*self.ends(0, length))}
            for label, group in groups.items():
                path = "/api/analytics/financial/details/"
                query = {"group_by": group, "platform_key": self.org.key, "limit": 100}
                rows = self.get(path, **query, **dates)["rows"]
                costs = [(row[group], float(row["total_cost"])) for row in rows]
                self.top(f"{label}_cost_usd_{window}", label, costs)

    def rows(self, path, **query):
        """Return the rows of all pages."""
        rows, number, pages = [], 0, 1
        while number < pages:
            number += 1
            answer = self.get(path, page=number, length=5, **query)
            rows += answer["data"]
            pages = answer["pagination"]["totalPages"]
        return rows

    def top(self, name, label, parts):
        """Put the ten largest parts, equal names summed, and the sum of all others."""
        sums = defaultdict(float)
        for title, value in parts:
            sums[title] += value
        parts = sorted(sums.items(), key=lambda part: (-part[1], part[0]))
        for title, value in parts[:10]:
            self.put(name, value, **{label: title})
        if parts[10:]:
            self.put(name, sum(value for _, value in parts[10:]), **{label: "other"})


async def exposed(base, university, now):
    """Return the gauges the exporter shows after one visit of every collector."""
    clock = FakeClock(now)
    store = SnapshotStore()
    telemetry = Telemetry(store)
    api = ApiClient(Limits(rate_limit=2000, concurrency=16), telemetry, clock)
    limits = ApiLimits(page_size=7)
    poller = Poller(api=api, store=store, telemetry=telemetry, limits=limits, clock=clock)
    orgs = [
        Org(
            key=o.key,
            user_id=o.user_id,
            api_key=SecretStr(o.api_key),
            base_url=base,
            timezone=o.timezone,
            mentors=o.mentors,
        )
        for o in university.orgs
    ]
    poller.set_orgs(orgs)
    for org in orgs:
        for collector in collectors.of(org):
            await poller.run(org.key, collector)
            assert telemetry.outcome(org.key, collector.name).error == ""
    await api.aclose()
    page = MetricsPage(store, telemetry, clock)
    text = (await page.read(Format.TEXT, gzip=False)).decode()
    gauges = {m.name for m in catalog.METRICS if m.area is not catalog.Area.EXPORTER}
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
        if s.name in gauges
    }


@pytest.mark.parametrize("now", MOMENTS, ids=str)
@pytest.mark.parametrize("page_base", [1, 0], ids=["pages from 1", "pages from 0"])
async def test_every_gauge_of_every_org_and_course_equals_an_independent_reckoning(now, page_base):
    university = University(orgs=3, courses=9, drops=[Drop("globex", 2, 0.5)])
    platform = build_platform(university, now=lambda: now, page_base=page_base)
    by_hand = build_platform(university, now=lambda: now)
    with Background(platform) as running, Background(by_hand) as reference:
        found = await exposed(running.url, university, now)
        wanted = {}
        for org in university.orgs:
            today = now.astimezone(ZoneInfo(org.timezone)).date()
            wanted |= Reckoning(reference.url, org, today).reckon()
    assert found.keys() == wanted.keys()
    wrong = {k: (found[k], v) for k, v in wanted.items() if not math.isclose(found[k], v)}
    assert wrong == {}
    names = {metric.name for metric in catalog.METRICS if metric.area is not catalog.Area.EXPORTER}
    opt_in = {"iblai_active_learner_engagement_index", "iblai_active_learner_performance_index"}
    assert {name for name, _ in found} == names - opt_in


def test_the_moments_are_on_different_dates_for_different_orgs():
    zones = ("America/New_York", "UTC", "Europe/Berlin")
    dates = [[m.astimezone(ZoneInfo(zone)).date() for zone in zones] for m in MOMENTS]
    assert dates[1] == [date(2026, 3, 8), date(2026, 3, 9), date(2026, 3, 9)]
    assert dates[2] == [date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 2)]
