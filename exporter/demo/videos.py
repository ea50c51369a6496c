"""What is watched: videos of the org, of each course and of one course."""

from collections.abc import Mapping
from math import exp

from exporter.demo import rhythm, shapes
from exporter.demo.asking import TERM, Answer, Ask, Json
from exporter.demo.campus import Figure
from exporter.demo.courses import Course

_ROOT = "/api/ai-analytics/engagement/orgs/{org}"
_COURSE = f"{_ROOT}/courses/{{course_id}}/videos"
_SECONDS_WATCHED = 290
_CHAPTER = 6


def videos_per_course(ask: Ask) -> Json:
    """Answer seed 1: the videos of each course, watched within the term."""

    def row(course: Course) -> Json:
        watched = _watched(ask, course)
        seconds = watched * _seconds_watched(course)
        learners = ask.view.more(course.size)
        return {
            "name": course.name,
            "course_id": course.course_id,
            "num_vids": course.videos,
            "num_watched": watched,
            "time_watched": seconds,
            "avg_percent_watched": round(100 - 100 * exp(-watched / (learners * course.videos)), 2),
            "avg_time_watched": round(seconds / learners, 2),
        }

    return ask.page(ask.view.courses, row)


def videos_over_time(ask: Ask) -> Json:
    """Answer seed 2: videos watched in the org by day."""
    days = ask.days()
    return shapes.series(days, ask.view.counts(Figure.VIDEOS, days))


def course_videos_over_time(ask: Ask) -> Json:
    """Answer videos watched in one course by day."""
    days = ask.days()
    return shapes.series(days, ask.view.counts(Figure.VIDEOS, days, (ask.course,)))


def course_videos(ask: Ask) -> Json:
    """Answer each video of one course; what is watched of them adds up to that of the course."""
    course = ask.course
    return {
        "data": [
            {
                "display_name": _title(video),
                "id": _block(course, video),
                "duration": course.video_seconds(video),
                "total_time": watched * _seconds_watched(course),
                "total_users": watched,
                "average_time": float(_seconds_watched(course)) if watched else 0.0,
            }
            for video, watched in enumerate(_by_video(ask, course))
        ]
    }


def course_videos_summary(ask: Ask) -> Json:
    """Answer the videos of one course by chapter; the last has not been watched."""
    course = ask.course
    by_video = _by_video(ask, course)
    chapters = [
        range(i, min(i + _CHAPTER, course.videos)) for i in range(0, course.videos, _CHAPTER)
    ]

    def subsection(place: int, videos: range) -> Json:
        watched = sum(by_video[video] for video in videos)
        return {
            "display_name": f"Lesson {place + 1}",
            "id": f"lesson-{place + 1}",
            "total_watch": str(watched * _seconds_watched(course)) if watched else "N/A",
            "videos": [
                {
                    "display_name": _title(video),
                    "id": _block(course, video),
                    "total_users": by_video[video],
                }
                for video in videos
            ],
        }

    return {
        "data": [
            {
                "display_name": f"Week {place + 1}",
                "id": f"week-{place + 1}",
                "subsections": [subsection(place, videos)],
            }
            for place, videos in enumerate([*chapters, range(0)])
        ]
    }


def _watched(ask: Ask, course: Course) -> int:
    return sum(ask.view.counts(Figure.VIDEOS, ask.view.last(TERM), (course,)))


def _by_video(ask: Ask, course: Course) -> list[int]:
    """Return how often each video was watched: the later ones less often."""
    return rhythm.split(_watched(ask, course), [1 / (3 + video) for video in range(course.videos)])


def _seconds_watched(course: Course) -> int:
    return _SECONDS_WATCHED + course.salt % 200


def _title(video: int) -> str:
    return f"Video {video + 1}"


def _block(course: Course, video: int) -> str:
    return f"{course.salt & 0xFFFFFFFF:08x}{video:08x}"


ANSWERS: Mapping[str, Answer] = {
    f"{_ROOT}/videos/": videos_per_course,
    f"{_ROOT}/videos/over-time": videos_over_time,
    f"{_COURSE}/": course_videos,
    f"{_COURSE}/over-time": course_videos_over_time,
    f"{_COURSE}/summary": course_videos_summary,
}
