"""What a firm does with the invitation of a client: receive it, follow the client, decline.

It is received by whoever holds the link, in the client's scope; from then on it stands in that firm's list, and the
rest is done in the firm's scope (docs/decisions/0019-a-client-invites-a-firm.md).
"""

from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.actions.holding import hold_and_require
from accounts.lookups import firms_of
from accounts.models import Membership, User
from accounts.newcomers import owns, person_at
from accounts.permissions import Perm
from activity.actions import in_one_go, record
from activity.origin import Origin, coming_from
from clients.actions.following import details_of, end_others, follow
from clients.events.following import FirmAgreed
from clients.models import ClientSpace, Dossier, LinkRight, SpaceLink
from invitations.actions.answering import (
    InviterMayNoLonger,
    Link,
    NotAnswerable,
    ShownOtherwise,
    WrongAccount,
)
from invitations.actions.handling import end
from invitations.actions.holding import held, held_alone, hold_dossiers, hold_space
from invitations.actions.inviting import unanswered_of
from invitations.actions.letters import withdraw_letters
from invitations.events import (
    FirmDeclined,
    InvitationHandedBack,
    InvitationRevoked,
    InvitationTakenUp,
    RequestDeclined,
    RequestHandedBack,
    RequestReceived,
)
from invitations.models import Invitation, InvitationKind, InvitationState
from tenancy.scopes import Purpose, crossing


class NotTheirFirm(Exception):
    """The person does not work in the firm for which they would answer."""


class TakenUpElsewhere(Exception):
    """Somebody has received the invitation for another firm."""


@dataclass(frozen=True)
class Asked:
    """What a firm sees of the client who asks: their details by field, and who of them asks.

    `mark` is another one as soon as any of this is. `still`: the person who asks may still do so.
    """

    details: dict[str, str]
    name: str
    asker_name: str
    asker_email: str
    mark: str
    still: bool


def may_answer(person: User, invitation: Invitation) -> bool:
    """An address that is somebody's proven one is answered by them alone; any other, by who holds the link."""
    return owns(person, invitation.email) or person_at(invitation.email) is None


@transaction.atomic
def take_up(*, link: Link, person: User, firm_id: UUID) -> Invitation:
    """Receive the invitation for one of the person's firms, whose list it then stands in; in the client's scope.

    Once: another firm does not get what one has received. A colleague may receive it in turn, which is told as the
    first time. Raises NotAnswerable, InviterMayNoLonger, WrongAccount, NotTheirFirm, TakenUpElsewhere.
    """
    invitation = _held_by_link(link)
    if not may_answer(person, invitation):
        raise WrongAccount
    firm = next((row for row in firms_of(person.pk) if row["firm_id"] == firm_id), None)
    if firm is None:
        raise NotTheirFirm(firm_id)
    if invitation.to_firm_id not in (None, firm_id):
        raise TakenUpElsewhere(invitation.pk)
    is_new = invitation.taken_up_by_id != person.pk
    before = invitation.taken_up_by
    invitation.to_firm_id, invitation.to_firm_name, invitation.taken_up_by = firm_id, firm["name"], person
    invitation.opened_at = invitation.opened_at or timezone.now()
    invitation.state = InvitationState.OPENED
    invitation.save(update_fields=["to_firm", "to_firm_name", "taken_up_by", "opened_at", "state"])
    if is_new:
        _tell_both(invitation, person, before)
    return invitation


def asked(invitation: Invitation) -> Asked:
    """Who asks, as it stands in their space now; in the scope of the firm for which it was received."""
    with crossing(invitation, Purpose.SHOW_REQUEST):
        mine, space = Invitation.objects.with_names().get(pk=invitation.pk), _space_of(invitation)
        details, asker = details_of(space), mine.asked_by
        said = [
            mine.pk,
            mine.to_firm_id,
            mine.right,
            mine.ends_others,
            asker.pk if asker else "",
            *details.values(),
        ]
        return Asked(
            details=details,
            name=space.name,
            asker_name=asker.name if asker else "",
            asker_email=asker.email if asker else "",
            mark=salted_hmac(
                "invitations.asked", "\x1f".join(map(str, said)), algorithm="sha256"
            ).hexdigest(),
            still=mine.asker_may,
        )


@transaction.atomic
@in_one_go()
def follow_client(
    *, actor: Membership, invitation: Invitation, shown: str, dossier: Dossier | None = None
) -> SpaceLink:
    """Follow the client with the right that they chose, by a new dossier or by this one of the firm; in its scope.

    Where the client said so, the access of the firms that followed them then ends; what the firm itself had sent to the
    dossier's client leads nowhere any more, and is withdrawn. Exactly once. Raises NotAnswerable, InviterMayNoLonger,
    ShownOtherwise, and `clients.actions.following.AlreadyFollowing` and `NotLinkable`.
    """
    invitation = _held(actor, invitation, dossier)  # with the space: what the answer goes by stays as it is
    client = asked(invitation)
    if not client.still:
        raise InviterMayNoLonger
    if shown != client.mark:
        raise ShownOtherwise
    link = follow(
        actor=actor,
        space_id=_space_id(invitation),
        right=LinkRight(invitation.right),
        details=client.details,
        dossier=dossier,
    )
    if dossier is not None:
        _withdraw_ours(actor, dossier)
    with crossing(invitation, Purpose.ANSWER_REQUEST):
        _tell_agreed(invitation, link, actor)
    _close(invitation, InvitationState.ACCEPTED, actor)
    return link


