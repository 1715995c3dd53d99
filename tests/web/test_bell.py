"""The bell: what concerned me here and what of it I have not read, asked anew against what I may see now."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actions.members import change_role
from accounts.models import Role, User
from activity.lookups import MOST_UNREAD
from activity.models import Event, Notification
from clients.actions.dossiers import move_dossier, update_dossier
from clients.actions.people import change_person_profile
from clients.actions.space import open_space
from clients.models import Dossier, SpaceLink, SpaceMember, SpaceProfile
from portfolios.actions import create_portfolio, grant_portfolio, rename_portfolio, withdraw_portfolio
from tenancy.scopes import scope
from tests.web.counting import queries_at_most
from tests.web.pages import said
from tests.worlds import World, make_dossier, make_member, make_person, make_portfolio

Browse = Callable[..., Client]
QUERIES = 12


def bell(world: World) -> str:
    return world.firm.url("bell")


def count(client: Client, page: str) -> str:
    """What the bell of that page shows."""
    found = re.search(r'class="bell-count"[^>]*>([^<]*)<', client.get(page).content.decode())
    return found[1] if found else ""


def told(world: World, number: int = 1) -> None:
    """The collaborator is told of so many portfolios that are opened to them."""
    with scope(firm=world.firm):
        for one in range(number):
            portfolio = create_portfolio(actor=world.admin, name=f"Lot {one}")
            grant_portfolio(actor=world.admin, portfolio=portfolio, member=world.collaborator)


def test_every_page_shows_how_much_was_not_read(browse: Browse, lemoine: World) -> None:
    told(lemoine, 2)
    chloe = browse(lemoine.collaborator)
    for route in ("dashboard", "clients:list", "portfolios:list", "bell"):
        assert count(chloe, lemoine.firm.url(route)) == "2"
    assert count(browse(lemoine.admin), lemoine.firm.url("dashboard")) == ""


def test_it_counts_no_further_than_anybody_reads(browse: Browse, lemoine: World) -> None:
    told(lemoine)
    with scope(firm=lemoine.firm):
        (one,) = Notification.objects.filter(recipient=lemoine.collaborator.user)
        event = one.event
        copies = [Event(**Event.ownership(), type=event.type, details={}) for _ in range(MOST_UNREAD)]
        Event.objects.bulk_create(copies)
        Notification.objects.bulk_create(
            Notification(
                **Notification.ownership(),
                event=copy,
                recipient=one.recipient,
                address="",
                name="",
                due_at=one.due_at,
            )
            for copy in copies
        )
    assert count(browse(lemoine.collaborator), bell(lemoine)) == "99+"


def test_a_list_asks_no_more_for_the_bell(browse: Browse, lemoine: World) -> None:
    """It goes along with the person's places, which the page asks for anyway."""
    chloe = browse(lemoine.collaborator)
    chloe.get(lemoine.firm.url("clients:list"))
    told(lemoine, 3)
    with queries_at_most(11):
        chloe.get(lemoine.firm.url("clients:list"))


def test_looking_marks_nothing_as_read_and_the_button_does(browse: Browse, lemoine: World) -> None:
    told(lemoine, 2)
    chloe = browse(lemoine.collaborator)
    page = said(chloe.get(bell(lemoine)))
    assert "Lot 0" in page and "Lot 1" in page and "Alice Martin" in page
    assert count(chloe, bell(lemoine)) == "2"
    with scope(firm=lemoine.firm):
        first = Notification.objects.filter(recipient=lemoine.collaborator.user).order_by("event_id").first()
        assert first is not None
    answer = chloe.post(lemoine.firm.url("read"), {"key": [first.event_id]})
    assert answer["Location"] == bell(lemoine)
    assert count(chloe, bell(lemoine)) == "1"
    unread, everything = said(chloe.get(bell(lemoine))), said(chloe.get(bell(lemoine) + "?voir=tout"))
    assert "Lot 0" not in unread and "Lot 0" in everything


def test_opening_what_it_is_about_marks_it_without_a_page(browse: Browse, lemoine: World) -> None:
    told(lemoine)
    chloe = browse(lemoine.collaborator)
    page = chloe.get(bell(lemoine)).content.decode()
    url, key = re.findall(r'data-reads="([^"]+)" data-keys="([^"]+)"', page)[0]
    assert chloe.post(url, {"key": [key], "quietly": "1"}).status_code == 204
    assert count(chloe, bell(lemoine)) == ""


def test_all_is_what_the_page_had_to_show_not_what_came_since_in_another_tab(
    browse: Browse, lemoine: World
) -> None:
    told(lemoine, 2)
    chloe = browse(lemoine.collaborator)
    shown = chloe.get(bell(lemoine)).context["under"].newest
    with scope(firm=lemoine.firm):
        later = create_portfolio(actor=lemoine.admin, name="Plus tard")
        grant_portfolio(actor=lemoine.admin, portfolio=later, member=lemoine.collaborator)
    chloe.post(lemoine.firm.url("read"), {"until": shown})
    page = said(chloe.get(bell(lemoine)))
    assert "Plus tard" in page and "Lot 0" not in page
    assert count(chloe, bell(lemoine)) == "1"


