"""What an invitation to the firm opens as it is accepted: exactly what its page showed."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actions.members import terminate_member
from accounts.models import Membership, Role
from accounts.permissions import ObjectRole, Perm, can, give, pairs_of, permitted
from activity.models import Event
from clients.models import Assignment, Dossier
from invitations.actions.answering import ShownOtherwise, accept_as_member
from invitations.actions.inviting import invite_member
from invitations.models import Invitation, InvitationGrant
from invitations.offers import offers_of
from portfolios.models import Portfolio, PortfolioGrant
from tests.invitations.links import link_to
from tests.invitations.test_answering import answer, somebody
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_portfolio

Browse = Callable[..., Client]
NINA = "nina@lemoine.test"

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio(firm: World) -> Portfolio:
    """Holds one dossier."""
    found = make_portfolio("Sarah")
    make_dossier("Garage Petit", portfolio=found)
    return found


@pytest.fixture
def single(firm: World) -> Dossier:
    return make_dossier("Boulangerie Martin")


@pytest.fixture
def invitation(firm: World, portfolio: Portfolio, single: Dossier) -> Invitation:
    return invite_member(
        actor=firm.admin,
        email=NINA,
        role=Role.COLLABORATOR,
        portfolios=[portfolio.pk],
        dossiers=[single.pk],
        grant_role=ObjectRole.READER,
    )


def reached_by(member: Membership) -> set[str]:
    return {one.name for one in permitted(Dossier.objects.all(), member, Perm.VIEW_DOSSIER)}


def test_what_was_chosen_opens_as_the_invitation_is_accepted(
    firm: World, invitation: Invitation, single: Dossier
) -> None:
    nina = accept_as_member(**answer(invitation, person=somebody("Nina")))
    assert reached_by(nina) == {"Garage Petit", "Boulangerie Martin"}
    assert not can(nina, Perm.CHANGE_DOSSIER, single)  # they read
    assert PortfolioGrant.objects.get(user=nina.user).granted_by_id == firm.admin.user_id
    assert Event.objects.filter(type="portfolios.portfolio.granted").count() == 1
    assert Event.objects.filter(type="clients.dossier.assigned").exists()


def test_nothing_opens_before_it_is_accepted(firm: World, invitation: Invitation) -> None:
    assert not PortfolioGrant.objects.exists()
    assert not Assignment.objects.exists()


def test_what_ended_meanwhile_is_shown_as_such_and_left_out(
    firm: World, invitation: Invitation, portfolio: Portfolio, single: Dossier
) -> None:
    before = answer(invitation, person=somebody("Nina"))
    Portfolio.objects.filter(pk=portfolio.pk).update(terminated_at=timezone.now())
    Dossier.objects.filter(pk=single.pk).update(archived_at=timezone.now())
    with pytest.raises(ShownOtherwise):
        accept_as_member(**before)
    assert [one.name for one in offers_of(invitation).left_out] == ["Sarah", "Boulangerie Martin"]
    nina = accept_as_member(**answer(invitation, person=somebody("Nina")))
    assert not PortfolioGrant.objects.filter(user=nina.user).exists()
    assert not Assignment.objects.filter(user=nina.user).exists()


def test_who_comes_back_has_what_the_new_invitation_says_and_no_more(
    firm: World, portfolio: Portfolio, single: Dossier
) -> None:
    terminate_member(actor=firm.admin, member=firm.colleague)
    # Given at the very moment at which the place ended.
    give(Assignment, pairs_of([single], [firm.colleague]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    invitation = invite_member(
        actor=firm.admin,
        email=firm.colleague.email,
        role=Role.COLLABORATOR,
        portfolios=[portfolio.pk],
    )
    paul = accept_as_member(**answer(invitation, person=firm.colleague.user))
    assert reached_by(paul) == {"Garage Petit"}


def test_an_administrator_is_offered_nothing_by_itself(firm: World, portfolio: Portfolio) -> None:
    invite_member(actor=firm.admin, email=NINA, role=Role.ADMIN, portfolios=[portfolio.pk])
    assert not InvitationGrant.objects.exists()


def test_only_what_the_firm_has_is_offered(firm: World, bertrand: World) -> None:
    from tenancy.scopes import scope

    with scope(firm=bertrand.firm):
        foreign, theirs = make_portfolio("Ailleurs"), make_dossier("Ailleurs")
    invite_member(
        actor=firm.admin,
        email=NINA,
        role=Role.COLLABORATOR,
        portfolios=[foreign.pk],
        dossiers=[theirs.pk],
    )
    assert not InvitationGrant.objects.exists()


# --- The pages ----------------------------------------------------------------------------------------------------


def test_portfolios_and_client_files_are_ticked_in_the_invitation(
    browse: Browse, firm: World, portfolio: Portfolio, single: Dossier
) -> None:
    admin, url = browse(firm.admin), firm.firm.url("invitations:invite_member")
    filled = {
        "email": NINA,
        "role": "collaborator",
        "grant_role": "reader",
        "portfolios": [str(portfolio.pk)],
    }
    looked = admin.post(url, {**filled, "find": "boulang", "look": "1"})
    assert looked.context["form"].dossier_lines == [(str(single.pk), "Boulangerie Martin", False)]
    assert (str(portfolio.pk), "Sarah", True) in looked.context["form"].portfolio_lines
    assert not Invitation.objects.exists()
    admin.post(url, {**filled, "dossiers": [str(single.pk)]})
    offers = offers_of(Invitation.objects.get())
    assert {(one.name, one.role) for one in offers.offers} == {
        ("Sarah", "reader"),
        ("Boulangerie Martin", "reader"),
    }
    listed = admin.get(firm.firm.url("invitations:list")).content.decode()
    assert "1 portefeuille, 1 dossier" in listed


def test_the_page_of_acceptance_tells_what_opens_and_names_no_client(
    browse: Browse, firm: World, invitation: Invitation, portfolio: Portfolio, outbox: Outbox
) -> None:
    Portfolio.objects.filter(pk=portfolio.pk).update(terminated_at=timezone.now())
    page = browse().get(link_to(outbox, NINA), follow=True).content.decode()
    assert "1 dossier, dont vous verrez le nom" in page
    assert "Boulangerie Martin" not in page, "whoever holds the link reads this page"
    assert "N&#x27;est plus proposé" in page.replace("N'est", "N&#x27;est")
