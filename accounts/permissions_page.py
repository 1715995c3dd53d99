"""The table of `ROLE_ALLOWS` as a page for people: docs/permissions.md, in the interface's own words."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Role
from accounts.permissions import FIRM_PERMS, ROLE_ALLOWS, ObjectRole, Perm

PAGE = Path(settings.BASE_DIR) / "docs" / "permissions.md"
YES, NO = "●", "·"

# What each permission lets a person do, after “may”.
WORDS: dict[Perm, Promise] = {
    Perm.VIEW_MEMBERS: gettext_lazy("see the firm's members"),
    Perm.MANAGE_MEMBERS: gettext_lazy("invite members, change their role, suspend or terminate them"),
    Perm.CHANGE_FIRM: gettext_lazy("change the firm's settings"),
    Perm.CREATE_PORTFOLIO: gettext_lazy("create a portfolio"),
    Perm.CREATE_DOSSIER: gettext_lazy("create a client file"),
    Perm.IMPORT_DOSSIERS: gettext_lazy("import client files"),
    Perm.INVITE_CLIENTS: gettext_lazy("invite many clients at once"),
    Perm.ANSWER_CLIENTS: gettext_lazy("answer clients who ask the firm to follow them"),
    Perm.VIEW_JOURNAL: gettext_lazy("read the activity log"),
    Perm.KEEP_JOURNAL: gettext_lazy(
        "have the activity log verified, choose how long it is kept, place it under legal hold"
    ),
    Perm.ACCEPT_SIRET: gettext_lazy("accept a SIRET whose check digit does not match"),
    Perm.VIEW_ACCESS: gettext_lazy("see who in the firm has access to what"),
    Perm.SAVE_VIEW: gettext_lazy("save views of the list of client files, and share them with the firm"),
    Perm.CHANGE_SHARED_VIEWS: gettext_lazy("change or delete the views that others share"),
    Perm.VIEW_PORTFOLIO: gettext_lazy("see the portfolio"),
    Perm.ADD_TO_PORTFOLIO: gettext_lazy("add client files to the portfolio"),
    Perm.CHANGE_PORTFOLIO: gettext_lazy("rename the portfolio, or terminate it"),
    Perm.GRANT_PORTFOLIO: gettext_lazy("open the portfolio to a member, or withdraw it"),
    Perm.VIEW_DOSSIER: gettext_lazy("see the client file"),
    Perm.CHANGE_DOSSIER: gettext_lazy("change the client file"),
    Perm.MOVE_DOSSIER: gettext_lazy("put the client file into another portfolio"),
    Perm.ASSIGN_DOSSIER: gettext_lazy("assign members to the client file"),
    Perm.ARCHIVE_DOSSIER: gettext_lazy("archive the client file, or restore it"),
    Perm.INVITE_CLIENT: gettext_lazy("invite the client"),
    Perm.SEE_FILES: gettext_lazy("see and download the files exchanged with the client"),
    Perm.ADD_FILES: gettext_lazy("drop files for the client, take back those of the firm"),
    Perm.LINK_DOSSIER: gettext_lazy("link the client file to the space of a client who asks for it"),
}


def page(language: str = "fr") -> str:
    """The whole page. Raises KeyError for a permission without words."""
    with translation.override(language):
        return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    of_object = [perm for perm in Perm if perm not in FIRM_PERMS]
    yield f"# {_('Who may do what')}"
    yield ""
    yield _(
        "Printed by `manage.py permissions_page --write` from `accounts/permissions.py`: do not edit by hand."
    )
    yield ""
    yield f"## {_('In the firm')}"
    yield ""
    yield from _table((perm for perm in Perm if perm in FIRM_PERMS), [Role.ADMIN, Role.COLLABORATOR])
    yield ""
    yield f"## {_('On a portfolio or a client file')}"
    yield ""
    yield _(
        "An administrator reaches all of them. A collaborator reaches those that a portfolio or an assignment opens "
        "to them, with the role that it gives."
    )
    yield ""
    yield from _table(of_object, [Role.ADMIN, *ObjectRole])


def _table(perms: Iterable[Perm], roles: list[Role | ObjectRole]) -> Iterator[str]:
    yield f"| | {' | '.join(str(role.label) for role in roles)} |"
    yield f"|---|{':-:|' * len(roles)}"
    for perm in perms:
        marks = (YES if perm in ROLE_ALLOWS[role] else NO for role in roles)
        yield f"| {WORDS[perm]} | {' | '.join(marks)} |"
