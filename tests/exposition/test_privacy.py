"""`min_group_size`: values about few people, and means over them, are withheld."""

import pytest

from exporter import catalog
from exporter.catalog import Area, Exempt, People
from tests.exposition.conftest import ORG, Served, item

EXEMPT = {
    "counts content, not people": {
        "course_videos",
        "agents",
        "active_agents",
    },
    "a sum of time over all learners; it counts and averages nobody": {
        "course_video_watch_seconds",
        "time_spent",
        "course_time_spent",
    },
    "counts messages, conversations or sessions, not the people in them": {
        "chat_sessions",
        "mentor_chat_sessions",
        "conversations",
        "human_messages",
        "ai_messages",
        "user_messages",
        "assistant_responses",
        "topic_conversations",
        "messages_this_month",
        "llm_calls",
        "llm_input_tokens",
        "llm_output_tokens",
    },
    "a mean over sessions or conversations; the API does not say how many people": {
        "avg_messages_per_session",
        "mentor_avg_messages_per_session",
        "sentiment",
        "avg_rating",
        "avg_sentiment_score",
        "avg_messages_per_conversation",
    },
    "a sum of money, not of people": {
        "cost",
        "model_cost",
        "provider_cost",
        "agent_cost",
        "avg_cost_per_conversation",
        "spend_cap_limit_usd",
        "spend_cap_spent_usd",
        "spend_cap_remaining_usd",
        "spend_cap_exceeded",
        "llm_cost",
    },
    "a property of model calls, not of people": {"llm_latency_p50", "llm_latency_p95"},
    "a name of a course or mentor, without a value": {"course_info", "mentor_info"},
}
"""Every measure that `min_group_size` does not apply to, by the reason in the catalog."""

METRICS = [metric for metric in catalog.METRICS if metric.area is not Area.EXPORTER]
WINDOWED = {
    metric.name: measure.name for measure in catalog.WINDOWED for metric in measure.metrics()
}


def name_of(metric):
    """Return the name of the measure of a metric."""
    return WINDOWED.get(metric.name, metric.name.removeprefix("iblai_"))


def test_the_exemptions_are_these_and_no_others():
    found = {}
    for metric in METRICS:
        if isinstance(metric.privacy, Exempt):
            found.setdefault(metric.privacy.reason, set()).add(name_of(metric))
    assert found == EXEMPT


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_no_metric_about_users_or_learners_is_exempt(metric):
    exempt = isinstance(metric.privacy, Exempt)
    assert not (exempt and any(w in metric.name for w in ("users", "learner", "enroll", "grade")))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_group_of_a_mean_counts_people_with_the_same_labels(metric):
    if isinstance(metric.privacy, People):
        for name in metric.privacy.group:
            group = catalog.BY_NAME[name]
            assert isinstance(group.privacy, People)
            assert ("course_id" in group.labels) == ("course_id" in metric.labels)
            if "_expected" not in metric.name:
                assert group.privacy.group == ()


def everything(value):
    """Return a value of every metric of the catalog except names."""
    named = {catalog.COURSE_INFO.name, catalog.MENTOR_INFO.name}
    return item(
        *(
            (metric, value, *("x" for _ in metric.labels[1:]))
            for metric in METRICS
            if metric.name not in named
        )
    )


def metrics_served(served):
    return {name for name, _ in served.samples()}


@pytest.fixture
def whole():
    served = Served()
    served.configure(mentors=("x",), topics=True)
    served.put("everything", all=everything(999_999.0))
    return served


def test_with_the_largest_size_no_series_about_people_remains(whole):
    before = metrics_served(whole)
    assert before == {m.name for m in METRICS} - {"iblai_course_info", "iblai_mentor_info"}
    whole.configure(min_group_size=1_000_000)
    exempt = {metric.name for metric in METRICS if isinstance(metric.privacy, Exempt)}
    assert metrics_served(whole) == before & exempt


def test_below_the_size_of_every_group_nothing_is_withheld(whole):
    before = whole.samples()
    whole.configure(min_group_size=999_999)
    assert whole.samples() == before


