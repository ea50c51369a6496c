"""Org: one tenant's engagement, its courses and its agents (or several tenants together)."""

from grafana_foundation_sdk.models.common import LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import BAR, Column, Curve, Look, Part
from grafana.panels import POLLS, grid, numbers, trend

FEW = 10
PER_MENTOR = ("org", "mentor_id")


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.ORG,
        description="One org's engagement against its usual; several orgs are shown together.",
        variables=[variables.org(), variables.window("1d", "7d", default="7d")],
        links=[
            links.across(links.OVERVIEW, "window"),
            links.across(links.COURSE, "org"),
            links.across(links.LEARNING, "org", "window"),
            links.across(links.AGENTS, "org", "window"),
            links.across(links.COSTS, "org"),
            links.across(links.HEALTH, "org"),
            links.runbooks(),
        ],
        rows=[
            Row(title="Who is active", lines=(Line(height=3, panels=_audience()),)),
            Row(
                title="Against the usual, ${window:text}",
                lines=(
                    Line(
                        height=9,
                        panels=(shared.of_usual(), *shared.against_usual(style.ACTIVE_USERS)),
                        widths=(8, 16),
                    ),
                    Line(height=8, panels=shared.against_usual(style.ENROLLMENTS, style.VIDEOS)),
                    Line(height=8, panels=shared.against_usual(style.SESSIONS, style.MESSAGES)),
                    Line(height=8, panels=(_in_and_out(), _windows(), _stickiness())),
                ),
            ),
            Row(title="Courses", lines=(Line(height=13, panels=(_busiest(), _fading())),)),
            Row(title="Agents", lines=(Line(height=8, panels=(_agents(), _agents_over_time())),)),
            Row(
                title="Alerts and freshness",
                lines=(
                    Line(height=10, panels=(shared.firing_alerts(), shared.age_by_collector())),
                ),
            ),
        ],
    )


def _sticky() -> str:
    day, month = (promql.over(catalog.ACTIVE_USERS, window) for window in ("1d", "28d"))
    return f"{promql.total(day, given=month)} / ({promql.total(month, given=day)} > 0)"


def _audience() -> tuple[Panel, ...]:
    return (
        *(
            numbers(
                f"Active, {title.lower()}",
                f"{style.ACTIVE_USERS.meaning} {style.COMPLETE_DAYS}",
                Part(expr=promql.value(style.ACTIVE_USERS, window), name=style.ACTIVE_USERS.title),
                look=shared.look(style.ACTIVE_USERS),
            )
            for window, title in style.WINDOWS.items()
        ),
        numbers(
            "Stickiness",
            "Share of the people of the last 28 days who were active yesterday. It moves with the "
            "weekday; compare like with like.",
            Part(expr=_sticky(), name="stickiness"),
            look=Look(unit=style.SHARE, decimals=0, colour=style.STICKINESS),
        ),
        numbers(
            "Active learners",
            f"{catalog.ACTIVE_LEARNERS.help} Today included, so it differs from the 7 days.",
            Part(expr=promql.total(catalog.ACTIVE_LEARNERS), name="learners"),
            look=shared.look(style.ACTIVE_USERS),
        ),
    )


def _windows() -> Panel:
    return trend(
        "Active users by window",
        f"{style.ACTIVE_USERS.meaning} {style.COMPLETE_DAYS} Today is today so far.",
        *(
            Curve(
                expr=promql.value(style.ACTIVE_USERS, window),
                name=style.WINDOWS[window],
                look=Look(colour=colour),
            )
            for window, colour in style.WINDOW_COLOURS.items()
        ),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
    )


def _stickiness() -> Panel:
    return trend(
        "Stickiness over time",
        "Share of the people of the last 28 days who were active the day before: how much of a "
        "habit it is.",
        Curve(expr=_sticky(), name="1d / 28d", look=Look(colour=style.STICKINESS), fill=10),
        look=Look(unit=style.SHARE),
        step=POLLS,
    )


def _in_and_out() -> Panel:
    came, left = style.ENROLLMENTS, style.UNENROLLMENTS
    return trend(
        "Enrolments against unenrolments",
        f"Enrolments upwards, unenrolments downwards. {style.COMPLETE_DAYS}",
        Curve(expr=promql.value(came), name=came.title, look=shared.look(came), fill=25),
        Curve(
            expr=promql.value(left),
            name=left.title,
            look=shared.look(left),
            fill=25,
            below_zero=True,
        ),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
    )


