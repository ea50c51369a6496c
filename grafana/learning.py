"""Learning: the time that learners spend, what they complete, and their grades."""

from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import BAR, Column, Curve, Look, Part
from grafana.panels import POLLS, grid, numbers, trend

FEW = 10
TIME_EACH = Look(unit=style.SECONDS, decimals=1, colour=style.TIME.colour)


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.LEARNING,
        description="What learners do and what comes of it: time, completions, grades.",
        variables=[variables.org(), variables.window("1d", "7d", default="7d")],
        links=[
            links.across(links.OVERVIEW, "window"),
            links.across(links.ORG, "org", "window"),
            links.across(links.AGENTS, "org", "window"),
            links.across(links.HEALTH, "org"),
            links.runbooks(),
        ],
        rows=[
            Row(
                title="Learning, ${window:text}",
                lines=(
                    Line(
                        height=4,
                        panels=(
                            shared.headline(style.TIME),
                            shared.headline(style.COMPLETIONS),
                            _time_per_learner(),
                            _grade(),
                            _registered(),
                        ),
                        widths=(6, 6, 4, 4, 4),
                    ),
                ),
            ),
            Row(
                title="Against the usual, ${window:text}",
                lines=(
                    Line(height=9, panels=shared.against_usual(style.TIME, style.COMPLETIONS)),
                    Line(height=9, panels=(_time_per_learner_over_time(), _registrations())),
                ),
            ),
            Row(title="Courses", lines=(Line(height=14, panels=(_busiest(), _unfinished())),)),
        ],
    )


def _mean_time() -> str:
    window = promql.over(catalog.TIME_PER_LEARNER)
    return promql.mean(window, promql.over(catalog.ACTIVE_USERS))


def _time_per_learner() -> Panel:
    return numbers(
        "Time per learner",
        "Mean time that a learner spent in a course, orgs weighted by active users. "
        f"{style.COMPLETE_DAYS}",
        Part(expr=_mean_time(), name="time"),
        look=TIME_EACH,
    )


def _time_per_learner_over_time() -> Panel:
    return trend(
        "Time per learner over time",
        "Mean time that a learner spent in a course, orgs weighted by active users. "
        f"{style.COMPLETE_DAYS}",
        Curve(expr=_mean_time(), name="time per learner", look=TIME_EACH, fill=10),
        look=Look(unit=style.SECONDS, decimals=1),
        step=POLLS,
    )


def _grade() -> Panel:
    return numbers(
        "Mean grade",
        "Mean grade in the courses, orgs weighted by registered users. As the platform gives it, "
        "over all time.",
        Part(
            expr=promql.mean(catalog.AVERAGE_GRADE.name, catalog.REGISTERED_USERS.name),
            name="grade",
        ),
        look=Look(unit=style.SHARE, decimals=1, colour=style.COMPLETIONS.colour),
    )


def _registered() -> Panel:
    return numbers(
        "Registered users",
        "Users registered with the orgs. Somebody registered with two counts in both.",
        Part(expr=promql.total(catalog.REGISTERED_USERS), name="registered"),
        look=shared.look(style.ACTIVE_USERS),
    )


def _registrations() -> Panel:
    figure, colour = catalog.REGISTRATIONS, style.ENROLLMENTS.colour
    return trend(
        "Registrations against the usual",
        f"New registrations with the orgs. {style.COMPLETE_DAYS} {style.THE_USUAL}",
        Curve(
            expr=promql.total(promql.over(figure)),
            name="registrations",
            look=Look(colour=colour),
            fill=10,
        ),
        Curve(
            expr=promql.total(promql.usual(figure)),
            name="usual",
            look=Look(colour=style.USUAL),
            dashed=True,
        ),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
    )


def _busiest() -> Panel:
    time = promql.per_course(promql.over(catalog.COURSE_TIME_SPENT, "28d"))
    return _courses(
        f"{FEW} courses with most time",
        "Courses in which most time was spent in 28 days: hours of all learners, the time of "
        f"each, and the days on which a learner came. {style.COMPLETE_DAYS} A click opens the "
        "course.",
        f"topk({FEW}, {time})",
        ("Hours", f"{time} / {style.HOUR}", Look(unit=style.COUNT, decimals=0), 70),
        (
            "Each",
            promql.per_course(promql.over(catalog.COURSE_TIME_PER_LEARNER, "28d")),
            Look(unit=style.SECONDS, decimals=1),
            80,
        ),
        (
            "Days",
            promql.per_course(catalog.COURSE_VISITS_PER_LEARNER),
            Look(unit=style.NUMBER, decimals=0),
            55,
        ),
        sort="Hours",
        descending=True,
    )


def _unfinished() -> Panel:
    enrolled = promql.per_course(catalog.COURSE_ENROLLED_USERS)
    floor = promql.per_org(catalog.ALERT_MIN_BASELINE)
    large = f"{enrolled} >= on (org) group_left () {floor}"
    done = f"{promql.per_course(catalog.COURSE_COMPLETION_RATIO)} and on (org, course_id) {large}"
    share = Look(unit=style.SHARE, decimals=0)
    return _courses(
        f"{FEW} courses least completed",
        "Courses with the smallest completion; only courses with as many people enrolled as the "
        "alerts ask of a baseline. Passed is a share of those enrolled. As the platform gives "
        "them, over all time.",
        f"bottomk({FEW}, {done})",
        ("Enrolled", enrolled, Look(unit=style.COUNT, decimals=0), 80),
        (
            "Passed",
            f"{promql.per_course(catalog.COURSE_PASSED)} / ({enrolled} > 0)",
            share,
            75,
        ),
        ("Grade", promql.per_course(catalog.COURSE_AVERAGE_GRADE), share, 65),
        sort="Completion",
        descending=False,
    )


def _courses(
    title: str,
    description: str,
    chosen: str,
    *figures: tuple[str, str, Look, int],
    sort: str,
    descending: bool,
) -> Panel:
    """Return a table of the courses that `chosen` picks, and what comes of them.

    `figures` are columns: their titles, expressions, looks and widths.
    """
    course = links.down(links.COURSE, "Open the course", org="org", course="course_id")
    completion = promql.per_course(catalog.COURSE_COMPLETION_RATIO)

    def of_chosen(expression: str) -> str:
        return f"{expression} and on (org, course_id) {chosen}"

    return grid(
        title,
        description,
        Column(title="Course", label="course_name", look=Look(links=(course,)), at_least=120),
        Column(title="Org", label="org", width=85),
        Column(title="Id", label="course_id", hidden=True),
        *(
            Column(title=name, expr=of_chosen(expression), look=look, width=width)
            for name, expression, look, width in figures
        ),
        Column(
            title="Completion",
            expr=promql.named(of_chosen(completion)),
            look=Look(unit=style.SHARE, decimals=0, colour=style.COMPLETIONS.colour, low=0, high=1),
            cell=BAR,
            width=105,
        ),
        sort=sort,
        descending=descending,
        limit=FEW,
        nothing="no course has enough people",
    )
