"""What the invited person does: open, accept, refuse, ask for a new link. They act by a link, in the firm's scope."""

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.actions.people import accept_terms
from accounts.models import Firm, Membership, MemberState, Terms, User
from accounts.newcomers import Newcomer, admit, owns
from accounts.permissions import Perm, can, take_all
from accounts.terms import current_terms
from activity.actions import in_one_go, record
from activity.origin import Origin, coming_from
from clients.actions.assignments import change_assignments
from clients.actions.people import AlreadyHere, admit_person
from clients.actions.space import AlreadyFollowed, hold_to_open, open_space
from clients.models import Dossier, SpaceLink, SpaceMember, SpaceProfile
from invitations.actions.handling import end, renew, send
from invitations.actions.holding import held
from invitations.actions.letters import withdraw_letters
from invitations.events import (
    ClientJoined,
    ClientWaits,
    InvitationOpened,
    InvitationRefused,
    InvitationRenewed,
    MemberJoined,
    RequestRefused,
)
from invitations.models import FROM_SPACES, Invitation, InvitationKind, InvitationState
from invitations.offers import offers_of
from portfolios.actions import change_subscriptions
from tenancy.scopes import Purpose, crossing


class NotAnswerable(Exception):
    """The link does not open the invitation any more: it was answered or revoked, has expired, or a newer link left."""


class ShownOtherwise(Exception):
    """The invitation no longer says what the person was shown."""


class InviterMayNoLonger(Exception):
    """Whoever sent the invitation may not invite any more."""


class WrongAccount(Exception):
    """The signed-in person has not shown that the invitation's address is theirs."""


class NothingLeftToOpen(Exception):
    """The dossier has its client's space already, or the person their place in the firm."""


@dataclass(frozen=True)
class Invitee:
    """The person invited, as far as the invitation knows them."""

    name: str
    user_id: None = None


@dataclass(frozen=True)
class Link:
    """One link that left by mail: an invitation at one of its generations."""

    invitation_id: UUID
    generation: int


@transaction.atomic
def open_invitation(*, link: Link) -> None:
    """A person, not a mail scanner, has begun to deal with it. Once; an answered or void one stays as it is."""
    invitation = _locked(link)
    if not _answerable(invitation, link) or invitation.opened_at is not None:
        return
    invitation.state, invitation.opened_at = InvitationState.OPENED, timezone.now()
    invitation.save(update_fields=["state", "opened_at"])
    record(InvitationOpened, actor=_invitee(invitation), subject=invitation.target)


@transaction.atomic
@in_one_go()
def accept_as_client(
    *, link: Link, shown: str, person: User | Newcomer, space_id: UUID | None = None
) -> tuple[User, SpaceLink]:
    """Open the client's space, a new one or `space_id`, which the person manages, and tie the dossier to it.

    The link may wait for the consent of the company of the dossier's SIREN (`clients.actions.space.open_space`). If it
    does not, a letter that was printed for the client leads nowhere any more, and is void.

    Exactly once: whoever comes second, however fast, finds it answered. Raises what this module declares,
    `accounts.newcomers.AddressTaken` and `clients.actions.space.NotTheirSpace`.
    """
    _hold_for_client(link, person, space_id)
    invitation, terms = _to_accept(link, shown)
    dossier = invitation.dossier
    assert dossier is not None
    user = _arrived(invitation, person, terms)
    try:
        space = open_space(
            person=user, firm=dossier.firm, dossier=dossier, email=invitation.email, space_id=space_id
        )
    except AlreadyFollowed as error:
        raise NothingLeftToOpen from error
    _close(invitation, user)
    if not space.waiting:
        withdraw_letters(actor=user, dossier=dossier)
    details = {"email": invitation.email, "terms": terms.version}
    record(ClientWaits if space.waiting else ClientJoined, actor=user, subject=dossier, details=details)
    return user, space


@transaction.atomic
@in_one_go()
def accept_as_member(*, link: Link, shown: str, person: User | Newcomer) -> Membership:
    """Take the place in the firm, with the role and the accesses that the page showed. Raises as `accept_as_client`.

    What was terminated or archived since, which the page says, is left out.
    """
    invitation, terms = _to_accept(link, shown)
    user = _arrived(invitation, person, terms)
    assert invitation.membership is not None
    member = Membership.objects.get(pk=invitation.membership.pk)  # held with the invitation
    member.user, member.state, member.role = user, MemberState.CREATED, invitation.role
    member.first_name, member.last_name = user.first_name, user.last_name
    member.last_visit_at = None  # of one who had left: they have not come back yet
    try:
        with transaction.atomic():
            member.save()
    except IntegrityError as error:
        raise NothingLeftToOpen from error
    _close(invitation, user)
    details = {"email": invitation.email, "terms": terms.version}
    record(MemberJoined, actor=member, subject=member, details=details)
    _open_offers(invitation, member)
    return member


@transaction.atomic
@in_one_go()
def accept_as_person(*, link: Link, shown: str, person: User | Newcomer) -> SpaceMember:
    """Come into the client's space with the profile that the page showed. Raises as `accept_as_client`."""
    invitation, terms = _to_accept(link, shown)
    user = _arrived(invitation, person, terms)
    assert invitation.space is not None
    try:
        member = admit_person(
            space=invitation.space,
            user=user,
            email=invitation.email,
            profile=SpaceProfile(invitation.profile),
            terms=terms.version,
        )
    except AlreadyHere as error:
        raise NothingLeftToOpen from error
    _close(invitation, user)
    return member