def _busiest() -> Panel:
    users = promql.per_course(promql.over(catalog.COURSE_ACTIVE_USERS))
    watched = promql.per_course(catalog.COURSE_VIDEO_WATCHED_RATIO)
    return _courses(
        f"Busiest {FEW} courses",
        f"Courses with most active users in the window, and the share of their videos that a "
        f"learner watched. {style.COMPLETE_DAYS} A click opens the course.",
        f"topk({FEW}, {users})",
        ("Videos seen", watched, style.VIDEOS.colour),
        sort="Users",
        descending=True,
    )


def _fading() -> Panel:
    week, month = (
        promql.per_course(promql.over(catalog.COURSE_ACTIVE_USERS, window))
        for window in ("7d", "28d")
    )
    floor = promql.per_org(catalog.ALERT_MIN_BASELINE)
    large = f"{month} >= on (org) group_left () {floor}"
    return _courses(
        f"Fading: bottom {FEW} courses",
        "Courses where the smallest share of the people of the last 28 days came back in the last "
        "7; only courses with as many people as the alerts ask of a baseline.",
        f"bottomk({FEW}, {week} / ({large}))",
        ("Came back", f"{week} / ({month} > 0)", style.ACTIVE_USERS.colour),
        sort="Came back",
        descending=False,
    )


def _courses(
    title: str,
    description: str,
    chosen: str,
    share: tuple[str, str, str],
    *,
    sort: str,
    descending: bool,
) -> Panel:
    """Return a table of the courses that `chosen` picks, their names and figures.

    `share` is the column of bars: its title, expression and colour.
    """
    users, came, left = (
        promql.per_course(promql.over(figure))
        for figure in (
            catalog.COURSE_ACTIVE_USERS,
            catalog.COURSE_ENROLLMENTS,
            catalog.COURSE_UNENROLLMENTS,
        )
    )
    course = links.down(links.COURSE, "Open the course", org="org", course="course_id")

    def of_chosen(expression: str) -> str:
        return f"{expression} and on (org, course_id) {chosen}"

    def count(name: str, expression: str, width: int) -> Column:
        look = Look(unit=style.COUNT, decimals=0)
        return Column(title=name, expr=expression, look=look, width=width)

    name, expression, colour = share
    return grid(
        title,
        description,
        Column(title="Course", label="course_name", look=Look(links=(course,)), at_least=120),
        Column(title="Org", label="org", width=85),
        Column(title="Id", label="course_id", hidden=True),
        count("Users", promql.named(of_chosen(users)), 75),
        count("Enrolled", of_chosen(came), 80),
        count("Left", of_chosen(left), 55),
        Column(
            title=name,
            expr=of_chosen(expression),
            look=Look(unit=style.SHARE, decimals=0, colour=colour, low=0, high=1),
            cell=BAR,
            width=105,
        ),
        sort=sort,
        descending=descending,
        limit=FEW,
        nothing="no course has enough people",
    )


def _agents() -> Panel:
    sessions, messages = catalog.MENTOR_CHAT_SESSIONS, catalog.MENTOR_AVG_MESSAGES
    now = promql.one(promql.over(sessions), *PER_MENTOR)
    then = promql.one(promql.usual(sessions), *PER_MENTOR)
    return grid(
        "Agents",
        "The agents (mentors) that the configuration names: their chat sessions, those against the "
        f"usual, and messages per session. {style.COMPLETE_DAYS} {style.SHARE_COLOURS}",
        Column(title="Agent", label="mentor_id", at_least=140),
        Column(title="Org", label="org", width=90),
        Column(
            title="Sessions",
            expr=f"topk(100, {now})",
            look=Look(unit=style.COUNT, decimals=0),
            width=90,
        ),
        Column(
            title="Of usual",
            expr=f"{now} / ({then} > 0)",
            look=Look(unit=style.SHARE, decimals=0, thresholds=style.OF_USUAL, low=0, high=1.5),
            cell=BAR,
            width=105,
        ),
        Column(
            title="Messages",
            expr=promql.one(promql.over(messages), *PER_MENTOR),
            look=Look(unit=style.NUMBER, decimals=1),
            width=90,
        ),
        sort="Sessions",
        descending=True,
        limit=100,
        nothing="no agent is named in the configuration",
    )


def _agents_over_time() -> Panel:
    def sessions(at: str) -> str:
        return promql.one(promql.over(catalog.MENTOR_CHAT_SESSIONS), *PER_MENTOR, at=at)

    return trend(
        f"Chat sessions of the busiest {FEW} agents",
        f"Chat sessions with each agent that the configuration names, the {FEW} with most at the "
        f"end of the time range. {style.COMPLETE_DAYS}",
        Curve(expr=promql.largest(FEW, sessions, *PER_MENTOR), name="{{mentor_id}}"),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
        legend=LegendPlacement.RIGHT,
    )
