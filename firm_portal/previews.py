"""Each kind of mail as it looks with the people of the demonstration: for development, at /dev/mails/.

Something happens as it does in the product, its mail is made as when it leaves, and all of it is taken back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import translation

from accounts.actions.firms import change_firm, change_reminders
from accounts.actions.journal import give_head
from accounts.actions.people import mail_person, note_security
from accounts.events.people import PasswordChanged
from accounts.lookups import firms_of
from accounts.models import Membership, Role, User
from accounts.permissions import Perm, permitted
from activity.actions import record
from activity.mails import REGISTRY, Message, OutgoingEmail
from activity.sealing import seal_portion
from activity.showing import told_now
from clients.actions.dossiers import update_dossier
from clients.actions.space import open_space, tell_clients
from clients.events.dossiers import DossierChanged
from clients.lookups import spaces_of
from clients.models import Dossier, LinkRight, SpaceLink, SpaceMember, SpaceProfile
from firm_portal.demo import ACCOUNTS, CLIENT
from invitations.actions.asking import invite_firm
from invitations.actions.inviting import invite_client, invite_member
from invitations.actions.letters import give_address, print_letters
from invitations.actions.people import invite_person
from invitations.actions.texts import send_test
from invitations.models import Invitation, InvitationKind
from invitations.texts import wording_of
from tenancy.keys import uuid7
from tenancy.scopes import scope


class NoDemonstration(Exception):
    """The people of the demonstration are not there."""


class Demo:
    """The first firm, its administrator, its client; whatever else these have come into since."""

    @cached_property
    def alice_herself(self) -> User:
        return self._person(ACCOUNTS[0].email)

    @cached_property
    def claire(self) -> User:
        return self._person(CLIENT)

    @cached_property
    def firm_id(self) -> Any:
        return next(row["firm_id"] for row in firms_of(self.alice_herself.pk) if row["role"] == Role.ADMIN)

    @cached_property
    def space_id(self) -> Any:
        mine = spaces_of(self.claire.pk)
        return next(row["space_id"] for row in mine if row["profile"] == SpaceProfile.MANAGER)

    @contextmanager
    def in_firm(self) -> Iterator[Membership]:
        """In the firm's scope, as its administrator."""
        with scope(firm=self.firm_id):
            members = Membership.objects.select_related("user", "firm")
            yield members.get(user=self.alice_herself)

    @contextmanager
    def in_space(self) -> Iterator[SpaceMember]:
        with scope(space=self.space_id):
            yield SpaceMember.objects.select_related("user", "space").get(user=self.claire)

    @staticmethod
    def _person(email: str) -> User:
        found = User.objects.filter(email=email).first()
        if found is None:
            raise NoDemonstration
        return found


@dataclass(frozen=True)
class Preview:
    """One example of a kind; `make` brings it about and returns its message, in the active language."""

    key: str
    kind: str
    make: Callable[[Demo], Message]


PREVIEWS: dict[str, Preview] = {}


def shown(preview: Preview, language: str) -> Message:
    """The mail in that language. Raises NoDemonstration. Nothing of it stays, and nothing leaves."""
    with transaction.atomic(), translation.override(language):
        try:
            return preview.make(Demo())
        finally:
            transaction.set_rollback(True)


def _preview(key: str, kind: str) -> Callable[[Callable[[Demo], Message]], Callable[[Demo], Message]]:
    def declared(make: Callable[[Demo], Message]) -> Callable[[Demo], Message]:
        PREVIEWS[key] = Preview(key, kind, make)
        return make

    return declared


def _newest(kind: str) -> Message:
    """What the last mail of that kind says, of the owner in scope."""
    mail = OutgoingEmail.objects.of_scope().filter(kind=kind).order_by("-pk")[0]
    return REGISTRY[kind].build(mail)


# --- A person's own account -------------------------------------------------------------------------------------------


def _own(demo: Demo, kind: str, **params: Any) -> Message:
    alice = demo.alice_herself
    mail_person(person=alice, kind=kind, to=params.pop("to", alice.email), params=params)
    with scope(person=alice):
        return _newest(kind)


@_preview("password-reset", "accounts.password_reset")
def _password_reset(demo: Demo) -> Message:
    return _own(demo, "accounts.password_reset")


@_preview("account-exists", "accounts.account_exists")
def _account_exists(demo: Demo) -> Message:
    return _own(demo, "accounts.account_exists")


def _address(demo: Demo, *, signup: bool) -> Message:
    to = "alice@nouvelle-adresse.example"
    address = EmailAddress.objects.create(user=demo.alice_herself, email=to, verified=False)
    return _own(demo, "accounts.confirm_address", to=to, address=address.pk, signup=signup)


@_preview("confirm-new-account", "accounts.confirm_address")
def _new_account(demo: Demo) -> Message:
    return _address(demo, signup=True)


@_preview("confirm-other-address", "accounts.confirm_address")
def _other_address(demo: Demo) -> Message:
    return _address(demo, signup=False)


def _notice(demo: Demo, *addresses: str) -> Message:
    alice = demo.alice_herself
    note_security(person=alice, happened=PasswordChanged, browser="Firefox, Linux", addresses=addresses)
    with scope(person=alice):
        return _newest("accounts.security_notice")


@_preview("security-notice", "accounts.security_notice")
def _security_notice(demo: Demo) -> Message:
    return _notice(demo)


