"""The page of a plan: what it shows of the rows, and what a person can say about them there."""

import io
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions.members import change_role
from accounts.models import Role
from accounts.permissions import Perm, can
from activity.models import Event
from clients.actions.dossiers import update_dossier
from clients.imports.asked import Asked
from clients.jobs import confirm_import
from clients.models import (
    Dossier,
    Import,
    ImportCorrection,
    ImportState,
    LinkRight,
    MatchRule,
    RowAction,
    SpaceLink,
)
from tenancy.scopes import scope
from tests.clients.lists import HEADERS, apply, plan, read, rows_of
from tests.clients.test_round_trip import exported, sheet_of
from tests.clients.test_space import followed
from tests.web.pages import said
from tests.worlds import World, make_dossier, make_member, make_person, make_portfolio

# With the session, the person, the places and the menu; corrections, findings, portfolios and candidates among them.
QUERIES = 15
MARTIN = ("M1", "Boulangerie Martin", "73282932000074", "contact@martin.fr", "Sarah")
BROKEN = ("X", "Garage Cassé", "73282932000079", "", "")
TYPO = ("T", "Typo", "", "clara@gmial.com", "")


def where(made: Import, route: str = "import", query: str = "", **more: Any) -> str:
    assert made.firm is not None
    return str(made.firm.url(f"clients:{route}", pk=made.pk, **more)) + query


def in_place(number: int) -> dict[str, str]:
    """As htmx asks for what stands in a row's place."""
    return {"hx-request": "true", "hx-target": f"row-{number}"}


def tab_counts(shown: str) -> dict[str, int]:
    return {
        label.strip(): int(count)
        for label, count in re.findall(r'class="tab"[^>]*>([^<]+)<span class="tag">(\d+)</span>', shown)
    }


def again(made: Import) -> Import:
    """Planned anew, as a worker does."""
    read(made)
    made.refresh_from_db()
    assert made.state == ImportState.READY
    return made


def said_of(made: Import) -> dict[tuple[int, str], str]:
    return {(one.number, one.field): one.text for one in ImportCorrection.objects.filter(source=made)}


# --- Finding rows ---------------------------------------------------------------------------------------------------


def test_the_filters_narrow_every_tab_and_their_counts(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN, BROKEN, TYPO])
    client = browse(firm.admin)
    assert tab_counts(said(client.get(where(made)))) == {"À créer": 2, "En erreur": 1}
    narrowed = said(client.get(where(made, query="?remark=doubt.email")))
    assert tab_counts(narrowed) == {"À créer": 1, "En erreur": 0}
    assert "Boulangerie Martin" not in narrowed
    by_portfolio = said(client.get(where(made, query="?portfolio=none&action=create")))
    assert "Typo" in by_portfolio
    assert "Boulangerie Martin" not in by_portfolio


def test_a_row_is_found_by_its_number_in_the_file(firm: World, browse) -> None:
    made = plan(firm.admin, [("A", "Durand", "", "", ""), TYPO])
    shown = said(browse(firm.admin).get(where(made, query="?q=3")))
    assert "Typo" in shown
    assert "Durand" not in shown


@pytest.mark.parametrize(
    "query", ["?remark=nothing", "?portfolio=x&action=other", "?after=9.9.9&size=7&row=-1"]
)
def test_an_address_that_makes_no_sense_narrows_nothing(firm: World, browse, query: str) -> None:
    made = plan(firm.admin, [MARTIN])
    response = browse(firm.admin).get(where(made, query=query))
    assert response.status_code == 200
    assert "Boulangerie Martin" in said(response)


