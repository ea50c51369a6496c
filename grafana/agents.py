"""Agents: how much they are used, by whom, what for, and the feedback on them."""

from grafana_foundation_sdk.models.common import BigValueTextMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Windowed
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import Curve, Look, Part
from grafana.panels import Chart, bars, numbers, trend

EXTRA = "agents"
FEW = 10
NEW, AGAIN = "#A855F7", "#0891B2"
SENTIMENTS = {"positive": style.GOOD, "neutral": style.GRAY, "negative": style.BAD}


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.AGENTS,
        description="Agents: conversations, users, messages, topics, ratings and sentiment. It "
        f"needs the extra agents. {style.COMPLETE_DAYS}",
        variables=[variables.org(), variables.window()],
        rows=[
            Row(
                title="Usage, ${window:text}",
                lines=(
                    Line(
                        height=shared.WITH_SPARKLINE,
                        panels=(
                            shared.headline(style.CONVERSATIONS, promql.WINDOW),
                            _users(),
                            shared.orgs_included(EXTRA),
                        ),
                        widths=(7, 12, 5),
                    ),
                    Line(height=3, panels=_totals()),
                ),
            ),
            Row(
                title="Trends",
                lines=(
                    Line(
                        height=9,
                        panels=(
                            *shared.vs_expected(style.CONVERSATIONS),
                            _users_vs_expected(),
                        ),
                    ),
                    Line(height=8, panels=(_returning(), _new(), _messages())),
                    Line(height=8, panels=_per_conversation()),
                ),
            ),
            Row(
                title="Topics, 7 days",
                lines=(Line(height=10, panels=(_topics(), _topics_over_time())),),
            ),
            Row(
                title="Feedback, 7 days",
                lines=(
                    Line(height=8, panels=(_sentiment(), _ratings())),
                    Line(height=8, panels=(_mean_rating(), _sentiment_score())),
                ),
            ),
        ],
    )


def _unique(window: str) -> str:
    """Return unique users: those who are new and those who return."""
    new, again = (
        promql.per_org(promql.over(measure, window))
        for measure in (catalog.NEW_AGENT_USERS, catalog.RETURNING_AGENT_USERS)
    )
    return f"sum({new} + {again})"


def _users() -> Panel:
    return shared.by_window(
        "Users of agents",
        "Unique users of agents, in the last hour and in longer windows.",
        (
            ("Last hour", promql.total(catalog.AGENT_USERS_NOW)),
            ("Yesterday", promql.value(style.AGENT_USERS, "1d")),
            ("7 days", _unique("7d")),
            ("28 days", _unique("28d")),
            ("30 days", promql.total(catalog.AGENT_USERS_MONTH)),
        ),
        look=shared.count(style.AGENT_USERS.color),
    )


def _totals() -> tuple[Panel, ...]:
    def numbered(title: str, text: str, *shown: tuple[str, str]) -> Panel:
        return numbers(
            title,
            text,
            *(Part(expr=expression, name=name) for name, expression in shown),
            look=shared.count(),
            text=BigValueTextMode.VALUE_AND_NAME,
            size=22,
        )

    month = numbers(
        "Messages this month",
        "Messages in conversations with agents in the current calendar month.",
        Part(expr=promql.total(catalog.MESSAGES_THIS_MONTH), name="messages"),
        look=shared.count(),
        size=22,
    )
    return (
        numbered(
            "Agents",
            "Agents of the orgs, and those that were used at least once.",
            ("Total", promql.total(catalog.AGENTS)),
            ("Used at least once", promql.total(catalog.ACTIVE_AGENTS)),
        ),
        numbered(
            "Messages in total",
            "Messages written to and by agents since the beginning.",
            ("From users", promql.total(catalog.HUMAN_MESSAGES)),
            ("From agents", promql.total(catalog.AI_MESSAGES)),
        ),
        month,
    )


def _users_vs_expected() -> Chart:
    users = style.AGENT_USERS
    return trend(
        "Agent users vs. expected, yesterday",
        f"{users.meaning} {shared.RANGE}",
        *shared.range_of(
            users.title,
            shared.look(users),
            promql.value(users, "1d"),
            promql.expected_value(users, "1d"),
            promql.expected_value(users, "1d", promql.LOW),
        ),
        look=Look(unit=style.COUNT, decimals=0, nothing=shared.needs(EXTRA)),
        mark=promql.below(users, "1d"),
    )


def _weekly(
    measure: Windowed, name: str, color: str, *, fill: int = 0, dashed: bool = False
) -> Curve:
    expression = promql.total(promql.over(measure, "7d"))
    return Curve(expr=expression, name=name, look=Look(color=color), fill=fill, dashed=dashed)


