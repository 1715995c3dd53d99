"""How the actions write a row: what differs, and nothing else."""

from collections.abc import Mapping
from typing import Any

from accounts.models import Firm, User


def take_over(row: Firm | User, wanted: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Give the row the wanted values and save those that differ; returns field → (before, after)."""
    changes = {
        name: (getattr(row, name), value) for name, value in wanted.items() if getattr(row, name) != value
    }
    for name, (_before, after) in changes.items():
        setattr(row, name, after)
    if changes:
        row.save(update_fields=list(changes))
    return changes