ACTIVE, OF_COURSE = catalog.ACTIVE_USERS, catalog.COURSE_ACTIVE_USERS
GRADE, GRADED = catalog.COURSE_AVERAGE_GRADE, catalog.COURSE_GRADED_USERS


def names(served):
    return set(served.values())


@pytest.mark.parametrize(("value", "there"), [(0, True), (1, False), (4, False), (5, True)])
def test_a_count_is_withheld_below_the_size_and_0_is_not(served, value, there):
    served.configure(min_group_size=5)
    served.put("enrollments", org=item((catalog.ENROLLMENTS.at("7d"), value)))
    assert ("enrollments_7d" in names(served)) is there


@pytest.mark.parametrize(
    ("group", "there"), [(None, False), (0, False), (4, False), (5, True), (40, True)]
)
def test_a_mean_is_withheld_with_its_group(served, group, there):
    served.configure(min_group_size=5)
    served.put("course_grades", courses=item((GRADE, 71.5, "bio"), (GRADED, group, "bio")))
    assert ("course_avg_grade_ratio bio" in names(served)) is there


def test_a_mean_of_0_of_an_empty_group_is_served(served):
    served.configure(min_group_size=5)
    served.put("course_grades", courses=item((GRADE, 0, "bio"), (GRADED, 0, "bio")))
    assert "course_avg_grade_ratio bio" in names(served)


def test_each_course_is_compared_with_its_own_group(served):
    served.configure(min_group_size=5)
    rows = [(GRADE, 70, c) for c in "ab"] + [(GRADED, 4, "a"), (GRADED, 5, "b")]
    served.put("course_grades", courses=item(*rows))
    assert names(served) == {"course_graded_users b", "course_avg_grade_ratio b"}


def test_the_group_may_be_known_from_another_collector_and_a_change_applies_at_once(served):
    served.configure(min_group_size=5)
    served.put("course_videos", courses=item((catalog.COURSE_VIDEO_WATCHED_RATIO, 50, "bio")))
    assert names(served) == set()
    served.put("active_users", **{"28d": item((OF_COURSE.at("28d"), 8, "bio"))})
    assert "course_video_watched_ratio bio" in names(served)
    served.put("active_users", **{"28d": item((OF_COURSE.at("28d"), 3, "bio"))})
    assert names(served) == set()


def test_the_closest_known_group_decides(served):
    """The 28-day group is preferred; without it the 7-day group is compared."""
    served.configure(min_group_size=5)
    served.put("course_videos", courses=item((catalog.COURSE_VIDEO_WATCHED_RATIO, 50, "bio")))
    served.put("active_users", **{"7d": item((OF_COURSE.at("7d"), 8, "bio"))})
    assert "course_video_watched_ratio bio" in names(served)
    served.put("active_users", **{"28d": item((OF_COURSE.at("28d"), 3, "bio"))})
    assert "course_video_watched_ratio bio" not in names(served)


def test_indexes_are_withheld_if_few_learners_are_active(served):
    served.configure(min_group_size=5)
    index = (catalog.ENGAGEMENT_INDEX, 0.5, "0.5")
    served.put("active_learners", learners=item((catalog.ACTIVE_LEARNERS, 4), index))
    assert names(served) == set()
    served.put("active_learners", learners=item((catalog.ACTIVE_LEARNERS, 5), index))
    assert len(names(served)) == 2


def test_withheld_series_are_counted_and_the_count_does_not_grow_with_polls(served):
    served.configure(min_group_size=5)
    for _ in range(5):
        served.put("active_users", **{"7d": item((ACTIVE.at("7d"), 3), (ACTIVE.at("1d"), 9))})
        assert served.renderer.dropped("acme")["min_group_size"] == 1
    served.snapshots.drop("acme", "active_users")
    assert served.renderer.dropped("acme")["min_group_size"] == 0


def test_names_of_courses_are_not_about_people(served):
    served.configure(min_group_size=5)
    served.put("active_users", **{"7d": item(courses={"bio": "Biology"})})
    assert names(served) == {"course_info bio Biology"}


def test_topic_names_are_off_by_default():
    assert ORG.topics is False
