"""Learning: the time that learners spend, what they complete, and their grades."""

from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import BAR, Column, Curve, Look, Part
from grafana.panels import grid, numbers, trend

EXTRA = "learning"
FEW = 10
LEAST = 20
"""Users of a course below which a ratio says little."""


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.LEARNING,
        description="Learning time, completions and grades. It needs the extra learning. "
        f"{style.COMPLETE_DAYS}",
        variables=[variables.org(), variables.window()],
        rows=[
            Row(
                title="Learning, ${window:text}",
                lines=(
                    Line(
                        height=shared.WITH_SPARKLINE,
                        panels=(
                            shared.headline(style.TIME, promql.WINDOW),
                            shared.headline(style.COMPLETIONS, promql.WINDOW),
                            shared.orgs_included(EXTRA),
                            _per_learner(),
                        ),
                        widths=(7, 7, 5, 5),
                    ),
                    Line(height=3, panels=_totals()),
                ),
            ),
            Row(
                title="Trends, ${window:text}",
                lines=(
                    Line(height=9, panels=shared.vs_expected(style.TIME, style.COMPLETIONS)),
                    Line(
                        height=9,
                        panels=(_time_over_time(), *shared.vs_expected(style.REGISTRATIONS)),
                    ),
                ),
            ),
            Row(
                title="Courses",
                lines=(
                    Line(height=13, panels=(_busiest(),)),
                    Line(height=13, panels=(_unfinished(),)),
                ),
            ),
        ],
    )


def _minutes() -> str:
    window = promql.over(catalog.TIME_PER_LEARNER)
    return f"{promql.mean(window, promql.over(catalog.ACTIVE_USERS))} / {style.MINUTE}"


def _look(unit: str, color: str, decimals: int = 0) -> Look:
    return Look(unit=unit, decimals=decimals, color=color, nothing=style.MISSING)


def _per_learner() -> Panel:
    return numbers(
        "Time per learner",
        "Mean time that a learner spent in a course, orgs weighted by active users.",
        Part(expr=_minutes(), name="time"),
        look=_look(style.MINUTES, style.TIME.color, 1),
    )


def _time_over_time() -> Panel:
    return trend(
        "Time per learner over time",
        "Mean time that a learner spent in a course, orgs weighted by active users.",
        Curve(expr=_minutes(), name="time per learner", look=Look(color=style.TIME.color), fill=10),
        look=Look(unit=style.MINUTES, decimals=0, nothing=shared.needs(EXTRA)),
    )


def _totals() -> tuple[Panel, ...]:
    users = style.ACTIVE_USERS.color
    return (
        numbers(
            "Mean grade",
            "Mean grade in the courses, orgs weighted by registered users. As the platform "
            "returns it, over all time.",
            Part(
                expr=promql.mean(catalog.AVERAGE_GRADE.name, catalog.REGISTERED_USERS.name),
                name="grade",
            ),
            look=_look(style.SHARE, style.COMPLETIONS.color, 1),
        ),
        shared.per_org_gauge(
            "Registered users",
            "Users registered with the orgs. A user of two orgs counts in both.",
            catalog.REGISTERED_USERS,
            shared.count(users),
        ),
        shared.per_org_gauge(
            "Active learners",
            "Learners active in the API's own period of seven days, which includes today.",
            catalog.ACTIVE_LEARNERS,
            shared.count(users),
        ),
    )


def _busiest() -> Panel:
    time = promql.per_course(promql.over(catalog.COURSE_TIME_SPENT, "28d"))
    each = promql.per_course(promql.over(catalog.COURSE_TIME_PER_LEARNER, "28d"))
    return _courses(
        f"{FEW} courses with most time",
        "Hours of all learners in 28 days, minutes per learner, and days on which a learner was "
        "active. A click opens the course.",
        f"topk({FEW}, {time})",
        ("Hours", f"{time} / {style.HOUR}", shared.count(), 82),
        (
            "Per learner",
            f"{each} / {style.MINUTE}",
            Look(unit=style.MINUTES, decimals=0),
            112,
        ),
        (
            "Active days",
            promql.per_course(catalog.COURSE_ACTIVITY_PER_LEARNER),
            Look(unit=style.NUMBER, decimals=0),
            118,
        ),
        sort="Hours",
        descending=True,
    )


def _unfinished() -> Panel:
    enrolled = promql.per_course(catalog.COURSE_ENROLLED_USERS)
    large = f"{enrolled} >= {LEAST}"
    done = f"{promql.per_course(catalog.COURSE_COMPLETION_RATIO)} and on (org, course_id) {large}"
    share = Look(unit=style.SHARE, decimals=0)
    return _courses(
        f"{FEW} courses completed least",
        f"Courses with the smallest completion, of those with {LEAST} users or more. Passed is a "
        "share of those enrolled.",
        f"bottomk({FEW}, {done})",
        ("Enrolled", enrolled, shared.count(), 96),
        (
            "Passed",
            f"{promql.per_course(catalog.COURSE_PASSED)} / ({enrolled} > 0)",
            share,
            88,
        ),
        ("Grade", promql.per_course(catalog.COURSE_AVERAGE_GRADE), share, 80),
        sort="Completion",
        descending=False,
    )


def _courses(
    title: str,
    description: str,
    chosen: str,
    *shown: tuple[str, str, Look, int],
    sort: str,
    descending: bool,
) -> Panel:
    """Return a table of the courses that `chosen` picks.

    `shown` are columns: their titles, expressions, looks and widths.
    """
    course = links.down(links.COURSE, "Open the course", "window", org="org", course="course_id")
    completion = promql.per_course(catalog.COURSE_COMPLETION_RATIO)

    def of_chosen(expression: str) -> str:
        return f"{expression} and on (org, course_id) {chosen}"

    return grid(
        title,
        description,
        Column(title="Course", label="course_name", look=Look(links=(course,)), at_least=280),
        Column(title="Org", label="org", hidden=True),
        Column(title="Id", label="course_id", hidden=True),
        *(
            Column(title=name, expr=of_chosen(expression), look=look, width=width)
            for name, expression, look, width in shown
        ),
        Column(
            title="Completion",
            expr=promql.named(of_chosen(completion)),
            look=Look(unit=style.SHARE, decimals=0, color=style.COMPLETIONS.color, low=0, high=1),
            cell=BAR,
            width=160,
        ),
        sort=sort,
        descending=descending,
        limit=FEW,
        nothing=shared.needs(EXTRA),
    )
