"""A client who asks a firm to follow them, for tests: the space, the invitation, the link, the answer."""

from typing import Any
from uuid import UUID

from accounts.models import Membership, User
from clients.actions.following import register_space
from clients.models import Dossier, LinkRight, SpaceLink, SpaceMember
from invitations.actions.answering import Link
from invitations.actions.asking import invite_firm
from invitations.actions.following import asked, follow_client, take_up
from invitations.models import Invitation
from tenancy.scopes import scope
from tests.worlds import make_person

SIREN = "443061841"
FIRMS_ADDRESS = "contact@cabinet.test"


def make_client(email: str = "claire@boulangerie.test", name: str = "Boulangerie Martin") -> SpaceMember:
    """A client with a space of their own, whom no firm follows."""
    person = make_person(email, first_name="Claire", last_name="Aubry")
    return register_space(user=person, details={"kind": "company", "legal_name": name, "siren": SIREN})


def ask(
    client: SpaceMember,
    email: str = FIRMS_ADDRESS,
    right: LinkRight = LinkRight.MANAGE,
    *,
    instead: bool = False,
) -> Invitation:
    with scope(space=client.space_id):
        return invite_firm(actor=client, email=email, right=right, ends_others=instead)


def receive(invitation: Invitation, member: Membership) -> Invitation:
    """The member opens the mail's link and answers for their firm."""
    assert member.user is not None and member.firm_id is not None
    return receive_for(invitation, member.user, member.firm_id)


def receive_for(invitation: Invitation, person: User, firm: UUID) -> Invitation:
    with scope(space=invitation.space_id):
        now = Invitation.objects.get(pk=invitation.pk)
        return take_up(link=Link(now.pk, now.generation), person=person, firm_id=firm)


def agree(invitation: Invitation, member: Membership, **changes: Any) -> SpaceLink:
    """The member accepts what the firm's page shows."""
    with scope(firm=member.firm_id):
        received = Invitation.objects.get(pk=invitation.pk)
        shown = {"shown": asked(received).mark, **changes}
        return follow_client(actor=member, invitation=received, **shown)


def followed_by(client: SpaceMember, member: Membership, **choices: Any) -> SpaceLink:
    """From the client's invitation to the link."""
    invitation = receive(ask(client, **choices), member)
    return agree(invitation, member)


def dossier_of(link: SpaceLink) -> Dossier:
    with scope(firm=link.firm_id):
        return Dossier.objects.get(pk=link.dossier_id)
