import pytest

from exporter.api import endpoints
from exporter.api.errors import Unavailable
from exporter.api.payloads import PayloadError
from exporter.collectors import videos
from tests.collectors.conftest import BROKEN, YESTERDAY, back, series

BIO, ART = "course-v1:Acme+Bio101+2026", "course-v1:Acme+Art/ä+2026"
ROW = {
    "name": "Biology 101",
    "course_id": BIO,
    "num_vids": 12,
    "num_watched": 7,
    "time_watched": 5400,
    "avg_percent_watched": 41.5,
    "avg_time_watched": 900.0,
}


def listing(*rows, **pagination):
    says = {"totalItems": len(rows), "currentPage": 1, "perPage": 100, "totalPages": 1}
    return {"data": list(rows), "pagination": says | pagination}


async def test_today_is_asked_for_alone(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {"2026-05-06": 4}, "total": 4}
    assert await trip.figures(videos.videos_today) == {"video_completions_today": 4}
    assert api.asked("start_date", "end_date") == [("2026-05-06", "2026-05-06")]


async def test_one_request_brings_all_windows_and_baselines_of_complete_days(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = series(back)
    found = await trip.figures(videos.videos)
    assert found == {
        "video_completions_1d": 1,
        "video_completions_7d": sum(range(1, 8)),
        "video_completions_28d": sum(range(1, 29)),
        "video_completions_1d_baseline": (15 + 22) / 2,
        "video_completions_7d_baseline": 7 * (4 + 14 + 7 / 2),
    }
    assert api.asked("start_date", "end_date") == [("2026-04-01", "2026-05-05")]


async def test_the_days_are_kept_for_charts(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = series(back)
    days = (await trip.findings(videos.videos)).daily["video_completions"]
    assert (len(days), days[YESTERDAY]) == (35, 1)


async def test_windows_with_an_unknown_day_are_absent(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = series(lambda day: None if back(day) == 3 else 2)
    assert set(await trip.figures(videos.videos)) == {
        "video_completions_1d",
        "video_completions_1d_baseline",
        "video_completions_7d_baseline",
    }


async def test_the_sample_of_the_documentation_brings_what_it_gives(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {
        "data": {"2026-05-05": 3, "2026-05-04": None},
        "total": 3,
    }
    found = await trip.figures(videos.videos)
    assert found == {
        "video_completions_1d": 3,
        "video_completions_1d_baseline": 0,
        "video_completions_7d_baseline": 0,
    }


async def test_an_answer_without_any_figure_is_a_failure(trip, api):
    api.answers[endpoints.VIDEOS_OVER_TIME] = {"data": {"2026-05-05": "many"}}
    with pytest.raises(PayloadError):
        await trip.figures(videos.videos)


async def test_a_course_has_the_figures_of_its_row(trip, api):
    api.answers[endpoints.COURSE_VIDEOS] = listing(ROW)
    assert await trip.figures(videos.course_videos) == {
        f"course_videos {BIO}": 12,
        f"course_video_completions {BIO}": 7,
        f"course_video_watch_seconds {BIO}": 5400,
        f"course_video_watched_ratio {BIO}": 0.415,
        f"course_video_watch_seconds_per_learner {BIO}": 900,
    }


async def test_shares_of_an_api_that_gives_ratios_are_taken_as_they_are(trip, api):
    trip.wants(percentages="ratio")
    api.answers[endpoints.COURSE_VIDEOS] = listing(ROW | {"avg_percent_watched": 0.415})
    found = await trip.figures(videos.course_videos)
    assert found[f"course_video_watched_ratio {BIO}"] == 0.415


async def test_what_a_row_does_not_give_is_absent_and_not_0(trip, api):
    row = {"course_id": ART, "num_vids": 0, "num_watched": None, "time_watched": "N/A"}
    api.answers[endpoints.COURSE_VIDEOS] = listing(row)
    assert await trip.figures(videos.course_videos) == {f"course_videos {ART}": 0}


async def test_a_row_repeated_on_a_later_page_replaces_the_earlier_one(trip, api):
    def page(call):
        first = "page" not in call.query
        row = ROW | {"num_vids": 1} if first else ROW | {"num_vids": 2}
        more = {"course_id": "a"} if first else {"course_id": "b"}
        return listing(row, more, totalPages=2, totalItems=4, currentPage=1 if first else 2)

    api.answers[endpoints.COURSE_VIDEOS] = page
    found = await trip.findings(videos.course_videos)
    assert set(found.courses) == {BIO, "a", "b"}
    figures = {m.name: rows for m, rows in found.samples}
    assert figures["iblai_course_videos"] == {(BIO,): 2}


async def test_courses_that_nobody_wants_are_left_out(trip, api):
    trip.wants(courses=type(trip.org.courses)(include=".*Bio.*"))
    api.answers[endpoints.COURSE_VIDEOS] = listing(ROW, ROW | {"course_id": ART})
    found = await trip.findings(videos.course_videos)
    assert dict(found.courses) == {BIO: "Biology 101"}
    assert len(found.samples) == 5


async def test_a_page_that_fails_fails_the_whole_visit(trip, api):
    def page(call):
        return BROKEN if "page" in call.query else listing(ROW, totalPages=2, totalItems=2)

    api.answers[endpoints.COURSE_VIDEOS] = page
    with pytest.raises(Unavailable):
        await trip.figures(videos.course_videos)


async def test_an_org_without_courses_has_an_answer_without_figures(trip, api):
    api.answers[endpoints.COURSE_VIDEOS] = listing()
    assert await trip.figures(videos.course_videos) == {}
