"""Which mails a person gets: their own page of choices, and the link of a mail that switches off more of its kind."""

from collections.abc import Callable
from email import message_from_bytes
from typing import Any

import httpx
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from activity.models import Event, Preference
from activity.preferences import Chosen, chosen_by
from activity.topics import Timing, topics_of
from activity.unsubscribing import Switch, link
from clients.actions.space import open_space
from portfolios.actions import grant_portfolio
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.web.pages import said
from tests.worlds import World, make_dossier, make_person, make_portfolio

Browse = Callable[..., Client]
PAGE = "/profil/courriels/"


@pytest.fixture(autouse=True)
def _nobody_tried_before(db: None) -> None:
    cache.clear()


def chosen(world: World, member: Membership) -> Chosen:
    assert member.user_id is not None
    with scope(firm=world.firm):
        return chosen_by(member.user_id)


def form(world: World, side: str = "firm", **given: str) -> dict[str, str]:
    """What the page posts for that firm."""
    values = (
        {topic.name: "at_once" for topic in topics_of(side)} | {"hour": "8", "zone": "Europe/Paris"} | given
    )
    return {"place": str(world.firm.pk)} | {
        f"{world.firm.pk.hex}-{name}": value for name, value in values.items()
    }


def recorded(member: Membership) -> list[str]:
    with scope(person=member.user_id):
        return list(Event.objects.order_by("pk").values_list("type", flat=True))


# --- the page ---------------------------------------------------------------------------------------------------


