"""Org: one tenant's engagement, its courses and its agents (or several tenants together)."""

from grafana_foundation_sdk.models.common import BigValueTextMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Windowed
from grafana import drops, links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import COLORED_TEXT, Column, Curve, Look, Part
from grafana.panels import bars, grid, numbers, trend

FEW = 10
NO_HISTORY = "none, or less than 7 days of history"


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.ORG,
        description="One org's engagement and what is expected of it; several orgs are shown "
        f"together. {style.COMPLETE_DAYS}",
        variables=[variables.org(), variables.figure(), variables.window()],
        choose_source=False,
        rows=[
            Row(
                title="${figure:text}, ${window:text}",
                lines=(
                    Line(
                        height=3,
                        panels=(*_chosen_now(), _users(), _stickiness()),
                        widths=(6, 6, 8, 4),
                    ),
                    Line(height=9, panels=(_chosen(), _changes()), widths=(16, 8)),
                    Line(height=8, panels=(_dropped_courses(), _dropped_agents())),
                ),
            ),
            Row(
                title="All metrics, ${window:text}",
                lines=(
                    Line(
                        height=8, panels=shared.vs_expected(style.ACTIVE_USERS, style.ENROLLMENTS)
                    ),
                    Line(height=8, panels=shared.vs_expected(style.VIDEOS, style.SESSIONS)),
                    Line(height=8, panels=shared.vs_expected(style.MESSAGES, style.UNENROLLMENTS)),
                    Line(height=8, panels=(_windows(), _stickiness_over_time())),
                ),
            ),
            Row(title="Courses", lines=(Line(height=13, panels=(_busiest(), _declining())),)),
            Row(title="Agents", lines=(Line(height=9, panels=(_agents(), _agents_over_time())),)),
            Row(
                title="Data quality",
                lines=(Line(height=3, panels=shared.data_quality(), widths=(5, 5, 4, 5, 5)),),
            ),
        ],
    )


def _chosen_now() -> tuple[Panel, ...]:
    number = Look(unit=style.COUNT, decimals=1, color=style.PLAIN)
    change = f"({drops.chosen()}) / ({drops.chosen(promql.EXPECTED)}) - 1"
    return (
        numbers(
            "Value and expected",
            "The chosen metric in the chosen window, and what is expected of it.",
            Part(expr=drops.chosen(), name="value"),
            Part(expr=drops.chosen(promql.EXPECTED), name=style.EXPECTED),
            look=number,
            text=BigValueTextMode.VALUE_AND_NAME,
            size=24,
        ),
        numbers(
            "Change and duration",
            "The change from the expected value, and for how long the metric has been below its "
            "range, 7 days at most. The duration is that of the org where it is longest.",
            Part(
                expr=change,
                name="vs. expected",
                look=Look(unit=style.SHARE, decimals=0, thresholds=style.CHANGE),
            ),
            Part(
                expr=f"max({drops.lasting('$figure', [promql.WINDOW])})",
                name="below for",
                look=Look(unit=style.SECONDS, decimals=0, color=style.BAD),
            ),
            look=number,
            text=BigValueTextMode.VALUE_AND_NAME,
            size=24,
        ),
    )


def _chosen() -> Panel:
    return trend(
        "${figure:text} vs. expected, ${window:text}",
        f"The metric that is chosen above. {shared.RANGE}",
        *shared.range_of(
            "${figure:text}",
            Look(color=style.ACTIVE_USERS.color),
            drops.chosen(),
            drops.chosen(promql.EXPECTED),
            drops.chosen(promql.LOW),
        ),
        look=Look(unit=style.COUNT, decimals=1),
        mark=f"({drops.chosen()}) < ({drops.chosen(promql.LOW)})",
    )


def _changes() -> Panel:
    return bars(
        "All metrics as % of expected",
        "Each metric as a share of its expected value in the chosen window. Green from 80 %, "
        "orange from 60 %.",
        *(Part(expr=f"{promql.change(m)} + 1", name=m.short) for m in style.WATCHED),
        look=Look(
            unit=style.SHARE,
            decimals=0,
            thresholds=style.steps(
                style.WORST, (0.2, style.BAD), (0.6, style.WATCH), (0.8, style.GOOD)
            ),
            low=0,
            high=1.5,
        ),
    )