def numbers_on(shown: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="row-(\d+)"', shown)]


def test_pages_follow_each_other_there_and_back(firm: World, browse) -> None:
    made = plan(firm.admin, [(f"R{n}", f"Client {n}", "", "", "") for n in range(45)])
    client = browse(firm.admin)
    first = said(client.get(where(made, query="?size=20")))
    assert numbers_on(first) == list(range(2, 22))
    assert "1–20 sur 45" in first
    second = said(client.get(where(made, query="?size=20&after=20.21")))
    assert numbers_on(second) == list(range(22, 42))
    last = said(client.get(where(made, query="?size=20&after=40.41")))
    assert numbers_on(last) == list(range(42, 47))
    assert "41–45 sur 45" in last
    back = said(client.get(where(made, query="?size=20&before=40.42")))
    assert numbers_on(back) == list(range(22, 42))
    assert "21–40 sur 45" in back


def test_a_plan_made_anew_opens_where_one_was(firm: World, browse) -> None:
    made = plan(firm.admin, [(f"R{n}", f"Client {n}", "", "", "") for n in range(45)])
    client, place = browse(firm.admin), "?size=20&after=20.21"
    before = numbers_on(said(client.get(where(made, query=place))))
    client.post(where(made, "correct_row", number=25), {"cell-email": "neuf@exemple.fr"})
    again(made)
    assert numbers_on(said(client.get(where(made, query=place)))) == before


def test_a_plan_with_much_to_say_costs_the_same_with_many_rows(firm: World, browse) -> None:
    client, costs = browse(firm.admin), []
    make_dossier("Un", siren="552100554"), make_dossier("Deux", siren="552100554")
    client.get(firm.firm.url("clients:imports"))
    for count in (5, 40):
        rows = [(f"R{n}", f"Client {n}", "", "x@gmial.com", f"P{n % 3}") for n in range(count)]
        made = plan(firm.admin, rows, HEADERS)
        client.post(where(made, "correct_row", number=2), {"cell-city": "Paris"})
        again(made)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(where(made)).status_code == 200
        costs.append([query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]])
    assert len(costs[0]) == len(costs[1]) <= QUERIES, costs[1]


# --- Correcting a row -----------------------------------------------------------------------------------------------


def test_a_row_is_corrected_in_its_own_place(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN, BROKEN])
    client, url = browse(firm.admin), where(made, "correct_row", number=3)
    form = said(client.get(url + "?span=5&back=action%3Derror", headers=in_place(3)))
    assert form.strip().startswith('<tr id="row-3"')
    assert 'value="73282932000079"' in form
    answer = client.post(
        url, {"cell-siret": "55210055400013", "back": "action=error", "span": "5"}, headers=in_place(3)
    )
    assert "revérification" in said(answer)
    assert said_of(made) == {(3, "siret"): "55210055400013"}
    progress = client.get(
        where(made, "import_progress", "?then=action%3Derror%26row%3D3"), headers=in_place(3)
    )
    assert "HX-Redirect" not in progress
    again(made)
    progress = client.get(
        where(made, "import_progress", "?then=action%3Derror%26row%3D3"), headers=in_place(3)
    )
    assert progress["HX-Redirect"] == where(made, query="?action=error&row=3")
    shown = said(client.get(where(made, query="?action=create&row=3")))
    assert "La ligne 3 (Garage Cassé) a été revérifiée" in shown
    assert "corrigé par Alice Martin" in shown
    assert "<del>73282932000079</del>" in shown


def test_without_scripts_a_row_is_corrected_on_a_page(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN, BROKEN])
    client, url = browse(firm.admin), where(made, "correct_row", number=3)
    assert "<h1" in said(client.get(url))
    answer = client.post(url, {"cell-siret": "55210055400013", "back": "action=error"})
    assert answer["Location"] == where(made, query="?action=error&row=3")


def test_a_correction_that_is_wrong_again_is_told_at_once_and_not_kept(firm: World, browse) -> None:
    made = plan(firm.admin, [BROKEN])
    answer = browse(firm.admin).post(
        where(made, "correct_row", number=2), {"cell-siret": "73282932000078"}, headers=in_place(2)
    )
    assert answer.status_code == 422
    assert "La clé de ce SIRET ne correspond pas" in said(answer)
    made.refresh_from_db()
    assert (made.state, said_of(made)) == (ImportState.READY, {})


