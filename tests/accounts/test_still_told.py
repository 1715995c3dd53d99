"""Between a change and its mail, whoever was to be told may have lost their place: then the mail does not leave."""

import pytest

from accounts.actions.members import suspend_member, terminate_member
from accounts.actions.people import change_profile
from accounts.models import Membership
from activity.composing import compose_due
from activity.models import MailState, OutgoingEmail
from portfolios.actions import grant_portfolio, rename_portfolio
from tenancy import scopes
from tests.outbox import Outbox
from tests.worlds import World, make_portfolio

pytestmark = pytest.mark.django_db


def renamed_for_chloe(firm: World, outbox: Outbox) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    outbox.clear()
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")


@pytest.mark.parametrize("act", [suspend_member, terminate_member])
def test_who_lost_their_place_is_told_of_that_and_of_nothing_else(firm: World, outbox: Outbox, act) -> None:
    renamed_for_chloe(firm, outbox)
    act(actor=firm.admin, member=firm.collaborator)
    (mail,) = outbox.mails()
    assert "Léa" not in mail.body
    assert "Chloé Martin" in mail.body


def test_a_mail_that_was_composed_already_does_not_leave_either(firm: World, outbox: Outbox) -> None:
    renamed_for_chloe(firm, outbox)
    with scopes._standing_in(scopes.NOWHERE, "default"):
        assert compose_due() == 1
    suspend_member(actor=firm.admin, member=firm.collaborator)
    (mail,) = outbox.mails()
    assert "Léa" not in mail.body
    assert OutgoingEmail.objects.filter(state=MailState.DROPPED).count() == 1


def test_who_may_enter_is_told(firm: World, outbox: Outbox) -> None:
    renamed_for_chloe(firm, outbox)
    assert "Léa" in outbox.to(firm.collaborator.email).body


def test_a_new_name_shows_in_a_firm_that_is_closed_to_the_person(firm: World) -> None:
    suspend_member(actor=firm.admin, member=firm.collaborator)
    person = firm.collaborator.user
    assert person is not None
    change_profile(person=person, first_name="Clara", last_name="Aubry", language="fr")
    assert Membership.objects.get(pk=firm.collaborator.pk).name == "Clara Aubry"
