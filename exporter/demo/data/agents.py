"""The agents of a simulated org: who talks to them, how much, and what it costs.

A session begins when somebody opens an agent. It becomes a conversation with the first message;
many never do, so an agent can have less than one message per session.
"""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from exporter.demo.data.chance import Chance

UNITS = 100_000
"""Money is counted in hundred-thousandths of a dollar, so that parts add up to the whole."""

_NAMES = ("Study Coach", "Writing Tutor", "Librarian")
_COPY = "Study Coach"
"""In most orgs the last agent is a copy of a template, which keeps its name."""

_REACH = (6, 3, 2)
"""Tenths of the learners who may use each agent."""

_TALKING = ((0.75, 0.05), (0.25, 0.4), (0.02, 0.2))
"""Share of each agent's sessions with a message, and how much more it is in some orgs.

The first agent is for talking; the others are opened from course pages as well.
"""


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent: its possible users, and how they talk.

    `talking` is the share of sessions with a message, `messages` their number in a conversation,
    `cost` the units that a message costs.
    """

    agent_id: str
    name: str
    size: int
    offset: int
    density: float
    talking: float
    messages: float
    cost: int
    salt: int


class Chats(NamedTuple):
    """What was said to agents on each of some days, and the units of money spent on it."""

    sessions: list[int]
    conversations: list[int]
    messages: list[int]
    cost: list[int]

    @property
    def ratings(self) -> list[int]:
        """Return how many conversations of each day are rated by their users."""
        return [number * 3 // 10 for number in self.conversations]

    @property
    def feedback(self) -> list[int]:
        """Return how many conversations of each day get a comment."""
        return [number // 12 for number in self.conversations]

    @property
    def questions(self) -> int:
        """Return how many of all messages people wrote."""
        return sum(self.messages) - self.answers

    @property
    def answers(self) -> int:
        """Return how many of all messages agents wrote: of each day, every second one."""
        return sum(messages // 2 for messages in self.messages)


def agent_ids(org: str, chance: Chance) -> tuple[str, ...]:
    """Return the ids of the three agents of `org`."""
    halves = [
        [chance.integer(org, "mentor", place, half) for half in "ab"]
        for place in range(len(_NAMES))
    ]
    return tuple(str(UUID(int=(high << 64) | low, version=4)) for high, low in halves)


def make_agents(org: str, *, learners: int, chance: Chance) -> tuple[Agent, ...]:
    """Return the agents of `org`."""
    agents = []
    for place, agent_id in enumerate(agent_ids(org, chance)):
        salt = chance.integer(org, "talks", place)
        size = max(learners * _REACH[place] // 10, 1)
        least, more = _TALKING[place]
        copied = place == len(_NAMES) - 1 and salt % 4
        agents.append(
            Agent(
                agent_id=agent_id,
                name=_COPY if copied else _NAMES[place],
                size=size,
                offset=salt % (learners - size + 1),
                density=0.14 + 0.08 * chance.unit(org, "chatty", place),
                talking=least + more * chance.unit(org, "talking", place),
                messages=12.0 + 6.0 * chance.unit(org, "messages", place),
                cost=60 + salt % 200,
                salt=salt,
            )
        )
    return tuple(agents)


def chats(
    agent: Agent, days: range, *, users: list[int], share: list[float], chance: Chance
) -> Chats:
    """Return the chats of each day's unique `users` with `agent`.

    `share` is how much is left of a conversation, 1 without a drop. No number falls while the
    users of a day grow.
    """
    found = Chats([], [], [], [])
    first, second, third = (chance.uniform(agent.salt >> shift, days) for shift in (3, 19, 35))
    for n, left, a, b, c in zip(users, share, first, second, third, strict=True):
        sessions = n + int(n * 0.5 * a + b) if n else 0
        talking = int(sessions * agent.talking * (0.8 + 0.4 * b) + c)
        conversations = min(talking, sessions)
        said = int(conversations * agent.messages * (0.85 + 0.3 * c) * left)
        messages = max(said, conversations)
        found.sessions.append(sessions)
        found.conversations.append(conversations)
        found.messages.append(messages)
        found.cost.append(messages * agent.cost)
    return found