def test_each_place_has_its_own_choices_and_security_none(browse: Browse, lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        dossier = make_dossier("Boulangerie Martin")
        assert lemoine.admin.user is not None
        open_space(person=lemoine.admin.user, firm=lemoine.firm, dossier=dossier, email=lemoine.admin.email)
    page = browse(lemoine.admin).get(PAGE)
    words = said(page)
    assert "Cabinet Lemoine" in words and "Boulangerie Martin" in words
    assert "Portefeuilles et affectations" in words and "Coordonnées de l&#x27;entreprise" in words
    assert "Toujours, aussitôt" in words and "personne ne le peut" in words
    assert "security" not in page.content.decode()


def test_a_choice_is_saved_and_said(browse: Browse, lemoine: World) -> None:
    chloe = browse(lemoine.collaborator)
    data = form(lemoine, access="daily", exchange="never", hour="18", zone="Indian/Reunion")
    answer = chloe.post(PAGE, data)
    assert answer["Location"] == f"{PAGE}#{lemoine.firm.pk}"
    timings = {"access": Timing.DAILY, "exchange": Timing.NEVER}
    assert chosen(lemoine, lemoine.collaborator) == Chosen(timings, 18, "Indian/Reunion")
    assert "Votre choix est enregistré" in said(chloe.get(PAGE))
    assert "Rien n&#x27;a changé" in said(chloe.post(PAGE, data, follow=True))
    assert recorded(lemoine.collaborator) == ["accounts.person.mails_chosen"]


@pytest.mark.parametrize(
    "fault", [{"access": "sometimes"}, {"hour": "24"}, {"zone": "Mars/Olympus"}, {"access": ""}]
)
def test_what_cannot_be_chosen_is_refused_at_its_field(
    browse: Browse, lemoine: World, fault: dict[str, str]
) -> None:
    answer = browse(lemoine.collaborator).post(PAGE, form(lemoine, **fault))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert chosen(lemoine, lemoine.collaborator) == Chosen()


@pytest.mark.parametrize("place", ["", "x", "00000000-0000-4000-8000-000000000001"])
def test_a_place_that_is_not_theirs_is_not_there(
    browse: Browse, lemoine: World, bertrand: World, place: str
) -> None:
    chloe = browse(lemoine.collaborator)
    assert chloe.post(PAGE, form(lemoine) | {"place": place}).status_code == 404
    assert chloe.post(PAGE, form(bertrand, access="never")).status_code == 404
    with scope(firm=bertrand.firm):
        assert not Preference.objects.exists()


def test_whoever_has_no_place_is_told_where_mails_come_from(browse: Browse, db: None) -> None:
    alone = make_person("seul@nulle-part.test")
    assert "Aucun courriel à choisir" in said(browse(alone).get(PAGE))


# --- the link of a mail -----------------------------------------------------------------------------------------


def link_for(world: World, member: Membership, *topics: str) -> str:
    assert member.user_id is not None
    return link(Switch(member.user_id, topics or ("access",), (world.firm.pk,))).removeprefix(
        "http://localhost:8000"
    )


@pytest.mark.django_db(transaction=True)
def test_a_mail_programs_button_over_http(lemoine: World, outbox: Outbox, live_server: Any) -> None:
    """As RFC 8058 wants it: one POST to the address in the header; no cookie, no login, no redirect."""
    with scope(firm=lemoine.firm):
        grant_portfolio(actor=lemoine.admin, portfolio=make_portfolio(), member=lemoine.collaborator)
    mail = outbox.to(lemoine.collaborator.email)
    sent = message_from_bytes(mail.message().as_bytes())
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = sent["List-Unsubscribe"].strip("<>").removeprefix("http://localhost:8000")
    url = f"{live_server.url}{path}"
    looked_at = httpx.get(url)
    assert looked_at.status_code == 302 and looked_at.headers["referrer-policy"] == "no-referrer"
    assert chosen(lemoine, lemoine.collaborator) == Chosen()
    for _ in range(2):
        answer = httpx.post(url, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200 and "C'est fait" in answer.text.replace("&#x27;", "'")
    assert chosen(lemoine, lemoine.collaborator) == Chosen({"access": Timing.NEVER})
    assert recorded(lemoine.collaborator) == ["accounts.person.mails_switched_off"]


def test_opened_by_a_person_it_leaves_the_address_and_asks_first(db: None, lemoine: World) -> None:
    visitor = Client()
    url = link_for(lemoine, lemoine.collaborator, "access", "firm")
    answer = visitor.get(url)
    assert answer["Location"] == reverse("accounts:switch_off")
    page = said(visitor.get(answer["Location"]))
    assert "Portefeuilles et affectations" in page and "Le cabinet" in page and "Cabinet Lemoine" in page
    assert chosen(lemoine, lemoine.collaborator) == Chosen()
    done = visitor.post(answer["Location"])
    assert done.status_code == 200 and "C'est fait" in said(done)
    assert set(chosen(lemoine, lemoine.collaborator).timings) == {"access", "firm"}


def test_the_page_with_the_button_wants_its_own_form(lemoine: World) -> None:
    """The link itself needs no form's token; the cookie of somebody's browser does."""
    visitor = Client(enforce_csrf_checks=True)
    visitor.get(link_for(lemoine, lemoine.collaborator))
    assert visitor.post(reverse("accounts:switch_off")).status_code == 403
    assert chosen(lemoine, lemoine.collaborator) == Chosen()


def test_a_link_that_is_none_of_ours_switches_nothing_off(lemoine: World) -> None:
    url = link_for(lemoine, lemoine.collaborator)
    for broken in (url[:-2] + "/", url.replace("access", "firm"), "/profil/courriels/arreter/x/"):
        for answer in (Client().get(broken), Client().post(broken)):
            assert answer.status_code == 404
            assert "Ce lien ne fonctionne pas" in said(answer)
    assert chosen(lemoine, lemoine.collaborator) == Chosen()
    assert Client().get(reverse("accounts:switch_off")).status_code == 404


def test_whoever_has_left_the_place_is_answered_all_the_same(lemoine: World) -> None:
    """A mail program tries again what fails; and the place is not named to whoever holds an old mail."""
    url = link_for(lemoine, lemoine.collaborator)
    with scope(firm=lemoine.firm):
        Membership.objects.filter(pk=lemoine.collaborator.pk).update(state="terminated")
    answer = Client().post(url)
    assert answer.status_code == 200 and "Cabinet Lemoine" not in said(answer)
    User.objects.filter(email=lemoine.collaborator.email).update(is_active=False)
    assert Client().post(url).status_code == 200
    with scope(firm=lemoine.firm):
        assert not Preference.objects.exists()


def test_what_was_chosen_for_other_topics_stays(browse: Browse, lemoine: World) -> None:
    browse(lemoine.collaborator).post(PAGE, form(lemoine, dossiers="daily", hour="20"))
    Client().post(link_for(lemoine, lemoine.collaborator))
    timings = {"dossiers": Timing.DAILY, "access": Timing.NEVER}
    assert chosen(lemoine, lemoine.collaborator) == Chosen(timings, 20)
