"""While an import is written: whoever needs a client file that it holds is told so, and never left hanging."""

import html
import json
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from activity.models import Event
from clients.models import Assignment, Dossier, Import, ImportState
from invitations.actions.inviting import invite_client
from invitations.models import Invitation
from tenancy import patience
from tenancy.scopes import scope
from tests.invitations.links import link_to
from tests.outbox import Outbox
from tests.web.test_dossiers import filled
from tests.worlds import World, make_dossier, make_portfolio

Browse = Callable[..., Client]
SECRET = "un mot de passe bien long 42"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", timedelta(seconds=0.2))


@contextmanager
def held(world: World, key: UUID, how: str) -> Generator[None]:
    """Locked by another transaction, as a worker's; it gives it back after half a minute at the latest."""
    has, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with scope(firm=world.firm), connection.cursor() as cursor:
                cursor.execute(f"SELECT FROM clients_dossier WHERE id = %s {how}", [key])
                has.set()
                may_go.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    has.wait(10)
    try:
        yield
        assert thread.is_alive(), "it was waited for"
    finally:
        may_go.set()
        thread.join()


def made(world: World, state: ImportState) -> None:
    Import.objects.create(created_by=world.admin, file_name="a.xlsx", size=1, state=state)


@pytest.mark.parametrize("state", [ImportState.APPLYING, ImportState.UNDOING, ImportState.DONE])
def test_an_edit_of_a_file_that_an_import_holds_is_answered_with_all_that_was_typed(
    lemoine: World, browse: Browse, state: ImportState
) -> None:
    with scope(firm=lemoine.firm):
        dossier = make_dossier("Béranger", city="Lyon")
        made(lemoine, state)
    client, url = browse(lemoine.admin), lemoine.firm.url("clients:edit", pk=dossier.pk)
    typed = filled(client.get(url)) | {"city": "Lille"}
    with held(lemoine, dossier.pk, "FOR NO KEY UPDATE"):
        told = client.post(url, typed)
    assert told.status_code == 422
    page = told.content.decode()
    assert ("Un import est en cours d’application" in page) == (state != ImportState.DONE)
    assert ("Quelqu’un modifie ce dossier" in page) == (state == ImportState.DONE)
    assert "rien de ce que vous avez saisi n’est perdu" in page
    assert filled(told) == typed
    assert client.post(url, filled(told)).status_code == 302
    with scope(firm=lemoine.firm):
        assert Dossier.objects.get().city == "Lille"


def test_a_file_that_an_undo_holds_is_shown_a_moment_later(lemoine: World, browse: Browse) -> None:
    with scope(firm=lemoine.firm):
        dossier = make_dossier("Béranger")
        made(lemoine, ImportState.UNDOING)
    client, url = browse(lemoine.admin), lemoine.firm.url("clients:dossier", pk=dossier.pk)
    with held(lemoine, dossier.pk, "FOR UPDATE"):
        told = client.get(url, follow=True)
    assert "Un import est en cours d’application" in told.content.decode()
    assert client.get(url).status_code == 200


def test_a_file_that_is_being_changed_is_shown_meanwhile(lemoine: World, browse: Browse) -> None:
    with scope(firm=lemoine.firm):
        dossier = make_dossier("Béranger")
    client = browse(lemoine.admin)
    with held(lemoine, dossier.pk, "FOR NO KEY UPDATE"):
        assert client.get(lemoine.firm.url("clients:dossier", pk=dossier.pk)).status_code == 200


# --- Whatever else would change something -------------------------------------------------------------------------


@dataclass(frozen=True)
class Deed:
    """What somebody does with the held client file: the page, what its form sends, and how one sees that it is done."""

    route: str
    keys: dict[str, UUID]
    sent: dict[str, Any]
    is_done: Callable[[], bool]


def deed_of(name: str, world: World, client: Client) -> Deed:
    """In the firm's scope; a few of them have been asked already what they would mean."""
    old, new = make_portfolio("Ancien"), make_portfolio("Sarah")
    one = make_dossier("Béranger", portfolio=old, email="marc@beranger.test")
    make_dossier("Garage", portfolio=old)
    its = Dossier.objects.filter(pk=one.pk)
    chosen = {
        "ids": [str(key) for key in Dossier.objects.values_list("pk", flat=True)],
        "query": "q=a&size=20",
    }
    role = {f"m-{world.colleague.pk}": "reader"}
    deeds = {
        "move": Deed(
            "clients:move", {"pk": one.pk}, {"portfolio": str(new.pk)}, its.filter(portfolio=new).exists
        ),
        "move many": Deed(
            "clients:move_many", {}, {**chosen, "to-portfolio": str(new.pk)}, its.filter(portfolio=new).exists
        ),
        "archive": Deed("clients:archive", {}, chosen, its.archived().exists),
        "terminate": Deed(
            "clients:terminate_portfolio",
            {"pk": old.pk},
            {"to-portfolio": str(new.pk)},
            its.filter(portfolio=new).exists,
        ),
        "assign": Deed(
            "clients:assign_confirm",
            {},
            {**chosen, **role},
            Assignment.objects.filter(content_object=one).exists,
        ),
        "invite": Deed(
            "invitations:invite_client",
            {"pk": one.pk},
            {"email": "marc@beranger.test", "profile": "manager"},
            Invitation.objects.filter(dossier=one).exists,
        ),
    }
    return deeds[name]


