"""A firm with many invited clients, and their mails."""

from email.utils import make_msgid
from uuid import UUID

from django.core.mail import EmailMultiAlternatives
from django.utils import translation

from accounts.models import Firm, Membership, MemberState, Role, User
from activity.actions import Letter, queue_mails
from activity.mails import REGISTRY, Message
from activity.models import OutgoingEmail
from clients.models import Dossier
from invitations.actions.handling import MAIL
from invitations.models import Invitation, InvitationKind
from tenancy.keys import uuid7
from tenancy.scopes import scope


def make_firm() -> UUID:
    key = uuid7()
    with scope(firm=key):
        Firm.objects.create(
            id=key, name="Cabinet Lemoine", slug=f"cabinet-{key}", siren="732829320", email="a@b.test"
        )
    return key


def make_invitations(firm_id: UUID, count: int) -> list[tuple[UUID, str]]:
    """Of as many dossiers; key and address of each."""
    user = User.objects.create_user(f"alice@{firm_id}.test", first_name="Alice", last_name="Martin")
    with scope(firm=firm_id):
        inviter = Membership.objects.create(
            user=user, email=user.email, first_name="Alice", role=Role.ADMIN, state=MemberState.ACTIVE
        )
        dossiers = [Dossier(legal_name=f"Boulangerie {number}") for number in range(count)]
        for dossier in dossiers:
            dossier.derive_keys()
        Dossier.objects.bulk_create(dossiers, batch_size=1_000)
        made = Invitation.objects.bulk_create(
            [
                Invitation(
                    kind=InvitationKind.CLIENT,
                    dossier=dossier,
                    invited_by=inviter,
                    email=f"client{number}@client.test",
                    name=f"Client {number}",
                )
                for number, dossier in enumerate(dossiers)
            ],
            batch_size=1_000,
        )
    return [(invitation.pk, invitation.email) for invitation in made]


def queue(firm_id: UUID, invitations: list[tuple[UUID, str]]) -> None:
    """As an order of many does: counted by its key."""
    letters = (
        Letter(MAIL, to=address, params={"invitation": str(key), "generation": 1})
        for key, address in invitations
    )
    with scope(firm=firm_id):
        queue_mails(letters, batch=uuid7())


def invitation_message(key: UUID) -> tuple[Message, str]:
    """In the firm's scope: the mail of one invitation, with a token of its own, and its address."""
    invitation = Invitation.objects.get(pk=key)
    mail = OutgoingEmail(kind=MAIL, to=invitation.email, params={"invitation": str(key), "generation": 1})
    return REGISTRY[MAIL].build(mail), invitation.email


def made_messages(firm_id: UUID, invitations: list[tuple[UUID, str]]) -> list[tuple[str, bytes]]:
    """Address and finished message of each."""
    made = []
    with scope(firm=firm_id), translation.override("fr"):
        for key, address in invitations:
            message, _address = invitation_message(key)
            email = EmailMultiAlternatives(
                message.subject,
                message.text,
                to=[address],
                headers={"Message-ID": make_msgid(domain="portail.test")},
            )
            email.attach_alternative(message.html, "text/html")
            made.append((address, _on_the_wire(email)))
    return made


def _on_the_wire(email: EmailMultiAlternatives) -> bytes:
    return bytes(email.message().as_bytes(linesep="\r\n"))  # type: ignore[call-arg]  # Django's own parameter
