"""What happens to dossiers, client spaces and imports, and whom it concerns: each module registers its types."""

from clients.events import dossiers, imports, space

__all__ = ["dossiers", "imports", "space"]
