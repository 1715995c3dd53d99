"""The firm's record of a client (`Dossier`), the client's own space, and the link between the two."""

from clients.models.dossier import Assignment, Dossier, DossierKind, DossierQuerySet
from clients.models.imports import Import, ImportFile, ImportRow, ImportState, RowAction, RowOutcome
from clients.models.space import ClientSpace, LinkRight, SpaceLink, SpaceMember, SpaceProfile

__all__ = [
    "Assignment",
    "ClientSpace",
    "Dossier",
    "DossierKind",
    "DossierQuerySet",
    "Import",
    "ImportFile",
    "ImportRow",
    "ImportState",
    "LinkRight",
    "RowAction",
    "RowOutcome",
    "SpaceLink",
    "SpaceMember",
    "SpaceProfile",
]
