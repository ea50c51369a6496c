"""What chats are about, and what people think of them."""

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


def topics(chats: Chats, *, salt: int) -> dict[str, int]:
    """Return the conversations by topic, the most discussed first; they add up to all."""
    first = salt % len(TOPICS)
    names = TOPICS[first:] + TOPICS[:first]
    parts = split(sum(chats.conversations), [1 / (2 + place) for place in range(len(names))])
    found = {name: n for name, n in zip(names, parts, strict=True) if n}
    return dict(sorted(found.items(), key=lambda topic: (-topic[1], topic[0])))


def mean_rating(chats: Chats, *, salt: int) -> float | None:
    """Return the mean rating, 0 to 5, or None if nothing was rated."""
    if not any(chats.ratings):
        return None
    found = topics(chats, salt=salt)
    rated = sum((3.4 + len(name) % 14 / 10) * n for name, n in found.items())
    return rated / sum(found.values())
