"""While an import is written: whoever needs a client file that it holds is told so, and never left hanging."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test import Client

from clients.models import Dossier, Import, ImportState
from tenancy import patience
from tenancy.scopes import scope
from tests.web.test_dossiers import filled
from tests.worlds import World, make_dossier

Browse = Callable[..., Client]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", timedelta(seconds=0.2))


@contextmanager
def held(world: World, key: UUID, how: str) -> Generator[None]:
    """Locked by another transaction, as a worker's; it gives it back after five seconds at the latest."""
    has, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with scope(firm=world.firm), connection.cursor() as cursor:
                cursor.execute(f"SELECT FROM clients_dossier WHERE id = %s {how}", [key])
                has.set()
                may_go.wait(5)
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