def test_two_firms_in_two_tabs_have_a_bell_each(browse: Browse, lemoine: World, bertrand: World) -> None:
    with scope(firm=bertrand.firm):
        there = make_member(bertrand.firm, "Chloé", user=lemoine.collaborator.user)
        portfolio = create_portfolio(actor=bertrand.admin, name="Chez Bertrand")
        grant_portfolio(actor=bertrand.admin, portfolio=portfolio, member=there)
    told(lemoine, 2)
    chloe = browse(lemoine.collaborator)
    assert count(chloe, bell(lemoine)) == "2" and count(chloe, bertrand.firm.url("bell")) == "1"
    newest = chloe.get(bell(lemoine)).context["under"].newest
    chloe.post(lemoine.firm.url("read"), {"until": newest})
    assert count(chloe, bell(lemoine)) == "" and count(chloe, bertrand.firm.url("bell")) == "1"
    assert "Chez Bertrand" not in said(chloe.get(bell(lemoine) + "?voir=tout"))


def test_nobody_reads_or_marks_what_another_was_told(browse: Browse, lemoine: World) -> None:
    told(lemoine)
    with scope(firm=lemoine.firm):
        (key,) = Notification.objects.filter(recipient=lemoine.collaborator.user).values_list(
            "event_id", flat=True
        )
    paul = browse(lemoine.colleague)
    assert "Lot 0" not in said(paul.get(bell(lemoine) + "?voir=tout"))
    paul.post(lemoine.firm.url("read"), {"key": [key], "until": key})
    assert count(browse(lemoine.collaborator), bell(lemoine)) == "1"


# --- what I may no longer see -----------------------------------------------------------------------------------