def _users() -> Panel:
    return shared.windows_of(style.ACTIVE_USERS, "today", "1d", "7d", "28d")


def _sticky() -> str:
    day, month = (promql.over(catalog.ACTIVE_USERS, window) for window in ("1d", "28d"))
    return f"{promql.total(day, given=month)} / ({promql.total(month, given=day)} > 0)"


def _stickiness() -> Panel:
    return numbers(
        "Stickiness",
        "Share of the users of the last 28 days who were active yesterday. It varies with the "
        "weekday.",
        Part(expr=_sticky(), name="stickiness"),
        look=Look(unit=style.SHARE, decimals=0, color=style.STICKINESS),
    )


def _windows() -> Panel:
    return trend(
        "Active users by window",
        style.ACTIVE_USERS.meaning,
        *(
            Curve(
                expr=promql.value(style.ACTIVE_USERS, window),
                name=style.WINDOWS[window],
                look=Look(color=color),
            )
            for window, color in style.WINDOW_COLORS.items()
        ),
        look=shared.count(),
    )


def _stickiness_over_time() -> Panel:
    return trend(
        "Stickiness over time",
        "Share of the users of the last 28 days who were active the day before.",
        Curve(expr=_sticky(), name="1d / 28d", look=Look(color=style.STICKINESS), fill=10),
        look=Look(unit=style.SHARE),
    )


def _dropped_courses() -> Panel:
    users = promql.per_course(promql.over(catalog.COURSE_ACTIVE_USERS))
    earlier = promql.per_course(promql.over(catalog.COURSE_ACTIVE_USERS), at=" offset 7d")
    chosen = f"bottomk({FEW}, {users} - {earlier} < 0)"
    course = links.down(links.COURSE, "Open the course", "window", org="org", course="course_id")
    return grid(
        "Courses that dropped most",
        "Courses that lost most active users against the same window a week earlier.",
        Column(title="Course", label="course_name", look=Look(links=(course,)), at_least=180),
        Column(title="Org", label="org", hidden=True),
        Column(title="Id", label="course_id", hidden=True),
        Column(
            title="Users",
            expr=promql.named(f"{users} and on (org, course_id) {chosen}"),
            look=shared.count(),
            width=90,
        ),
        _change(chosen),
        sort="Change",
        limit=FEW,
        nothing=NO_HISTORY,
    )


def _dropped_agents() -> Panel:
    sessions = promql.per_agent(promql.over(catalog.MENTOR_CHAT_SESSIONS))
    earlier = promql.per_agent(promql.over(catalog.MENTOR_CHAT_SESSIONS), at=" offset 7d")
    chosen = f"bottomk({FEW}, {sessions} - {earlier} < 0)"
    return grid(
        "Agents that dropped most",
        "Agents that lost most chat sessions against the same window a week earlier.",
        Column(title="Agent", label="mentor_name", at_least=180),
        Column(title="Org", label="org", hidden=True),
        Column(title="Id", label="mentor_id", hidden=True),
        Column(
            title="Sessions",
            expr=promql.agent_named(f"({sessions} and on (org, mentor_id) {chosen})"),
            look=shared.count(),
            width=105,
        ),
        _change(chosen),
        sort="Change",
        limit=FEW,
        nothing=NO_HISTORY,
    )


def _change(chosen: str) -> Column:
    """Return the column with the change since a week earlier of the rows in `chosen`."""
    look = Look(unit=style.COUNT, decimals=0, color=style.BAD)
    return Column(title="Change", expr=chosen, look=look, cell=COLORED_TEXT, width=95)


