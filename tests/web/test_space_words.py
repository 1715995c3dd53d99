"""What the pages of a client's space say to whom: nobody is offered what their profile does not allow."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from clients.actions.dossiers import update_dossier
from clients.models import ClientSpace, Dossier, SpaceLink, SpaceMember, SpaceProfile
from tenancy.scopes import scope
from tests.clients.test_people import joined
from tests.clients.test_space import followed
from tests.web.pages import said
from tests.worlds import World, make_person

Browse = Callable[..., Client]
Url = Callable[[str], str]

pytestmark = pytest.mark.django_db


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    """Claire's space, which the first firm follows."""
    return followed(lemoine, claire)


@pytest.fixture
def marc(link: SpaceLink) -> SpaceMember:
    """Reads in Claire's space."""
    with scope(space=link.space_id):
        return joined(SpaceMember.objects.select_related("space").get())


@pytest.fixture
def url(link: SpaceLink) -> Url:
    return lambda route: ClientSpace(pk=link.space_id).url(route)


def test_a_reader_is_not_led_to_invite_a_firm(
    browse: Browse, claire: User, marc: SpaceMember, url: Url
) -> None:
    home = url("clients:space_home")
    assert "en inviter un" in said(browse(claire).get(home))
    assert "en inviter un" not in said(browse(marc).get(home))


def test_a_reader_is_not_told_to_authorise_support(
    browse: Browse, claire: User, marc: SpaceMember, url: Url
) -> None:
    page = url("clients:space_authorisations")
    assert "Vous pouvez laisser" in said(browse(claire).get(page))
    theirs = said(browse(marc).get(page))
    assert "Vous pouvez laisser" not in theirs
    assert "Le support technique ne voit pas votre dossier" in theirs


def test_the_welcome_says_what_else_is_here(browse: Browse, claire: User, url: Url) -> None:
    welcome = browse(claire).get(url("clients:space_welcome"))
    home = browse(claire).get(url("clients:space_home"))
    assert "À voir aussi ici" in said(welcome)
    assert "À voir aussi ici" not in said(home)


def test_whoever_drops_files_reads_of_their_own_people(browse: Browse, claire: User, url: Url) -> None:
    page = said(browse(claire).get(url("clients:space_files")))
    assert "Les personnes de votre espace ayant le profil" in page
    assert "Les personnes du client" not in page


def test_the_page_of_a_further_space_has_the_persons_own_menu(
    browse: Browse, claire: User, link: SpaceLink
) -> None:
    page = said(browse(claire).get(reverse("clients:new_space")))
    assert "Claire Aubry" in page
    assert f'action="{reverse("account_logout")}"' in page


def test_the_first_page_says_what_others_changed_as_far_as_one_may_still_read_it(
    lemoine: World, link: SpaceLink, claire: User, url: Url, browse: Browse
) -> None:
    client, home = browse(claire), url("clients:space_home")
    assert "Rien pour le moment" in client.get(home).content.decode()
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get(pk=link.dossier_id)
        update_dossier(actor=lemoine.admin, dossier=dossier, values={"phone": "0102030405"})
    with scope(space=link.space_id):
        joined(SpaceMember.objects.select_related("space").get())
    page = client.get(home)
    told = ["clients.person.joined", "clients.space.firm_changed_details"]
    assert [line.event.type for line in page.context["lines"]] == told
    assert url("space_bell") in page.content.decode()
    with scope(space=link.space_id):
        SpaceMember.objects.filter(user=claire).update(profile=SpaceProfile.BILLING)
    assert [line.event.type for line in client.get(home).context["lines"]] == told[1:]
