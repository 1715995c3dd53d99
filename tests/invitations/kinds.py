"""An invitation of each kind, for tests of what holds for all of them: who sends it, who may no more."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import Membership, Role
from clients.models import ClientSpace, Dossier, LinkRight, SpaceLink, SpaceMember, SpaceProfile
from invitations.actions.asking import correct_asked, invite_firm, resend_asked, revoke_asked
from invitations.actions.correcting import correct_address
from invitations.actions.handling import resend_invitation, revoke_invitation
from invitations.actions.inviting import invite_client, invite_member
from invitations.actions.people import correct_person, invite_person, resend_to_person, revoke_person
from invitations.models import Invitation, InvitationKind
from tenancy.scopes import scope
from tests.invitations.asked import make_client
from tests.worlds import World, make_dossier

Actions = dict[str, Callable[..., Any]]
INVITED = "nina.roy@invitee.test"
KINDS = tuple(InvitationKind)


@dataclass(frozen=True)
class Sent:
    """One that left for `INVITED`, and what its sender may do with it."""

    invitation: Invitation
    actor: Any
    actions: Actions

    def here(self) -> AbstractContextManager[Any]:
        """The sender's scope."""
        return scope(firm=self.invitation.firm_id, space=self.invitation.space_id)

    def now(self) -> Invitation:
        with self.here():
            return Invitation.objects.get(pk=self.invitation.pk)

    def change(self, **fields: Any) -> None:
        with self.here():
            assert Invitation.objects.filter(pk=self.invitation.pk).update(**fields) == 1

    def act(self, what: str, **more: Any) -> None:
        """`resend`, `revoke` or `correct`."""
        with self.here():
            self.actions[what](actor=self.actor, invitation=self.now(), **more)

    def take_right_away(self) -> None:
        """Whoever sent it may invite nobody any more."""
        with self.here():
            if isinstance(self.actor, SpaceMember):
                SpaceMember.objects.filter(pk=self.actor.pk).update(profile=SpaceProfile.FULL)
            else:
                Membership.objects.filter(pk=self.actor.pk).update(role=Role.COLLABORATOR)

    def rename(self, name: str) -> None:
        """What it leads to, or who asks, is called otherwise now: it no longer says what was shown."""
        with self.here():
            if self.invitation.kind == InvitationKind.CLIENT:
                Dossier.objects.filter(invitations=self.invitation).update(legal_name=name)
            elif self.invitation.kind == InvitationKind.MEMBER:
                Invitation.objects.update(role=Role.ADMIN)
            elif self.invitation.kind == InvitationKind.PERSON:
                Invitation.objects.update(space_name=name)
            else:
                ClientSpace.objects.update(legal_name=name)


def send(kind: InvitationKind, world: World) -> Sent:
    """From the world's firm, or from a client of their own whom no firm follows."""
    handled: Actions
    if kind in (InvitationKind.CLIENT, InvitationKind.MEMBER):
        handled = {"resend": resend_invitation, "revoke": revoke_invitation, "correct": correct_address}
        with scope(firm=world.firm):
            invitation = (
                invite_client(actor=world.admin, dossier=make_dossier(email=INVITED))
                if kind == InvitationKind.CLIENT
                else invite_member(actor=world.admin, email=INVITED, role=Role.COLLABORATOR)
            )
        return Sent(invitation, world.admin, handled)
    client = make_client(f"claire.{kind}@boulangerie.test")
    with scope(space=client.space_id):
        if kind == InvitationKind.FIRM:
            asked = invite_firm(actor=client, email=INVITED, right=LinkRight.READ)
            handled = {"resend": resend_asked, "revoke": revoke_asked, "correct": correct_asked}
            return Sent(asked, client, handled)
        personal = invite_person(actor=client, email=INVITED, profile=SpaceProfile.READER)
        handled = {"resend": resend_to_person, "revoke": revoke_person, "correct": correct_person}
        return Sent(personal, client, handled)


def opened_to(sent: Sent) -> list[Any]:
    """What came of it, by the one whose it is: places in the firm or the space, links with their right."""
    with sent.here():
        found: QuerySet[Any, Any]
        if sent.invitation.kind == InvitationKind.MEMBER:
            found = Membership.objects.filter(email=INVITED, user__isnull=False).values_list("role")
        elif sent.invitation.kind == InvitationKind.PERSON:
            found = SpaceMember.objects.filter(email=INVITED).values_list("profile")
        else:
            found = SpaceLink.objects.values_list("right", "waiting")
        return list(found)
