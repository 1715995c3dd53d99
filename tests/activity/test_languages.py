"""Each kind of mail is in the recipient's language: the one of their account, else the one chosen as they were invited.

Everybody here acts in French and is written to in English.
"""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse
from django.utils import translation

from accounts.actions.firms import change_reminders
from accounts.actions.journal import give_head
from accounts.actions.people import mail_person, note_security
from accounts.events.people import PasswordChanged
from accounts.models import Membership, MemberState, Role, User
from activity.actions import record
from activity.mails import REGISTRY
from activity.models import Notification
from activity.sealing import seal_portion
from clients.actions.dossiers import update_dossier
from clients.actions.following import register_space
from clients.actions.space import open_space, tell_clients
from clients.events.dossiers import DossierChanged
from clients.models import LinkRight, SpaceMember, SpaceProfile
from invitations.actions.asking import invite_firm, resend_asked
from invitations.actions.drafting import prepare_invitation, send_draft
from invitations.actions.handling import resend_invitation
from invitations.actions.inviting import invite_client, invite_clients, invite_member
from invitations.actions.letters import confirm_letter, give_address, print_letters, prove_address
from invitations.actions.people import correct_person, invite_person
from invitations.actions.texts import send_test
from invitations.jobs import order_sending
from invitations.models import Invitation, InvitationKind, Letter, SendingKind
from invitations.wording import standard
from invitations.working import carry_out
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_person

NADIA = "nadia@english.test"
Row = Callable[[World, User, Any], Any]
ROWS: dict[str, list[Row]] = {}
KINDS = {name for name, kind in REGISTRY.items() if not type(kind).__module__.startswith("tests")}


def row(kind: str) -> Callable[[Row], Row]:
    """What writes such a mail to Nadia; `person` is her account, which the row may leave unused."""

    def declared(made: Row) -> Row:
        ROWS.setdefault(kind, []).append(made)
        return made

    return declared


@row("accounts.password_reset")
def _reset(world: World, person: User, browse: Any) -> None:
    browse().post(reverse("account_reset_password"), {"email": NADIA})


@row("accounts.account_exists")
def _exists(world: World, person: User, browse: Any) -> None:
    mail_person(person=person, kind="accounts.account_exists", to=NADIA)


@row("accounts.confirm_address")
def _confirm(world: World, person: User, browse: Any) -> None:
    address = EmailAddress.objects.create(user=person, email="nouvelle@english.test")
    params = {"address": address.pk, "signup": False}
    mail_person(person=person, kind="accounts.confirm_address", to="nouvelle@english.test", params=params)


@row("accounts.security_notice")
def _security(world: World, person: User, browse: Any) -> None:
    note_security(person=person, happened=PasswordChanged, browser="Firefox")


@row("activity.changes")
def _changes_in_the_firm(world: World, person: User, browse: Any) -> None:
    with scope(firm=world.firm):
        Membership.objects.create(user=person, email=NADIA, role=Role.ADMIN, state=MemberState.ACTIVE)
        update_dossier(actor=world.admin, dossier=make_dossier(), values={"city": "Lyon"})


@row("activity.changes")
def _changes_for_the_client(world: World, person: User, browse: Any) -> None:
    with scope(firm=world.firm):
        dossier = _followed(world, person)
        update_dossier(actor=world.admin, dossier=dossier, values={"city": "Lyon"})


def _followed(world: World, person: User, name: str = "Boulangerie Martin") -> Any:
    dossier = make_dossier(name)
    open_space(person=person, firm=world.firm, dossier=dossier, email=NADIA)
    return dossier


@row("accounts.journal_head")
def _journal_head(world: World, person: User, browse: Any) -> None:
    with scope(firm=world.firm):
        Membership.objects.create(user=person, email=NADIA, role=Role.ADMIN, state=MemberState.ACTIVE)
        change_reminders(actor=world.admin, number=3)
        Notification.objects.all().delete()  # the change's own mail is another row's
        while seal_portion():
            pass
        give_head()


@row("clients.details_changed")
def _details(world: World, person: User, browse: Any) -> None:
    with scope(firm=world.firm):
        dossiers = [_followed(world, person, name) for name in ("Boulangerie Martin", "Garage Petit")]
        group, changes = uuid7(), {"city": ("", "Lyon")}
        for dossier in dossiers:
            record(DossierChanged, actor=world.admin, subject=dossier, changes=changes, group=group)
        tell_clients(actor=world.admin, changes=[(one, changes) for one in dossiers], group=group)


INVITATION = "invitations.invitation"


@row(INVITATION)
def _client_with_an_account(world: World, person: User, browse: Any) -> None:
    with scope(firm=world.firm):
        invite_client(actor=world.admin, dossier=make_dossier(email=NADIA), language="fr")


@row(INVITATION)
def _member_with_an_account(world: World, person: User, browse: Any) -> None:
    with scope(firm=world.firm):
        invite_member(actor=world.admin, email=NADIA, role=Role.ADMIN)


@row("invitations.letter")
def _letter(world: World, person: User, browse: Any) -> None:
    with scope(firm=world.firm):
        dossier = make_dossier()
        _writing, drawn = print_letters(
            actor=world.admin, dossiers=type(dossier).objects.filter(pk=dossier.pk)
        )
        give_address(letter_id=drawn[0][0].pk, email=NADIA, language="en")


