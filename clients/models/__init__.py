"""The firm's record of a client (`Dossier`), the client's own space, and the link between the two."""

from clients.models.dossier import Assignment, Dossier, DossierKind, DossierQuerySet, FormerPlace
from clients.models.imports import Import, ImportFile, ImportRow, ImportState, RowAction, RowOutcome
from clients.models.space import (
    ClientSpace,
    ConsentRequest,
    ConsentRequestQuerySet,
    ConsentState,
    LinkRight,
    SpaceLink,
    SpaceMember,
    SpaceProfile,
    SupportAuthorisation,
)
from clients.models.views import SavedView

__all__ = [
    "Assignment",
    "ClientSpace",
    "ConsentRequest",
    "ConsentRequestQuerySet",
    "ConsentState",
    "Dossier",
    "DossierKind",
    "DossierQuerySet",
    "FormerPlace",
    "Import",
    "ImportFile",
    "ImportRow",
    "ImportState",
    "LinkRight",
    "RowAction",
    "RowOutcome",
    "SavedView",
    "SpaceLink",
    "SpaceMember",
    "SpaceProfile",
    "SupportAuthorisation",
]
