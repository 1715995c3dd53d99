"""“My spaces”: every place of a person and every invitation that waits for them; and standing in several at once."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User
from clients.models import ClientSpace, SpaceLink, SpaceMember, SpaceProfile
from invitations.actions.handling import revoke_invitation
from invitations.actions.inviting import invite_client, invite_member
from invitations.actions.people import invite_person
from invitations.models import Invitation
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.clients.test_space import followed
from tests.web.pages import said
from tests.web.test_invitations import shown
from tests.worlds import PASSWORD, World, make_dossier, make_member, make_person

Browse = Callable[..., Client]
PLACES, HERE = "/mes-espaces/", "/invitation/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    """Claire's space, which the first firm follows."""
    return followed(lemoine, claire)


def invited_into(space: SpaceLink, address: str) -> Invitation:
    with scope(space=space.space_id):
        boss = SpaceMember.objects.select_related("space").order_by("pk").first()
        assert boss is not None
        return invite_person(actor=boss, email=address, profile=SpaceProfile.READER)


def mine(invitation: Invitation) -> str:
    return f"/invitation/pour-moi/{invitation.pk}/"


def senders(client: Client) -> list[str]:
    return [one.sender for one in client.get(PLACES, {"tous": "1"}).context["waiting"]]


# --- What waits


def test_invitations_of_every_kind_wait_with_their_sender_and_what_for(
    browse: Browse,
    lemoine: World,
    bertrand: World,
    link: SpaceLink,
) -> None:
    nina = make_person("nina@exemple.test")
    with scope(firm=lemoine.firm):
        invite_member(actor=lemoine.admin, email=nina.email, role=Role.COLLABORATOR)
    with scope(firm=bertrand.firm):
        invite_client(actor=bertrand.admin, dossier=make_dossier("Garage Petit", email=nina.email))
    invited_into(link, nina.email)
    page = browse(nina).get(PLACES)
    assert {one.sender for one in page.context["waiting"]} == {
        "Cabinet Lemoine",
        "Bertrand Conseil",
        "Boulangerie Martin",
    }
    for words in (
        "3 invitations attendent",
        "Rejoindre le cabinet",
        "Garage Petit",
        "avec le profil : Lecture",
    ):
        assert words in said(page)


def test_one_is_accepted_without_its_mail(
    browse: Browse,
    link: SpaceLink,
) -> None:
    marc = make_person("marc@exemple.test", first_name="Marc")
    invitation, client = invited_into(link, marc.email), browse(marc)
    page = client.get(mine(invitation), follow=True)
    assert page.context["case"] == "person"
    landed = client.post(HERE, {"shown": shown(page), "terms": "on"})
    assert landed["Location"] == ClientSpace(pk=link.space_id).url("clients:space_welcome")
    assert client.get(PLACES)["Location"] == ClientSpace(pk=link.space_id).url("clients:space_home")


def test_the_page_is_reached_from_the_menus_with_one_place_too(
    browse: Browse, link: SpaceLink, claire: User
) -> None:
    """There they leave it, or open another one; a link that leads back to where one stands would be none."""
    client = browse(claire)
    home = said(client.get(ClientSpace(pk=link.space_id).url("clients:space_home")))
    ways = re.findall(r'href="(/mes-espaces/[^"]*)"', home)
    assert len(ways) == 3  # the switcher's, the profile menu's, the page's own
    assert {client.get(way).status_code for way in ways} == {200}


def test_one_may_be_refused_without_its_mail(browse: Browse, link: SpaceLink) -> None:
    marc = make_person("marc@exemple.test")
    invitation, client = invited_into(link, marc.email), browse(marc)
    client.get(mine(invitation))
    assert client.post("/invitation/refuser/").status_code == 200
    assert senders(client) == []


def test_nobody_else_opens_it_by_its_key(
    browse: Browse,
    lemoine: World,
    link: SpaceLink,
) -> None:
    invitation = invited_into(link, "marc@exemple.test")
    for person in (lemoine.admin, make_person("autre@ailleurs.test")):
        client = browse(person)
        foreign, absent = client.get(mine(invitation)), client.get(f"/invitation/pour-moi/{uuid7()}/")
        assert (foreign.status_code, absent.status_code) == (404, 404)
        assert client.get(HERE).status_code == 404
    anonymous = browse().get(mine(invitation))
    assert anonymous["Location"].startswith("/connexion/?next=")


def test_the_key_opens_nothing_once_its_owner_has_signed_out(
    browse: Browse,
    link: SpaceLink,
) -> None:
    """What the browser keeps is no link: the next person at this computer has nothing of it."""
    marc = make_person("marc@exemple.test")
    invitation, client = invited_into(link, marc.email), browse(marc)
    client.get(mine(invitation))
    client.post("/deconnexion/")  # as a person does it: the browser keeps its other cookies
    assert client.cookies["invitation"].value
    assert client.get(HERE).status_code == 404
    client.force_login(make_person("autre@ailleurs.test"))
    assert client.get(HERE).status_code == 404