@row("invitations.test")
def _test(world: World, person: User, browse: Any) -> None:
    """In the language of the text that is tried, whoever tries it."""
    with scope(firm=world.firm):
        User.objects.filter(pk=person.pk).update(language="fr")
        nadia = Membership.objects.create(user=person, email=NADIA, role=Role.ADMIN, state=MemberState.ACTIVE)
        kind = InvitationKind.CLIENT
        send_test(actor=nadia, kind=kind, language="en", wording=standard(kind, "en"))


def test_every_kind_of_mail_has_its_row() -> None:
    assert set(ROWS) == KINDS


@pytest.mark.parametrize(
    "made", [made for rows in ROWS.values() for made in rows], ids=lambda made: made.__name__
)
def test_a_mail_is_in_the_recipients_language(lemoine: World, browse: Any, outbox: Outbox, made: Row) -> None:
    (kind,) = [kind for kind, rows in ROWS.items() if made in rows]
    nadia = make_person(NADIA, first_name="Nadia", language="en")
    with translation.override("fr"):
        made(lemoine, nadia, browse)
        (mail,) = [mail for mail in outbox.mails() if any("english.test" in to for to in mail.to)]
    (html,) = [str(content) for content, what in mail.alternatives if what == "text/html"]
    assert '<html lang="en"' in html, kind
    assert " you" in mail.body.lower() or "your" in mail.body.lower(), kind
    assert "vous" not in mail.body, kind


# --- Those who have no account yet ----------------------------------------------------------------------------------


def in_english(outbox: Outbox, address: str = NADIA) -> bool:
    return "invites you" in outbox.to(address).body or "asks your accounting firm" in outbox.to(address).body


def test_a_client_is_written_to_in_the_language_chosen_and_so_are_what_follows(
    firm: World, outbox: Outbox
) -> None:
    invitation = invite_client(actor=firm.admin, dossier=make_dossier(email=NADIA), language="en")
    assert in_english(outbox)
    outbox.clear()
    resend_invitation(actor=firm.admin, invitation=invitation)
    assert in_english(outbox)


def test_a_draft_keeps_its_language(firm: World, outbox: Outbox) -> None:
    draft = prepare_invitation(actor=firm.admin, dossier=make_dossier(email=NADIA), language="en")
    send_draft(actor=firm.admin, invitation=draft)
    assert in_english(outbox)


def test_many_at_once(firm: World, outbox: Outbox) -> None:
    dossier = make_dossier(email=NADIA)
    invite_clients(actor=firm.admin, dossiers=type(dossier).objects.filter(pk=dossier.pk), language="en")
    assert in_english(outbox)


def test_many_by_a_worker(firm: World, outbox: Outbox) -> None:
    dossier = make_dossier(email=NADIA)
    sending = order_sending(actor=firm.admin, kind=SendingKind.INVITE, keys=[dossier.pk], language="en")
    carry_out(firm.firm.pk, sending.pk)
    assert in_english(outbox)


def test_a_member(firm: World, outbox: Outbox) -> None:
    invite_member(actor=firm.admin, email=NADIA, role=Role.COLLABORATOR, language="en")
    assert in_english(outbox)


@pytest.fixture
def claire(db: None) -> SpaceMember:
    person = make_person("claire@client.test", first_name="Claire")
    return register_space(user=person, details={"kind": "company", "legal_name": "Atelier Aubry"})


def test_a_person_of_the_client(claire: SpaceMember, outbox: Outbox) -> None:
    with scope(space=claire.space_id):
        made = invite_person(
            actor=claire, email="autre@client.test", profile=SpaceProfile.READER, language="en"
        )
        correct_person(actor=claire, invitation=made, email=NADIA)
    assert in_english(outbox)


def test_a_firm_that_a_client_asks(claire: SpaceMember, outbox: Outbox) -> None:
    with scope(space=claire.space_id):
        made = invite_firm(actor=claire, email=NADIA, right=LinkRight.MANAGE, language="en")
        assert in_english(outbox)
        outbox.clear()
        resend_asked(actor=claire, invitation=made)
    assert in_english(outbox)


def test_who_answers_a_letter_in_english_is_invited_in_english(firm: World, outbox: Outbox) -> None:
    dossier = make_dossier()
    _writing, drawn = print_letters(actor=firm.admin, dossiers=type(dossier).objects.filter(pk=dossier.pk))
    letter = give_address(letter_id=drawn[0][0].pk, email=NADIA, language="en")
    outbox.flush()
    proof = Letter.objects.get(pk=letter.pk).proof_hash
    letter = prove_address(letter_id=letter.pk, proof_hash=str(proof))
    confirm_letter(actor=firm.admin, letter=letter)
    assert in_english(outbox)


def test_without_a_choice_it_is_french(firm: World, outbox: Outbox) -> None:
    with translation.override("en"):
        invite_client(actor=firm.admin, dossier=make_dossier(email=NADIA))
    assert "vous invite" in outbox.to(NADIA).body


def test_the_form_offers_the_language(browse: Any, lemoine: World, outbox: Outbox) -> None:
    with scope(firm=lemoine.firm):
        dossier = make_dossier()
    page = lemoine.firm.url("invitations:invite_client", pk=dossier.pk)
    answer = browse(lemoine.admin).post(page, {"email": NADIA, "profile": "manager", "language": "en"})
    assert answer.status_code in (200, 302)
    with scope(firm=lemoine.firm):
        assert Invitation.objects.get().language == "en"
    assert in_english(outbox)
