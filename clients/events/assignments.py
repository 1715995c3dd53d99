"""Who is given, and who loses, single dossiers; and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.permissions import ObjectRole, administrators
from activity.events import EventType, Recipient, Text
from clients.events.dossiers import DossierEvent

_FIELDS: Mapping[str, Text] = {"role": _("Role"), "until": _("Ends")}
_WORDS = {"role": dict(ObjectRole.choices)}


class OneAssignment(DossierEvent):
    """About one dossier. Details: `member`, the person's name; `member_id`; `role`; `until`, if it ends by itself."""

    topic = "access"
    fields = {**DossierEvent.fields, **_FIELDS}
    words = _WORDS
    concerns = _("Those to whom the client file is open, and the person whom it is about")

    @classmethod
    def target(cls, details: Mapping[str, Any]) -> Any:
        return details.get("member_id"), details.get("role")


class DossierAssigned(OneAssignment):
    name = "clients.dossier.assigned"
    summary = _("A client file was assigned to a member")
    sentence = _("%(actor)s assigned the client file %(subject)s to %(member)s (%(role)s).")
    opposite = "clients.dossier.unassigned"


class DossierUnassigned(OneAssignment):
    """The person is told by `also_tell`."""

    name = "clients.dossier.unassigned"
    summary = _("A client file is no longer assigned to a member")
    sentence = _(
        "%(actor)s withdrew from %(member)s the assignment of the client file %(subject)s (%(role)s)."
    )
    opposite = "clients.dossier.assigned"


class AssignmentChanged(OneAssignment):
    """Changes: `role`, or `until` where a technical support was prolonged."""

    name = "clients.dossier.assignment-changed"
    summary = _("The assignment of a client file was changed")
    sentence = _("%(actor)s changed the assignment of the client file %(subject)s to %(member)s.")

    @classmethod
    def target(cls, details: Mapping[str, Any]) -> Any:
        return details.get("member_id")


class ManyAssignments(EventType):
    """About one member and many dossiers, each of which has its own line in the journal.

    Details: `count`, how many dossiers; `role`; `dossiers_id`, the same for the same dossiers. Those who see one of
    them are told by `also_tell`.
    """

    route = "clients:list"
    query = "member"
    words = _WORDS
    topic = "access"
    concerns = _(
        "The administrators, the person whom it is about, and those to whom one of the files is open"
    )

    @classmethod
    def audience(cls, subject: Membership, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return [*administrators(), *([subject] if subject.is_open else [])]

    @classmethod
    def target(cls, details: Mapping[str, Any]) -> Any:
        return details.get("dossiers_id"), details.get("role")


class AssignmentsGiven(ManyAssignments):
    name = "clients.assignments.given"
    summary = _("Client files were assigned to a member")
    sentence = _("%(actor)s assigned %(count)s client files to %(subject)s (%(role)s).")
    opposite = "clients.assignments.taken"


class AssignmentsTaken(ManyAssignments):
    name = "clients.assignments.taken"
    summary = _("Client files are no longer assigned to a member")
    sentence = _("%(actor)s withdrew from %(subject)s the assignment of %(count)s client files (%(role)s).")
    opposite = "clients.assignments.given"


class AssignmentsChanged(ManyAssignments):
    """Changes as of `AssignmentChanged`."""

    name = "clients.assignments.changed"
    summary = _("Assignments of client files were changed")
    sentence = _("%(actor)s changed the assignment of %(count)s client files to %(subject)s.")

    @classmethod
    def target(cls, details: Mapping[str, Any]) -> Any:
        return details.get("dossiers_id")
