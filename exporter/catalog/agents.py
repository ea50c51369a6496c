"""Figures of agents: what is said to them, who says it, and how they are liked."""

from exporter.api import endpoints
from exporter.catalog.model import (
    COMPLETE,
    MENTOR,
    ORG,
    OTHER,
    TOP,
    WEEKS,
    Area,
    Windowed,
    gauge,
)

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
CONVERSATIONS = Windowed(
    "conversations", "Conversations with agents", ORG, Area.AGENTS, endpoints.CONVERSATIONS
)
AGENT_USERS = Windowed(
    "agent_users",
    "Unique users of agents",
    ORG,
    Area.AGENTS,
    endpoints.AGENT_USERS,
    windows=("1d",),
    baselines=("1d",),
    people=True,
)
NEW_AGENT_USERS = Windowed(
    "new_agent_users",
    "Users of agents who had not used any before",
    ORG,
    Area.AGENTS,
    endpoints.NEW_AND_RETURNING,
    windows=WEEKS,
    baselines=(),
    people=True,
)
RETURNING_AGENT_USERS = Windowed(
    "returning_agent_users",
    "Users of agents who had used one before",
    ORG,
    Area.AGENTS,
    endpoints.NEW_AND_RETURNING,
    windows=WEEKS,
    baselines=(),
    people=True,
)
HUMAN_MESSAGES = gauge(
    "human_messages",
    "Messages that people wrote to agents, in all.",
    ORG,
    Area.AGENTS,
    endpoints.CONVERSATION_SUMMARY,
)
AI_MESSAGES = gauge(
    "ai_messages",
    "Messages that agents wrote, in all.",
    ORG,
    Area.AGENTS,
    endpoints.CONVERSATION_SUMMARY,
)
RATINGS = Windowed(
    "ratings",
    "Ratings of agents that people gave",
    ORG,
    Area.AGENTS,
    endpoints.RATINGS,
    windows=COMPLETE,
    baselines=(),
)
FEEDBACK = Windowed(
    "feedback_entries",
    "Entries of feedback on agents",
    ORG,
    Area.AGENTS,
    endpoints.FEEDBACK,
    windows=COMPLETE,
    baselines=(),
)
SENTIMENT_RATIO = Windowed(
    "sentiment_ratio",
    "Share of conversations in which people sounded positive, neutral or negative, 0 to 1,",
    ("org", "sentiment"),
    Area.AGENTS,
    endpoints.SENTIMENTS,
    windows=WEEKS,
    baselines=(),
)
TOPIC_CONVERSATIONS = Windowed(
    "topic_conversations",
    f"Conversations about the topic (the {TOP} most discussed, and {OTHER})",
    ("org", "topic"),
    Area.AGENTS,
    endpoints.TOPICS,
    windows=WEEKS,
    baselines=(),
)
AGENTS = gauge("agents", "Agents of the org.", ORG, Area.AGENTS, endpoints.AGENTS)
ACTIVE_AGENTS = gauge(
    "active_agents",
    "Agents of the org that have had a session.",
    ORG,
    Area.AGENTS,
    endpoints.AGENTS,
)