def _hold_for_client(link: Link, person: User | Newcomer, space_id: UUID | None) -> None:
    """The person's own space, if they enter one that they have, stands in the order before all that the firm has."""
    found = Invitation.objects.select_related("dossier__firm").filter(pk=link.invitation_id).first()
    if found is None or found.dossier is None:
        raise NotAnswerable
    arrived = person if isinstance(person, User) else None
    hold_to_open(person=arrived, firm=found.dossier.firm, dossier=found.dossier, space_id=space_id)


def _open_offers(invitation: Invitation, member: Membership) -> None:
    """Open what the invitation offers, and nothing that stands from an earlier time, in the name of who invited."""
    take_all(member)
    offers, inviter = offers_of(invitation), invitation.invited_by
    assert inviter is not None  # whoever invited still may, so they are there
    for role in sorted({offer.role for offer in offers.offers}):
        portfolios = [offer.key for offer in offers.portfolios if offer.role == role]
        change_subscriptions(actor=inviter, member=member, add=portfolios, role=role)
        dossiers = Dossier.objects.filter(pk__in=[one.key for one in offers.dossiers if one.role == role])
        change_assignments(actor=inviter, dossiers=dossiers, add={member: role})


@transaction.atomic
def refuse_invitation(*, link: Link) -> None:
    """“This is not for me”: its links become void, and the firm is told. Raises NotAnswerable."""
    invitation = _locked(link)
    if not invitation.is_pending:
        raise NotAnswerable
    _tell_who_received(invitation)
    end([invitation], InvitationState.REFUSED)
    record(
        InvitationRefused,
        actor=_invitee(invitation),
        subject=invitation.target,
        details={"email": invitation.email},
        also_tell=[invitation.invited_by] if invitation.invited_by and inviter_may(invitation) else [],
    )


def _tell_who_received(invitation: Invitation) -> None:
    """A firm that was about to answer a client learns that there is nothing to answer any more."""
    if not invitation.is_active or invitation.to_firm_id is None:
        return
    with crossing(invitation, Purpose.ANSWER_REQUEST), coming_from(Origin()):
        took_up = Membership.objects.open().with_person().filter(user=invitation.taken_up_by_id)
        record(
            RequestRefused,
            actor=_invitee(invitation),
            subject=Firm.objects.get(pk=invitation.to_firm_id),
            details={"client": invitation.space_name},
            also_tell=took_up,
        )


@transaction.atomic
def ask_for_link(*, link: Link) -> Invitation:
    """Send the newest link to the address that was invited, and nowhere else; an expired one gets a new deadline.

    Raises NotAnswerable, InviterMayNoLonger.
    """
    invitation = _locked(link)
    if not invitation.is_pending:
        raise NotAnswerable
    _require_inviter(invitation)
    if invitation.has_expired:
        renew([invitation], by=None)
    else:
        send([invitation])
    record(InvitationRenewed, actor=_invitee(invitation), subject=invitation.target)
    return invitation


def fingerprint(invitation: Invitation, terms: Terms) -> str:
    """Of everything that the page shows and acceptance grants: another one means that something has changed."""
    target = invitation.target
    said = [
        invitation.pk,
        invitation.generation,
        invitation.email,
        invitation.kind,
        invitation.role or invitation.profile,
        target.pk,
        "" if invitation.kind == InvitationKind.MEMBER else invitation.target_name,
        invitation.sender_name,
        offers_of(invitation).said,
        invitation.right,
        invitation.ends_others,
        invitation.invited_by_id or invitation.asked_by_id,
        terms.version,
    ]
    return salted_hmac("invitations.shown", "\x1f".join(map(str, said)), algorithm="sha256").hexdigest()


def inviter_may(invitation: Invitation) -> bool:
    """Does whoever sent it still have the right to? In the sender's scope."""
    if invitation.kind in FROM_SPACES:
        return invitation.asker_may
    if invitation.invited_by is None:
        return False
    if invitation.kind == InvitationKind.MEMBER:
        return can(invitation.invited_by, Perm.MANAGE_MEMBERS)
    return can(invitation.invited_by, Perm.INVITE_CLIENT, invitation.dossier)


def _locked(link: Link) -> Invitation:
    """The invitation, held after what it leads to, as it is then. Raises NotAnswerable."""
    if (invitation := held(link.invitation_id)) is None:
        raise NotAnswerable
    return invitation


def _answerable(invitation: Invitation, link: Link) -> bool:
    return invitation.is_open and invitation.generation == link.generation


def _to_accept(link: Link, shown: str) -> tuple[Invitation, Terms]:
    """The invitation, held until the end: what is accepted is what the database says and the page showed."""
    invitation, terms = _locked(link), current_terms()
    if not _answerable(invitation, link):
        raise NotAnswerable
    _require_inviter(invitation)
    if shown != fingerprint(invitation, terms):
        raise ShownOtherwise
    return invitation, terms


def _require_inviter(invitation: Invitation) -> None:
    if not inviter_may(invitation):
        raise InviterMayNoLonger


def _arrived(invitation: Invitation, person: User | Newcomer, terms: Terms) -> User:
    """The account that accepts: the signed-in person's own, or a new one at the invitation's address."""
    if isinstance(person, Newcomer):
        person = admit(address=invitation.email, newcomer=person)
    elif not owns(person, invitation.email):
        raise WrongAccount
    accept_terms(person=person, terms=terms)
    return person


def _close(invitation: Invitation, person: User) -> None:
    invitation.state, invitation.answered_at = InvitationState.ACCEPTED, timezone.now()
    invitation.accepted_by = person
    invitation.opened_at = invitation.opened_at or invitation.answered_at
    invitation.save(update_fields=["state", "answered_at", "accepted_by", "opened_at"])


def _invitee(invitation: Invitation) -> Invitee:
    return Invitee(name=invitation.name or invitation.email)