@_preview("security-notice-former-address", "accounts.security_notice")
def _security_notice_elsewhere(demo: Demo) -> Message:
    return _notice(demo, "alice@ancienne-adresse.example")


@_preview("journal-head", "accounts.journal_head")
def _journal_head(demo: Demo) -> Message:
    with demo.in_firm() as alice:
        change_reminders(actor=alice, number=3)
        while seal_portion():
            pass
        give_head()
        return _newest("accounts.journal_head")


# --- What others changed ----------------------------------------------------------------------------------------------


def _colleague_changes(demo: Demo, count: int) -> Message:
    with demo.in_firm():
        chloe = Membership.objects.select_related("user", "firm").get(email=ACCOUNTS[1].email)
        theirs = permitted(Dossier.objects.clients().active(), chloe, Perm.CHANGE_DOSSIER)
        for dossier in theirs.order_by("pk")[:count]:
            update_dossier(actor=chloe, dossier=dossier, values={"phone": "01 99 00 45 67", "city": "Nantes"})
        return told_now(demo.alice_herself.pk)


@_preview("one-change", "activity.changes")
def _one_change(demo: Demo) -> Message:
    return _colleague_changes(demo, 1)


@_preview("several-changes", "activity.changes")
def _several_changes(demo: Demo) -> Message:
    return _colleague_changes(demo, 24)


@_preview("change-to-the-client", "activity.changes")
def _change_to_the_client(demo: Demo) -> Message:
    with demo.in_firm() as alice:
        firm = alice.firm
        change = {"phone": "04 99 00 77 88", "email": firm.email, "second_factor_required": False}
        change_firm(actor=alice, name=firm.name, **change)
        update_dossier(actor=alice, dossier=_followed(), values={"phone": "01 99 00 45 67"})
    with demo.in_space():
        return told_now(demo.claire.pk)


def _followed() -> Dossier:
    return SpaceLink.objects.running().select_related("dossier__firm")[0].dossier


@_preview("details-of-several-clients", "clients.details_changed")
def _details(demo: Demo) -> Message:
    with demo.in_firm() as alice:
        first = _followed()
        linked = SpaceLink.objects.current().values("dossier_id")
        other = Dossier.objects.clients().active().exclude(pk__in=linked).exclude(legal_name="")[0]
        open_space(
            person=demo.claire,
            firm=alice.firm,
            dossier=other,
            email=CLIENT,
        )
        group, changes = uuid7(), {"city": ("Lyon", "Nantes"), "phone": ("", "01 99 00 45 67")}
        for dossier in (first, other):
            record(DossierChanged, actor=alice, subject=dossier, changes=changes, group=group)
        tell_clients(actor=alice, changes=[(first, changes), (other, changes)], group=group)
        return _newest("clients.details_changed")


# --- Invitations and letters ------------------------------------------------------------------------------------------

INVITATION = "invitations.invitation"


def _invitable() -> Dossier:
    open_ones = Dossier.objects.clients().active().exclude(email="")
    linked = SpaceLink.objects.current().values("dossier_id")
    asked = Invitation.objects.unanswered().exclude(dossier=None).values("dossier_id")
    return open_ones.exclude(pk__in=linked).exclude(pk__in=asked)[0]


@_preview("invitation-client", INVITATION)
def _client(demo: Demo) -> Message:
    with demo.in_firm() as alice:
        invite_client(actor=alice, dossier=_invitable())
        return _newest(INVITATION)


@_preview("invitation-client-reminder", INVITATION)
def _client_reminder(demo: Demo) -> Message:
    with demo.in_firm() as alice:
        invitation = invite_client(actor=alice, dossier=_invitable())
        Invitation.objects.filter(pk=invitation.pk).update(reminder_count=1)
        mail = OutgoingEmail.objects.of_scope().filter(kind=INVITATION).order_by("-pk")[0]
        mail.params["reminder"] = 1
        return REGISTRY[INVITATION].build(mail)


@_preview("invitation-member", INVITATION)
def _member(demo: Demo) -> Message:
    with demo.in_firm() as alice:
        invite_member(actor=alice, email="nadia@lemoine.example", role=Role.COLLABORATOR, first_name="Nadia")
        return _newest(INVITATION)


@_preview("invitation-person", INVITATION)
def _person(demo: Demo) -> Message:
    with demo.in_space() as claire:
        invite_person(actor=claire, email="bruno@atelier-besson.example", profile=SpaceProfile.BILLING)
        return _newest(INVITATION)


@_preview("invitation-firm", INVITATION)
def _firm(demo: Demo) -> Message:
    with demo.in_space() as claire:
        invite_firm(actor=claire, email="bonjour@cabinet-nouveau.example", right=LinkRight.MANAGE)
        return _newest(INVITATION)


@_preview("invitation-test", "invitations.test")
def _test(demo: Demo) -> Message:
    language = (translation.get_language() or "fr")[:2]
    with demo.in_firm() as alice:
        wording = wording_of(InvitationKind.CLIENT, language, None)
        send_test(actor=alice, kind=InvitationKind.CLIENT, language=language, wording=wording)
        return _newest("invitations.test")


@_preview("letter-address", "invitations.letter")
def _letter(demo: Demo) -> Message:
    with demo.in_firm() as alice:
        chosen = Dossier.objects.filter(pk=_invitable().pk)
        _writing, drawn = print_letters(actor=alice, dossiers=chosen)
        give_address(letter_id=drawn[0][0].pk, email="camille@courriel.example", language="fr")
        return _newest("invitations.letter")
