"""The pages of imports, through the web."""

import io
import zipfile

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activity.models import Event
from clients.imports.asked import Asked
from clients.jobs import choose_sheet, confirm_import, map_columns, plan_key
from clients.models import Dossier, Import, ImportFile, ImportRow, ImportState
from spreadsheets.limits import MAX_FILE_BYTES
from tenancy.scopes import scope
from tests.clients.lists import HEADERS, apply, plan, read, workbook
from tests.web.pages import said
from tests.worlds import World, make_dossier, make_portfolio

# With the session, the person, the places and the menu.
QUERIES = 12
MARTIN = ("M1", "Boulangerie Martin", "73282932000074", "contact@martin.fr", "Sarah")


def send(client, firm, content, name="clients.xlsx"):
    return client.post(firm.url("clients:upload_import"), {"file": SimpleUploadedFile(name, content)})


def page(client, made):
    return client.get(made.firm.url("clients:import", pk=made.pk))


def test_a_sent_file_gets_its_own_page(firm: World, browse) -> None:
    client = browse(firm.admin)
    response = send(client, firm.firm, workbook([HEADERS, MARTIN]))
    made = Import.objects.get()
    assert response.status_code == 302
    assert response["Location"] == firm.firm.url("clients:import", pk=made.pk)
    shown = client.get(response["Location"])
    assert firm.firm.url("clients:import_progress", pk=made.pk) in said(shown)


def test_the_plan_shows_what_will_happen(firm: World, browse) -> None:
    make_dossier("Ancien nom", reference="A1")
    made = plan(
        firm.admin, [MARTIN, ("A1", "Nouveau nom", "", "", ""), ("X", "Cassé", "73282932000079", "", "")]
    )
    client = browse(firm.admin)
    shown = said(page(client, made))
    assert "Boulangerie Martin" in shown
    assert "1 portefeuille sera créé" in shown
    changes = said(client.get(firm.firm.url("clients:import", pk=made.pk) + "?action=update"))
    assert "Ancien nom" in changes
    assert "Nouveau nom" in changes
    errors = said(client.get(firm.firm.url("clients:import", pk=made.pk) + "?action=error"))
    assert "colonne C" in errors
    assert "73282932000079" in errors


def test_of_headers_alone_it_is_said_that_no_row_follows(firm: World, browse) -> None:
    shown = said(page(browse(firm.admin), plan(firm.admin, b"Nom;SIRET\n")))
    assert "aucune ligne sous les en-têtes" in shown
    assert "identique à un dossier" not in shown


def test_each_column_is_listed_however_many_are_not_read(firm: World, browse) -> None:
    strange = [f"Inconnue {number}" for number in range(30)]
    made = plan(firm.admin, [("Martin", *strange)], ("Nom", *strange))
    map_columns(actor=firm.admin, source=made, asked=Asked(fields={0: "legal_name"}), remember=False)
    read(made)
    shown = said(page(browse(firm.admin), made))
    assert shown.count("— non lue —") == 30
    for header in strange:
        assert f"<td>{header}</td>" in shown


def test_the_search_narrows_a_tab(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN, ("D2", "Durand", "", "", "")])
    shown = said(
        browse(firm.admin).get(firm.firm.url("clients:import", pk=made.pk) + "?action=create&q=DÛRAND")
    )
    assert "Durand" in shown
    assert "Boulangerie" not in shown


def test_the_plan_costs_the_same_with_many_rows(firm: World, browse) -> None:
    client, costs = browse(firm.admin), []
    client.get(firm.firm.url("clients:imports"))  # the first visit of a session writes it down
    for count in (10, 200):
        made = plan(firm.admin, [(f"R{number}", f"Client {number}", "", "", "") for number in range(count)])
        with CaptureQueriesContext(connection) as queries:
            assert page(client, made).status_code == 200
        costs.append([query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]])
    assert len(costs[0]) == len(costs[1]) <= QUERIES, costs[1]


def test_the_confirmation_says_what_it_does_and_does_it(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN, ("X", "Cassé", "73282932000079", "", "")])
    client, url = browse(firm.admin), firm.firm.url("clients:confirm_import", pk=made.pk)
    asked = said(client.get(url))
    assert "<strong>1 dossier</strong> sera créé" in asked
    assert "1 ligne (en erreur ou en double) reste de côté" in asked
    assert client.post(url, {"seen": plan_key(made)}).status_code == 302
    apply(made)
    report = said(page(client, made))
    assert "1 dossier a été créé" in report
    assert "modifié." not in report, "what did not happen is not told"
    assert Dossier.objects.get().reference == "M1"
    changed = plan(firm.admin, [("M1", "Boulangerie Martin et fille", "", "", "")])
    confirm = firm.firm.url("clients:confirm_import", pk=changed.pk)
    client.post(confirm, {"seen": plan_key(changed)})
    apply(changed)
    report = said(page(client, changed))
    assert "1 dossier a été modifié." in report
    assert "créé." not in report


