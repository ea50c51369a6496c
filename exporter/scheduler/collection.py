"""What is scheduled: collections, and the slots that their requests need."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field


class Slot:
    """The right to send one request."""

    __slots__ = ("_release",)

    def __init__(self, release: Callable[[bool | None], None]) -> None:
        self._release: Callable[[bool | None], None] | None = release

    def release(self, *, answered: bool | None = None) -> None:
        """Give the slot back. Releasing it again does nothing.

        `answered` is False if the request timed out, None if it was not sent or that is unknown.
        """
        if self._release is not None:
            release, self._release = self._release, None
            release(answered)


class State(enum.Enum):
    """What the queue knows of a collection."""

    NEW = enum.auto()
    """Not queued, or ended."""
    QUEUED = enum.auto()
    RUNNING = enum.auto()
    DISCARDED = enum.auto()


@dataclass(eq=False, slots=True)
class Collection:
    """One due run of one collector of one org.

    `due_at` is in monotonic seconds, `interval` in seconds. `first` collections go before all
    others, in the order of `due_at`: those of the core collectors after a start.
    """

    org: str
    name: str
    due_at: float
    interval: float
    first: bool = False
    state: State = field(default=State.NEW, init=False)
    first_slot: Slot | None = field(default=None, init=False, repr=False)
    """The slot of its first request, until that is sent."""
