"""A client asks a firm to follow them, through the web: the link's page, the firm's, the client's; registering."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.lookups import firms_of
from accounts.models import Role, User
from clients.lookups import spaces_of
from clients.models import ClientSpace, Dossier, SpaceLink, SpaceMember
from invitations.actions.asking import revoke_asked
from invitations.models import Invitation, InvitationState
from tenancy.scopes import scope
from tests.invitations.asked import FIRMS_ADDRESS, SIREN, ask, followed_by, make_client, receive
from tests.invitations.links import link_to
from tests.outbox import Outbox
from tests.web.pages import plain, stable
from tests.worlds import PASSWORD, World, make_dossier, make_member, make_person

Browse = Callable[..., Client]
HERE = "/invitation/"


@pytest.fixture(autouse=True)
def _nobody_tried_before(db: None) -> None:
    cache.clear()


@pytest.fixture
def claire(db: None) -> SpaceMember:
    return make_client()


def read(page: Any) -> str:
    """The page's words."""
    return plain(html.unescape(page.content.decode()))


def opened(client: Client, outbox: Outbox, address: str = FIRMS_ADDRESS) -> Any:
    """The page behind the link of the mail."""
    client.get(link_to(outbox, address))
    return client.get(HERE)


def state_of(invitation: Invitation) -> str:
    with scope(space=invitation.space_id):
        return str(Invitation.objects.get(pk=invitation.pk).state)


def followers(client: SpaceMember) -> list[str]:
    with scope(space=client.space.pk):
        return [link.firm_name for link in SpaceLink.objects.running().order_by("firm_name")]


def mark(page: Any) -> str:
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', page.content.decode())
    assert found, "the page has no form"
    return found[1]


# --- the link's page


