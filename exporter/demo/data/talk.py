"""What chats are about, and what people think of them."""

from dataclasses import dataclass

from exporter.demo.data.agents import Chats
from exporter.demo.data.calendar import split

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
SENTIMENTS = {"positive": 0.58, "negative": 0.13, "neutral": 0.29}


@dataclass(frozen=True, slots=True)
class Topic:
    """What was said about one topic; its mean rating is from 0 to 5."""

    name: str
    conversations: int

    @property
    def rating(self) -> float:
        """Return the mean rating, 0 to 5."""
        return 3.4 + len(self.name) % 14 / 10


def topics(chats: Chats, *, salt: int) -> list[Topic]:
    """Return the topics, the most discussed first; they add up to all conversations."""
    first = salt % len(TOPICS)
    names = TOPICS[first:] + TOPICS[:first]
    parts = split(sum(chats.conversations), [1 / (2 + place) for place in range(len(names))])
    found = [Topic(name, n) for name, n in zip(names, parts, strict=True) if n]
    return sorted(found, key=lambda topic: (-topic.conversations, topic.name))


def mean_rating(chats: Chats, *, salt: int) -> float | None:
    """Return the mean rating, 0 to 5, or None if nothing was rated."""
    if not any(map(ratings, chats.conversations)):
        return None
    found = topics(chats, salt=salt)
    return sum(t.rating * t.conversations for t in found) / sum(t.conversations for t in found)


def ratings(conversations: int) -> int:
    """Return how many of `conversations` are rated by their users."""
    return conversations * 3 // 10


def feedback_entries(conversations: int) -> int:
    """Return how many of `conversations` get a comment."""
    return conversations // 12


def questions(chats: Chats) -> int:
    """Return how many of all messages people wrote."""
    return sum(chats.messages) - answers(chats)


def answers(chats: Chats) -> int:
    """Return how many of all messages agents wrote: of each day, every second one."""
    return sum(messages // 2 for messages in chats.messages)