def asked_first(world: World, client: Client, deed: Deed) -> dict[str, Any]:
    """What the form sends once its person has seen what it means, where that is shown."""
    if deed.route in ("clients:move", "invitations:invite_client"):
        return deed.sent
    route = "clients:assign_preview" if deed.route == "clients:assign_confirm" else deed.route
    shown = client.post(world.firm.url(route, **deed.keys), deed.sent).context
    weighed = shown.get("weighed")
    impact = weighed.impact if weighed else shown["impact"]
    return {**deed.sent, "about": weighed.about if weighed else "", "seen": impact.fingerprint}


_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
DEEDS = ["move", "move many", "archive", "terminate", "assign", "invite"]


def sent_again(page: str) -> dict[str, list[str]]:
    """What the page's form would send."""
    found: dict[str, list[str]] = {}
    for name, value in _HIDDEN.findall(page):
        found.setdefault(html.unescape(name), []).append(html.unescape(value))
    found.pop("csrfmiddlewaretoken")
    return found


@pytest.mark.parametrize("name", DEEDS)
def test_what_needs_a_file_that_an_import_holds_is_answered_and_can_be_sent_again(
    lemoine: World, browse: Browse, name: str
) -> None:
    client = browse(lemoine.admin)
    with scope(firm=lemoine.firm):
        made(lemoine, ImportState.UNDOING)
        deed = deed_of(name, lemoine, client)
        key = Dossier.objects.get(legal_name="Béranger").pk
    sent, url = asked_first(lemoine, client, deed), lemoine.firm.url(deed.route, **deed.keys)
    with scope(firm=lemoine.firm):
        before = Event.objects.count()
    with held(lemoine, key, "FOR UPDATE"):
        told = client.post(url, sent)
        assert told.status_code == 409
        page = told.content.decode()
        assert "Un import est en cours d’application" in page
        assert "rien de ce que vous avez saisi ou choisi n’est perdu" in page
        beside = client.post(url, sent, headers={"HX-Request": "true"})
        assert (beside.status_code, beside.content) == (409, b"")
        assert "Un import est en cours" in json.loads(beside["HX-Trigger"])["toast"]["text"]
    with scope(firm=lemoine.firm):
        assert Event.objects.count() == before
        assert not deed.is_done()
    assert client.post(url, sent_again(page)).status_code == 302
    with scope(firm=lemoine.firm):
        assert deed.is_done()


def test_a_selection_that_an_import_holds_is_moved_a_moment_later(lemoine: World, browse: Browse) -> None:
    """While an import is applied, whose locks are weaker."""
    client = browse(lemoine.admin)
    with scope(firm=lemoine.firm):
        made(lemoine, ImportState.APPLYING)
        deed = deed_of("move many", lemoine, client)
        key = Dossier.objects.get(legal_name="Béranger").pk
    sent, url = asked_first(lemoine, client, deed), lemoine.firm.url(deed.route)
    with held(lemoine, key, "FOR NO KEY UPDATE"):
        assert client.post(url, sent).status_code == 409
    assert client.post(url, sent).status_code == 302


def test_what_it_would_mean_is_not_waited_for_either(lemoine: World, browse: Browse) -> None:
    """A page that only shows it does it, and takes it back."""
    with scope(firm=lemoine.firm):
        made(lemoine, ImportState.APPLYING)
        dossier = make_dossier("Béranger")
    client, url = browse(lemoine.admin), lemoine.firm.url("clients:archive_one", pk=dossier.pk)
    with held(lemoine, dossier.pk, "FOR NO KEY UPDATE"):
        told = client.get(url)
        assert told.status_code == 409
        assert f'href="{url}"' in told.content.decode()
    assert client.get(url).status_code == 200


def test_what_else_a_request_has_written_is_taken_back_with_it(
    lemoine: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scope(firm=lemoine.firm):
        one, other = make_dossier("Béranger", city="Lyon"), make_dossier("Garage", city="Lyon")

    def act(**given: Any) -> None:
        Dossier.objects.filter(pk=one.pk).update(city="Lille")
        Dossier.objects.get(pk=other.pk).save(update_fields=["city"])

    monkeypatch.setattr("clients.views.moving.move_dossier", act)
    client, url = browse(lemoine.admin), lemoine.firm.url("clients:move", pk=one.pk)
    with scope(firm=lemoine.firm):
        there = make_portfolio()
    with held(lemoine, other.pk, "FOR UPDATE"):
        assert client.post(url, {"portfolio": there.pk}).status_code == 409
    with scope(firm=lemoine.firm):
        assert Dossier.objects.get(pk=one.pk).city == "Lyon"


def test_a_client_who_accepts_meanwhile_is_told_and_no_password_is_given_back(
    lemoine: World, browse: Browse, outbox: Outbox
) -> None:
    with scope(firm=lemoine.firm):
        made(lemoine, ImportState.UNDOING)
        dossier = make_dossier("Béranger", email="marc@beranger.test")
        invite_client(actor=lemoine.admin, dossier=dossier)
    client = browse()
    page = client.get(link_to(outbox, "marc@beranger.test"), follow=True)
    form = page.context["form"]
    typed = {field.name: str(field.value() or "") for field in form}
    typed |= {"first_name": "Marc", "last_name": "Béranger", "terms": "on"}
    typed |= {name: SECRET for name in typed if "password" in name}
    with held(lemoine, dossier.pk, "FOR UPDATE"):
        told = client.post(reverse("invitations:answer"), typed)
    assert told.status_code == 409
    assert SECRET not in told.content.decode()
    assert "Revenez en arrière" in told.content.decode()
    answer = client.post(reverse("invitations:answer"), typed)
    assert answer.status_code == 302
