"""What a member finds on the firm's first page: what is theirs, what needs them, and how a new firm begins."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.concern import shown_to_member
from accounts.models import Firm, Membership, MemberState, Role
from accounts.permissions import Perm, allows, permitted, without_grants
from activity import queries
from activity.bell import News
from clients import replacements
from clients.models import ConsentRequest, Dossier
from clients.models.imports import Import
from clients.unreached import number_unreached, to_members
from invitations.models import Invitation, Letter, LetterState
from invitations.summary import waiting_counts
from portfolios.models import Portfolio

Text = str | Promise
# How many of something wait, in which words, with which icon, and where they are listed.
Counted = tuple[int, Any, str, str]

# Of the last changes, so many are shown, of as many as are still open to the member.
SHOWN, LOOKED_AT = 8, 40

ON_HOLD = ngettext_lazy(
    "%(n)s invitation is on hold: whoever sent it may no longer invite",
    "%(n)s invitations are on hold: whoever sent them may no longer invite",
    "n",
)
UNANSWERED = ngettext_lazy(
    "%(n)s invitation waits for an answer", "%(n)s invitations wait for an answer", "n"
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
LETTERS = ngettext_lazy(
    "%(n)s client has answered your letter: is it them?",
    "%(n)s clients have answered your letters: is it them?",
    "n",
)
LETTERS_FAILED = ngettext_lazy(
    "%(n)s address given for a letter could not be reached",
    "%(n)s addresses given for letters could not be reached",
    "n",
)
CONSENT = ngettext_lazy(
    "%(n)s firm asks for your firm's consent", "%(n)s firms ask for your firm's consent", "n"
)
MISSED = ngettext_lazy(
    "%(n)s e-mail did not reach its member", "%(n)s e-mails did not reach their members", "n"
)
UNREACHED = ngettext_lazy(
    "%(n)s e-mail did not reach your client", "%(n)s e-mails did not reach your clients", "n"
)
WITHOUT_ACCESS = ngettext_lazy(
    "%(n)s member has no access to anything", "%(n)s members have no access to anything", "n"
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
    """What waits for the member, the most pressing first: each leads to the list of what it counts."""
    clients = (number_unreached(member), UNREACHED, "alert-triangle", firm.url("clients:unreached"))
    counted = (*_invitations(firm, member), clients, *_answers(firm, member), *_others(firm, member))
    return _replacements(firm, member) + [
        Need(text % {"n": number}, icon, url) for number, text, icon, url in counted if number
    ]


def _invitations(firm: Firm, member: Membership) -> list[Counted]:
    waiting, listed = waiting_counts(member), firm.url("invitations:list")
    return [
        (waiting["failed"], FAILED, "alert-triangle", f"{listed}?state=failed"),
        (waiting["expired"], EXPIRED, "mail-x", f"{listed}?state=expired"),
        (waiting["on_hold"], ON_HOLD, "mail-x", f"{listed}?state=on_hold"),
        (waiting["pending"], UNANSWERED, "mail-forward", f"{listed}?state=waiting"),
    ]


def _answers(firm: Firm, member: Membership) -> list[Counted]:
    """Of clients: those who have answered a letter, and those whom the mail about it did not reach."""
    letters = Letter.objects.manageable_by(member).order_by()
    listed = firm.url("invitations:letters")
    proven, failed = LetterState.PROVEN, LetterState.FAILED
    waiting = {state: letters.in_state(state).values("pk") for state in (proven, failed)}
    counts = letters.aggregate(
        **{str(state): Count("pk", filter=Q(pk__in=keys)) for state, keys in waiting.items()}
    )
    return [
        (counts[proven], LETTERS, "mail-opened", f"{listed}?state={proven}"),
        (counts[failed], LETTERS_FAILED, "alert-triangle", f"{listed}?state={failed}"),
    ]


def _others(firm: Firm, member: Membership) -> list[Counted]:
    """Clients who ask for the firm; and what waits for those who may import, change the firm, manage its members.

    One query.
    """
    active = Membership.objects.filter(state=MemberState.ACTIVE)
    consent = ConsentRequest.objects.of_company(firm=firm.pk).waiting().shown()
    members = firm.url("clients:members")
    requests = Invitation.objects.requests_to(member).answerable()
    imports = Import.objects.waiting_for_someone()
    nobody = f"{members}?access=none&state={MemberState.ACTIVE}"
    missed = f"{firm.url('invitations:undelivered')}?to=members"
    asked: list[tuple[Perm | None, Any, Counted]] = [
        (None, _number(requests), (0, ASKED, "mail-opened", firm.url("invitations:requests"))),
        (
            Perm.IMPORT_DOSSIERS,
            _number(imports),
            (0, TO_CONFIRM, "file-spreadsheet", firm.url("clients:imports")),
        ),
        (Perm.CHANGE_FIRM, _number(consent, of="firm"), (0, CONSENT, "help", f"{members}#declarants")),
        (Perm.CHANGE_FIRM, _number(to_members()), (0, MISSED, "alert-triangle", missed)),
        (Perm.MANAGE_MEMBERS, _number(without_grants(active)), (0, WITHOUT_ACCESS, "users", nobody)),
    ]
    role = Role(member.role)
    mine = [one for one in asked if one[0] is None or allows(role, one[0])]
    numbers = (number for _perm, number, _said in mine)
    counts = Membership.objects.filter(pk=member.pk).order_by().values_list(*numbers).get()
    return [(count, *said[1:]) for count, (_perm, _asked, said) in zip(counts, mine, strict=True)]


def _number(found: QuerySet[Any], of: str = "pk") -> Any:
    """How many different ones, as part of another query."""
    alike = found.order_by().annotate(all_alike=Value(1)).values("all_alike")
    return Coalesce(Subquery(alike.annotate(n=Count(of, distinct=True)).values("n")), 0)


def _replacements(firm: Firm, member: Membership) -> list[Need]:
    """For whom the member stands in today, and who stands in for them."""
    listed = firm.url("clients:replacements")
    told = []
    for one in replacements.of_today(member):
        mine = one.cover.pk == member.pk
        words = {"absent": one.absent.name, "cover": one.cover.name, "until": f"{one.ends_on:%d/%m/%Y}"}
        told.append(Need((STANDS_IN if mine else IS_REPLACED) % words, "calendar-event", listed))
    return told


def last_changes(member: Membership) -> list[News]:
    """What others did and told the member of, less what they no longer see: as under the bell, a lost access is lost
    here too."""
    if member.user_id is None:
        return []
    lines = queries.concerning(member.user_id, limit=LOOKED_AT)
    leads = shown_to_member(member, [line.event for line in lines])
    shown = [line.event for line in lines if line.event.pk in leads][:SHOWN]
    return [News(event, leads=leads[event.pk]) for event in shown]


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