def test_looking_changes_nothing_and_names_no_other_firm(
    browse: Browse, claire: SpaceMember, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    followed_by(claire, bertrand.admin, email="premier@cabinet.test")
    invitation = ask(claire, instead=True)
    for client in (browse(), browse(lemoine.admin)):
        page = opened(client, outbox)
        assert page.status_code == 200 and "no-store" in page["Cache-Control"]
        words = read(page)
        assert "Boulangerie Martin" in words and FIRMS_ADDRESS in words
        assert "Bertrand" not in words and SIREN not in words.replace(" ", "")
    assert state_of(invitation) == InvitationState.SENT
    with scope(firm=lemoine.firm):
        assert not Invitation.objects.exists()


def test_from_the_link_to_the_client_file(
    browse: Browse, claire: SpaceMember, lemoine: World, outbox: Outbox
) -> None:
    ask(claire)
    client = browse(lemoine.collaborator)
    opened(client, outbox)
    moved = client.post(HERE, {"firm": str(lemoine.firm.pk)})
    assert "/demandes/" in moved["Location"]
    page = client.get(moved["Location"])
    assert "443 061 841" in read(page).replace("\u202f", " ").replace("\xa0", " ")
    done = client.post(moved["Location"], {"shown": mark(page), "dossier": "new"})
    assert "/dossiers/" in done["Location"]
    assert "Boulangerie Martin" in read(client.get(done["Location"]))
    assert followers(claire) == ["Cabinet Lemoine"]
    again = read(client.get(moved["Location"]))
    assert "a accepté cette invitation" in again and "vous en envoyer une autre" not in again


def test_who_works_for_two_firms_is_asked_for_which(
    browse: Browse, claire: SpaceMember, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    ask(claire)
    with scope(firm=bertrand.firm):
        make_member(bertrand.firm, "Alice", role=Role.ADMIN, user=lemoine.admin.user)
    client = browse(lemoine.admin)
    words = read(opened(client, outbox))
    assert "Cabinet Lemoine" in words and "Bertrand Conseil" in words
    assert client.post(HERE).status_code == 422
    moved = client.post(HERE, {"firm": str(bertrand.firm.pk)})
    assert bertrand.firm.slug in moved["Location"]
    assert "Cabinet Lemoine" not in read(client.get(HERE))


def test_an_address_with_an_account_must_prove_it(
    browse: Browse, claire: SpaceMember, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    ask(claire, lemoine.admin.email)
    stranger = browse(bertrand.admin)
    words = read(opened(stranger, outbox, lemoine.admin.email))
    assert "autre compte" in words
    stranger.post(HERE, {"firm": str(bertrand.firm.pk)})
    with scope(firm=bertrand.firm):
        assert not Invitation.objects.exists()
    assert "/connexion/?next=/invitation/" in browse_text(browse(), outbox, lemoine.admin.email)


def browse_text(client: Client, outbox: Outbox, address: str) -> str:
    return str(opened(client, outbox, address).content.decode()).replace("%2F", "/")


def test_who_belongs_to_no_firm_makes_none(browse: Browse, claire: SpaceMember, outbox: Outbox) -> None:
    ask(claire)
    alone = make_person("seul@ailleurs.test")
    client = browse(alone)
    assert "n'appartient à aucun cabinet" in read(opened(client, outbox))
    assert client.post(HERE, {"firm": "x"}).status_code == 422
    with scope(space=claire.space.pk):
        assert Invitation.objects.get().to_firm_id is None
    assert not firms_of(alone.pk)


def test_what_another_firm_has_received_is_not_named(
    browse: Browse, claire: SpaceMember, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    receive(ask(claire), lemoine.admin)
    words = read(opened(browse(bertrand.admin), outbox))
    assert "déjà reçu cette invitation" in words and "Lemoine" not in words


def test_a_revoked_link_says_no_more_than_any_void_one(
    browse: Browse, claire: SpaceMember, lemoine: World, outbox: Outbox
) -> None:
    invitation = ask(claire)
    path = link_to(outbox, FIRMS_ADDRESS)
    with scope(space=claire.space.pk):
        revoke_asked(actor=claire, invitation=invitation)
    client = browse(lemoine.admin)
    client.get(path)
    assert client.get(HERE).status_code == 404


# --- the firm's pages


def test_the_firms_list_leads_to_what_waits(browse: Browse, claire: SpaceMember, lemoine: World) -> None:
    receive(ask(claire), lemoine.collaborator)
    for member, sees in ((lemoine.admin, True), (lemoine.collaborator, True), (lemoine.colleague, False)):
        client = browse(member)
        listed = read(client.get(lemoine.firm.url("invitations:list")))
        assert ("1 client demande" in listed) is sees
        assert ("Boulangerie Martin" in read(client.get(lemoine.firm.url("invitations:requests")))) is sees


def test_an_existing_file_is_offered_and_linked(browse: Browse, claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(firm=lemoine.firm):
        mine = make_dossier("Boulangerie d'avant", siren=SIREN)
        other = make_dossier("Sans rapport", siren="732829320")
    client, url = browse(lemoine.admin), lemoine.firm.url("invitations:request", pk=invitation.pk)
    page = client.get(url)
    assert "Boulangerie d'avant" in read(page) and "Sans rapport" not in read(page)
    assert page.context["form"]["dossier"].value() == str(mine.pk)
    assert client.post(url, {"shown": mark(page), "dossier": str(other.pk)}).status_code == 422
    done = client.post(url, {"shown": mark(page), "dossier": str(mine.pk)})
    assert done["Location"] == lemoine.firm.url("clients:dossier", pk=mine.pk)


def test_a_page_that_says_something_else_by_now_is_shown_again(
    browse: Browse, claire: SpaceMember, lemoine: World
) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    client, url = browse(lemoine.admin), lemoine.firm.url("invitations:request", pk=invitation.pk)
    page = client.get(url)
    with scope(space=claire.space.pk):
        ClientSpace.objects.update(legal_name="Boulangerie Autre")
    assert client.post(url, {"shown": mark(page), "dossier": "new"})["Location"] == url
    with scope(firm=lemoine.firm):
        assert not Dossier.objects.exists()


def test_a_takeover_looks_like_any_other_invitation_to_the_new_firm(
    browse: Browse, claire: SpaceMember, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    followed_by(claire, bertrand.admin, email="premier@cabinet.test")
    invitation = ask(claire, instead=True)
    client, path = browse(lemoine.admin), link_to(outbox, FIRMS_ADDRESS)
    client.get(path)
    pages = []
    for instead in (True, False):
        with scope(space=claire.space.pk):
            Invitation.objects.filter(pk=invitation.pk).update(ends_others=instead)
        pages.append(stable(client.get(HERE)))
    receive(invitation, lemoine.admin)
    for instead in (True, False):
        with scope(space=claire.space.pk):
            Invitation.objects.filter(pk=invitation.pk).update(ends_others=instead)
        pages.append(stable(client.get(lemoine.firm.url("invitations:request", pk=invitation.pk))))
    assert pages[0] == pages[1] and pages[2] == pages[3]
    assert "Bertrand" not in str(pages)


def test_declining_asks_first(browse: Browse, claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    client, url = browse(lemoine.admin), lemoine.firm.url("invitations:decline_request", pk=invitation.pk)
    assert client.get(url).status_code == 200
    assert state_of(invitation) == InvitationState.OPENED
    client.post(url)
    assert state_of(invitation) == InvitationState.REFUSED


# --- the client's pages


def test_an_empty_space_leads_to_inviting_ones_firm(browse: Browse, claire: SpaceMember) -> None:
    invite = claire.space.url("invitations:invite_firm")
    for route in ("clients:space_home", "invitations:firms"):
        assert invite in browse(claire).get(claire.space.url(route)).content.decode()


def test_a_client_invites_and_sees_which_firm_has_received_it(
    browse: Browse, claire: SpaceMember, lemoine: World
) -> None:
    client = browse(claire)
    url = claire.space.url("invitations:invite_firm")
    assert "prend sa place" not in read(client.get(url))
    sent = client.post(url, {"email": FIRMS_ADDRESS, "right": "read"})
    assert sent["Location"] == claire.space.url("invitations:firms")
    assert client.post(url, {"email": FIRMS_ADDRESS, "right": "read"}).status_code == 422
    with scope(space=claire.space.pk):
        invitation = Invitation.objects.get()
    receive(invitation, lemoine.admin)
    assert "Cabinet Lemoine" in read(client.get(sent["Location"]))


def test_who_takes_whose_place_is_asked_where_a_firm_follows(
    browse: Browse, claire: SpaceMember, lemoine: World
) -> None:
    followed_by(claire, lemoine.admin)
    client, url = browse(claire), claire.space.url("invitations:invite_firm")
    assert "Cabinet Lemoine" in read(client.get(url))
    client.post(url, {"email": "nouveau@cabinet.test", "right": "manage", "ends_others": "instead"})
    with scope(space=claire.space.pk):
        assert Invitation.objects.get(email="nouveau@cabinet.test").ends_others


def test_ending_an_access_shows_first_what_it_means(
    browse: Browse, claire: SpaceMember, lemoine: World, outbox: Outbox
) -> None:
    link = followed_by(claire, lemoine.admin)
    outbox.clear()
    client, url = browse(claire), claire.space.url("invitations:end_firm", pk=link.pk)
    assert "1 personne du cabinet" in read(client.get(url))
    assert followers(claire) == ["Cabinet Lemoine"] and outbox.mails() == []
    client.post(url)
    assert followers(claire) == []
    assert outbox.recipients() == [lemoine.admin.email]
    assert "Auparavant" in read(client.get(claire.space.url("invitations:firms")))


def test_who_does_not_choose_firms_reads_who_follows_and_no_more(
    browse: Browse, claire: SpaceMember, lemoine: World
) -> None:
    link = followed_by(claire, lemoine.admin)
    ask(claire, "secret@cabinet.test")
    with scope(space=claire.space.pk):
        marc = SpaceMember.objects.create(
            user=make_person("marc@boulangerie.test"), email="marc@boulangerie.test", profile="full"
        )
    client = browse(marc)
    words = read(client.get(claire.space.url("invitations:firms")))
    assert "Cabinet Lemoine" in words and "secret@cabinet.test" not in words
    for route, kwargs in (("invitations:invite_firm", {}), ("invitations:end_firm", {"pk": link.pk})):
        assert client.get(claire.space.url(route, **kwargs)).status_code == 403
        assert client.post(claire.space.url(route, **kwargs)).status_code == 403


# --- registering

CLIENT = {
    "kind": "company",
    "legal_name": "Fleurs d'Ainay",
    "number": "443 061 841",
    "first_name": "Inès",
    "last_name": "Roche",
    "email": "ines@ainay.test",
    "password1": PASSWORD,
    "terms": "on",
}


def test_a_client_registers_and_finds_a_space_once_the_address_is_confirmed(
    client: Client, outbox: Outbox
) -> None:
    assert client.post(reverse("clients:signup"), CLIENT).status_code == 302
    assert client.get(reverse("accounts:places")).status_code == 302  # to sign in: nothing is confirmed yet
    found = re.search(r"http://[^/]+(/confirmer/\S+)", str(outbox.to("ines@ainay.test").body))
    assert found
    client.post(client.get(found[1])["Location"])
    assert client.login(email="ines@ainay.test", password=PASSWORD)
    home = client.get(reverse("accounts:places"))["Location"]
    assert "/espace/" in home
    assert "Fleurs d'Ainay" in read(client.get(home))


def test_an_individual_is_called_by_their_own_name(client: Client) -> None:
    client.post(reverse("clients:signup"), {**CLIENT, "kind": "individual", "legal_name": "", "number": ""})
    (place,) = spaces_of(User.objects.get(email="ines@ainay.test").pk)
    assert place["name"] == "Roche Inès"


def test_a_company_needs_a_name(client: Client) -> None:
    refused = client.post(reverse("clients:signup"), {**CLIENT, "legal_name": ""})
    assert refused.status_code == 422
    assert refused.context["form"].errors["legal_name"] == ["Indiquez la raison sociale de l'entreprise."]
    label = re.search(r'<label[^>]*for="id_legal_name">(.*?)</label>', refused.text, re.DOTALL)
    assert label
    assert "facultatif" not in label[1]


def test_a_known_address_gets_the_same_answer_and_no_second_account(
    client: Client, claire: SpaceMember
) -> None:
    new = client.post(reverse("clients:signup"), CLIENT)
    known = Client().post(reverse("clients:signup"), {**CLIENT, "email": claire.email})
    assert (new.status_code, new["Location"]) == (known.status_code, known["Location"])
    assert len(spaces_of(claire.user_id)) == 1


def test_the_page_asks_who_registers_and_may_be_closed(client: Client, settings: Any) -> None:
    for route in ("account_signup", "clients:signup"):
        page = client.get(reverse(route)).content.decode()
        assert reverse("account_signup") in page and reverse("clients:signup") in page
    settings.CLIENT_REGISTRATION_OPEN = False
    assert reverse("clients:signup") not in client.get(reverse("account_signup")).content.decode()
    client.post(reverse("clients:signup"), CLIENT)
    assert not User.objects.exists()


def test_somebody_who_is_signed_in_opens_a_further_space(browse: Browse, claire: SpaceMember) -> None:
    made = browse(claire).post(
        reverse("clients:new_space"), {"kind": "company", "legal_name": "Fleurs d'Ainay"}
    )
    assert "/cabinets/" in made["Location"]
    assert {place["name"] for place in spaces_of(claire.user_id)} == {"Boulangerie Martin", "Fleurs d'Ainay"}
