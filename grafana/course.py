"""Course: one course's people, enrolments and videos."""

from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Metric, Windowed
from grafana import links, promql, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import Curve, Look, Part
from grafana.panels import POLLS, numbers, trend
from grafana.style import ACTIVE_USERS, ENROLLMENTS, UNENROLLMENTS, VIDEOS

AS_GIVEN = (
    "As the platform gives it, over its own period; it is not one of the windows of complete days."
)
WINDOWS = ("1d", "7d", "28d")
EACH = "#5EC8C0"
"""A shade of the colour of videos, for means over learners."""


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.COURSE,
        description="One course: how many people are active, come, leave, and watch.",
        variables=[
            variables.org(several=False),
            variables.course(),
            variables.window(*WINDOWS, default="7d"),
        ],
        links=[
            links.across(links.ORG, "org"),
            links.across(links.OVERVIEW),
            links.across(links.HEALTH, "org"),
            links.runbooks(),
        ],
        alerts_where=promql.ONE_ORG,
        rows=[
            Row(
                title="${course:text}",
                lines=(
                    Line(
                        height=3,
                        panels=(
                            *(_users(window) for window in WINDOWS),
                            _moved(catalog.COURSE_ENROLLMENTS, ENROLLMENTS),
                            _moved(catalog.COURSE_UNENROLLMENTS, UNENROLLMENTS),
                            _id(),
                        ),
                        widths=(3, 3, 3, 4, 4, 7),
                    ),
                ),
            ),
            Row(
                title="People",
                lines=(Line(height=9, panels=(_users_over_time(), _in_and_out())),),
            ),
            Row(
                title="Videos",
                lines=(
                    Line(height=3, panels=_videos(), widths=(4, 5, 5, 5, 5)),
                    Line(height=9, panels=(_watch_time(), _watched())),
                ),
            ),
        ],
    )


def _one(metric: str | Metric) -> str:
    return promql.per_course(metric, where=promql.COURSE)


def _hours(metric: str | Metric) -> str:
    return f"{_one(metric)} / {style.HOUR}"


def _curve(
    metric: str | Metric, text: str, colour: str, *, fill: int = 0, below: bool = False
) -> Curve:
    return Curve(
        expr=_one(metric), name=text, look=Look(colour=colour), fill=fill, below_zero=below
    )


def _id() -> Panel:
    return numbers(
        "Id",
        "The id that the platform uses of the course.",
        Part(expr=promql.per_course(catalog.COURSE_INFO, promql.COURSE), name="{{course_id}}"),
        look=Look(unit="none", colour=style.PLAIN),
        text=BigValueTextMode.NAME,
        size=16,
    )


def _users(window: str) -> Panel:
    return numbers(
        f"Active, {style.WINDOWS[window].lower()}",
        f"Unique people who were active in the course. {style.COMPLETE_DAYS}",
        Part(expr=_one(promql.over(catalog.COURSE_ACTIVE_USERS, window)), name="users"),
        look=Look(unit=style.COUNT, decimals=0, colour=ACTIVE_USERS.colour),
    )


def _moved(source: Windowed, figure: style.Figure) -> Panel:
    return numbers(
        f"{figure.title}, 28 days",
        f"{figure.meaning} {style.COMPLETE_DAYS}",
        Part(expr=_one(promql.over(source, "28d")), name=figure.title),
        look=Look(unit=style.COUNT, decimals=0, colour=figure.colour),
    )


def _users_over_time() -> Panel:
    return trend(
        "Active users by window",
        f"Unique people who were active in the course. {style.COMPLETE_DAYS}",
        *(
            _curve(
                promql.over(catalog.COURSE_ACTIVE_USERS, window),
                style.WINDOWS[window],
                style.WINDOW_COLOURS[window],
            )
            for window in WINDOWS
        ),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
    )


def _in_and_out() -> Panel:
    came, left = ENROLLMENTS, UNENROLLMENTS
    return trend(
        "Enrolments against unenrolments",
        f"Enrolments upwards, unenrolments downwards, in the chosen window. {style.COMPLETE_DAYS}",
        _curve(promql.over(catalog.COURSE_ENROLLMENTS), came.title, came.colour, fill=25),
        _curve(
            promql.over(catalog.COURSE_UNENROLLMENTS), left.title, left.colour, fill=25, below=True
        ),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
    )


def _videos() -> tuple[Panel, ...]:
    count = Look(unit=style.COUNT, decimals=0, colour=VIDEOS.colour)
    share = Look(unit=style.SHARE, decimals=0, colour=VIDEOS.colour)
    time = Look(unit=style.SECONDS, decimals=1, colour=VIDEOS.colour)
    shown = (
        ("Videos", catalog.COURSE_VIDEOS, _one, count),
        ("Videos watched", catalog.COURSE_VIDEO_COMPLETIONS, _one, count),
        ("Share watched", catalog.COURSE_VIDEO_WATCHED_RATIO, _one, share),
        ("Hours watched", catalog.COURSE_VIDEO_WATCH_SECONDS, _hours, count),
        ("Watch time per learner", catalog.COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER, _one, time),
    )
    return tuple(
        numbers(
            title,
            f"{metric.help.partition(' Polled')[0]} {AS_GIVEN}",
            Part(expr=expression(metric), name=title),
            look=look,
        )
        for title, metric, expression, look in shown
    )


def _watch_time() -> Panel:
    return trend(
        "Watch time over time",
        f"Hours that learners watched videos of the course, all together, and (right axis) the "
        f"time that each watched on average. {AS_GIVEN}",
        Curve(
            expr=_hours(catalog.COURSE_VIDEO_WATCH_SECONDS),
            name="hours of all learners",
            look=Look(colour=VIDEOS.colour),
            fill=10,
        ),
        Curve(
            expr=_one(catalog.COURSE_VIDEO_WATCH_SECONDS_PER_LEARNER),
            name="each learner",
            look=Look(unit=style.SECONDS, decimals=1, colour=EACH),
            dashed=True,
            right_axis=True,
        ),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
    )


def _watched() -> Panel:
    return trend(
        "Videos watched over time",
        f"Videos of the course watched, and (right axis) the mean share that a learner watched. "
        f"{AS_GIVEN}",
        _curve(catalog.COURSE_VIDEO_COMPLETIONS, "videos watched", VIDEOS.colour, fill=10),
        Curve(
            expr=_one(catalog.COURSE_VIDEO_WATCHED_RATIO),
            name="share watched",
            look=Look(unit=style.SHARE, colour=EACH, low=0, high=1),
            dashed=True,
            right_axis=True,
        ),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
    )
