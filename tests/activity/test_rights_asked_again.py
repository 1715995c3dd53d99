"""Between a change and its mail somebody may have lost what it is about: they are told of the loss, and no more."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions.members import change_role, suspend_member
from accounts.models import Role
from accounts.permissions import ObjectRole, give, pairs_of
from activity import composing, delivery
from activity.actions import record
from activity.concern import still_concerning
from activity.models import Event, Notification
from clients.actions.archiving import archive_dossiers
from clients.actions.assignments import change_assignments
from clients.actions.dossiers import move_dossier, update_dossier
from clients.actions.portfolios import move_dossiers, terminate_portfolio
from clients.actions.space import open_space
from clients.actions.support import SupportDuration, authorise_support, withdraw_support
from clients.events.files import FileReceived
from clients.models import Assignment, Dossier, SpaceMember, SupportAuthorisation
from invitations.actions.handling import revoke_invitation
from invitations.actions.inviting import invite_client, invite_member
from portfolios.actions import create_portfolio, grant_portfolio, rename_portfolio, withdraw_portfolio
from portfolios.models import Portfolio
from tenancy import scopes
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_member, make_person, make_portfolio

PHONE = "01 44 00 00 00"


@pytest.fixture
def sarah(firm: World, outbox: Outbox) -> Portfolio:
    """Open to Chloé, who was told of that."""
    portfolio = make_portfolio("Sarah")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    outbox.clear()
    return portfolio


@pytest.fixture
def bakery(firm: World, sarah: Portfolio) -> Dossier:
    return make_dossier("Boulangerie Martin", portfolio=sarah)


def new_phone(firm: World, dossier: Dossier, phone: str = PHONE) -> None:
    update_dossier(actor=firm.admin, dossier=dossier, values={"phone": phone})


def body(outbox: Outbox, address: str) -> str:
    """What all mails to that address say."""
    return "\n".join(str(one.body) for one in outbox.mails() if f"<{address}>" in one.to[0])


# --- what was lost is not told, that it was lost is -----------------------------------------------------------------


def test_no_mail_tells_of_a_portfolio_that_was_withdrawn(
    firm: World, bakery: Dossier, sarah: Portfolio, outbox: Outbox
) -> None:
    new_phone(firm, bakery)
    rename_portfolio(actor=firm.admin, portfolio=sarah, name="Nord")
    withdraw_portfolio(actor=firm.admin, portfolio=sarah, member=firm.collaborator)
    said = body(outbox, firm.collaborator.email)
    assert "Boulangerie" not in said and PHONE not in said and "Nord" not in said
    assert "a retiré le portefeuille Sarah à Chloé" in said
    assert Notification.objects.filter(recipient=firm.collaborator.user, mail=None).count() == 2


def test_nor_of_a_single_client_file(firm: World, outbox: Outbox) -> None:
    dossier, chloe = make_dossier("Boulangerie Martin"), firm.collaborator
    assigned = Dossier.objects.filter(pk=dossier.pk)
    change_assignments(actor=firm.admin, dossiers=assigned, add={chloe: ObjectRole.ACCOUNTANT})
    outbox.clear()
    new_phone(firm, dossier)
    change_assignments(actor=firm.admin, dossiers=assigned, remove=[chloe])
    said = body(outbox, chloe.email)
    assert PHONE not in said and "Boulangerie Martin" in said and "Chloé" in said


def test_of_a_file_that_was_moved_out_of_reach_its_move_alone_is_told(
    firm: World, bakery: Dossier, outbox: Outbox
) -> None:
    new_phone(firm, bakery)
    move_dossier(actor=firm.admin, dossier=bakery, portfolio=make_portfolio("Léa"))
    said = body(outbox, firm.collaborator.email)
    assert PHONE not in said and "a déplacé le dossier Boulangerie Martin" in said


def test_so_is_that_of_many(firm: World, bakery: Dossier, outbox: Outbox) -> None:
    make_dossier("Garage Petit", portfolio=bakery.portfolio)
    new_phone(firm, bakery)
    move_dossiers(actor=firm.admin, dossiers=Dossier.objects.clients(), portfolio=make_portfolio("Léa"))
    said = body(outbox, firm.collaborator.email)
    assert PHONE not in said and "a déplacé 2 dossiers" in said


def test_those_who_got_them_and_lost_the_portfolio_since_are_not_told_of_it(
    firm: World, sarah: Portfolio, outbox: Outbox
) -> None:
    make_dossier("Boulangerie Martin"), make_dossier("Garage Petit")
    move_dossiers(actor=firm.admin, dossiers=Dossier.objects.clients(), portfolio=sarah)
    withdraw_portfolio(actor=firm.admin, portfolio=sarah, member=firm.collaborator)
    said = body(outbox, firm.collaborator.email)
    assert "2 dossiers" not in said and "a retiré le portefeuille Sarah" in said


def test_the_end_of_a_portfolio_is_told_and_nothing_else_of_it(
    firm: World, bakery: Dossier, sarah: Portfolio, outbox: Outbox
) -> None:
    new_phone(firm, bakery)
    terminate_portfolio(actor=firm.admin, portfolio=sarah)
    said = body(outbox, firm.collaborator.email)
    assert PHONE not in said and "le portefeuille Sarah" in said


def test_its_link_leads_to_what_they_still_have(
    firm: World, bakery: Dossier, sarah: Portfolio, outbox: Outbox
) -> None:
    """The bell says it too; who may not enter any more has their spaces. Every type: test_completeness.py."""
    rename_portfolio(actor=firm.admin, portfolio=sarah, name="Nord")
    assert firm.firm.url("clients:portfolio", pk=sarah.pk) in body(outbox, firm.collaborator.email)
    outbox.clear()
    withdraw_portfolio(actor=firm.admin, portfolio=sarah, member=firm.collaborator)
    said = body(outbox, firm.collaborator.email)
    assert f"{firm.firm.url('bell')}?voir=tout" in said and str(sarah.pk) not in said
    outbox.clear()
    suspend_member(actor=firm.admin, member=firm.collaborator)
    said = body(outbox, firm.collaborator.email)
    assert "Ouvrir mes espaces" in said and firm.firm.slug not in said


def test_whoever_is_no_administrator_any_more_is_told_of_their_role_alone(
    firm: World, outbox: Outbox
) -> None:
    zoe = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    create_portfolio(actor=firm.admin, name="Secret")
    change_role(actor=firm.admin, member=firm.colleague, role=Role.ADMIN)
    invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    change_role(actor=firm.admin, member=zoe, role=Role.COLLABORATOR)
    said = body(outbox, zoe.email)
    assert "Secret" not in said and "Paul" not in said and "nina" not in said
    assert "a modifié le rôle confié à Zoé" in said


def test_nor_of_what_became_of_a_colleagues_invitation(firm: World, outbox: Outbox) -> None:
    zoe = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    invited = invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    outbox.clear()
    revoke_invitation(actor=firm.admin, invitation=invited)
    change_role(actor=firm.admin, member=zoe, role=Role.COLLABORATOR)
    said = body(outbox, zoe.email)
    assert "nina" not in said and "Zoé" in said


def test_technical_support_is_told_of_its_end_and_of_nothing_before_it(firm: World, outbox: Outbox) -> None:
    claire = make_person("claire@client.test", first_name="Claire")
    dossier = make_dossier("Boulangerie Martin", email=claire.email)
    link = open_space(person=claire, firm=firm.firm, dossier=dossier, email=claire.email)
    with scope(space=link.space_id):
        by_claire = SpaceMember.objects.get(user=claire)
        authorise_support(actor=by_claire, link=link, duration=SupportDuration.DAY)
    agent, role = [firm.collaborator], ObjectRole.SUPPORT
    give(Assignment, pairs_of([dossier], agent), role=role, by=firm.admin)
    outbox.clear()
    new_phone(firm, dossier)
    with scope(space=link.space_id):
        withdraw_support(actor=by_claire, authorisation=SupportAuthorisation.objects.get())
    said = body(outbox, firm.collaborator.email)
    assert PHONE not in said and "a retiré l'autorisation du support technique" in said.replace("’", "'")


def test_a_role_that_sees_no_files_any_more_is_told_of_none(firm: World, outbox: Outbox) -> None:
    dossier = make_dossier("Boulangerie Martin")
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    details = {"file": "bilan.pdf", "file_id": str(dossier.pk)}
    record(FileReceived, actor=firm.admin, subject=dossier, details=details)
    new_phone(firm, dossier)
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.SUPPORT, by=firm.admin)
    said = body(outbox, firm.collaborator.email)
    assert "bilan.pdf" not in said and PHONE in said


def test_nor_does_the_mail_of_the_day(firm: World, bakery: Dossier, sarah: Portfolio, outbox: Outbox) -> None:
    """Up to a day later."""
    new_phone(firm, bakery)
    Notification.objects.update(daily=True, due_at=timezone.now() + timedelta(hours=20))
    assert outbox.mails() == []
    withdraw_portfolio(actor=firm.admin, portfolio=sarah, member=firm.collaborator)
    Notification.objects.update(due_at=timezone.now())
    said = body(outbox, firm.collaborator.email)
    assert PHONE not in said and "a retiré le portefeuille Sarah" in said


def test_nor_does_a_mail_that_waited_for_a_server(firm: World, bakery: Dossier, sarah: Portfolio) -> None:
    new_phone(firm, bakery)
    with scopes._standing_in(scopes.NOWHERE, "default"):
        assert composing.compose_due() == 1
    withdraw_portfolio(actor=firm.admin, portfolio=sarah, member=firm.collaborator)
    before = len(django_mail.outbox)
    with scopes._standing_in(scopes.NOWHERE, "default"):
        delivery.deliver_due()
    assert len(django_mail.outbox) == before


# --- who keeps it is told of all of it ------------------------------------------------------------------------------


def test_who_keeps_the_access_is_told_of_everything(
    firm: World, bakery: Dossier, sarah: Portfolio, outbox: Outbox
) -> None:
    grant_portfolio(actor=firm.admin, portfolio=sarah, member=firm.colleague)
    outbox.clear()
    new_phone(firm, bakery)
    rename_portfolio(actor=firm.admin, portfolio=sarah, name="Nord")
    withdraw_portfolio(actor=firm.admin, portfolio=sarah, member=firm.colleague)
    said = body(outbox, firm.collaborator.email)
    assert f"→ {PHONE}" in said and "Sarah → Nord" in said and "a retiré le portefeuille" in said


def test_who_has_it_by_another_way_too_is(
    firm: World, bakery: Dossier, sarah: Portfolio, outbox: Outbox
) -> None:
    chloe = firm.collaborator
    give(Assignment, pairs_of([bakery], [chloe]), role=ObjectRole.READER, by=firm.admin)
    new_phone(firm, bakery)
    withdraw_portfolio(actor=firm.admin, portfolio=sarah, member=chloe)
    assert PHONE in body(outbox, chloe.email)


def test_what_is_archived_is_still_told_of(firm: World, bakery: Dossier, outbox: Outbox) -> None:
    new_phone(firm, bakery)
    archive_dossiers(actor=firm.admin, dossiers=Dossier.objects.clients())
    said = body(outbox, firm.collaborator.email)
    assert PHONE in said and "a archivé" in said


def test_an_invitation_too(firm: World, sarah: Portfolio, outbox: Outbox) -> None:
    dossier = make_dossier("Garage Petit", email="garage@client.test", portfolio=sarah)
    invite_client(actor=firm.admin, dossier=dossier)
    assert "garage@client.test" in body(outbox, firm.collaborator.email)


def test_a_mail_of_many_asks_no_more_than_one_of_few(firm: World, outbox: Outbox) -> None:
    """Set-based: so many questions for a person, however much they are told of."""
    asked = []
    for number in (2, 40):
        for one in range(number):
            portfolio = make_portfolio(f"{number}.{one}")
            grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
            new_phone(firm, make_dossier(f"Boulangerie {one}", portfolio=portfolio))
        held = [told.told for told in Notification.objects.filter(composed_at=None).select_related("event")]
        asked.append(_questions(firm, held))
        outbox.clear()
    assert asked[0] == asked[1] <= 4


def _questions(firm: World, events: list[Event]) -> int:
    person: Any = firm.collaborator.user_id
    with CaptureQueriesContext(connection) as captured:
        assert len(still_concerning(person, events)) == len(events)
    return len(captured)
