"""Course: one course's users, enrollments and videos."""

from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Metric, Windowed
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import Curve, Look, Part
from grafana.panels import Chart, numbers, trend
from grafana.style import ACTIVE_USERS, ENROLLMENTS, UNENROLLMENTS, VIDEOS, Measure

AS_RETURNED = "As the platform returns it, over its own period."
WINDOWS = ("1d", "7d", "28d")


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.COURSE,
        description="One course: active users, enrollments, unenrollments and videos. "
        f"{style.COMPLETE_DAYS}",
        variables=[variables.org(several=False), variables.course(), variables.window()],
        listed=False,
        choose_source=False,
        rows=[
            Row(
                title="${course:text}",
                lines=(
                    Line(
                        height=3,
                        panels=(
                            _windows(catalog.COURSE_ACTIVE_USERS, ACTIVE_USERS),
                            _changes(),
                            _id(),
                        ),
                    ),
                    Line(
                        height=3,
                        panels=(
                            _windows(catalog.COURSE_ENROLLMENTS, ENROLLMENTS),
                            _windows(catalog.COURSE_UNENROLLMENTS, UNENROLLMENTS),
                            _library(),
                        ),
                    ),
                ),
            ),
            Row(
                title="Users, ${window:text}",
                lines=(Line(height=9, panels=(_users_over_time(), _in_and_out())),),
            ),
            Row(
                title="Videos",
                lines=(
                    Line(height=8, panels=_videos_over_time()),
                    Line(height=8, panels=_watching_over_time()),
                ),
            ),
        ],
    )


def _one(metric: str | Metric, *, at: str = "") -> str:
    return promql.per_course(metric, where=promql.COURSE, at=at)


def _windows(source: Windowed, measure: Measure) -> Panel:
    return shared.by_window(
        measure.title,
        measure.meaning,
        ((style.WINDOWS[window], _one(promql.over(source, window))) for window in WINDOWS),
        look=shared.count(measure.color),
    )


def _changes() -> Panel:
    def change(window: str) -> str:
        name = promql.over(catalog.COURSE_ACTIVE_USERS, window)
        return f"{_one(name)} / ({_one(name, at=' offset 7d')} > 0) - 1"

    return shared.by_window(
        "Active users vs. a week earlier",
        "The change from the same window a week earlier. It needs seven days in Prometheus.",
        ((style.WINDOWS[window], change(window)) for window in WINDOWS),
        look=Look(
            unit=style.SHARE,
            decimals=0,
            thresholds=style.CHANGE,
            nothing="needs 7 days",
        ),
    )


def _id() -> Panel:
    return numbers(
        "Course id",
        "The platform's id of the course.",
        Part(expr=promql.per_course(catalog.COURSE_INFO, promql.COURSE), name="{{course_id}}"),
        look=Look(unit="none", color=style.PLAIN),
        text=BigValueTextMode.NAME,
        size=shared.NAME_SIZE,
    )


def _library() -> Panel:
    share = Look(unit=style.SHARE, decimals=0)
    shown: tuple[tuple[str, Metric, Look], ...] = (
        ("videos", catalog.COURSE_VIDEOS, shared.count(VIDEOS.color)),
        ("completed", catalog.COURSE_VIDEO_COMPLETIONS, shared.count(VIDEOS.color)),
        ("watched", catalog.COURSE_VIDEO_WATCHED_RATIO, share),
    )
    return numbers(
        "Video library",
        f"Videos in the course, completions, and the mean share that a learner completed. "
        f"{AS_RETURNED}",
        *(Part(expr=_one(metric), name=name, look=look) for name, metric, look in shown),
        look=shared.count(VIDEOS.color),
        text=BigValueTextMode.VALUE_AND_NAME,
        size=24,
    )


def _curve(
    metric: str | Metric, text: str, color: str, *, fill: int = 0, below: bool = False
) -> Curve:
    return Curve(expr=_one(metric), name=text, look=Look(color=color), fill=fill, below_zero=below)


def _users_over_time() -> Panel:
    return trend(
        "Active users by window",
        "Unique users active in the course.",
        *(
            _curve(
                promql.over(catalog.COURSE_ACTIVE_USERS, window),
                style.WINDOWS[window],
                style.WINDOW_COLORS[window],
            )
            for window in WINDOWS
        ),
        look=shared.count(),
    )


def _in_and_out() -> Panel:
    came, left = ENROLLMENTS, UNENROLLMENTS
    return trend(
        "Enrollments and unenrollments",
        "Enrollments upwards, unenrollments downwards, in the chosen window.",
        _curve(promql.over(catalog.COURSE_ENROLLMENTS), came.title, came.color, fill=25),
        _curve(
            promql.over(catalog.COURSE_UNENROLLMENTS), left.title, left.color, fill=25, below=True
        ),
        look=shared.count(),
    )


def _videos_over_time() -> tuple[Chart, ...]:
    return (
        trend(
            "Videos completed",
            f"Videos of the course that learners completed. {AS_RETURNED}",
            _curve(catalog.COURSE_VIDEO_COMPLETIONS, VIDEOS.title, VIDEOS.color, fill=10),
            look=shared.count(),
        ),
        trend(
            "Share watched",
            f"Mean share of the course's videos that a learner completed. {AS_RETURNED}",
            _curve(catalog.COURSE_VIDEO_WATCHED_RATIO, "share watched", VIDEOS.color, fill=10),
            look=Look(unit=style.SHARE, low=0, high=1),
        ),
    )


def _watching_over_time() -> tuple[Chart, ...]:
    return (
        trend(
            "Hours watched",
            f"Hours that all learners watched videos of the course. {AS_RETURNED}",
            Curve(
                expr=f"{_one(catalog.COURSE_VIDEO_WATCH_SECONDS)} / {style.HOUR}",
                name="hours",
                look=Look(color=VIDEOS.color),
                fill=10,
            ),
            look=shared.count(),
        ),
        trend(
            "Watch time per learner",
            f"Mean time that a learner watched videos of the course. {AS_RETURNED}",
            Curve(
                expr=f"{_one(catalog.COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER)} / {style.MINUTE}",
                name="time per learner",
                look=Look(color=VIDEOS.color),
                fill=10,
            ),
            look=Look(unit=style.MINUTES, decimals=0),
        ),
    )