@transaction.atomic
def decline_client(*, actor: Membership, invitation: Invitation) -> None:
    """Answer no for the firm; the client is told, and may invite another one. Raises NotAnswerable."""
    invitation = _held(actor, invitation)
    with crossing(invitation, Purpose.ANSWER_REQUEST), coming_from(Origin()):
        space = _space_of(invitation)
        record(FirmDeclined, actor=actor, subject=space, details={"firm": invitation.to_firm_name})
    _close(invitation, InvitationState.REFUSED, actor)
    details = {"client": invitation.space_name}
    record(RequestDeclined, actor=actor, subject=actor.firm, details=details)


@transaction.atomic
def hand_back(*, actor: Membership, invitation: Invitation) -> None:
    """It was received for the wrong firm: it leaves this one's list, and its link is good for another one again.

    The client is told, and so is whoever received it. Raises NotAnswerable.
    """
    invitation = _held(actor, invitation)
    received = Membership.objects.open().with_person().filter(user=invitation.taken_up_by_id)
    nobodys = {"to_firm": None, "to_firm_name": "", "taken_up_by": None}
    with crossing(invitation, Purpose.ANSWER_REQUEST), coming_from(Origin()):
        space, details = _space_of(invitation), {"firm": invitation.to_firm_name}
        record(InvitationHandedBack, actor=actor, subject=space, details=details)
        Invitation.objects.filter(pk=invitation.pk).update(**nobodys)
    details = {"client": invitation.space_name}
    record(RequestHandedBack, actor=actor, subject=actor.firm, details=details, also_tell=received)


def _held_by_link(link: Link) -> Invitation:
    """In the client's scope."""
    invitation = held(link.invitation_id)
    if invitation is None or invitation.kind != InvitationKind.FIRM:
        raise NotAnswerable
    if not invitation.is_open or invitation.generation != link.generation:
        raise NotAnswerable
    if not invitation.asker_may:
        raise InviterMayNoLonger
    return invitation


def _held(actor: Membership, invitation: Invitation, dossier: Dossier | None = None) -> Invitation:
    """The invitation, held after the client's space, the member's place and the dossier by which the firm would follow,
    if the member may (still, once this has waited) answer it for the firm."""
    found = Invitation.objects.filter(pk=invitation.pk, to_firm=actor.firm_id).first()
    if found is None or not found.is_active:
        raise NotAnswerable
    with crossing(found, Purpose.SHOW_REQUEST):
        hold_space(_space_id(found))
    hold_and_require(actor, Perm.CREATE_DOSSIER)
    if dossier is not None:
        hold_dossiers([dossier.pk])
    waiting = held_alone(found.pk)
    if waiting is None or waiting.to_firm_id != actor.firm_id or not waiting.is_active:
        raise NotAnswerable
    if not Invitation.objects.requests_to(actor).filter(pk=waiting.pk).exists():
        raise PermissionDenied("answer_clients")
    return waiting


def _space_id(invitation: Invitation) -> UUID:
    assert invitation.space_id is not None  # each that a client sends has one
    return invitation.space_id


def _space_of(invitation: Invitation) -> ClientSpace:
    """In its scope."""
    return ClientSpace.objects.get(pk=_space_id(invitation))


def _tell_both(invitation: Invitation, person: User, before: User | None) -> None:
    """Each side knows from now on: the firm's administrators may answer, the client sees for which firm.

    `before`: who had received it for the same firm; it stands in the list of whoever received it last, and of the
    administrators.
    """
    with crossing(invitation, Purpose.ANSWER_REQUEST):
        member = Membership.objects.open().select_related("firm").get(user=person)
        former = Membership.objects.open().with_person().filter(user=before) if before else ()
        record(
            RequestReceived,
            actor=member,
            subject=member.firm,
            changes={"received_by": (before.name, person.name)} if before else {},
            details={"client": invitation.space_name},
            also_tell=former,
        )
    with coming_from(Origin()):
        details = {"firm": invitation.to_firm_name}
        record(InvitationTakenUp, actor=member, subject=invitation.target, details=details)


def _withdraw_ours(actor: Membership, dossier: Dossier) -> None:
    """What the firm has asked the dossier's client by, who has come by another way. The dossier is held."""
    withdraw_letters(actor=actor, dossier=dossier)
    waiting = [one for one in unanswered_of(dossier) if one.is_pending]
    end(waiting, InvitationState.REVOKED)
    for one in waiting:
        record(InvitationRevoked, actor=actor, subject=dossier, details={"email": one.email})


def _tell_agreed(invitation: Invitation, link: SpaceLink, actor: Membership) -> None:
    """In the client's scope: they are told who follows them, and those whose place it takes lose their access."""
    mine, space = Invitation.objects.with_names().get(pk=invitation.pk), _space_of(invitation)
    with coming_from(Origin()):
        record(FirmAgreed, actor=actor, subject=space, details=link.by_firm)
        if mine.ends_others and mine.asked_by is not None:
            end_others(actor=mine.asked_by, keep=link, since_before=mine.created_at)


def _close(invitation: Invitation, state: InvitationState, actor: Membership) -> None:
    invitation.state, invitation.answered_at, invitation.accepted_by = state, timezone.now(), None
    if state == InvitationState.ACCEPTED:
        invitation.accepted_by = actor.user
    invitation.save(update_fields=["state", "answered_at", "accepted_by"])
