"""The vocabulary of access: what may be asked for, and the one table of what each role may do."""

from enum import StrEnum
from functools import cache

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Role


class ObjectRole(models.TextChoices):
    """What a grant makes of a person on one object: the codename of the permission."""

    ACCOUNTANT = "accountant", _("Accountant")
    READER = "reader", _("Reader")
    SUPPORT = "support", _("Technical support")


class Perm(StrEnum):
    """Everything that may be asked for. Those of `FIRM_PERMS` are asked of the firm, the others of an object."""

    # of the firm
    VIEW_MEMBERS = "view_members"
    MANAGE_MEMBERS = "manage_members"
    CHANGE_FIRM = "change_firm"
    CREATE_PORTFOLIO = "create_portfolio"
    CREATE_DOSSIER = "create_dossier"
    IMPORT_DOSSIERS = "import_dossiers"
    INVITE_CLIENTS = "invite_clients"
    ANSWER_CLIENTS = "answer_clients"  # who ask the firm to follow them
    VIEW_JOURNAL = "view_journal"
    KEEP_JOURNAL = "keep_journal"  # verify it, choose how long it is kept, hold it
    ACCEPT_SIRET = "accept_siret"  # although its check digit fails
    VIEW_ACCESS = "view_access"  # the firm-wide matrix
    SAVE_VIEW = "save_view"  # of the table of dossiers
    CHANGE_SHARED_VIEWS = "change_shared_views"  # those of others
    # of a portfolio
    VIEW_PORTFOLIO = "view_portfolio"
    ADD_TO_PORTFOLIO = "add_to_portfolio"
    CHANGE_PORTFOLIO = "change_portfolio"
    GRANT_PORTFOLIO = "grant_portfolio"
    # of a dossier
    VIEW_DOSSIER = "view_dossier"
    CHANGE_DOSSIER = "change_dossier"
    MOVE_DOSSIER = "move_dossier"  # to another portfolio
    ASSIGN_DOSSIER = "assign_dossier"
    ARCHIVE_DOSSIER = "archive_dossier"
    INVITE_CLIENT = "invite_client"
    SEE_FILES = "see_files"  # those exchanged with the client
    ADD_FILES = "add_files"
    LINK_DOSSIER = "link_dossier"  # to the space of a client who asks for it


FIRM_PERMS = frozenset(
    {
        Perm.VIEW_MEMBERS,
        Perm.MANAGE_MEMBERS,
        Perm.CHANGE_FIRM,
        Perm.CREATE_PORTFOLIO,
        Perm.CREATE_DOSSIER,
        Perm.IMPORT_DOSSIERS,
        Perm.INVITE_CLIENTS,
        Perm.ANSWER_CLIENTS,
        Perm.VIEW_JOURNAL,
        Perm.KEEP_JOURNAL,
        Perm.ACCEPT_SIRET,
        Perm.VIEW_ACCESS,
        Perm.SAVE_VIEW,
        Perm.CHANGE_SHARED_VIEWS,
    }
)

# The one table of what each role may do. `manage.py permissions_page` prints it as docs/permissions.md.
ROLE_ALLOWS: dict[Role | ObjectRole, frozenset[Perm]] = {
    Role.ADMIN: frozenset(Perm),
    Role.COLLABORATOR: frozenset({Perm.VIEW_MEMBERS, Perm.CREATE_DOSSIER, Perm.SAVE_VIEW}),
    ObjectRole.ACCOUNTANT: frozenset(
        {
            Perm.VIEW_PORTFOLIO,
            Perm.ADD_TO_PORTFOLIO,
            Perm.VIEW_DOSSIER,
            Perm.CHANGE_DOSSIER,
            Perm.MOVE_DOSSIER,
            Perm.LINK_DOSSIER,
            Perm.SEE_FILES,
            Perm.ADD_FILES,
        }
    ),
    ObjectRole.READER: frozenset({Perm.VIEW_PORTFOLIO, Perm.VIEW_DOSSIER, Perm.SEE_FILES}),
    ObjectRole.SUPPORT: frozenset({Perm.VIEW_DOSSIER}),
}


# How far a role reaches, for saying that an access grew or shrank.
RANKS: dict[Role | ObjectRole, int] = {
    Role.ADMIN: 4,
    ObjectRole.ACCOUNTANT: 3,
    ObjectRole.READER: 2,
    ObjectRole.SUPPORT: 1,
}


def allows(role: Role | ObjectRole, perm: Perm) -> bool:
    """Does the role, of a member or of a grant that was just read, include it? For what a page offers; not a check."""
    return perm in ROLE_ALLOWS[role]


@cache
def firm_roles(perm: Perm) -> list[Role]:
    return [role for role, perms in ROLE_ALLOWS.items() if isinstance(role, Role) and perm in perms]


@cache
def object_roles(perm: Perm) -> list[ObjectRole]:
    return [role for role, perms in ROLE_ALLOWS.items() if isinstance(role, ObjectRole) and perm in perms]