def test_what_was_lost_is_not_shown_but_that_it_was_lost_is(browse: Browse, lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        portfolio = make_portfolio("Sarah")
        grant_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
        dossier = make_dossier("Boulangerie Martin", portfolio=portfolio)
        update_dossier(actor=lemoine.admin, dossier=dossier, values={"phone": "01 44 00 00 00"})
    chloe = browse(lemoine.collaborator)
    assert "Boulangerie Martin" in said(chloe.get(bell(lemoine)))
    with scope(firm=lemoine.firm):
        withdraw_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
    page = chloe.get(bell(lemoine))
    words = said(page)
    assert "Boulangerie Martin" not in words and "01 44" not in words
    assert "retiré" in words and "Chloé" in words
    assert lemoine.firm.url("clients:portfolio", pk=portfolio.pk) not in page.content.decode()
    assert page.context["under"].hidden == 1
    chloe.post(lemoine.firm.url("read"), {"until": page.context["under"].newest})
    assert count(chloe, bell(lemoine)) == ""


def test_a_file_that_was_moved_out_of_reach_is_told_as_moved_and_opens_no_more(
    browse: Browse, lemoine: World
) -> None:
    """Under the bell and on the first page, as in a mail: the event names nobody who loses by it."""
    with scope(firm=lemoine.firm):
        portfolio = make_portfolio("Sarah")
        grant_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
        dossier = make_dossier("Boulangerie Martin", portfolio=portfolio)
        update_dossier(actor=lemoine.admin, dossier=dossier, values={"phone": "01 44 00 00 00"})
        move_dossier(actor=lemoine.admin, dossier=dossier, portfolio=make_portfolio("Léa"))
    chloe = browse(lemoine.collaborator)
    for url in (bell(lemoine), lemoine.firm.url("dashboard")):
        page = chloe.get(url)
        assert "a déplacé le dossier Boulangerie Martin" in said(page) and "01 44" not in said(page)
        assert lemoine.firm.url("clients:dossier", pk=dossier.pk) not in page.content.decode()


def test_whoever_is_no_administrator_any_more_reads_no_longer_what_is_theirs(
    browse: Browse, lemoine: World
) -> None:
    with scope(firm=lemoine.firm):
        zoe = make_member(lemoine.firm, "Zoé", role=Role.ADMIN)
        create_portfolio(actor=lemoine.admin, name="Secret")
        change_role(actor=lemoine.admin, member=lemoine.colleague, role=Role.ADMIN)
    assert "Secret" in said(browse(zoe).get(bell(lemoine)))
    with scope(firm=lemoine.firm):
        change_role(actor=lemoine.admin, member=zoe, role=Role.COLLABORATOR)
    words = said(browse(zoe).get(bell(lemoine)))
    assert "Secret" not in words and "Paul" not in words
    assert "Zoé" in words  # their own role


# --- as a list --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [10, 60])
def test_it_costs_as_many_queries_with_ten_as_with_sixty(browse: Browse, lemoine: World, number: int) -> None:
    chloe = browse(lemoine.collaborator)
    chloe.get(bell(lemoine))
    told(lemoine, number)
    with queries_at_most(QUERIES):
        chloe.get(bell(lemoine))


def test_it_is_read_page_by_page_each_once(browse: Browse, lemoine: World) -> None:
    told(lemoine, 45)
    chloe, url, names = browse(lemoine.collaborator), bell(lemoine), []
    for _ in range(3):
        page = chloe.get(url)
        days = page.context["under"].days
        names += [line.event.subject_name for day in days for entry in day.entries for line in entry.lines]
        url = f"{bell(lemoine)}?before={page.context['under'].older}"
    assert names == [f"Lot {number}" for number in reversed(range(45))]
    assert page.context["under"].older is None
    back = chloe.get(f"{bell(lemoine)}?after={page.context['under'].newer}").context["under"]
    assert back.days[0].entries[0].lines[0].event.subject_name == "Lot 24"


def test_what_happened_to_one_thing_on_one_day_stands_together(browse: Browse, lemoine: World) -> None:
    told(lemoine, 2)
    with scope(firm=lemoine.firm):
        (portfolio,) = [one for one in _portfolios() if one.name == "Lot 1"]
        rename_portfolio(actor=lemoine.admin, portfolio=portfolio, name="Nord")
    (day,) = browse(lemoine.collaborator).get(bell(lemoine)).context["under"].days
    assert [len(entry.lines) for entry in day.entries] == [2, 1]


def _portfolios() -> Any:
    from portfolios.models import Portfolio

    return list(Portfolio.objects.all())


def test_an_empty_one_says_what_it_is_for(browse: Browse, lemoine: World) -> None:
    chloe = browse(lemoine.collaborator)
    page = said(chloe.get(bell(lemoine)))
    assert "Rien pour l'instant" in page and reverse("accounts:notifications") in page
    told(lemoine)
    chloe.post(lemoine.firm.url("read"), {"until": chloe.get(bell(lemoine)).context["under"].newest})
    assert "Vous avez tout lu" in said(chloe.get(bell(lemoine)))


# --- a client's space -------------------------------------------------------------------------------------------


@pytest.fixture
def link(lemoine: World) -> SpaceLink:
    claire = make_person("claire@client.test", first_name="Claire", last_name="Aubry")
    with scope(firm=lemoine.firm):
        dossier = make_dossier("Boulangerie Martin", email=claire.email)
        return open_space(person=claire, firm=lemoine.firm, dossier=dossier, email=claire.email)


def test_a_clients_space_has_its_own(browse: Browse, lemoine: World, link: SpaceLink) -> None:
    claire = User.objects.get(email="claire@client.test")
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get(pk=link.dossier_id)
        update_dossier(actor=lemoine.admin, dossier=dossier, values={"phone": "01 44 00 00 00"})
    url = reverse("space_bell", kwargs={"space_id": link.space_id})
    client = browse(claire)
    client.get(url)
    before = count(client, url)
    assert before
    page = client.get(url)
    assert "01 44 00 00 00" in said(page) and "Cabinet Lemoine" in said(page)
    until = page.context["under"].newest
    client.post(reverse("space_read", kwargs={"space_id": link.space_id}), {"until": until})
    assert count(client, url) == ""
    with queries_at_most(QUERIES):
        client.get(url)


def test_another_profile_reads_no_longer_what_it_may_not_see(browse: Browse, link: SpaceLink) -> None:
    with scope(space=link.space_id):
        boss = SpaceMember.objects.present().get()
        marc, nina = (
            SpaceMember.objects.create(
                user=(person := make_person(f"{name}@client.test", first_name=name)),
                email=person.email,
                first_name=name,
                profile=SpaceProfile.MANAGER,
            )
            for name in ("Marc", "Nina")
        )
        change_person_profile(actor=boss, member=nina, profile=SpaceProfile.READER)
        url = reverse("space_bell", kwargs={"space_id": link.space_id})
    assert "Nina" in said(browse(marc.user).get(url))
    with scope(space=link.space_id):
        change_person_profile(actor=boss, member=marc, profile=SpaceProfile.READER)
    words = said(browse(marc.user).get(url))
    assert "Nina" not in words and "Marc" in words


def test_an_empty_page_leads_to_its_one_next_step_alone(browse: Browse, lemoine: World) -> None:
    """A link without words would be one that nobody can name."""
    page = browse(lemoine.colleague).get(bell(lemoine)).content.decode()
    links = re.search(r'<div class="empty-actions">(.*?)</div>', page, re.DOTALL)
    assert links is not None
    assert re.findall(r"<a [^>]*>([^<]*)</a>", links[1]) == ["Choisir les courriels que vous recevez"]
