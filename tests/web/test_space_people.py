"""The page of a client's people, and what a click there means at the other person's next one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from clients.models import ClientSpace, Dossier, SpaceLink, SpaceMember, SpaceProfile
from invitations.actions.people import invite_person
from invitations.models import Invitation
from tenancy.scopes import scope
from tests.clients.test_people import joined
from tests.clients.test_space import followed
from tests.web.pages import said
from tests.web.test_dossiers import filled
from tests.worlds import World, make_person

Browse = Callable[..., Client]
Url = Callable[..., str]

pytestmark = pytest.mark.django_db


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    """Claire's space, which the first firm follows."""
    return followed(lemoine, claire)


@pytest.fixture
def url(link: SpaceLink) -> Url:
    return lambda route, **kwargs: ClientSpace(pk=link.space_id).url(f"invitations:{route}", **kwargs)


@pytest.fixture
def marc(link: SpaceLink) -> SpaceMember:
    """Reads in Claire's space."""
    with scope(space=link.space_id):
        return joined(SpaceMember.objects.select_related("space").get())


def of_space(link: SpaceLink, model: Any) -> Any:
    with scope(space=link.space_id):
        return list(model.objects.filter(space=link.space_id).order_by("pk"))


def test_a_manager_sees_everybody_with_what_may_be_done(
    browse: Browse,
    claire: User,
    marc: SpaceMember,
    url: Url,
) -> None:
    page = said(browse(claire).get(url("people")))
    assert "Claire Aubry" in page and "Marc Petit" in page
    assert url("end_person", pk=marc.pk) in page
    for words in ("Gérant", "Complet", "Facturation", "Lecture", "Ce que chaque profil permet"):
        assert words in page


def test_everybody_else_reads_it(
    browse: Browse,
    claire: User,
    marc: SpaceMember,
    url: Url,
    link: SpaceLink,
) -> None:
    with scope(space=link.space_id):
        boss = SpaceMember.objects.select_related("space").get(user=claire)
        invite_person(actor=boss, email="stagiaire@boulangerie.test", profile=SpaceProfile.READER)
    page = said(browse(marc).get(url("people")))
    assert "Claire Aubry" in page
    assert "Votre profil ici est « Lecture »" in page
    assert "stagiaire@" not in page
    assert url("end_person", pk=marc.pk) not in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_manages_nobody_is_refused_each_act(
    browse: Browse,
    marc: SpaceMember,
    url: Url,
    link: SpaceLink,
    method: str,
) -> None:
    boss, _marc = of_space(link, SpaceMember)
    client = browse(marc)
    for route, kwargs in (
        ("invite_person", {}),
        ("person_profile", {"pk": boss.pk}),
        ("end_person", {"pk": boss.pk}),
        ("person_profile", {"pk": marc.pk}),
    ):
        data = {"profile": "manager", "email": "x@y.test"}
        refused = getattr(client, method)(url(route, **kwargs), data)
        assert refused.status_code == 403, route
        assert "Un gérant de cet espace peut" in refused.content.decode()  # no administrator of a firm could
    assert [one.profile for one in of_space(link, SpaceMember)] == ["manager", "reader"]
    assert of_space(link, Invitation) == []


def test_inviting_asks_about_a_likely_slip_and_then_sends(
    browse: Browse,
    claire: User,
    url: Url,
    link: SpaceLink,
) -> None:
    client, slip = browse(claire), "marc@gmial.com"
    asked = client.post(url("invite_person"), {"email": slip, "profile": "billing"})
    assert asked.status_code == 422
    sent = client.post(url("invite_person"), {"email": slip, "profile": "billing", "email_checked": slip})
    assert sent["Location"] == url("people")
    (invitation,) = of_space(link, Invitation)
    assert (invitation.email, invitation.profile) == (slip, "billing")
    page = said(client.get(url("people")))
    assert slip in page and url("revoke_person", pk=invitation.pk) in page
    again = client.post(url("invite_person"), {"email": slip, "profile": "full", "email_checked": slip})
    assert "déjà invitée" in said(again)


