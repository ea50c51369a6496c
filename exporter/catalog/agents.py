"""Figures of agents: what is said to them, and what they say."""

from exporter.api import endpoints
from exporter.catalog.model import MENTOR, ORG, Area, Windowed

AVG_MESSAGES = Windowed(
    "avg_messages_per_session",
    "Mean messages per chat session, weighted by sessions,",
    ORG,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
)
CHAT_SESSIONS = Windowed(
    "chat_sessions",
    "Chat sessions with mentors",
    ORG,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
)
MENTOR_AVG_MESSAGES = Windowed(
    "mentor_avg_messages_per_session",
    "Mean messages per chat session with the mentor, weighted by sessions,",
    MENTOR,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
)
MENTOR_CHAT_SESSIONS = Windowed(
    "mentor_chat_sessions",
    "Chat sessions with the mentor",
    MENTOR,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
)
