"""Metrics of agents (mentors): sessions, conversations, users, feedback, topics."""

from exporter.api import endpoints
from exporter.catalog.model import (
    COMPLETE,
    COUNT,
    MENTOR,
    MONEY,
    NAME,
    NOT_PEOPLE,
    ORG,
    OTHER,
    PREFIX,
    TOP,
    TOTAL_MESSAGES,
    WEEKS,
    Area,
    Exempt,
    Metric,
    Windowed,
    gauge,
    source,
)

_MEAN = Exempt("a mean over sessions or conversations; the API does not say how many people")

AVG_MESSAGES = Windowed(
    "avg_messages_per_session",
    "Mean messages per chat session, weighted by sessions,",
    ORG,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
    _MEAN,
    note="Sessions without a message are included.",
    fallback=endpoints.V2_SESSIONS,
)
CHAT_SESSIONS = Windowed(
    "chat_sessions",
    "Chat sessions with mentors",
    ORG,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
    TOTAL_MESSAGES,
    note="A session is not a conversation: it may have no message.",
    fallback=endpoints.V2_SESSIONS,
)
MENTOR_AVG_MESSAGES = Windowed(
    "mentor_avg_messages_per_session",
    "Mean messages per chat session with the mentor, weighted by sessions,",
    MENTOR,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
    _MEAN,
    expected=(),
    fallback=endpoints.V2_SESSIONS,
)
MENTOR_CHAT_SESSIONS = Windowed(
    "mentor_chat_sessions",
    "Chat sessions with the mentor",
    MENTOR,
    Area.CHAT,
    endpoints.MESSAGES_PER_SESSION,
    TOTAL_MESSAGES,
    expected=(),
    fallback=endpoints.V2_SESSIONS,
)
MENTOR_INFO = Metric(
    PREFIX + "mentor_info",
    "Name of the mentor; always 1. Join it to other metrics of the mentor on mentor_id. "
    f"Polled from {endpoints.MENTOR_COSTS.template}.",
    ("org", "mentor_id", "mentor_name"),
    Area.CHAT,
    source=source(endpoints.MENTOR_COSTS),
    privacy=NAME,
)
CONVERSATIONS = Windowed(
    "conversations",
    "Conversations with agents",
    ORG,
    Area.AGENTS,
    endpoints.CONVERSATIONS,
    TOTAL_MESSAGES,
)
AGENT_USERS = Windowed(
    "agent_users",
    "Unique users of agents",
    ORG,
    Area.AGENTS,
    endpoints.AGENT_USERS,
    COUNT,
    windows=("1d",),
    expected=("1d",),
)
NEW_AGENT_USERS = Windowed(
    "new_agent_users",
    "Users of agents that the platform counts as new",
    ORG,
    Area.AGENTS,
    endpoints.NEW_AND_RETURNING,
    COUNT,
    windows=WEEKS,
    expected=(),
    note="The platform may count users who registered in the period, not first-time users.",
)
RETURNING_AGENT_USERS = Windowed(
    "returning_agent_users",
    "Users of agents that the platform counts as returning",
    ORG,
    Area.AGENTS,
    endpoints.NEW_AND_RETURNING,
    COUNT,
    windows=WEEKS,
    expected=(),
)
AGENT_REGISTRATIONS = Windowed(
    "agent_registrations",
    "New registrations with the org",
    ORG,
    Area.AGENTS,
    endpoints.AGENT_REGISTRATIONS,
    COUNT,
    windows=COMPLETE,
    expected=(),
    note="From the analytics of agents, which may count other users than iblai_registrations.",
)
HUMAN_MESSAGES = gauge(
    "human_messages",
    "Messages from users to agents, all time.",
    ORG,
    Area.AGENTS,
    endpoints.CONVERSATION_SUMMARY,
    privacy=TOTAL_MESSAGES,
)
AI_MESSAGES = gauge(
    "ai_messages",
    "Messages from agents to users, all time.",
    ORG,
    Area.AGENTS,
    endpoints.CONVERSATION_SUMMARY,
    privacy=TOTAL_MESSAGES,
)
RATINGS = Windowed(
    "ratings",
    "Ratings of agents by users",
    ORG,
    Area.AGENTS,
    endpoints.RATINGS,
    COUNT,
    windows=COMPLETE,
    expected=(),
)
FEEDBACK = Windowed(
    "feedback_entries",
    "Feedback entries on agents",
    ORG,
    Area.AGENTS,
    endpoints.FEEDBACK,
    COUNT,
    windows=COMPLETE,
    expected=(),
)
SENTIMENT = Windowed(
    "sentiment",
    "Share of positive, neutral and negative sentiment in conversations",
    ("org", "sentiment"),
    Area.AGENTS,
    endpoints.SENTIMENTS,
    _MEAN,
    windows=WEEKS,
    expected=(),
    unit="ratio",
    percent=True,
)
TOPIC_CONVERSATIONS = Windowed(
    "topic_conversations",
    f"Conversations about the topic (the {TOP} most discussed, and {OTHER})",
    ("org", "topic"),
    Area.AGENTS,
    endpoints.TOPICS,
    TOTAL_MESSAGES,
    windows=WEEKS,
    expected=(),
)
AGENTS = gauge(
    "agents", "Agents of the org.", ORG, Area.AGENTS, endpoints.AGENTS, privacy=NOT_PEOPLE
)
ACTIVE_AGENTS = gauge(
    "active_agents",
    "Agents of the org that were used at least once.",
    ORG,
    Area.AGENTS,
    endpoints.AGENTS,
    privacy=NOT_PEOPLE,
)
AVG_RATING = Windowed(
    "avg_rating",
    "Mean rating of agents, 0 to 5,",
    ORG,
    Area.AGENTS,
    endpoints.V2_SESSIONS,
    _MEAN,
    windows=WEEKS,
    expected=(),
)
AVG_SENTIMENT = Windowed(
    "avg_sentiment_score",
    "Mean sentiment score of conversations, on the API's own scale,",
    ORG,
    Area.AGENTS,
    endpoints.V2_MESSAGES,
    _MEAN,
    windows=WEEKS,
    expected=(),
)
USER_MESSAGES = Windowed(
    "user_messages",
    "Messages of users to agents",
    ORG,
    Area.AGENTS,
    endpoints.V2_MESSAGES,
    TOTAL_MESSAGES,
    windows=WEEKS,
    expected=(),
)
ASSISTANT_RESPONSES = Windowed(
    "assistant_responses",
    "Responses of agents to users",
    ORG,
    Area.AGENTS,
    endpoints.V2_MESSAGES,
    TOTAL_MESSAGES,
    windows=WEEKS,
    expected=(),
)
MESSAGES_PER_CONVERSATION = Windowed(
    "avg_messages_per_conversation",
    "Mean messages per conversation with agents",
    ORG,
    Area.AGENTS,
    endpoints.V2_CONVERSATIONS,
    _MEAN,
    windows=WEEKS,
    expected=(),
)
COST_PER_CONVERSATION = Windowed(
    "avg_cost_per_conversation",
    "Mean cost of a conversation with agents",
    ORG,
    Area.AGENTS,
    endpoints.V2_CONVERSATIONS,
    MONEY,
    windows=WEEKS,
    expected=(),
    unit="usd",
)
AGENT_USERS_NOW = gauge(
    "agent_users_active_now",
    "Unique users of agents in the last hour.",
    ORG,
    Area.AGENTS,
    endpoints.V2_USERS,
    privacy=COUNT,
)
AGENT_USERS_MONTH = gauge(
    "agent_users_30d",
    "Unique users of agents in the last 30 days, as the platform's Users screen counts them.",
    ORG,
    Area.AGENTS,
    endpoints.V2_USERS,
    privacy=COUNT,
)
MESSAGES_THIS_MONTH = gauge(
    "messages_this_month",
    "Messages in conversations with agents in the current calendar month.",
    ORG,
    Area.AGENTS,
    endpoints.V2_TOPICS,
    privacy=TOTAL_MESSAGES,
)
