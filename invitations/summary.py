"""What other pages show of invitations: the state of a dossier's client, and what waits for somebody."""

from collections import Counter
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, OuterRef, Q, Subquery, Value, When
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from accounts.models import Membership
from clients.columns import StateFilter
from clients.models import ConsentRequest, ConsentState, Dossier, SpaceLink
from invitations.models import ON_HOLD, Invitation, InvitationState, shown_state
from tenancy.prepared import Prepared, among_those_of


def client_states(dossiers: list[UUID]) -> dict[UUID, str]:
    """For each of these dossiers that has one: the state of its latest invitation, or that its client is active, or
    that the company was asked for its consent, or has not given it.

    One query, seldom two: the list of dossiers asks it of each page.
    """
    states: dict[UUID, str] = {}
    for key, is_active, is_asked, state, deadline in _LATEST.rows(dossiers=dossiers):
        if is_active:
            states[key] = "active"
        elif is_asked:
            states[key] = "consent"
        elif state:
            states[key] = shown_state(state, deadline)
    accepted = [key for key, state in states.items() if state == InvitationState.ACCEPTED]
    return {**states, **dict.fromkeys(_refused(accepted), "no_consent")}


def _latest() -> Any:
    """Of each dossier: is its client active, is the company asked, state and deadline of the latest invitation."""
    newest = Invitation.objects.filter(dossier=OuterRef("pk")).order_by("-sent_at", "-id")
    active = SpaceLink.objects.running().filter(dossier=OuterRef("pk"))
    waits = SpaceLink.objects.awaiting().filter(dossier=OuterRef("pk"))
    seen = newest.annotate(seen=Case(When(ON_HOLD, then=Value("on_hold")), default="state"))
    latest = [Subquery(seen.values(field)[:1]) for field in ("seen", "expires_at")]
    rows = Dossier.objects.filter(among_those_of("dossiers")).order_by()
    return rows.values_list("pk", Exists(active), Exists(waits), *latest)


_LATEST = Prepared(_latest)


def _refused(dossiers: list[UUID]) -> list[UUID]:
    """Those whose company did not consent, of these, whose client has accepted and has no link."""
    if not dossiers:
        return []
    refused = ConsentRequest.objects.filter(state=ConsentState.REFUSED, link__dossier__in=dossiers)
    return list(refused.order_by().values_list("link__dossier_id", flat=True))


def state_filters() -> dict[str, StateFilter]:
    """What the list of dossiers may be narrowed to, by the states that `client_states` gives."""
    unanswered = [state for state in InvitationState if state != InvitationState.ACCEPTED]
    return {
        "none": StateFilter(pgettext_lazy("state", "Not invited"), _never_invited),
        **{str(state): StateFilter(state.label, partial(_latest_in, str(state))) for state in unanswered},
        "consent": StateFilter(pgettext_lazy("state", "Waiting for the company's consent"), _asked),
        "active": StateFilter(pgettext_lazy("state", "Active"), _active),
    }


def _active() -> Q:
    return Q(Exists(SpaceLink.objects.running().filter(dossier=OuterRef("pk"))))


def _asked() -> Q:
    return Q(Exists(SpaceLink.objects.awaiting().filter(dossier=OuterRef("pk"))))


def _never_invited() -> Q:
    return ~_active() & ~Q(Exists(Invitation.objects.filter(dossier=OuterRef("pk"))))


def _latest_in(state: str) -> Q:
    """Dossiers whose latest invitation is in this state, and whose client has no space."""
    newest = Invitation.objects.filter(dossier=OuterRef("dossier")).order_by("-sent_at", "-id")
    found = Invitation.objects.in_state(state)
    found = found.filter(dossier=OuterRef("pk"), pk=Subquery(newest.values("pk")[:1]))
    return Q(Exists(found)) & ~_active() & ~_asked()


def waiting_counts(member: Membership) -> dict[str, int]:
    """How many of the invitations that the member sees are `pending`, `expired`, `failed` and `on_hold`."""
    seen = Invitation.objects.visible_to(member).pending().order_by()
    over = Case(When(expires_at__lte=timezone.now(), then=True), default=False)
    inviters = set(Membership.objects.administrators().values_list("pk", flat=True))
    counts = Counter(pending=0, expired=0, failed=0, on_hold=0)
    # Counted by sender: to ask of each of tens of thousands who sent it would take most of the page's time.
    for state, sender, is_over, number in seen.values_list("state", "invited_by", over).annotate(Count("pk")):
        counts[_waits_as(state, is_over=is_over, may_invite=sender in inviters)] += number
    return dict(counts)


def _waits_as(state: str, *, is_over: bool, may_invite: bool) -> str:
    if is_over:
        return "expired"
    if state == InvitationState.FAILED:
        return "failed"
    return "pending" if may_invite else "on_hold"
