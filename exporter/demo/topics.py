"""What the talk is about: the topics of conversations."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.demo import rhythm
from exporter.demo.asking import MONTH, TERM, YEAR, Answer, Ask, Json, Refusal
from exporter.demo.chats import ROOT, ratings

TOPICS = (
    "Photosynthesis",
    "Essay structure",
    "Linear regression",
    "Citations",
    "Cell division",
    'The "Ship of Theseus"',
    "Exam preparation",
    "Derivatives",
    "Deadlines",
    "Lab safety",
    "Übersetzung",
    "Supply and demand",
    "Plate tectonics",
    "Study groups",
)
_TOP = 10
_ROWS = 20
_LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Topic:
    """What was said about one topic."""

    name: str
    conversations: int
    messages: int

    @property
    def ratings(self) -> int:
        """Return how many of its conversations were rated."""
        return ratings(self.conversations)

    @property
    def rating(self) -> float:
        """Return the mean rating, 0 to 5."""
        return 3.4 + len(self.name) % 14 / 10


def topics(ask: Ask, days: range) -> list[Topic]:
    """Return the topics by conversations, most first; they add up to those of the org."""
    turn = ask.view.campus.salt % len(TOPICS)
    names = TOPICS[turn:] + TOPICS[:turn]
    weights = [1 / (2 + place) for place in range(len(names))]
    sessions = rhythm.split(sum(ask.view.sessions(days)), weights)
    messages = rhythm.split(sum(ask.view.messages(days)), weights)
    found = [Topic(*each) for each in zip(names, sessions, messages, strict=True)]
    return sorted((t for t in found if t.conversations), key=lambda t: (-t.conversations, t.name))


def overview(ask: Ask) -> Json:
    """Answer the topics there are. The university never finds a new one."""
    now = len(topics(ask, ask.view.last(MONTH)))
    return {
        "total_topics": now,
        "total_topics_change_percentage": 0.0,
        "new_topics": 0,
        "new_topics_change_percentage": 0.0,
    }


def most_discussed(ask: Ask) -> Json:
    """Answer all topics of the range, the most discussed first."""
    ask.query.choice("aggregation", "daily", "hourly", "weekly")
    return [
        {"topic_name": topic.name, "conversation_count": topic.conversations}
        for topic in topics(ask, ask.days(required=True))
    ]


def top_ten(ask: Ask) -> Json:
    """Answer the ten most discussed topics, by default of all chats that are kept."""
    return [
        {"name": topic.name, "conversation_count": topic.conversations}
        for topic in topics(ask, ask.days(default=YEAR))[:_TOP]
    ]


def statistics(ask: Ask) -> Json:
    """Answer a page (P3) of topics, by default of the term."""
    found = topics(ask, ask.days(default=TERM))
    page = _at_least_one(ask, "page", 1)
    size = min(_at_least_one(ask, "page_size", _ROWS), _LARGEST_PAGE)
    pages = max(-(-len(found) // size), 1)
    if page > pages:
        raise Refusal(404, {"detail": "Invalid page."})
    return {
        "count": len(found),
        "next": ask.link(page + 1) if page < pages else None,
        "previous": ask.link(page - 1) if page > 1 else None,
        "results": [
            {
                "name": topic.name,
                "conversations": topic.conversations,
                "messages": topic.messages,
                "avg_sentiment": _word(topic.rating),
                "avg_user_rating": _word(topic.rating),
            }
            for topic in found[(page - 1) * size : page * size]
        ],
    }


def _at_least_one(ask: Ask, name: str, default: int) -> int:
    value = ask.query.integer(name)
    if value is None:
        return default
    if value < 1:
        raise Refusal(404, {"detail": "Invalid page."})
    return value


def _word(rating: float) -> str:
    return "positive" if rating >= 4 else "neutral"


ANSWERS: Mapping[str, Answer] = {
    f"{ROOT}/topic-overview/": overview,
    f"{ROOT}/most-discussed-topics/": most_discussed,
    f"{ROOT}/topics/summary/": top_ten,
    f"{ROOT}/topic-statistics/": statistics,
}