def test_only_a_proven_address_counts(browse: Browse, link: SpaceLink) -> None:
    marc = make_person("marc@exemple.test")
    EmailAddress.objects.create(user=marc, email="direction@exemple.test", verified=False)
    invitation = invited_into(link, "direction@exemple.test")
    assert senders(browse(marc)) == []
    assert browse(marc).get(mine(invitation)).status_code == 404
    EmailAddress.objects.update(verified=True)
    assert senders(browse(marc)) == ["Boulangerie Martin"]


@pytest.mark.parametrize("fate", ["revoked", "expired", "sender gone", "client there"])
def test_what_opens_nothing_does_not_wait(browse: Browse, firm: World, fate: str) -> None:
    nina, dossier = make_person("nina@exemple.test"), make_dossier(email="nina@exemple.test")
    invitation = invite_client(actor=firm.admin, dossier=dossier)
    assert senders(browse(nina)) == ["Cabinet Lemoine"]
    if fate == "revoked":
        revoke_invitation(actor=firm.admin, invitation=invitation)
    elif fate == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    elif fate == "sender gone":
        Invitation.objects.update(invited_by=firm.colleague)
    else:
        SpaceLink.objects.create(firm=firm.firm, dossier=dossier, space_id=a_space(), firm_name="Lemoine")
    assert senders(browse(nina)) == []


def a_space() -> Any:
    key = uuid7()
    with scope(space=key):
        ClientSpace.objects.create(id=key, legal_name="Boulangerie")
    return key


def test_with_one_place_and_nothing_waiting_the_page_leads_straight_there(
    browse: Browse,
    link: SpaceLink,
    claire: User,
    bertrand: World,
) -> None:
    home = ClientSpace(pk=link.space_id).url("clients:space_home")
    assert browse(claire).get(PLACES)["Location"] == home
    with scope(firm=bertrand.firm):
        invite_client(actor=bertrand.admin, dossier=make_dossier("Garage", email=claire.email))
    assert "Bertrand Conseil" in said(browse(claire).get(PLACES))


# --- Standing in several places


@pytest.fixture
def both(lemoine: World, claire: User, link: SpaceLink) -> list[SpaceLink]:
    """Claire's two spaces; she is a member of the firm as well."""
    with scope(firm=lemoine.firm):
        make_member(lemoine.firm, "Claire", user=claire)
    return [link, followed(lemoine, claire, "Garage Petit")]


def test_each_place_has_its_card_with_role_and_last_visit(
    browse: Browse,
    lemoine: World,
    claire: User,
    both: list[SpaceLink],
) -> None:
    client = browse(claire)
    client.get(ClientSpace(pk=both[0].space_id).url("clients:space_home"))
    cards = {place.name: place for place in client.get(PLACES).context["places"]}
    assert set(cards) == {"Cabinet Lemoine", "Boulangerie Martin", "Garage Petit"}
    assert cards["Boulangerie Martin"].last_visit_at is not None
    assert cards["Garage Petit"].last_visit_at is None
    page = said(client.get(PLACES))
    for words in ("Collaborateur", "Gérant", "Jamais ouvert"):
        assert words in page


def test_going_from_place_to_place_never_signs_anybody_out(
    browse: Browse,
    lemoine: World,
    claire: User,
    both: list[SpaceLink],
) -> None:
    client = browse(claire)
    session = client.cookies["sessionid"].value
    homes = [ClientSpace(pk=one.space_id).url("clients:space_home") for one in both]
    for url in (*homes, lemoine.firm.url("dashboard"), PLACES, *homes):
        assert client.get(url).status_code == 200, url
    assert client.cookies["sessionid"].value == session


def test_two_tabs_in_two_spaces_stay_apart(
    browse: Browse,
    claire: User,
    both: list[SpaceLink],
) -> None:
    """The form of the first tab is sent after the second one was opened, and changes the first one's space alone."""
    client = browse(claire)
    edits = [ClientSpace(pk=one.space_id).url("clients:space_edit") for one in both]
    for url in edits:
        client.get(url)
    client.post(edits[0], {"legal_name": "Boulangerie Martin", "city": "Lyon"})
    client.post(edits[1], {"legal_name": "Garage Petit", "city": "Nantes"})
    client.post(ClientSpace(pk=both[0].space_id).url("invitations:invite_person"),
                {"email": "marc@exemple.test", "profile": "reader"})  # fmt: skip
    found = []
    for one in both:
        with scope(space=one.space_id):
            invited = Invitation.objects.filter(space=one.space_id).count()
            found.append((ClientSpace.objects.get().city, invited))
    assert found == [("Lyon", 1), ("Nantes", 0)]


def test_a_deep_link_asks_for_login_and_comes_back(browse: Browse, claire: User, link: SpaceLink) -> None:
    deep = f"{ClientSpace(pk=link.space_id).url('invitations:people')}?depuis=courriel"
    client = browse()
    asked = client.get(deep)
    assert asked["Location"] == f"/connexion/?next={quote(deep)}"
    signed_in = client.post(asked["Location"], {"login": claire.email, "password": PASSWORD})
    assert signed_in["Location"] == deep
    assert client.get(deep).status_code == 200


def test_a_deep_link_into_a_place_that_is_not_ones_own_is_a_miss(
    browse: Browse,
    link: SpaceLink,
) -> None:
    deep = ClientSpace(pk=link.space_id).url("invitations:people")
    client = browse(make_person("autre@ailleurs.test"))
    assert client.get(deep).status_code == 404