def test_only_what_a_person_changed_is_a_correction(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    shown = {"cell-legal_name": "Boulangerie Martin", "initial-cell-legal_name": "Boulangerie Martin"}
    mine = {"cell-email": "neuf@martin.fr", "initial-cell-email": "contact@martin.fr"}
    browse(firm.admin).post(where(made, "correct_row", number=2), shown | mine)
    assert said_of(made) == {(2, "email"): "neuf@martin.fr"}


def test_a_form_that_changes_nothing_has_nothing_checked_again(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    same = {"cell-email": "contact@martin.fr", "initial-cell-email": "contact@martin.fr"}
    assert browse(firm.admin).post(where(made, "correct_row", number=2), same)["Location"] == where(made)
    made.refresh_from_db()
    assert made.state == ImportState.READY


def test_who_corrects_while_the_plan_is_made_anew_keeps_what_they_wrote(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN, BROKEN])
    client = browse(firm.admin)
    client.post(where(made, "correct_row", number=2), {"cell-email": "neuf@martin.fr"})
    answer = client.post(
        where(made, "correct_row", number=3), {"cell-siret": "55210055400013"}, headers=in_place(3)
    )
    assert answer.status_code == 422
    assert 'value="55210055400013"' in said(answer)
    assert "dans un instant" in said(answer)


def test_a_corrected_row_can_say_again_what_the_file_says(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    client = browse(firm.admin)
    client.post(where(made, "correct_row", number=2), {"cell-email": "neuf@martin.fr"})
    client.post(where(again(made), "uncorrect_row", number=2))
    assert rows_of(again(made))[0].email == "contact@martin.fr"


def test_nothing_is_corrected_once_the_import_is_written(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    client = browse(firm.admin)
    confirm_import(actor=firm.admin, source=made)
    apply(made)
    assert client.get(where(made, "correct_row", number=2))["Location"] == where(made)
    for route in ("uncorrect_row", "decide_row"):
        assert client.post(where(made, route, number=2))["Location"] == where(made)
    assert said_of(made) == {}
    assert "Corriger" not in said(client.get(where(made)))


@pytest.mark.parametrize("number", [1, 99, 10**30])
def test_a_row_that_the_file_has_not_is_not_found(firm: World, browse, number: int) -> None:
    made = plan(firm.admin, [MARTIN])
    client = browse(firm.admin)
    assert client.get(where(made, "correct_row", number=number)).status_code == 404
    assert client.post(where(made, "decide_row", number=number), {"dossier": "new"}).status_code == 404


# --- Repairs that are offered ---------------------------------------------------------------------------------------


def test_an_offered_repair_is_one_press(firm: World, browse) -> None:
    made = plan(firm.admin, [TYPO])
    client = browse(firm.admin)
    shown = said(client.get(where(made)))
    assert "Écrire « clara@gmail.com »" in shown
    assert 'name="cell-email" value="clara@gmail.com"' in shown
    client.post(where(made, "correct_row", number=2), {"cell-email": "clara@gmail.com"}, headers=in_place(2))
    assert rows_of(again(made))[0].email == "clara@gmail.com"


def test_all_repairs_of_a_column_are_accepted_at_once(firm: World, browse) -> None:
    made = plan(firm.admin, [TYPO, MARTIN, ("U", "Autre", "", "paul@gmial.com", "")])
    client = browse(firm.admin)
    assert "<strong>2 réparations</strong> sont proposées" in said(client.get(where(made)))
    client.post(where(made, "accept_offers"), {"finding": "doubt.email"})
    assert [row.email for row in rows_of(again(made))] == [
        "clara@gmail.com", "contact@martin.fr", "paul@gmail.com",
    ]  # fmt: skip
    assert "2 lignes ont été corrigées" in said(client.get(where(made)))


@pytest.mark.parametrize("finding", ["", "doubt", "error.siret", "x.y"])
def test_a_repair_that_nobody_offers_changes_nothing(firm: World, browse, finding: str) -> None:
    made = plan(firm.admin, [TYPO, BROKEN])
    browse(firm.admin).post(where(made, "accept_offers"), {"finding": finding})
    made.refresh_from_db()
    assert (made.state, said_of(made)) == (ImportState.READY, {})


# --- Which dossier a row is about -----------------------------------------------------------------------------------


def test_the_dossier_of_an_ambiguous_row_is_chosen_among_those_it_may_be(firm: World, browse) -> None:
    one = make_dossier("Un", reference="A", siren="552100554", city="Lyon")
    make_dossier("Deux", reference="B", siren="552100554")
    make_dossier("Tiers", reference="C")
    made = plan(firm.admin, [("", "Société", "552100554", "", "")])
    client = browse(firm.admin)
    shown = said(client.get(where(made)))
    assert f'<option value="{one.pk}">Un · A · 552100554 · Lyon</option>' in shown
    assert "Deux · B" in shown
    assert "Tiers" not in shown
    client.post(where(made, "decide_row", number=2), {"dossier": str(one.pk)}, headers=in_place(2))
    row = rows_of(again(made))[0]
    assert (row.action, row.dossier_id) == (RowAction.UPDATE, one.pk)
    assert "Décidé :" in said(client.get(where(made)))


def test_a_row_is_left_out_and_taken_back_in(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    client = browse(firm.admin)
    client.post(where(made, "decide_row", number=2), {"dossier": "skip"})
    assert rows_of(again(made))[0].action == RowAction.SKIPPED
    assert "Boulangerie Martin" in said(client.get(where(made)))
    client.post(where(made, "decide_row", number=2), {"dossier": ""})
    assert rows_of(again(made))[0].action == RowAction.CREATE


def test_a_duplicate_may_be_another_client_unless_it_bears_the_same_reference(firm: World, browse) -> None:
    siret = MARTIN[2]
    made = plan(firm.admin, [MARTIN, ("M2", "Martin bis", siret, "", ""), ("M1", "Martin ter", "", "", "")])
    client = browse(firm.admin)
    shown = said(client.get(where(made, query="?action=duplicate")))
    assert "Boulangerie Martin" in shown
    assert shown.count("C'est un autre client") == 1
    client.post(where(made, "decide_row", number=3), {"dossier": "new"})
    assert [row.action for row in rows_of(again(made))] == ["create", "create", "duplicate"]


def test_duplicates_of_rows_and_of_dossiers_are_counted_apart(firm: World, browse) -> None:
    make_dossier("Martin, siège", siren="732829320")
    made = plan(firm.admin, [MARTIN, ("D1", "Durand", "", "", ""), ("D1", "Durand bis", "", "", "")])
    client = browse(firm.admin)
    shown = said(client.get(where(made, query="?action=known")))
    counted = {"À créer": 1, "Doublons dans le fichier": 1, "Doublons de dossiers": 1}
    assert tab_counts(shown) == counted
    assert "Le dossier « Martin, siège » a ce SIREN et pas de SIRET" in shown
    assert "Aucun d'eux : créer un nouveau dossier" in shown
    assert "<strong>1 ligne</strong> correspond peut-être à un client que vous avez déjà" in shown
    assert "2 lignes (en erreur ou en double) restent" in said(client.get(where(made, "confirm_import")))


def test_clients_whose_siren_alone_is_known_are_taken_all_at_once(firm: World, browse) -> None:
    known = [
        make_dossier(name, siren=number) for name, number in (("Un", "732829320"), ("Deux", "552100554"))
    ]
    made = plan(firm.admin, [MARTIN, ("D2", "Deux", "55210055400013", "", ""), ("D3", "Trois", "", "", "")])
    client = browse(firm.admin)
    shown = said(client.get(where(made, query="?action=known")))
    assert "<strong>2 lignes</strong> ont le SIREN d'un seul dossier" in shown
    assert f"Écrire « {known[0].pk}" not in shown
    client.post(where(made, "accept_offers"), {"finding": "doubt.siren"})
    rows = rows_of(again(made))
    assert [(row.action, row.dossier) for row in rows[:2]] == [("update", one) for one in known]
    assert [(row.changes or {})["siret"] for row in rows[:2]] == [["", MARTIN[2]], ["", "55210055400013"]]


def test_the_rule_by_which_dossiers_are_found_is_chosen(firm: World, browse) -> None:
    make_dossier("Martin", siren="732829320", siret="73282932000074", reference="Z")
    made = plan(firm.admin, [MARTIN])
    client = browse(firm.admin)
    assert client.post(where(made, "import_rule"), {"rule": "other"}).status_code == 422
    assert client.post(where(made, "import_rule"), {"rule": MatchRule.REFERENCE}).status_code == 302
    assert rows_of(again(made))[0].action == RowAction.CREATE
    assert "Code client uniquement" in said(client.get(where(made)))


# --- Portfolios -----------------------------------------------------------------------------------------------------


def test_unknown_portfolios_are_created_replaced_or_left(firm: World, browse) -> None:
    sarah = make_portfolio("Sarah")
    rows = [(f"P{n}", f"Client {n}", "", "", name) for n, name in enumerate(["A", "B", "C"])]
    made = plan(firm.admin, rows)
    client = browse(firm.admin)
    assert "Sarah" in said(client.get(where(made, "import_portfolios")))
    chosen = {"portfolio-0": "", "portfolio-1": str(sarah.pk), "portfolio-2": "without"}
    assert client.post(where(made, "import_portfolios"), chosen).status_code == 302
    placed = [(row.portfolio, row.portfolio_key == sarah.pk) for row in rows_of(again(made))]
    assert placed == [("A", False), ("Sarah", True), ("", False)]
    assert list(made.new_portfolios.values()) == ["A"]
    assert "B" in said(client.get(where(made, "import_portfolios")))  # and can be chosen again


def test_a_portfolio_that_the_firm_has_not_is_refused(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    answer = browse(firm.admin).post(
        where(made, "import_portfolios"), {"portfolio-0": "01980000-0000-7000-8000-000000000000"}
    )
    assert answer.status_code == 422


# --- Conflicts ------------------------------------------------------------------------------------------------------


@pytest.fixture
def conflict(firm: World) -> Import:
    """An exported list, changed in the workbook and by a colleague meanwhile, sent back."""
    dossier = make_dossier("Boulangerie Martin", reference="M1", city="Nantes")
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Paris"})
    return sent_back_late(firm, dossier)


def sent_back_late(firm: World, dossier: Dossier) -> Import:
    """Exported, then moved to Lyon by a colleague; the workbook says Marseille."""
    content = exported(firm)
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Lyon"})
    book = sheet_of(content).parent
    sheet = book.worksheets[0]
    columns = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(2, columns["Ville"], "Marseille")
    target = io.BytesIO()
    book.save(target)
    return plan(firm.admin, target.getvalue())


def test_a_conflict_names_who_changed_what_and_is_decided(firm: World, browse, conflict: Import) -> None:
    client = browse(firm.admin)
    assert rows_of(conflict)[0].action == RowAction.CONFLICT
    shown = said(client.get(where(conflict)))
    assert "Alice Martin, depuis votre export" in shown
    assert "« Paris » → « Lyon »" in shown
    assert "Nantes" not in shown, "that was before the export"
    assert "<ins>Marseille</ins>" in shown
    client.post(where(conflict, "import_mine"), {"number": "2"}, headers=in_place(2))
    assert rows_of(again(conflict))[0].action == RowAction.UPDATE
    assert "Garder finalement les leurs" in said(client.get(where(conflict)))
    client.post(where(conflict, "import_theirs"), {"number": "2"}, headers=in_place(2))
    assert rows_of(again(conflict))[0].action == RowAction.CONFLICT


def test_an_import_before_the_export_is_not_what_others_changed_since(firm: World, browse) -> None:
    make_dossier("Boulangerie Martin", reference="M1")
    made = plan(
        firm.admin, [("M1", "Boulangerie Martin", "Paris", "Sarah")], ("Code", "Nom", "Ville", "Groupe")
    )
    confirm_import(actor=firm.admin, source=made)
    apply(made)
    # As of a long one: its events come well after the moment that its dossiers bear.
    earlier = timezone.now() - timedelta(minutes=5)
    Import.objects.filter(pk=made.pk).update(applied_at=earlier)
    Dossier.objects.update(updated_at=earlier)
    late = sent_back_late(firm, Dossier.objects.clients().get())
    shown = said(browse(firm.admin).get(where(late)))
    assert "« Paris » → « Lyon »" in shown
    assert "« Sarah »" not in shown and "« – » → « Paris »" not in shown
    assert shown.count("depuis votre export (") == 1


def test_all_conflicts_are_taken_at_once(firm: World, browse, conflict: Import) -> None:
    client = browse(firm.admin)
    client.post(where(conflict, "import_mine"))
    confirm_import(actor=firm.admin, source=again(conflict))
    apply(conflict)
    assert Dossier.objects.get(reference="M1").city == "Marseille"


# --- Who may --------------------------------------------------------------------------------------------------------


def test_a_collaborator_says_nothing_about_a_plan(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN])
    client = browse(firm.collaborator)
    for route in ("correct_row", "uncorrect_row", "decide_row"):
        assert client.post(where(made, route, number=2), {"cell-email": "x@y.fr"}).status_code == 403
    for route in (
        "import_rule",
        "import_portfolios",
        "import_assignees",
        "import_mine",
        "import_theirs",
        "accept_offers",
    ):
        assert client.post(where(made, route)).status_code == 403
    assert said_of(made) == {}


# --- Any client file of the firm, by a search -----------------------------------------------------------------------


class TestSearchingTheClientFile:
    def test_it_begins_with_the_rows_name_and_finds_by_number_and_reference(
        self, firm: World, browse
    ) -> None:
        make_dossier("Boulangerie Martin", reference="B1", siren="732829320", siret="73282932000074")
        make_dossier("Garage Durand", reference="G7", siren="552100554")
        client, made = browse(firm.admin), plan(firm.admin, [("", "Boulangerie Martin SARL", "", "", "")])
        page = where(made, "decide_row", number=2)
        first = said(client.get(page))
        assert "Boulangerie Martin SARL" in first and "Aucun dossier" in first
        for words in ("boulangerie", "732 829 320 00074", "732829320", "b1"):
            shown = said(client.get(f"{page}?q={words}", headers=in_place(2)))
            assert ("B1 · 73282932000074" in shown, "Garage Durand" in shown) == (True, False), words
        fragment = client.get(
            f"{page}?q=g7&place=list", headers={"hx-request": "true", "hx-target": "found-2"}
        )
        assert said(fragment).lstrip().startswith('<div id="found-2"')
        assert "Garage Durand" in said(fragment)

    def test_what_is_chosen_there_is_what_the_row_is_about(self, firm: World, browse) -> None:
        chosen = make_dossier("Garage Durand", reference="G7")
        client, made = browse(firm.admin), plan(firm.admin, [("", "Garage du Nord", "", "n@nord.fr", "")])
        answer = client.post(where(made, "decide_row", number=2), {"dossier": str(chosen.pk)})
        assert answer.status_code == 302
        row = rows_of(again(made))[0]
        assert (row.action, row.dossier_id) == (RowAction.UPDATE, chosen.pk)
        assert "Garage Durand" in said(client.get(where(made)))

    def test_only_what_the_person_may_change_is_found_or_taken(self, firm: World, browse) -> None:
        own = Dossier.objects.get(is_own=True) if Dossier.objects.filter(is_own=True) else None
        archived = make_dossier("Garage Archivé", archived_at=timezone.now())
        client, made = browse(firm.admin), plan(firm.admin, [("", "Garage du Nord", "", "", "")])
        page = where(made, "decide_row", number=2)
        assert "Garage Archivé" not in said(client.get(f"{page}?q=garage"))
        for one in filter(None, (own, archived)):
            assert client.post(page, {"dossier": str(one.pk)}).status_code == 404
        assert not ImportCorrection.objects.exists()

    def test_a_dossier_that_its_client_opened_for_reading_only_is_not_offered(
        self, lemoine: World, browse
    ) -> None:
        link = followed(lemoine, make_person("claire@boulangerie.test"), "Garage Claire")
        with scope(firm=lemoine.firm):
            SpaceLink.objects.filter(pk=link.pk).update(right=LinkRight.READ)
            made = plan(lemoine.admin, [("", "Garage du Nord", "", "", "")])
            page = where(made, "decide_row", number=2)
            key = str(link.dossier_id)
        client = browse(lemoine.admin)
        assert "Garage Claire" not in said(client.get(f"{page}?q=garage"))
        assert client.post(page, {"dossier": key}).status_code == 404

    def test_a_dossier_of_another_firm_does_not_exist(self, lemoine: World, bertrand: World, browse) -> None:
        with scope(firm=bertrand.firm):
            foreign = str(make_dossier("Garage Voisin").pk)
        with scope(firm=lemoine.firm):
            made = plan(lemoine.admin, [("", "Garage du Nord", "", "", "")])
            page = where(made, "decide_row", number=2)
        client = browse(lemoine.admin)
        assert "Garage Voisin" not in said(client.get(f"{page}?q=garage"))
        assert client.post(page, {"dossier": foreign}).status_code == 404

    def test_once_the_import_has_gone_on_it_leads_there(self, firm: World, browse) -> None:
        made = plan(firm.admin, [MARTIN])
        confirm_import(actor=firm.admin, source=made)
        assert browse(firm.admin).get(where(made, "decide_row", number=2))["Location"] == where(made)


# --- Assignees whom the firm has not ----------------------------------------------------------------------------------


class TestStrangers:
    HEADERS = ("Code", "Nom", "Responsable")

    def test_each_row_says_so_and_the_page_leads_to_a_choice(self, firm: World, browse) -> None:
        made = plan(firm.admin, [("A", "Un", "Jean Inconnu"), ("B", "Deux", "Chloé Martin")], self.HEADERS)
        shown = unescape(said(browse(firm.admin).get(where(made))))
        assert "1 nom n'est celui d'aucun membre du cabinet" in shown
        assert where(made, "import_assignees") in shown
        narrowed = said(browse(firm.admin).get(where(made, query="?remark=ignored.assignee")))
        assert numbers_on(narrowed) == [2]
        assert "Jean Inconnu" in narrowed

    def test_somebody_is_chosen_or_nobody_and_that_can_be_said_anew(self, firm: World, browse) -> None:
        rows = [("A", "Un", "Jean Inconnu"), ("B", "Deux", "JEAN  inconnu"), ("C", "Trois", "Zoé Autre")]
        client, made = browse(firm.admin), plan(firm.admin, rows, self.HEADERS)
        asked = said(client.get(where(made, "import_assignees")))
        assert "Jean Inconnu" in asked and "Chloé Martin" in asked
        form = client.get(where(made, "import_assignees")).context["form"]
        chosen = {
            f"assignee-{place}": str(firm.collaborator.pk) if "nconnu" in name else "without"
            for place, name in enumerate(form.names)
        }
        assert client.post(where(made, "import_assignees"), chosen).status_code == 302
        made = again(made)
        assert [(row.assignee, row.assignee_key) for row in rows_of(made)] == [
            ("Chloé Martin", firm.collaborator.user_id),
            ("Chloé Martin", firm.collaborator.user_id),
            ("", None),
        ]
        assert made.unknown_assignees == []
        assert all(not row.problems for row in rows_of(made))
        page = unescape(said(client.get(where(made))))
        assert "« Jean Inconnu » du fichier : Chloé Martin" in page
        assert "« Zoé Autre » du fichier : sans responsable (lignes : 1)" in page
        assert "Zoé Autre" in said(client.get(where(made, "import_assignees")))
        confirm_import(actor=firm.admin, source=made)
        apply(made)
        dossiers = {one.reference: one for one in Dossier.objects.clients()}
        assert [can(firm.collaborator, Perm.VIEW_DOSSIER, dossiers[key]) for key in "ABC"] == [
            True,
            True,
            False,
        ]
        created = Event.objects.get(type="clients.dossier.created", subject_id=dossiers["A"].pk)
        assert created.changes["assignee"] == ["", "Chloé Martin"]

    def test_somebody_who_is_no_member_is_refused(self, firm: World, browse) -> None:
        made, client = plan(firm.admin, [("A", "Un", "Jean Inconnu")], self.HEADERS), browse(firm.admin)
        for choice in ("01980000-0000-7000-8000-000000000000", "somebody", ""):
            answer = client.post(where(made, "import_assignees"), {"assignee-0": choice})
            assert answer.status_code == 422, choice
        made.refresh_from_db()
        assert Asked.of(made.asked).assignees == {}

    def test_a_name_that_two_members_bear_is_nobodys_until_one_is_chosen(self, firm: World, browse) -> None:
        person = make_person("autre.chloe@lemoine.test", first_name="Chloé", last_name="Martin")
        second = make_member(firm.firm, "Chloé", user=person)
        made, client = plan(firm.admin, [("A", "Un", "Chloé Martin")], self.HEADERS), browse(firm.admin)
        assert made.unknown_assignees == ["Chloé Martin"]
        assert rows_of(made)[0].assignee_key is None
        client.post(where(made, "import_assignees"), {"assignee-0": str(second.pk)})
        row = rows_of(again(made))[0]
        assert (row.assignee, row.assignee_key) == ("Chloé Martin (autre.chloe@lemoine.test)", second.user_id)


# --- Somebody loses the right in the middle of it ---------------------------------------------------------------------


def test_who_loses_the_right_with_the_plan_open_changes_and_confirms_nothing(firm: World, browse) -> None:
    zoe = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    made = plan(zoe, [MARTIN, BROKEN, ("A", "Un", "Jean Inconnu", "", "")])
    client = browse(zoe)
    seen = client.get(where(made, "confirm_import")).context["seen"]
    change_role(actor=firm.admin, member=zoe, role=Role.COLLABORATOR)
    posted: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("confirm_import", {}, {"seen": seen}),
        ("correct_row", {"number": 3}, {"cell-city": "Paris", "initial-cell-city": ""}),
        ("decide_row", {"number": 3}, {"dossier": "skip"}),
        ("import_rule", {}, {"rule": "none"}),
        ("import_mine", {}, {}),
        ("accept_offers", {}, {"finding": "error.siret"}),
        ("import_portfolios", {}, {"portfolio-0": "without"}),
        ("cancel_import", {}, {}),
    ]
    for route, place, data in posted:
        assert client.post(where(made, route, **place), data).status_code == 403, route
    made.refresh_from_db()
    assert (made.state, made.rule) == (ImportState.READY, MatchRule.USUAL)
    assert not Asked.of(made.asked).portfolios
    assert not ImportCorrection.objects.exists()
    assert client.get(where(made))["Location"] == firm.firm.url("clients:list")
    assert not Dossier.objects.clients().exists()