def test_sent_again_and_revoked_from_the_page(
    browse: Browse,
    claire: User,
    url: Url,
    link: SpaceLink,
) -> None:
    client = browse(claire)
    client.post(url("invite_person"), {"email": "marc@client.test", "profile": "reader"})
    (invitation,) = of_space(link, Invitation)
    client.post(url("resend_person", pk=invitation.pk))
    assert of_space(link, Invitation)[0].generation == 2
    assert client.get(url("revoke_person", pk=invitation.pk)).status_code == 200
    client.post(url("revoke_person", pk=invitation.pk))
    assert of_space(link, Invitation)[0].state == "revoked"
    assert "marc@client.test" not in said(client.get(url("people"))).partition("toast")[0]


def test_the_address_is_corrected_from_the_page(
    browse: Browse, claire: User, url: Url, link: SpaceLink
) -> None:
    client = browse(claire)
    client.post(url("invite_person"), {"email": "marc@client.test", "profile": "reader"})
    correct = url("correct_person", pk=of_space(link, Invitation)[0].pk)
    assert client.get(correct).status_code == 200
    assert client.post(correct, {"email": claire.email}).status_code == 422
    assert client.post(correct, {"email": "marc@ailleurs.test"})["Location"] == url("people")
    assert of_space(link, Invitation)[0].email == "marc@ailleurs.test"


