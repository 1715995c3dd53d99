"""An import that was written, through the web: its report, its undo, its file, and the invitations after it."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from activity.models import Event
from clients.actions.dossiers import update_dossier
from clients.imports import reporting
from clients.imports.undoing import undo_import
from clients.jobs import confirm_import, plan_key
from clients.models import Dossier, Import, ImportFile, ImportOrigin, ImportState
from invitations.models import Invitation
from tests.clients.lists import apply, plan, run
from tests.web.pages import said
from tests.worlds import World, make_member

TWO = [("M1", "Martin", "", "a@martin.fr", "Sarah"), ("D2", "Durand", "", "", "Léa")]


def url(made: Import, name: str = "clients:import") -> str:
    return str(made.firm.url(name, pk=made.pk))


class TestUndo:
    def test_the_page_says_what_it_means_and_does_it_once(self, firm: World, browse) -> None:
        made, client = run(firm.admin, TWO), browse(firm.admin)
        assert "Défaire" in said(client.get(url(made)))
        asked = client.get(url(made, "clients:undo_import"))
        assert "<strong>2 dossiers</strong>" in said(asked)
        assert "Sarah" in said(asked)
        seen = {"seen": asked.context["impact"].fingerprint}
        for _ in range(2):  # a double click, or a second tab
            assert client.post(url(made, "clients:undo_import"), seen)["Location"] == url(made)
        made.refresh_from_db()
        assert made.state == ImportState.UNDOING
        assert "Annulation de l" not in said(client.get(url(made)))
        undo_import(firm.firm.pk, made.pk)
        undo_import(firm.firm.pk, made.pk)
        assert not Dossier.objects.exists()
        assert Event.objects.filter(type="clients.import.undone").count() == 1
        shown = said(client.get(url(made)))
        assert "L'import a été défait" in shown
        assert "Alice Martin" in shown

    def test_what_is_kept_is_named_before_and_after(self, firm: World, browse) -> None:
        made, client = run(firm.admin, TWO), browse(firm.admin)
        update_dossier(actor=firm.admin, dossier=Dossier.objects.get(reference="D2"), values={"city": "Lyon"})
        asked = client.get(url(made, "clients:undo_import"))
        assert "Durand" in said(asked)
        assert "Modifié depuis (1)" in said(asked)
        client.post(url(made, "clients:undo_import"), {"seen": asked.context["impact"].fingerprint})
        undo_import(firm.firm.pk, made.pk)
        shown = said(client.get(url(made) + "?action=kept"))
        assert "Durand" in shown
        assert "Alice Martin a modifié" in shown
        assert firm.firm.url("clients:dossier", pk=Dossier.objects.get().pk) in shown
        assert "Martin</span>" in said(client.get(url(made) + "?action=create"))

    def test_somebody_who_changes_something_meanwhile_makes_it_a_question_again(
        self, firm: World, browse
    ) -> None:
        made, client = run(firm.admin, TWO), browse(firm.admin)
        seen = client.get(url(made, "clients:undo_import")).context["impact"].fingerprint
        update_dossier(actor=firm.admin, dossier=Dossier.objects.get(reference="D2"), values={"city": "Lyon"})
        again = client.post(url(made, "clients:undo_import"), {"seen": seen})
        assert again.status_code == 422
        assert "entre-temps" in said(again)
        assert Import.objects.get().state == ImportState.DONE

    def test_the_second_person_is_told_who_was_first(self, firm: World, browse) -> None:
        partner, made = make_member(firm.firm, "zoe@lemoine.fr", role=Role.ADMIN), run(firm.admin, TWO)
        seen = browse(firm.admin).get(url(made, "clients:undo_import")).context["impact"].fingerprint
        browse(firm.admin).post(url(made, "clients:undo_import"), {"seen": seen})
        second = browse(partner)
        answer = second.post(url(made, "clients:undo_import"), {"seen": seen}, follow=True)
        assert "Alice Martin" in said(answer)

    def test_an_import_that_is_not_done_has_none(self, firm: World, browse) -> None:
        made = plan(firm.admin, TWO)
        assert browse(firm.admin).get(url(made, "clients:undo_import"))["Location"] == url(made)


class TestConfirming:
    def test_by_two_people_does_it_once_and_says_who_was_first(self, firm: World, browse) -> None:
        partner, made = make_member(firm.firm, "zoe@lemoine.fr", role=Role.ADMIN), plan(firm.admin, TWO)
        seen = {"seen": plan_key(made)}
        browse(firm.admin).post(url(made, "clients:confirm_import"), seen)
        second = browse(partner).post(url(made, "clients:confirm_import"), seen, follow=True)
        assert "Alice Martin a déjà confirmé" in said(second)
        apply(made)
        assert Dossier.objects.count() == 2

    def test_a_plan_that_was_made_anew_is_shown_before_it_is_confirmed(self, firm: World, browse) -> None:
        made = plan(firm.admin, TWO)
        answer = browse(firm.admin).post(url(made, "clients:confirm_import"), {"seen": "2020-01-01"})
        assert answer.status_code == 422
        assert plan_key(made) in said(answer).replace("&#x2B;", "+")
        assert Import.objects.get().state == ImportState.READY


class TestInviting:
    def test_those_with_an_address_are_invited_once_and_after_a_question(self, firm: World, browse) -> None:
        made, client = run(firm.admin, TWO), browse(firm.admin)
        assert not Invitation.objects.exists()
        assert url(made, "invitations:invite_imported") in said(client.get(url(made)))
        asked = said(client.get(url(made, "invitations:invite_imported")))
        assert "1 courriel part" in asked
        assert "1 d'entre eux n'a pas d'adresse" in asked
        for _ in range(2):
            assert client.post(url(made, "invitations:invite_imported"))["Location"] == url(made)
        assert [one.email for one in Invitation.objects.all()] == ["a@martin.fr"]
        assert url(made, "invitations:invite_imported") not in said(client.get(url(made)))

    def test_of_very_many_the_exact_number_is_told_when_it_is_asked_for(
        self, firm: World, browse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reporting, "COUNTED", 1)
        rows = [(f"R{n}", f"Client {n}", "", f"{n}@client.fr", "") for n in range(3)]
        made, client = run(firm.admin, rows), browse(firm.admin)
        assert "Plus de 1 de ces clients" in said(client.get(url(made)))
        assert "3 courriels partiront" in said(client.get(url(made, "invitations:invite_imported")))

    def test_those_left_of_a_large_import_are_counted_once_and_anew_once_some_were_invited(
        self, firm: World, browse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reporting, "_LARGE", 0)
        made, client = run(firm.admin, TWO), browse(firm.admin)
        for _ in range(2):
            assert "1 de ces clients a une adresse" in said(client.get(url(made)))
        with CaptureQueriesContext(connection) as queries:
            assert reporting.invitable(made) == 1
        assert not [one["sql"] for one in queries if "clients_importrow" in one["sql"]]
        client.post(url(made, "invitations:invite_imported"))
        assert "Inviter ceux qui" not in said(client.get(url(made)))

    def test_only_the_imports_own_clients(self, firm: World, browse) -> None:
        run(firm.admin, [("Z", "Autre", "", "z@autre.fr", "")])
        made = run(firm.admin, TWO)
        browse(firm.admin).post(url(made, "invitations:invite_imported"))
        assert [one.email for one in Invitation.objects.all()] == ["a@martin.fr"]

    @pytest.mark.parametrize(
        "name", ["clients:undo_import", "invitations:invite_imported", "clients:import_file"]
    )
    def test_collaborators_may_not(self, firm: World, browse, name: str) -> None:
        assert browse(firm.collaborator).post(url(run(firm.admin, TWO), name)).status_code == 403


def test_the_file_is_there_as_it_was_sent_until_it_is_swept(firm: World, browse) -> None:
    content = b"Nom;Code\nMartin;M1\n"
    made, client = run(firm.admin, content), browse(firm.admin)
    answer = client.post(url(made, "clients:import_file"))
    assert (answer.content, answer["Content-Disposition"]) == (content, 'attachment; filename="clients.xlsx"')
    assert Event.objects.filter(type="clients.import.file_taken", subject_id=made.pk).count() == 1
    ImportFile.objects.all().delete()
    assert client.post(url(made, "clients:import_file"))["Location"] == url(made, "clients:import")
    assert "n'est plus conservé" in said(client.get(url(made)))


def test_the_report_tells_its_history(firm: World, browse) -> None:
    made = plan(firm.admin, TWO)
    confirm_import(actor=firm.admin, source=made)
    apply(made)
    shown = said(browse(firm.admin).get(url(made)))
    for words in ("clients.xlsx", "Envoyé par", "Confirmé par", "possible jusqu", "Code client, puis SIRET"):
        assert words in shown


def test_the_list_says_where_each_list_came_from(firm: World, browse) -> None:
    Import.objects.create(created_by=firm.admin, file_name="liste.xlsx", size=1)
    Import.objects.create(
        created_by=firm.admin,
        file_name="clients 22-11-2026.csv",
        size=1,
        origin=ImportOrigin.FETCHED,
        platform="jedeclare.com",
    )
    shown = said(browse(firm.admin).get(firm.firm.url("clients:imports")))
    origins = re.findall(r"</svg> (\S+) · <time", shown)
    assert origins == ["jedeclare.com", "Fichier"]
