"""The client's page “Authorisations”, the firm's switch, and what the other side sees of it."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from clients.actions.space import open_space
from clients.models import (
    ClientSpace,
    ConsentRequest,
    Dossier,
    SpaceLink,
    SpaceMember,
    SpaceProfile,
    SupportAuthorisation,
)
from invitations.actions.inviting import invite_client
from tenancy.scopes import scope
from tests.clients.lists import run
from tests.invitations.links import link_to
from tests.web.pages import said, stable
from tests.worlds import World, make_dossier, make_person

Browse = Callable[..., Client]
SIREN = "443061841"
HEADERS = ("Code", "Raison sociale", "SIREN")


def accept(world: World, person: User, **fields: Any) -> SpaceLink:
    with scope(firm=world.firm):
        return open_space(
            person=person,
            firm=world.firm,
            dossier=make_dossier("SARL Martin", **{"siren": SIREN, "email": person.email, **fields}),
            email=person.email,
        )


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    lemoine.firm.phone, lemoine.firm.email = "04 72 00 00 00", "contact@lemoine.test"
    with scope(firm=lemoine.firm):
        lemoine.firm.save()
    return accept(lemoine, claire)


@pytest.fixture
def space_url(link: SpaceLink) -> Callable[..., str]:
    """`space_url("clients:space_authorisations", pk=…)`: a URL of Claire's space."""
    return lambda route, **kwargs: str(ClientSpace(pk=link.space_id).url(route, **kwargs))


def authorisations(link: SpaceLink) -> list[SupportAuthorisation]:
    with scope(space=link.space_id):
        return list(SupportAuthorisation.objects.running())


def test_a_client_authorises_and_withdraws_technical_support(
    lemoine: World, link: SpaceLink, claire: User, space_url: Callable[..., str], browse: Browse
) -> None:
    client = browse(claire)
    url = space_url("clients:space_authorise_support", pk=link.pk)
    assert client.post(url, {"duration": "7d"}).headers["Location"] == space_url(
        "clients:space_authorisations"
    )
    (given,) = authorisations(link)
    shown = client.get(space_url("clients:space_authorisations")).content.decode()
    assert "Claire Aubry" in shown and "Cabinet Lemoine" in shown
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get()
    firms_page = (
        browse(lemoine.admin).get(lemoine.firm.url("clients:dossier", pk=dossier.pk)).content.decode()
    )
    assert "autorisé jusqu" in firms_page
    client.post(space_url("clients:space_withdraw_support", pk=given.pk))
    assert authorisations(link) == []
    firms_page = (
        browse(lemoine.admin).get(lemoine.firm.url("clients:dossier", pk=dossier.pk)).content.decode()
    )
    assert "non autorisé par le client" in firms_page


def test_what_a_firm_still_has_after_the_link_ended_can_be_withdrawn(
    link: SpaceLink, claire: User, space_url: Callable[..., str], browse: Browse
) -> None:
    client, url = browse(claire), space_url("clients:space_authorisations")
    client.post(space_url("clients:space_authorise_support", pk=link.pk), {"duration": "7d"})
    (given,) = authorisations(link)
    with scope(space=link.space_id):
        SpaceLink.objects.update(until=timezone.now())
    way_out = space_url("clients:space_withdraw_support", pk=given.pk)
    shown = said(client.get(url))
    assert way_out in shown and "ne vous suit plus" in shown
    assert space_url("clients:space_authorise_support", pk=link.pk) not in shown
    assert "Cabinet Lemoine" in said(client.post(way_out, follow=True)), "whose access has ended"
    shown = said(client.get(url))
    assert way_out not in shown and "Cabinet Lemoine" not in shown


def test_whose_company_has_refused_reads_so_in_their_space(
    lemoine: World, bertrand: World, browse: Browse
) -> None:
    admin, ivan = browse(lemoine.admin), make_person("ivan@ailleurs.test")
    admin.post(lemoine.firm.url("accounts:declarants"), {"allowed": "0"})
    waiting = accept(bertrand, ivan, siren=lemoine.firm.siren)
    home = ClientSpace(pk=waiting.space_id).url("clients:space_home")
    assert "Refusé le" not in said(browse(ivan).get(home))
    with scope(firm=lemoine.firm):
        asked = ConsentRequest.objects.get()
    admin.post(lemoine.firm.url("clients:refuse_request", pk=asked.pk))
    shown = said(browse(ivan).get(home))
    assert "Bertrand Conseil" in shown and "Refusé le" in shown and lemoine.admin.name not in shown
    with scope(firm=lemoine.firm):
        asked.refresh_from_db()
    assert asked.answered_at is not None
    that_day = date_format(timezone.localtime(asked.answered_at), "SHORT_DATE_FORMAT")
    assert f"le {that_day} par {lemoine.admin.name}" in said(admin.get(lemoine.firm.url("clients:members")))


