"""What happens to dossiers, assignments, spaces and imports, and whom it concerns: each module registers its types."""

from clients.events import (
    access,
    assignments,
    consent,
    departures,
    dossiers,
    fetching,
    files,
    following,
    imports,
    journal,
    locking,
    people,
    space,
    support,
    views,
)

__all__ = [
    "access",
    "assignments",
    "consent",
    "departures",
    "dossiers",
    "fetching",
    "files",
    "following",
    "imports",
    "journal",
    "locking",
    "people",
    "space",
    "support",
    "views",
]