def test_nobody_writes_to_the_whole_world_from_a_space(
    browse: Browse, claire: User, url: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("invitations.views.people.MAILS_AT_MOST", "2/d/key")
    client = browse(claire)
    answers = [
        client.post(url("invite_person"), {"email": f"n{n}@client.test", "profile": "reader"})
        for n in range(3)
    ]
    assert [one.status_code for one in answers] == [302, 302, 429]


def test_an_ended_access_is_lost_at_the_next_request_in_every_session(
    browse: Browse,
    claire: User,
    marc: SpaceMember,
    url: Url,
) -> None:
    here, there = browse(marc), browse(marc)
    assert {one.get(url("people")).status_code for one in (here, there)} == {200}
    assert browse(claire).post(url("end_person", pk=marc.pk))["Location"] == url("people")
    assert {one.get(url("people")).status_code for one in (here, there)} == {404}
    assert here.get("/mes-espaces/").status_code == 200, "they are signed in still"


def test_another_profile_counts_at_the_next_request(
    browse: Browse,
    claire: User,
    marc: SpaceMember,
    url: Url,
    link: SpaceLink,
) -> None:
    edit = ClientSpace(pk=link.space_id).url("clients:space_edit")
    theirs = browse(marc)
    assert theirs.get(edit).status_code == 403
    browse(claire).post(url("person_profile", pk=marc.pk), {"profile": "full"})
    assert theirs.get(edit).status_code == 200
    browse(claire).post(url("person_profile", pk=marc.pk), {"profile": "billing"})
    assert theirs.get(edit).status_code == 403
    assert theirs.post(edit, {"legal_name": "À moi"}).status_code == 403


def test_two_people_who_change_the_details_at_once_lose_nothing(
    browse: Browse, claire: User, marc: SpaceMember, url: Url, link: SpaceLink
) -> None:
    """What one left as it was stays as the other made it; what both changed is asked once more."""
    edit = ClientSpace(pk=link.space_id).url("clients:space_edit")
    browse(claire).post(url("person_profile", pk=marc.pk), {"profile": "full"})
    mine, theirs = browse(claire), browse(marc)
    began = filled(mine.get(edit))
    assert theirs.post(edit, {**began, "phone": "0199001122", "city": "Lyon"}).status_code == 302
    clash = mine.post(edit, {**began, "phone": "0199003344", "email": "claire@boulangerie.test"})
    assert list(clash.context["form"].errors) == ["phone"], clash.context["form"].errors
    assert "01 99 00 11 22" in str(clash.context["form"].errors)
    with scope(space=link.space_id):
        before = ClientSpace.objects.get()
    assert (before.phone, before.city) == ("01 99 00 11 22", "Lyon")
    assert mine.post(edit, filled(clash)).status_code == 302
    with scope(space=link.space_id):
        after = ClientSpace.objects.get()
    assert (after.phone, after.city, after.email) == ("01 99 00 33 44", "Lyon", "claire@boulangerie.test")


def test_the_last_manager_is_told_why_they_stay(
    browse: Browse,
    claire: User,
    marc: SpaceMember,
    url: Url,
    link: SpaceLink,
) -> None:
    client, boss = browse(claire), of_space(link, SpaceMember)[0]
    for answer in (
        client.post(url("leave_space")),
        client.post(url("person_profile", pk=boss.pk), {"profile": "reader"}),
    ):
        assert answer.status_code == 422
        assert "au moins un gérant" in said(answer)


def test_leaving_leads_to_the_other_places(browse: Browse, marc: SpaceMember, url: Url) -> None:
    client = browse(marc)
    assert client.get(url("leave_space")).status_code == 200
    assert client.post(url("leave_space"))["Location"] == "/mes-espaces/"
    assert client.get(url("people")).status_code == 404


def test_people_of_another_space_are_as_absent_ones(
    browse: Browse,
    lemoine: World,
    claire: User,
    url: Url,
) -> None:
    other = followed(lemoine, make_person("autre@ailleurs.test"), "Autre")
    (stranger,) = of_space(other, SpaceMember)
    with scope(space=other.space_id):
        boss = SpaceMember.objects.select_related("space").get()
        theirs = invite_person(actor=boss, email="x@ailleurs.test", profile=SpaceProfile.READER)
    client = browse(claire)
    for route, pk in (
        ("end_person", stranger.pk),
        ("person_profile", stranger.pk),
        ("revoke_person", theirs.pk),
    ):
        assert client.get(url(route, pk=pk)).status_code == 404
        assert client.post(url(route, pk=pk), {"profile": "reader"}).status_code == 404


# --- What a firm keeps of the details


def test_a_kept_detail_is_shown_with_its_reason_and_cannot_be_typed_over(
    browse: Browse,
    lemoine: World,
    claire: User,
    link: SpaceLink,
) -> None:
    page = lemoine.firm.url("clients:kept", pk=link.dossier_id)
    alice, client = browse(lemoine.admin), browse(claire)
    saved = alice.post(page, {"fields_kept": ["phone", "siret"], "reason": "Dépôt en cours"})
    assert saved.status_code == 302
    assert "SIREN, SIRET, Téléphone" in said(
        alice.get(lemoine.firm.url("clients:dossier", pk=link.dossier_id))
    )
    edit = ClientSpace(pk=link.space_id).url("clients:space_edit")
    assert "Gardé par votre cabinet (Cabinet Lemoine). Dépôt en cours" in said(client.get(edit))
    values = {"legal_name": "Boulangerie Martin", "city": "Lyon", "phone": "01 02 03 04 05"}
    assert client.post(edit, values).status_code == 302
    (space,) = of_spaces(link)
    assert (space.city, space.phone) == ("Lyon", "")
    home = said(client.get(ClientSpace(pk=link.space_id).url("clients:space_home")))
    assert "Téléphone : gardé par votre cabinet (Cabinet Lemoine)." in home


def test_what_the_firms_record_says_is_taken_over_with_a_click(
    browse: Browse,
    lemoine: World,
    claire: User,
    link: SpaceLink,
) -> None:
    alice, client = browse(lemoine.admin), browse(claire)
    alice.post(lemoine.firm.url("clients:kept", pk=link.dossier_id), {"fields_kept": ["city"]})
    with scope(firm=lemoine.firm):
        Dossier.objects.update(city="Lyon")
    home = ClientSpace(pk=link.space_id).url("clients:space_home")
    assert "Reprendre ce que dit le dossier" in said(client.get(home))
    client.post(ClientSpace(pk=link.space_id).url("clients:space_take_over"))
    assert of_spaces(link)[0].city == "Lyon"
    assert "Reprendre ce que dit le dossier" not in said(client.get(home))


def of_spaces(link: SpaceLink) -> list[ClientSpace]:
    with scope(space=link.space_id):
        return list(ClientSpace.objects.all())