def test_who_took_another_way_meanwhile_is_not_told_of_a_refusal_that_never_was(
    lemoine: World, bertrand: World, browse: Browse
) -> None:
    browse(lemoine.admin).post(lemoine.firm.url("accounts:declarants"), {"allowed": "0"})
    ivan = make_person("ivan@ailleurs.test")
    first = accept(bertrand, ivan, siren=lemoine.firm.siren)
    with scope(firm=bertrand.firm):
        dossier = Dossier.objects.get(pk=first.dossier_id)
        again = open_space(person=ivan, firm=bertrand.firm, dossier=dossier, email=ivan.email)
    assert again.space_id != first.space_id, "of which the first space sees nothing"
    shown = said(browse(ivan).get(ClientSpace(pk=first.space_id).url("clients:space_home")))
    assert "Refusé le" not in shown and "Bertrand Conseil" not in shown


def test_who_withdraws_is_told_from_which_firm(
    link: SpaceLink, claire: User, space_url: Callable[..., str], browse: Browse
) -> None:
    client = browse(claire)
    client.post(space_url("clients:space_authorise_support", pk=link.pk), {"duration": "24h"})
    (given,) = authorisations(link)
    answer = client.post(space_url("clients:space_withdraw_support", pk=given.pk), follow=True)
    assert "Le support technique (Cabinet Lemoine) n&#x27;a plus accès à votre dossier." in said(answer)


def test_another_duration_is_no_duration(
    link: SpaceLink, claire: User, space_url: Callable[..., str], browse: Browse
) -> None:
    answer = browse(claire).post(
        space_url("clients:space_authorise_support", pk=link.pk), {"duration": "10y"}
    )
    assert answer.status_code == 422
    assert authorisations(link) == []


def test_who_only_reads_sees_the_page_without_its_buttons(
    link: SpaceLink, claire: User, space_url: Callable[..., str], browse: Browse
) -> None:
    with scope(space=link.space_id):
        SpaceMember.objects.update(profile=SpaceProfile.READER)
    client = browse(claire)
    answer = client.get(space_url("clients:space_authorisations"))
    assert answer.status_code == 200
    main = answer.content.decode().partition("<main")[2]
    assert "<form" not in main
    assert (
        client.post(space_url("clients:space_authorise_support", pk=link.pk), {"duration": "24h"}).status_code
        == 403
    )
    assert client.post(space_url("clients:space_declarants"), {"allowed": "0"}).status_code == 403


def test_the_company_sees_who_asks_and_answers(
    lemoine: World,
    bertrand: World,
    link: SpaceLink,
    claire: User,
    space_url: Callable[..., str],
    browse: Browse,
) -> None:
    client = browse(claire)
    client.post(space_url("clients:space_declarants"), {"allowed": "0"})
    waiting = accept(bertrand, make_person("inconnu@ailleurs.test"))
    (asked,) = requests_of(link.space_id)
    assert "Bertrand Conseil" in client.get(space_url("clients:space_authorisations")).content.decode()
    home = client.get(space_url("clients:space_home")).content.decode()
    followed_by = home.partition('aria-labelledby="firms"')[2].partition("</section>")[0]
    assert "Cabinet Lemoine" in followed_by and "Bertrand Conseil" not in followed_by
    firms_page = browse(bertrand.admin).get(bertrand.firm.url("clients:dossier", pk=waiting.dossier_id))
    shown = firms_page.content.decode()
    assert "En attente de l&#x27;accord" in shown or "En attente de l'accord" in shown
    assert "Claire" not in shown
    client.post(space_url("clients:space_accept_request", pk=asked.pk))
    again = client.post(space_url("clients:space_refuse_request", pk=asked.pk), follow=True)
    assert "entre-temps" in again.content.decode()
    shown = (
        browse(bertrand.admin)
        .get(bertrand.firm.url("clients:dossier", pk=waiting.dossier_id))
        .content.decode()
    )
    assert "Claire" in shown


def requests_of(space: UUID) -> list[ConsentRequest]:
    with scope(space=space):
        return list(ConsentRequest.objects.all())


def test_a_firm_closes_itself_and_answers(lemoine: World, bertrand: World, browse: Browse) -> None:
    admin = browse(lemoine.admin)
    assert browse(lemoine.collaborator).post(lemoine.firm.url("accounts:declarants")).status_code == 403
    admin.post(lemoine.firm.url("accounts:declarants"), {"allowed": "0"})
    waiting = accept(bertrand, make_person("inconnu@ailleurs.test"), siren=lemoine.firm.siren)
    members = admin.get(lemoine.firm.url("clients:members")).content.decode()
    assert "Bertrand Conseil" in members
    assert (
        "Bertrand Conseil"
        not in browse(lemoine.collaborator).get(lemoine.firm.url("clients:members")).content.decode()
    )
    with scope(firm=lemoine.firm):
        asked = ConsentRequest.objects.get()
    url = lemoine.firm.url("clients:refuse_request", pk=asked.pk)
    assert browse(lemoine.collaborator).post(url).status_code == 403
    assert admin.post(url).status_code == 302
    with scope(firm=bertrand.firm):
        assert SpaceLink.objects.get(pk=waiting.pk).until is not None