def _busiest() -> Panel:
    users = promql.per_course(promql.over(catalog.COURSE_ACTIVE_USERS))
    return _courses(
        f"Busiest {FEW} courses",
        "Courses with most active users, and the share of their videos that a learner completed. "
        "A click opens the course.",
        f"topk({FEW}, {users})",
        ("Enrolled", catalog.COURSE_ENROLLMENTS, 96),
        ("Watched", promql.per_course(catalog.COURSE_VIDEO_WATCHED_RATIO)),
        sort="Users",
        descending=True,
    )


def _declining() -> Panel:
    week, month = (
        promql.per_course(promql.over(catalog.COURSE_ACTIVE_USERS, window))
        for window in ("7d", "28d")
    )
    return _courses(
        f"Declining: {FEW} courses",
        "Courses where the smallest share of the users of 28 days was active in the last 7. Only "
        "courses with 20 users or more.",
        f"bottomk({FEW}, {week} / ({month} >= 20))",
        ("Unenrolled", catalog.COURSE_UNENROLLMENTS, 114),
        ("Retention", f"{week} / ({month} > 0)"),
        sort="Retention",
        descending=False,
    )


def _courses(
    title: str,
    description: str,
    chosen: str,
    count: tuple[str, Windowed, int],
    share: tuple[str, str],
    *,
    sort: str,
    descending: bool,
) -> Panel:
    """Return a table of the courses that `chosen` picks, with their names.

    `count` is a column beside the users: its title, measure and width. `share` is the last one: its
    title and expression.
    """
    users = promql.per_course(promql.over(catalog.COURSE_ACTIVE_USERS))
    course = links.down(links.COURSE, "Open the course", "window", org="org", course="course_id")

    def of_chosen(expression: str) -> str:
        return f"{expression} and on (org, course_id) {chosen}"

    name, measure, width = count
    last, expression = share
    return grid(
        title,
        description,
        Column(title="Course", label="course_name", look=Look(links=(course,)), at_least=180),
        Column(title="Org", label="org", hidden=True),
        Column(title="Id", label="course_id", hidden=True),
        Column(
            title="Users",
            expr=promql.named(of_chosen(users)),
            look=shared.count(),
            width=86,
        ),
        Column(
            title=name,
            expr=of_chosen(promql.per_course(promql.over(measure))),
            look=shared.count(),
            width=width,
        ),
        Column(
            title=last,
            expr=of_chosen(expression),
            look=Look(unit=style.SHARE, decimals=0),
            width=112,
        ),
        sort=sort,
        descending=descending,
        limit=FEW,
        nothing="no course of 20 users" if sort == "Retention" else style.MISSING,
    )


def _agents() -> Panel:
    sessions, messages = catalog.MENTOR_CHAT_SESSIONS, catalog.MENTOR_AVG_MESSAGES
    own = promql.per_agent(promql.over(sessions))
    return grid(
        "Agents",
        "The agents of the configuration's mentors: chat sessions and messages per session.",
        Column(title="Agent", label="mentor_name", at_least=160),
        Column(title="Org", label="org", hidden=True),
        Column(title="Id", label="mentor_id", hidden=True),
        Column(
            title="Sessions",
            expr=promql.agent_named(f"topk(100, {own})"),
            look=shared.count(),
            width=105,
        ),
        Column(
            title="Messages",
            expr=promql.per_agent(promql.over(messages)),
            look=Look(unit=style.NUMBER, decimals=1),
            width=110,
        ),
        sort="Sessions",
        descending=True,
        limit=100,
        nothing="no data: name mentors in the configuration",
    )


def _agents_over_time() -> Panel:
    def sessions(at: str) -> str:
        return promql.per_agent(promql.over(catalog.MENTOR_CHAT_SESSIONS), at=at)

    return trend(
        f"Chat sessions of the busiest {FEW} agents",
        "Chat sessions with the agents that have most at the end of the time range.",
        Curve(
            expr=promql.agent_named(
                f"({promql.largest(FEW, sessions, 'org', 'mentor_id')})",
            ),
            name="{{mentor_name}}",
        ),
        look=Look(unit=style.COUNT, decimals=0, nothing="no data: name mentors"),
        legend=LegendPlacement.RIGHT,
    )
