"""The actions that no row of `test_audiences.py` calls by themselves: each is done once, in the firm's scope."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.signed_cookies import SessionStore

from accounts.actions import firms, letterhead, passkeys, people
from accounts.actions.passkeys import keep_passkey
from accounts.actions.replacements import begin_at_once
from accounts.models import Passkey
from accounts.newcomers import Newcomer
from accounts.passkeys import MadeKey, ask_to_make, made_key
from accounts.permissions import ObjectRole
from accounts.terms import current_terms
from clients.actions import files
from clients.actions.bulk import Into, edit_dossiers
from clients.actions.following import end_following, linkable, siren_of, what_ending_means
from clients.actions.portfolios import may_be_restored, restorable_until
from clients.actions.support import run_out
from clients.imports.asked import WITHOUT
from clients.jobs import (
    choose_assignees,
    choose_portfolio,
    choose_portfolios,
    choose_rule,
    choose_sheet,
    correct,
    correct_rows,
    decide,
    keep_theirs,
    may_be_chosen,
    plan_key,
    take_mine,
)
from clients.models import Dossier, Import, MatchRule, SpaceMember, SpaceProfile, SupportAuthorisation
from exports.actions import take_away
from exports.making import make_export
from exports.models import Export
from invitations.actions.answering import accept_as_member, accept_as_person, fingerprint, inviter_may
from invitations.actions.asking import correct_asked, resend_asked
from invitations.actions.drafting import send_draft, send_drafts
from invitations.actions.following import asked, may_answer
from invitations.actions.inviting import plan_invitations
from invitations.actions.letters import leads_somewhere, plan_letters
from invitations.actions.people import correct_person, invite_person, resend_to_person, revoke_person
from invitations.actions.texts import mark_of
from invitations.models import Invitation
from portfolios.actions import change_subscriber
from tenancy import scopes
from tenancy.keys import uuid7
from tests.activity.test_audiences import (
    Cast,
    _answer,
    _draft,
    _for_nina,
    _letter,
    _link,
    _ordered,
    _replaced,
    _support,
)
from tests.clients.lists import plan, read
from tests.invitations import asked as asked_firm
from tests.passkeys import Device
from tests.worlds import make_dossier, make_person

Scenario = Callable[[Cast], None]
SCENARIOS: list[Scenario] = []


def scenario(made: Scenario) -> Scenario:
    SCENARIOS.append(made)
    return made


# --- people -----------------------------------------------------------------------------------------------------


@scenario
def a_firm_registers(cast: Cast) -> None:
    with scopes.nowhere():
        firms.register_firm(user=make_person("lea@roussel.test"), name="Roussel", siren="732829320")


@scenario
def mails_bear_another_name(cast: Cast) -> None:
    letterhead.change_sender(actor=cast.alice, mail_name="Le cabinet", reply_to="")


@scenario
def another_language(cast: Cast) -> None:
    people.change_language(person=cast.claire, language="en")


@scenario
def a_passkey_comes_and_goes(cast: Cast) -> None:
    key = keep_passkey(person=cast.claire, made=_made_key(cast), browser="Firefox")
    passkeys.remove_passkey(person=cast.claire, key=key, browser="Firefox")


@scenario
def all_passkeys_are_forgotten(cast: Cast) -> None:
    for _ in range(2):
        keep_passkey(person=cast.claire, made=_made_key(cast), browser="Firefox", tell=False)
    passkeys.forget_passkeys(person=cast.claire)
    assert not Passkey.objects.exists()


def _made_key(cast: Cast) -> MadeKey:
    session: SessionBase = SessionStore()
    question = ask_to_make(session, "add", handle=cast.claire.pk, name=cast.claire.email)
    return made_key(session, "add", Device().make(question))


@scenario
def a_replacement_is_rehearsed(cast: Cast) -> None:
    begin_at_once(_replaced(cast, 1, 1))


# --- client files -------------------------------------------------------------------------------------------------


@scenario
def client_files_are_moved_and_assigned_together(cast: Cast) -> None:
    make_dossier("Garage Petit")
    edit_dossiers(
        actor=cast.alice,
        dossiers=Dossier.objects.all(),
        add={cast.paul: ObjectRole.READER},
        into=Into(cast.portfolio),
    )


@scenario
def another_role_of_a_subscriber(cast: Cast) -> None:
    change_subscriber(
        actor=cast.alice,
        portfolio=cast.portfolio,
        member=cast.chloe,
        role=ObjectRole.READER,
        seen=ObjectRole.ACCOUNTANT,
    )


@scenario
def a_client_ends_a_firms_access(cast: Cast) -> None:
    _support(cast, to=cast.paul)
    with scopes.scope(space=cast.link.space_id):
        what_ending_means(actor=cast.claire_inside(), link=cast.link)
        end_following(actor=cast.claire_inside(), link=cast.link)


@scenario
def supports_time_is_over(cast: Cast) -> None:
    given = _support(cast, to=cast.paul)
    long_ago = given.given_at - timedelta(days=9)
    SupportAuthorisation.objects.update(given_at=long_ago, until=long_ago + timedelta(days=7))
    assert run_out(given.pk)


@scenario
def an_export_is_taken(cast: Cast) -> None:
    export = _ordered(cast)
    make_export(cast.firm.pk, export.pk)
    take_away(actor=cast.alice, export=Export.objects.get(pk=export.pk), target=BytesIO())


@scenario
def people_look(cast: Cast) -> None:
    """What only reads, wherever it stands."""
    inside, dossiers = cast.claire_inside, Dossier.objects.all()
    linkable(cast.alice, "732829320").first()
    siren_of({"siren": "", "siret": "73282932000074"})
    may_be_restored(cast.portfolio)
    cast.portfolio.terminated_at = cast.link.since
    restorable_until(cast.portfolio)
    files.files_of_member(cast.alice).first()
    plan_invitations(actor=cast.alice, dossiers=dossiers)
    plan_letters(actor=cast.alice, dossiers=dossiers)
    leads_somewhere(_letter(cast))
    mark_of(None)
    inviter_may(cast.invitation())
    with scopes.scope(space=cast.link.space_id):
        files.categories_of(inside())
        files.files_of_person(inside()).first()
    received = asked_firm.receive(asked_firm.ask(_inside(cast)), cast.alice)
    asked(received)
    assert cast.alice.user is not None
    may_answer(cast.alice.user, received)


# --- imports: what is said of a plan --------------------------------------------------------------------------------


@scenario
def a_plan_is_talked_over(cast: Cast) -> None:
    headers = ("Code", "Raison sociale", "SIRET", "E-mail", "Portefeuille", "Collaborateur")
    made = plan(cast.alice, [("M1", "Garage Petit", "", "", "Inconnu", "Personne")], headers)
    (number,) = made.rows.values_list("number", flat=True)
    said: list[Callable[[Import], Any]] = [
        lambda now: choose_portfolio(actor=cast.alice, source=now, name="Inconnu", choice=WITHOUT),
        lambda now: choose_portfolios(actor=cast.alice, source=now, choices={"Inconnu": WITHOUT}),
        lambda now: choose_assignees(actor=cast.alice, source=now, choices={"Personne": WITHOUT}),
        lambda now: choose_rule(actor=cast.alice, source=now, rule=MatchRule.SIRET),
        lambda now: correct(actor=cast.alice, source=now, number=number, values={"legal_name": "Garage"}),
        lambda now: correct_rows(actor=cast.alice, source=now, values={number: {"city": "Lyon"}}),
        lambda now: decide(actor=cast.alice, source=now, number=number, dossier=str(cast.dossier.pk)),
        lambda now: take_mine(actor=cast.alice, source=now, numbers=None),
        lambda now: keep_theirs(actor=cast.alice, source=now, numbers=None),
        lambda now: choose_sheet(actor=cast.alice, source=now, sheet=0),
    ]
    for say in said:
        say(Import.objects.get(pk=made.pk))
        read(made)
    now = Import.objects.get(pk=made.pk)
    plan_key(now)
    may_be_chosen(now.sheets[0])


# --- invitations ---------------------------------------------------------------------------------------------------


@scenario
def drafts_leave(cast: Cast) -> None:
    send_draft(actor=cast.alice, invitation=_draft(cast))
    _draft_of(cast, "Garage Petit")
    _draft_of(cast, "Garage Grand")
    send_drafts(actor=cast.alice, invitations=Invitation.objects.all())


def _draft_of(cast: Cast, name: str) -> None:
    dossier = make_dossier(name, email=f"{uuid7()}@client.test")
    cast.elsewhere = dossier
    _draft(cast)


@scenario
def a_colleague_is_invited_who_is_new_here(cast: Cast) -> None:
    newcomer = Newcomer(first_name="Nina", last_name="Roy", password="un long mot de passe 42")
    accept_as_member(**{**_answer(_for_nina(cast), cast.claire), "person": newcomer})


@scenario
def a_clients_own_people(cast: Cast) -> None:
    with scopes.scope(space=cast.link.space_id):
        claire = cast.claire_inside()
        made = [_invited(claire, f"{name}@client.test") for name in ("a", "b", "c")]
        resend_to_person(actor=claire, invitation=made[0])
        correct_person(actor=claire, invitation=made[1], email="juste@client.test")
        revoke_person(actor=claire, invitation=made[2])
        sent = Invitation.objects.get(pk=made[0].pk)
        accept_as_person(link=_link(sent), person=make_person("a@client.test"), shown=_shown(sent.pk))


def _invited(claire: SpaceMember, email: str) -> Invitation:
    return invite_person(actor=claire, email=email, profile=SpaceProfile.READER)


def _shown(key: UUID) -> str:
    return fingerprint(Invitation.objects.with_names().get(pk=key), current_terms())


@scenario
def a_client_asks_a_firm_again(cast: Cast) -> None:
    claire = _inside(cast)
    made = asked_firm.ask(claire)
    with scopes.scope(space=claire.space_id):
        resend_asked(actor=claire, invitation=made)
        correct_asked(actor=claire, invitation=Invitation.objects.get(pk=made.pk), email="autre@cabinet.test")


def _inside(cast: Cast) -> SpaceMember:
    with scopes.scope(space=cast.link.space_id):
        return cast.claire_inside()
