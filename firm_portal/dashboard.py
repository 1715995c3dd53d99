"""What a member finds on the firm's first page: what is theirs, what needs them, and how a new firm begins."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.models import Firm, Membership, Role
from accounts.permissions import Perm, allows, permitted
from activity import queries
from clients import replacements
from clients.models import Dossier
from clients.models.imports import Import
from invitations.models import Invitation
from invitations.summary import waiting_counts
from portfolios.models import Portfolio

Text = str | Promise

# Of the last changes, so many are shown, of as many as are still open to the member.
SHOWN, LOOKED_AT = 8, 40

ON_HOLD = ngettext_lazy(
    "%(n)s invitation is on hold: whoever sent it may no longer invite",
    "%(n)s invitations are on hold: whoever sent them may no longer invite",
    "n",
)
EXPIRED = ngettext_lazy("%(n)s invitation has expired", "%(n)s invitations have expired", "n")
FAILED = ngettext_lazy(
    "%(n)s invitation could not be delivered", "%(n)s invitations could not be delivered", "n"
)
STANDS_IN = _("You replace %(absent)s until %(until)s")
IS_REPLACED = _("%(cover)s replaces you until %(until)s")
ASKED = ngettext_lazy(
    "%(n)s client asks your firm to follow them", "%(n)s clients ask your firm to follow them", "n"
)
TO_CONFIRM = ngettext_lazy(
    "%(n)s import waits for your confirmation", "%(n)s imports wait for your confirmation", "n"
)


@dataclass(frozen=True)
class Figure:
    """A number that leads to the list of what it counts."""

    label: Text
    value: int
    icon: str
    url: str


@dataclass(frozen=True)
class Need:
    """Something that waits for the member."""

    text: Text
    icon: str
    url: str


@dataclass(frozen=True)
class Step:
    """One of a new firm's first steps."""

    title: Text
    text: Text
    url: str
    is_done: bool
    opens_dialog: bool = False


def counts(firm: Firm, member: Membership) -> list[Figure]:
    """The member's dossiers and portfolios; for an administrator those that no portfolio holds, too."""
    dossiers = permitted(Dossier.objects.clients().active(), member, Perm.VIEW_DOSSIER).order_by()
    number = dossiers.aggregate(all=Count("pk"), alone=Count("pk", filter=Q(portfolio=None)))
    portfolios = permitted(Portfolio.objects.running(), member, Perm.VIEW_PORTFOLIO)
    every = member.role == Role.ADMIN
    listed = firm.url("clients:list")
    return [
        Figure(_("Client files") if every else _("My client files"), number["all"], "folders", listed),
        Figure(
            _("Portfolios") if every else _("My portfolios"),
            portfolios.count(),
            "briefcase",
            firm.url("portfolios:list"),
        ),
        Figure(
            _("Without a portfolio"),
            number["alone"],
            "folder-open",
            f"{listed}?portfolio=none",
        ),
    ]


def needs(firm: Firm, member: Membership) -> list[Need]:
    """What waits: invitations that failed or expired, clients who ask for the firm, imports to confirm."""
    waiting = waiting_counts(member)
    imports = (
        Import.objects.waiting_for_someone().count() if allows(Role(member.role), Perm.IMPORT_DOSSIERS) else 0
    )
    asked = Invitation.objects.requests_to(member).answerable().count()
    invitations = firm.url("invitations:list")
    return _replacements(firm, member) + [
        Need(text % {"n": number}, icon, url)
        for number, text, icon, url in (
            (waiting["expired"], EXPIRED, "mail-x", f"{invitations}?state=expired"),
            (waiting["on_hold"], ON_HOLD, "mail-x", f"{invitations}?state=on_hold"),
            (waiting["failed"], FAILED, "alert-triangle", f"{invitations}?state=failed"),
            (asked, ASKED, "mail-opened", firm.url("invitations:requests")),
            (imports, TO_CONFIRM, "file-spreadsheet", firm.url("clients:imports")),
        )
        if number
    ]


def _replacements(firm: Firm, member: Membership) -> list[Need]:
    """For whom the member stands in today, and who stands in for them."""
    listed = firm.url("clients:replacements")
    told = []
    for one in replacements.of_today(member):
        mine = one.cover.pk == member.pk
        words = {"absent": one.absent.name, "cover": one.cover.name, "until": f"{one.ends_on:%d/%m/%Y}"}
        told.append(Need((STANDS_IN if mine else IS_REPLACED) % words, "calendar-event", listed))
    return told


def last_changes(member: Membership) -> list[queries.Line]:
    """What others did and told the member of, less what they no longer see: a lost access is lost here too."""
    if member.user_id is None:
        return []
    lines = queries.concerning(member.user_id, limit=LOOKED_AT)
    hidden = _unseen(lines, member, Dossier.objects.all(), Perm.VIEW_DOSSIER)
    hidden |= _unseen(lines, member, Portfolio.objects.all(), Perm.VIEW_PORTFOLIO)
    return [line for line in lines if line.event.subject_id not in hidden][:SHOWN]


def _unseen(lines: list[queries.Line], member: Membership, things: QuerySet[Any], perm: Perm) -> set[UUID]:
    """The subjects of this kind that the member may not see now."""
    label = things.model._meta.label_lower
    keys = {key for line in lines if line.event.subject_type == label and (key := line.event.subject_id)}
    seen = permitted(things.filter(pk__in=keys), member, perm).values_list("pk", flat=True) if keys else ()
    return keys - set(seen)


def first_steps(firm: Firm, member: Membership) -> list[Step]:
    """How a firm begins; nothing for a collaborator, nor once all of it is done."""
    if member.role != Role.ADMIN:
        return []
    has_portfolios, has_clients, has_colleagues, has_invited = _done(member)
    steps = [
        Step(
            _("Create a portfolio"),
            _("A name for client files that the same people look after."),
            firm.url("portfolios:create"),
            has_portfolios,
            opens_dialog=True,
        ),
        Step(
            _("Bring your clients in"),
            _("From your Excel list: nothing is written before you have seen and confirmed it."),
            firm.url("clients:imports"),
            has_clients,
        ),
        Step(
            _("Invite your collaborators"),
            _("They see the portfolios that you open to them."),
            firm.url("invitations:invite_member"),
            has_colleagues,
            opens_dialog=True,
        ),
        Step(
            _("Invite your clients"),
            _(
                "Tick them in the list and press “Send the invitation”: each gets a mail and a space of their own."
            ),
            firm.url("clients:list"),
            has_invited,
        ),
    ]
    return [] if all(step.is_done for step in steps) else steps


def _done(member: Membership) -> tuple[bool, ...]:
    """Has the firm portfolios, clients, colleagues of the member, an invited client? One query."""
    begun = (
        Portfolio.objects.all(),
        Dossier.objects.clients(),
        Membership.objects.exclude(pk=member.pk),
        Invitation.objects.exclude(dossier=None),
    )
    asked = Membership.objects.filter(pk=member.pk).order_by()
    return tuple(asked.values_list(*(Exists(some.order_by()) for some in begun)).get())