def test_confirming_twice_leads_back_to_where_it_stands(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    client, url = browse(firm.admin), firm.firm.url("clients:confirm_import", pk=made.pk)
    for _ in range(2):
        answer = client.post(url, {"seen": plan_key(made)})
        assert answer["Location"] == firm.firm.url("clients:import", pk=made.pk)
    apply(made)
    apply(made)
    assert Dossier.objects.count() == 1
    assert Event.objects.filter(type="clients.import.applied").count() == 1


def test_a_sheet_is_chosen_on_the_page(firm: World, browse) -> None:
    made = plan(
        firm.admin,
        workbook([HEADERS, MARTIN], [HEADERS, ("Z9", "Autre", "", "", "")], names=("Paris", "Lyon")),
    )
    client, url = browse(firm.admin), firm.firm.url("clients:import_sheet", pk=made.pk)
    assert "Lyon" in said(page(client, made))
    assert client.post(url, {}).status_code == 422
    assert client.post(url, {"sheet": 7}).status_code == 404
    assert client.post(url, {"sheet": 1}).status_code == 302
    made.refresh_from_db()
    assert (made.state, made.sheet_name) == (ImportState.PLANNING, "Lyon")


def test_cancelling_asks_first(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    client, url = browse(firm.admin), firm.firm.url("clients:cancel_import", pk=made.pk)
    client.get(url)
    assert Import.objects.get().state == ImportState.READY
    assert client.post(url)["Location"] == firm.firm.url("clients:imports")
    assert Import.objects.get().state == ImportState.CANCELLED
    assert "annulé" in said(page(client, made))


def test_the_progress_asks_for_the_page_once_it_is_over(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    url = firm.firm.url("clients:import_progress", pk=made.pk)
    assert browse(firm.admin).get(url, headers={"hx-request": "true"})["HX-Refresh"] == "true"


def test_the_template_has_the_firms_portfolios_and_reads_as_its_own_fields(firm: World, browse) -> None:
    make_portfolio("Sarah")
    content = browse(firm.admin).get(firm.firm.url("clients:import_template")).content
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert any(
        "Sarah" in str(cell.value)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value
    )
    made = plan(firm.admin, content)
    assert made.state == ImportState.READY
    assert {column["field"] for column in made.columns} >= {
        "reference",
        "siret",
        "portfolio",
        "assignee",
        "kind",
    }
    assert not [column for column in made.columns if not column["field"]]
    assert made.counts == {"skipped": 3}, "its examples are no clients"


# --- Who may -------------------------------------------------------------------------------------------------------


def test_a_collaborator_is_told_that_imports_are_not_for_them(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    client = browse(firm.collaborator)
    for route in ("imports", "import_template"):
        assert client.get(firm.firm.url(f"clients:{route}")).status_code == 403
    for route in ("confirm_import", "cancel_import", "import_sheet"):
        assert client.post(firm.firm.url(f"clients:{route}", pk=made.pk)).status_code == 403
    assert send(client, firm.firm, b"Nom\nUn", "a.csv").status_code == 403
    assert page(client, made)["Location"] == firm.firm.url("clients:list")
    assert not Dossier.objects.exists()


def test_an_import_of_another_firm_does_not_exist(lemoine: World, bertrand: World, browse) -> None:
    with scope(firm=bertrand.firm):
        made = plan(bertrand.admin, [MARTIN])
    client = browse(lemoine.admin)
    for route in ("import", "import_progress", "confirm_import", "cancel_import", "import_sheet"):
        assert client.get(lemoine.firm.url(f"clients:{route}", pk=made.pk)).status_code == 404
        assert client.get(bertrand.firm.url(f"clients:{route}", pk=made.pk)).status_code == 404
    assert client.post(lemoine.firm.url("clients:confirm_import", pk=made.pk)).status_code == 404
    with scope(firm=bertrand.firm):
        assert Import.objects.get().state == ImportState.READY


# --- Bad uploads ---------------------------------------------------------------------------------------------------


def with_macros() -> bytes:
    target = io.BytesIO(workbook([HEADERS, MARTIN]))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    return target.getvalue()


def bomb() -> bytes:
    target = io.BytesIO(workbook([HEADERS, MARTIN]))
    with (
        zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/media/a.xml", "w") as part,
    ):
        for _ in range(201):
            part.write(bytes(1024 * 1024))
    return target.getvalue()


REFUSED_AT_ONCE = {
    "empty": (b"", "vide"),
    "pdf": (b"%PDF-1.7\n", "PDF"),
    "macros": (with_macros, "macros"),
    "too big": (b"x" * (MAX_FILE_BYTES + 1), "20 Mo"),
    "picture": (b"\x89PNG\r\n", "tableur"),
    "bomb": (bomb, "200 Mo"),
    "cut off": (lambda: workbook([HEADERS, MARTIN])[:-200], "endommagé"),
}
REFUSED_BY_THE_READER = {
    "20 MB of text": (b"a" * (MAX_FILE_BYTES - 1), "caractères"),
    "no client column": (b"Couleur;Taille\nbleu;3\n", "Aucune colonne"),
}


@pytest.mark.parametrize("shape", REFUSED_AT_ONCE)
def test_what_the_first_bytes_tell_is_refused_at_once(firm: World, browse, shape: str) -> None:
    content, told = REFUSED_AT_ONCE[shape]
    response = send(browse(firm.admin), firm.firm, content() if callable(content) else content)
    assert response.status_code == 422
    assert told in said(response)
    assert not Import.objects.exists()


@pytest.mark.parametrize("shape", REFUSED_BY_THE_READER)
def test_what_the_reader_refuses_is_told_on_the_imports_page(firm: World, browse, shape: str) -> None:
    content, told = REFUSED_BY_THE_READER[shape]
    client = browse(firm.admin)
    assert send(client, firm.firm, content() if callable(content) else content).status_code == 302
    made = Import.objects.get()
    read(made)
    made.refresh_from_db()
    assert made.state == ImportState.FAILED
    assert told in said(page(client, made))
    assert not ImportFile.objects.exists()
    assert not ImportRow.objects.exists()


def test_a_choice_made_too_late_changes_nothing(firm: World) -> None:
    made = plan(firm.admin, [MARTIN])
    confirm_import(actor=firm.admin, source=made)
    with pytest.raises(Exception, match=str(made.pk)):
        choose_sheet(actor=firm.admin, source=made, sheet=0)
