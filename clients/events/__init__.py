"""What happens to dossiers, assignments, spaces and imports, and whom it concerns: each module registers its types."""

from clients.events import access, assignments, dossiers, imports, space

__all__ = ["access", "assignments", "dossiers", "imports", "space"]
