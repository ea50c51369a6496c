"""What each setting makes of data that is already collected: no request is needed."""

import pytest

from exporter import catalog
from exporter.settings import Courses
from tests.exposition.conftest import YESTERDAY, Served, item

ACTIVE, OF_COURSE = catalog.ACTIVE_USERS, catalog.COURSE_ACTIVE_USERS
WATCHED = catalog.COURSE_VIDEO_WATCHED_RATIO
TOPIC = catalog.TOPIC_CONVERSATIONS.at("7d")


@pytest.fixture
def served():
    made = Served()
    made.put(
        "active_users",
        **{
            "7d": item(
                (ACTIVE.at("7d"), 40),
                (OF_COURSE.at("7d"), 30, "bio"),
                (OF_COURSE.at("7d"), 4, "art"),
                courses={"bio": "Biology", "art": "Art"},
            )
        },
    )
    made.put("course_videos", courses=item((WATCHED, 41.5, "bio"), (WATCHED, 10, "art")))
    return made


ALL = {
    "active_users_7d": 40,
    "course_active_users_7d bio": 30,
    "course_active_users_7d art": 4,
    "course_video_watched_ratio bio": 0.415,
    "course_video_watched_ratio art": 0.1,
    "course_info bio Biology": 1,
    "course_info art Art": 1,
}


def test_without_settings_everything_is_served(served):
    assert served.values() == ALL


def test_labels_are_on_every_series_and_change_at_once(served):
    served.configure(labels={"campus": "north"})
    assert {dict(labels)["campus"] for _, labels in served.samples()} == {"north"}
    assert len(served.samples()) == len(ALL)
    served.configure(labels={"site": "main"})
    assert {dict(labels)["site"] for _, labels in served.samples()} == {"main"}
    assert not any("campus" in dict(labels) for _, labels in served.samples())


def test_courses_are_excluded_and_included_at_once(served):
    served.configure(courses=Courses(exclude="a.*"))
    assert served.values() == {name: v for name, v in ALL.items() if " art" not in name}
    served.configure(courses=Courses(include="art"))
    assert served.values() == {name: v for name, v in ALL.items() if " bio" not in name}
    served.configure(courses=Courses())
    assert served.values() == ALL


def test_the_scale_of_percentages_changes_at_once(served):
    served.configure(percentages="ratio")
    assert served.values()["course_video_watched_ratio bio"] == 41.5
    assert served.values()["active_users_7d"] == 40
    served.configure(percentages="percent")
    assert served.values() == ALL


def test_small_groups_are_withheld_at_once_with_their_means(served):
    served.configure(min_group_size=5)
    assert served.values() == {
        name: v
        for name, v in ALL.items()
        if name not in {"course_active_users_7d art", "course_video_watched_ratio art"}
    }
    assert served.renderer.dropped("acme")["min_group_size"] == 2
    served.configure(min_group_size=0)
    assert served.values() == ALL
    assert served.renderer.dropped("acme")["min_group_size"] == 0


def test_topics_are_served_only_if_they_are_on(served):
    served.put("topics", **{"7d": item((TOPIC, 9, "Algebra"), (TOPIC, 2, "other"))})
    assert served.values() == ALL
    served.configure(topics=True)
    assert served.values() == ALL | {
        "topic_conversations_7d Algebra": 9,
        "topic_conversations_7d other": 2,
    }
    served.configure(topics=False)
    assert served.values() == ALL


def test_only_configured_mentors_are_served(served):
    metric = catalog.MENTOR_CHAT_SESSIONS.at("7d")
    served.put("mentor_chat", m1=item((metric, 1, "m1")), m2=item((metric, 2, "m2")))
    served.put("mentors", names=item(mentors={"m1": "Coach", "m2": "Tutor", "m3": "Guide"}))
    served.configure(mentors=("m1",))
    mentors = {name for name in served.values() if name.startswith("mentor")}
    assert mentors == {"mentor_chat_sessions_7d m1", "mentor_info m1 Coach"}
    served.configure(mentors=("all",))
    mentors = {name for name in served.values() if name.startswith("mentor")}
    assert len(mentors) == 2 + 3
    served.configure(mentors=())
    assert not any(name.startswith("mentor") for name in served.values())


def test_the_series_limit_applies_at_once(served):
    served.configure(series_limit=4)
    kept = {name: v for name, v in ALL.items() if " bio" not in name}
    assert served.values() == kept
    assert served.renderer.dropped("acme")["series_limit"] == 3
    served.configure(series_limit=20_000)
    assert served.values() == ALL


def test_an_org_that_is_forgotten_has_no_series(served):
    served.renderer.forget("acme")
    assert served.values() == {}
    served.put("videos", org=item((catalog.VIDEO_COMPLETIONS.at("7d"), 1)))
    assert served.values() == {}


def test_a_collector_whose_items_are_gone_has_no_series(served):
    served.snapshots.drop("acme", "course_videos")
    assert served.values() == {n: v for n, v in ALL.items() if "watched" not in n}
    served.configure(min_group_size=1)
    served.snapshots.drop("acme", "active_users")
    assert served.values() == {}


def test_settings_that_change_while_a_collector_is_dropped_leave_no_series(served):
    served.snapshots.listeners.clear()
    served.snapshots.drop("acme", "course_videos")
    served.configure(labels={"campus": "north"})
    assert not any("watched" in name for name in served.values())


def test_a_name_appears_once_however_many_collectors_know_it(served):
    served.put("course_videos", courses=item(courses={"bio": "", "law": "Law"}))
    info = {name for name in served.values() if name.startswith("course_info")}
    assert info == {"course_info bio Biology", "course_info art Art", "course_info law Law"}


def test_the_status_page_gets_the_values_without_labels_that_are_served(served):
    assert served.renderer.values("acme") == {"iblai_active_users_7d": 40}
    served.configure(min_group_size=100)
    assert served.renderer.values("acme") == {}
    assert served.renderer.values("globex") == {}


def test_the_series_of_each_collector_are_counted(served):
    assert served.renderer.series("acme", "active_users") == 3
    assert served.renderer.series("acme", "course_videos") == 2
    served.configure(courses=Courses(exclude=".*"))
    assert served.renderer.series("acme", "active_users") == 1
    assert served.renderer.series("acme", "course_videos") == 0


def test_windows_end_at_the_midnight_after_their_last_day(served):
    end = served.renderer.window_end("acme", "active_users")
    assert end == 1778025600  # 2026-05-06T00:00Z
    assert served.renderer.window_end("acme", "course_videos") is None
    served.put("active_users", **{"7d": item((ACTIVE.at("7d"), 40), day=YESTERDAY)})
    assert served.renderer.window_end("acme", "active_users") == end - 86400
    served.put("active_users_today", today=item((ACTIVE.at("today"), 4), of_day=True))
    assert served.renderer.window_end("acme", "active_users_today") is None
    served.configure(timezone="America/New_York")
    assert served.renderer.window_end("acme", "active_users") == end - 86400 + 4 * 3600
