"""The start page of a demonstration, its data, and the dashboard."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from stdnum.fr import siren, siret

from accounts.actions.declarants import change_declarants
from accounts.actions.members import change_role
from accounts.models import Role, User
from activity.models import Event, Notification
from clients.actions.dossiers import update_dossier
from clients.actions.space import open_space
from clients.models import Assignment, Dossier, SpaceLink
from firm_portal import demo
from invitations.actions.handling import note_failure
from invitations.actions.inviting import invite_client
from invitations.actions.letters import print_letters
from invitations.models import Invitation, InvitationState, Letter, LetterState
from portfolios.actions import grant_portfolio, withdraw_portfolio
from tenancy.scopes import scope
from tests.web.counting import queries_at_most
from tests.worlds import World, make_dossier, make_firm, make_member, make_person, make_portfolio

Browse = Callable[..., Client]


def place(client: Client, name: str) -> str:
    page = client.get(reverse("accounts:places") + "?tous=1")
    return next(str(one.url) for one in page.context["places"] if one.name == name)


def test_the_demonstration_is_made_once_with_valid_numbers_a_common_client_and_support(
    db: None, browse: Browse
) -> None:
    """In one test, for it takes seconds to make."""
    assert demo.load()
    people = User.objects.count()
    assert not demo.load()
    assert User.objects.count() == people == len(demo.ACCOUNTS)
    for account in demo.ACCOUNTS:
        assert Client().login(username=account.email, password=demo.PASSWORD) or User.objects.get(
            email=account.email
        ).check_password(demo.PASSWORD)
    client = browse(User.objects.get(email=demo.CLIENT))
    assert client.get(reverse("accounts:places") + "?tous=1").status_code == 200
    for plan in demo.FIRMS:
        founder = User.objects.get(email=plan.people[0])
        page = browse(founder).get(place(browse(founder), plan.name))
        with scope(firm=page.wsgi_request.firm):  # type: ignore[attr-defined]
            dossiers = list(Dossier.objects.clients())
            assert len(dossiers) == demo.DOSSIERS_PER_FIRM + 1
            assert all(siren.is_valid(one.siren) for one in dossiers if one.siren)
            assert all(siret.is_valid(one.siret) for one in dossiers if one.siret)
            assert SpaceLink.objects.running().count() == 1
            support = Assignment.objects.running().exclude(expires_at=None).count()
            assert support == (1 if plan is demo.LEMOINE else 0)


def test_the_start_page_lists_the_accounts_of_a_demonstration_only(
    db: None, settings, client: Client
) -> None:
    assert client.get("/").headers["Location"] == reverse("account_login")
    settings.DEMO = True
    page = client.get("/").content.decode()
    for account in demo.ACCOUNTS:
        assert f"adresse={account.email.replace('@', '%40')}" in page


def test_the_way_from_the_start_page_fills_the_address_in(db: None, settings, client: Client) -> None:
    url = reverse("account_login") + "?adresse=alice@lemoine.example"
    assert b'value="alice@lemoine.example"' not in client.get(url).content
    settings.DEMO = True
    assert b'value="alice@lemoine.example"' in client.get(url).content


# --- The dashboard ------------------------------------------------------------------------------------------


def shown(firm: World, client: Client) -> Any:
    return client.get(firm.firm.url("dashboard")).context


def test_a_new_firm_is_led_through_four_steps_that_get_ticked(firm: World, browse: Browse) -> None:
    client = browse(firm.admin)
    assert [step.is_done for step in shown(firm, client)["steps"]] == [False, False, True, False]
    make_dossier(portfolio=make_portfolio())
    page = shown(firm, client)
    assert [step.is_done for step in page["steps"]] == [True, True, True, False]
    assert page["next_step"] == 4
    assert shown(firm, browse(firm.collaborator))["steps"] == []


def test_the_dashboard_counts_what_is_mine_and_leads_there(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio()
    make_dossier("Dedans", portfolio=portfolio)
    make_dossier("Ailleurs")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    assert [one.value for one in shown(firm, browse(firm.admin))["counts"]] == [2, 1, 1]
    mine = shown(firm, browse(firm.collaborator))["counts"]
    assert [one.value for one in mine] == [1, 1, 0]
    assert all(browse(firm.collaborator).get(one.url).status_code == 200 for one in mine)


def needed(firm: World, client: Client) -> dict[str, str]:
    """What needs them, and where it leads."""
    return {str(need.text): need.url for need in shown(firm, client)["needs"]}


def test_the_dashboard_says_what_waits_and_leads_to_just_that(firm: World, browse: Browse) -> None:
    """Each number is that of the list behind it."""
    sent, lost, late = (invited(firm, name) for name in ("Garage", "Boulangerie", "Fleuriste"))
    assert sent.state == InvitationState.SENT
    note_failure(invitation_id=lost.pk, generation=lost.generation, reason="550 User unknown")
    Invitation.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    _writing, drawn = print_letters(actor=firm.admin, dossiers=Dossier.objects.filter(pk=make_dossier().pk))
    Letter.objects.filter(pk=drawn[0][0].pk).update(state=LetterState.PROVEN, email="a@client.test")
    make_portfolio_of(firm)
    alice, found = browse(firm.admin), needed(firm, browse(firm.admin))
    assert list(found) == [
        "1 invitation n'a pas pu être remise",
        "1 invitation a expiré",
        "1 invitation attend une réponse",
        "1 client a répondu à votre courrier\xa0: est-ce bien lui\xa0?",
        "1 membre n'a accès à rien",
    ]
    *invitations, letters, members = found.values()
    for url in invitations:
        assert [row["invitation"].pk for row in alice.get(url).context["rows"]] == [
            {"failed": lost, "expired": late, "waiting": sent}[url.partition("state=")[2]].pk
        ]
    assert [row["letter"].pk for row in alice.get(letters).context["rows"]] == [drawn[0][0].pk]
    groups = alice.get(members).context["groups"]
    assert [row.member.pk for _label, _count, rows in groups for row in rows] == [firm.colleague.pk]


def make_portfolio_of(firm: World) -> None:
    """So that the collaborator has access to something, and Paul to nothing."""
    grant_portfolio(actor=firm.admin, portfolio=make_portfolio(), member=firm.collaborator)


def invited(firm: World, name: str) -> Invitation:
    return invite_client(actor=firm.admin, dossier=make_dossier(name, email=f"{name.lower()}@client.test"))


def test_a_firm_that_another_one_asks_finds_it_on_its_first_page(firm: World, browse: Browse) -> None:
    change_declarants(actor=firm.admin, allowed=False)
    other = make_firm("Bertrand Conseil", "552100554")
    with scope(firm=other.firm):
        dossier, person = make_dossier(siren=firm.firm.siren), make_person("ivan@client.test")
        open_space(person=person, firm=other.firm, dossier=dossier, email=person.email)
    make_portfolio_of(firm)
    found = needed(firm, browse(firm.admin))
    (url,) = (url for text, url in found.items() if text == "1 cabinet demande l'accord du vôtre")
    assert b'id="declarants"' in browse(firm.admin).get(url).content
    assert needed(firm, browse(firm.collaborator)) == {}


def test_the_dashboard_shows_what_others_changed(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio()
    dossier = make_dossier(portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Paris"})
    types = [line.event.type for line in shown(firm, browse(firm.collaborator))["lines"]]
    assert types == ["clients.dossier.changed", "portfolios.portfolio.granted"]
    assert shown(firm, browse(firm.admin))["lines"] == []
    assert Event.objects.count() == Notification.objects.count() == 2


def test_the_dashboard_shows_what_is_under_the_bell_and_no_more(firm: World, browse: Browse) -> None:
    """Whoever is no administrator any more reads of themself alone; a link leads to nothing that is closed."""
    zoe = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    portfolio = make_portfolio("Sarah")
    change_role(actor=firm.admin, member=firm.colleague, role=Role.ADMIN)
    invite_client(actor=firm.admin, dossier=make_dossier(portfolio=portfolio), email="claire@test.example")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    words = str([line.sentence for line in shown(firm, browse(zoe))["lines"]])
    assert "Paul" in words and "claire" in words
    change_role(actor=firm.admin, member=zoe, role=Role.COLLABORATOR)
    (line,) = shown(firm, browse(zoe))["lines"]
    assert "Zoé" in line.sentence
    withdraw_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    lines = shown(firm, browse(firm.collaborator))["lines"]
    assert lines[0].event.type == "portfolios.portfolio.withdrawn"
    assert "<a" not in str([line.sentence for line in lines])


@pytest.mark.parametrize("member", ["admin", "collaborator"])
def test_the_dashboard_stays_quick(firm: World, browse: Browse, member: str) -> None:
    client, url = browse(getattr(firm, member)), firm.firm.url("dashboard")
    client.get(url)
    with queries_at_most(15):
        client.get(url)
