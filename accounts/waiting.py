"""What waits for a person's answer, wherever it comes from, for “My spaces”. Apps above register what they have."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Waiting:
    """One invitation: who sends it, in words what for, until when, and the page on which it is answered."""

    sender: str
    what: str
    until: datetime
    url: str


WAITING: list[Callable[[UUID], list[Waiting]]] = []


def waiting_for(person: UUID) -> list[Waiting]:
    """All that waits for the person, outside of any scope."""
    return [one for found in WAITING for one in found(person)]