def test_whose_company_is_asked_is_led_to_a_page_that_says_so_and_to_no_space(
    bertrand: World, link: SpaceLink, claire: User, space_url: Callable[..., str], browse: Browse, outbox: Any
) -> None:
    browse(claire).post(space_url("clients:space_declarants"), {"allowed": "0"})
    with scope(firm=bertrand.firm):
        invite_client(
            actor=bertrand.admin, dossier=make_dossier("SARL Martin", siren=SIREN, email="ivan@ailleurs.test")
        )
    client = browse()
    shown = client.get(link_to(outbox, "ivan@ailleurs.test"), follow=True)
    values = {
        "shown": shown.context["form"]["shown"].value(),
        "terms": "on",
        "first_name": "Ivan",
        "last_name": "Petit",
        "password": "une phrase assez longue",
    }
    answer = client.post("/invitation/", values)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "accord" in text and "Bertrand Conseil" in text
    assert "Claire" not in text and "Lemoine" not in text and str(link.space_id) not in text
    assert client.get(space_url("clients:space_home")).status_code == 404


# --- creating and importing tell nothing ------------------------------------------------------------------------------


def _timeless(answer: tuple[int, str]) -> list[str]:
    """Line by line, without the moment at which it happened."""
    text = re.sub(r"<time.*?</time>|\([\d.,]+.s\)", "", answer[1])
    return [str(answer[0]), *text.splitlines()]


def _created(world: World, browse: Browse) -> Any:
    """What the creation of a dossier with the SIREN answers, and its page."""
    client = browse(world.admin)
    values = {"kind": "company", "legal_name": "SARL Martin", "siren": SIREN, "portfolio": ""}
    answer = client.post(world.firm.url("clients:create"), values)
    assert answer.status_code == 302, answer.context["form"].errors
    key = answer.headers["Location"].rstrip("/").rpartition("/")[2]
    return answer, client.get(answer.headers["Location"]), UUID(key)


def test_creating_a_dossier_answers_alike_whether_or_not_a_closed_company_has_that_siren(
    lemoine: World, bertrand: World, claire: User, browse: Browse
) -> None:
    answers = []
    for closed in (False, True):
        if closed:
            made = accept(lemoine, claire)
            with scope(space=made.space_id):
                ClientSpace.objects.update(open_to_declarants=False)
        answer, page, key = _created(bertrand, browse)
        answers.append((stable(answer, key), _timeless(stable(page, key))))
        with scope(firm=bertrand.firm):
            Dossier.objects.all().delete()
    assert answers[0] == answers[1]


def test_importing_it_answers_alike_too(
    lemoine: World, bertrand: World, claire: User, browse: Browse
) -> None:
    answers = []
    for closed in (False, True):
        if closed:
            made = accept(lemoine, claire)
            with scope(space=made.space_id):
                ClientSpace.objects.update(open_to_declarants=False)
        with scope(firm=bertrand.firm):
            source = run(bertrand.admin, [("M1", "SARL Martin", SIREN)], HEADERS)
        page = browse(bertrand.admin).get(bertrand.firm.url("clients:import", pk=source.pk))
        answers.append(_timeless(stable(page, source.pk)))
        with scope(firm=bertrand.firm):
            Dossier.objects.all().delete()
    assert answers[0] == answers[1]


# --- the firm's phone and e-mail ------------------------------------------------------------------------------------


def test_every_firm_that_follows_can_be_called_and_written_to_from_every_page(
    lemoine: World,
    bertrand: World,
    link: SpaceLink,
    claire: User,
    space_url: Callable[..., str],
    browse: Browse,
) -> None:
    with scope(firm=bertrand.firm):
        open_space(
            person=claire,
            firm=bertrand.firm,
            dossier=make_dossier("Autre"),
            email=claire.email,
            space_id=link.space_id,
        )
    for route in ("clients:space_home", "clients:space_edit", "clients:space_authorisations"):
        foot = browse(claire).get(space_url(route)).content.decode().partition("<footer")[2]
        assert 'href="tel:0472000000"' in foot and 'href="mailto:contact@lemoine.test"' in foot
        assert "Bertrand Conseil" in foot and foot.count("tel:") == 1


def test_members_see_the_firms_phone_and_administrators_what_is_missing(
    lemoine: World, browse: Browse
) -> None:
    hint = lemoine.firm.url("accounts:settings")

    def foot(member: Any) -> str:
        shown = browse(member).get(lemoine.firm.url("dashboard")).content.decode()
        return shown.partition("<footer")[2]

    assert hint in foot(lemoine.admin)
    assert hint not in foot(lemoine.collaborator) and "tel:" not in foot(lemoine.collaborator)
    with scope(firm=lemoine.firm):
        lemoine.firm.phone, lemoine.firm.email = "04 72 00 00 00", "contact@lemoine.test"
        lemoine.firm.save()
    assert hint not in foot(lemoine.admin)
    assert 'href="tel:0472000000"' in foot(lemoine.collaborator)


def test_an_ended_link_is_in_no_foot(
    link: SpaceLink, claire: User, space_url: Callable[..., str], browse: Browse
) -> None:
    with scope(space=link.space_id):
        SpaceLink.objects.update(until=timezone.now())
    assert "tel:" not in browse(claire).get(space_url("clients:space_authorisations")).content.decode()
