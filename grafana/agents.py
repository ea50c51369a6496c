"""Agents: how much they are used, by whom, what for, and how they are liked."""

from grafana_foundation_sdk.models.common import BigValueTextMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Metric, Windowed
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import Curve, Look, Part
from grafana.panels import POLLS, bars, numbers, trend

FEW = 10
NEW, AGAIN = "#7C3AED", "#0891B2"
SENTIMENTS = {"positive": style.GOOD, "neutral": style.USUAL, "negative": style.BAD}


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.AGENTS,
        description="Agents: conversations, their users and topics, ratings and sentiment.",
        variables=[variables.org(), variables.window("1d", "7d", default="7d")],
        links=[
            links.across(links.OVERVIEW, "window"),
            links.across(links.ORG, "org", "window"),
            links.across(links.COSTS, "org"),
            links.across(links.HEALTH, "org"),
            links.runbooks(),
        ],
        rows=[
            Row(
                title="Use of agents",
                lines=(
                    Line(
                        height=4,
                        panels=(shared.headline(style.CONVERSATIONS), *_users(), *_agents()),
                        widths=(6, 3, 3, 3, 4, 5),
                    ),
                ),
            ),
            Row(
                title="Against the usual, ${window:text}",
                lines=(
                    Line(
                        height=9,
                        panels=(*shared.against_usual(style.CONVERSATIONS), _new_and_returning()),
                    ),
                ),
            ),
            Row(
                title="What they are used for",
                lines=(Line(height=10, panels=(_topics(), _topics_over_time())),),
            ),
            Row(
                title="How they are liked",
                lines=(Line(height=9, panels=(_sentiment(), _ratings())),),
            ),
        ],
    )


def _both(window: str) -> str:
    """Return unique users: whoever is new to agents, and whoever came back."""
    new, again = (
        promql.per_org(promql.over(figure, window))
        for figure in (catalog.NEW_AGENT_USERS, catalog.RETURNING_AGENT_USERS)
    )
    return f"sum({new} + {again})"


def _users() -> tuple[Panel, ...]:
    look = Look(unit=style.COUNT, decimals=0, colour=style.ACTIVE_USERS.colour)
    described = f"Unique people who talked to agents. {style.COMPLETE_DAYS}"
    yesterday = promql.total(promql.over(catalog.AGENT_USERS, "1d"))
    return (
        numbers("Users, yesterday", described, Part(expr=yesterday, name="users"), look=look),
        numbers("Users, 7 days", described, Part(expr=_both("7d"), name="users"), look=look),
        numbers("Users, 28 days", described, Part(expr=_both("28d"), name="users"), look=look),
    )


def _agents() -> tuple[Panel, ...]:
    def numbered(title: str, text: str, *shown: tuple[str, Metric]) -> Panel:
        return numbers(
            title,
            f"{text} As the platform gives them, over all time.",
            *(Part(expr=promql.total(metric), name=name) for name, metric in shown),
            look=Look(unit=style.COUNT, decimals=0, colour=style.PLAIN),
            text=BigValueTextMode.VALUE_AND_NAME,
            size=22,
        )

    return (
        numbered(
            "Agents",
            "Agents there are, and those that have had a session.",
            ("there are", catalog.AGENTS),
            ("have been used", catalog.ACTIVE_AGENTS),
        ),
        numbered(
            "Messages",
            "Messages that people wrote to agents, and agents to people.",
            ("of people", catalog.HUMAN_MESSAGES),
            ("of agents", catalog.AI_MESSAGES),
        ),
    )


def _new_and_returning() -> Panel:
    new, again = (
        promql.total(promql.over(figure, "7d"))
        for figure in (catalog.NEW_AGENT_USERS, catalog.RETURNING_AGENT_USERS)
    )
    return trend(
        "New and returning users, 7 days",
        "Unique people who talked to agents: those who had not before, and those who came back. "
        f"{style.COMPLETE_DAYS}",
        Curve(expr=again, name="returning", look=Look(colour=AGAIN)),
        Curve(expr=new, name="new", look=Look(colour=NEW)),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
        stacked=True,
    )


def _topics() -> Panel:
    topics = promql.parts(catalog.TOPIC_CONVERSATIONS, "7d")
    return bars(
        f"Topics, 7 days: the {FEW} largest",
        f"Conversations about each topic. {style.COMPLETE_DAYS} Beyond the {catalog.TOP} most "
        "discussed of an org, topics are one: other.",
        Part(expr=f"sort_desc(topk({FEW}, {topics}))", name="{{topic}}"),
        look=Look(unit=style.COUNT, decimals=0, colour=style.CONVERSATIONS.colour, low=0),
    )


def _topics_over_time() -> Panel:
    def topics(at: str) -> str:
        return promql.parts(catalog.TOPIC_CONVERSATIONS, "7d", at=at)

    return trend(
        "Topics over time",
        f"Conversations of 7 days about the {FEW} topics that are discussed most at the end of "
        f"the time range. {style.COMPLETE_DAYS}",
        Curve(expr=promql.largest(FEW, topics, "topic"), name="{{topic}}"),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
        legend=LegendPlacement.RIGHT,
    )


def _sentiment() -> Panel:
    return trend(
        "Sentiment, 7 days",
        "Share of conversations in which people sounded positive, neutral or negative, orgs "
        f"weighted by conversations. {style.COMPLETE_DAYS}",
        *(
            Curve(
                expr=promql.share(catalog.SENTIMENT_RATIO, name, catalog.CONVERSATIONS, "7d"),
                name=name,
                look=Look(colour=colour),
            )
            for name, colour in SENTIMENTS.items()
        ),
        look=Look(unit=style.SHARE, high=1),
        step=POLLS,
        stacked=True,
    )


def _ratings() -> Panel:
    def curve(figure: Windowed, name: str, colour: str) -> Curve:
        expr = promql.total(promql.over(figure, "7d"))
        return Curve(expr=expr, name=name, look=Look(colour=colour))

    return trend(
        "Ratings and feedback, 7 days",
        f"Ratings that people gave to agents, and entries of feedback. {style.COMPLETE_DAYS}",
        curve(catalog.RATINGS, "ratings", style.MESSAGES.colour),
        curve(catalog.FEEDBACK, "feedback", NEW),
        look=Look(unit=style.COUNT, decimals=0),
        step=POLLS,
    )