def _counts(title: str, description: str, *curves: Curve) -> Chart:
    look = Look(unit=style.COUNT, decimals=0, nothing=shared.needs(EXTRA))
    return trend(title, description, *curves, look=look)


def _returning() -> Panel:
    return _counts(
        "Returning users, 7 days",
        "Unique users of agents that the platform counts as returning.",
        _weekly(catalog.RETURNING_AGENT_USERS, "returning", AGAIN, fill=10),
    )


def _new() -> Panel:
    return _counts(
        "New users, 7 days",
        "Unique users of agents that the platform counts as new, and registrations with the org.",
        _weekly(catalog.NEW_AGENT_USERS, "new", NEW, fill=10),
        _weekly(catalog.AGENT_REGISTRATIONS, "registered", AGAIN),
    )


def _messages() -> Panel:
    return _counts(
        "Messages, 7 days",
        "Messages of users to agents, and their responses.",
        _weekly(catalog.USER_MESSAGES, "from users", AGAIN),
        # Most messages have one response, so that the lines coincide.
        _weekly(catalog.ASSISTANT_RESPONSES, "from agents", NEW, dashed=True),
    )


def _mean(measure: Windowed) -> str:
    """Return a mean over orgs, weighted by conversations."""
    return promql.mean(promql.over(measure, "7d"), promql.over(catalog.CONVERSATIONS, "7d"))


def _average(title: str, text: str, measure: Windowed, look: Look) -> Chart:
    return trend(
        f"{title}, 7 days",
        f"{text} Orgs are weighted by conversations.",
        Curve(
            expr=_mean(measure),
            name=title.lower(),
            look=Look(color=style.CONVERSATIONS.color),
            fill=10,
        ),
        look=look,
    )


def _per_conversation() -> tuple[Chart, ...]:
    return (
        _average(
            "Messages per conversation",
            "Mean messages per conversation with agents.",
            catalog.MESSAGES_PER_CONVERSATION,
            Look(unit=style.NUMBER, decimals=1, nothing=shared.needs(EXTRA)),
        ),
        _average(
            "Cost per conversation",
            "Mean cost of a conversation with agents.",
            catalog.COST_PER_CONVERSATION,
            Look(unit=style.MONEY, decimals=3, nothing=shared.needs(EXTRA)),
        ),
    )


def _topics() -> Panel:
    topics = promql.parts(catalog.TOPIC_CONVERSATIONS, "7d")
    return bars(
        f"{FEW} largest topics",
        "Conversations by topic. It needs topics: true in the configuration.",
        Part(expr=f"sort_desc(topk({FEW}, {topics}))", name="{{topic}}"),
        look=Look(
            unit=style.COUNT,
            decimals=0,
            color=style.CONVERSATIONS.color,
            low=0,
            nothing="no data: set topics: true",
        ),
    )


def _topics_over_time() -> Panel:
    def topics(at: str) -> str:
        return promql.parts(catalog.TOPIC_CONVERSATIONS, "7d", at=at)

    return trend(
        "Topics over time",
        f"Conversations about the {FEW} topics that are largest at the end of the time range.",
        Curve(expr=promql.largest(FEW, topics, "topic"), name="{{topic}}"),
        look=Look(unit=style.COUNT, decimals=0, nothing="no data: set topics: true"),
        legend=LegendPlacement.RIGHT,
    )


def _sentiment() -> Panel:
    return trend(
        "Sentiment",
        "Share of positive, neutral and negative conversations. Orgs are weighted by "
        "conversations.",
        *(
            Curve(
                expr=promql.share(catalog.SENTIMENT, name, catalog.CONVERSATIONS, "7d"),
                name=name,
                look=Look(color=color),
            )
            for name, color in SENTIMENTS.items()
        ),
        look=Look(unit=style.SHARE, high=1, nothing=shared.needs(EXTRA)),
        stacked=True,
    )


def _ratings() -> Panel:
    return _counts(
        "Ratings and feedback",
        "Ratings of agents by users, and entries of feedback.",
        _weekly(catalog.RATINGS, "ratings", style.MESSAGES.color),
        _weekly(catalog.FEEDBACK, "feedback", NEW),
    )


def _mean_rating() -> Panel:
    return _average(
        "Mean rating",
        "Mean rating of agents, 0 to 5.",
        catalog.AVG_RATING,
        Look(unit=style.NUMBER, decimals=1, high=5, nothing=shared.needs(EXTRA)),
    )


def _sentiment_score() -> Panel:
    return _average(
        "Sentiment score",
        "Mean sentiment of conversations, on the platform's own scale.",
        catalog.AVG_SENTIMENT,
        Look(unit=style.NUMBER, decimals=2, nothing=shared.needs(EXTRA)),
    )
