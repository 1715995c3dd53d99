"""What keeps large imports quick, as far as it shows in small ones."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.stencils import _kept
from clients.imports import findings
from clients.imports.showing import prepare_page
from clients.jobs import correct
from clients.models import Dossier, Import
from spreadsheets.reading import Child, OpenWorkbook
from tenancy.scopes import scope
from tests.clients.lists import HEADERS, plan, read, run, workbook
from tests.worlds import World

Browse = Callable[..., Client]
ROWS = [(f"R{number}", f"Client {number}", "", "", "Sarah") for number in range(600)]


class Plans:
    """How PostgreSQL goes about the statements that hold one of these."""

    def __init__(self, *marks: str) -> None:
        self.marks = marks
        self.found: list[str] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if any(mark in sql for mark in self.marks) and not sql.startswith("ANALYZE"):
            execute(f"EXPLAIN {sql}", params, many, context)
            self.found.append("\n".join(line for (line,) in context["cursor"].fetchall()))
        return execute(sql, params, many, context)


def fresh_dossiers() -> None:
    """Of which the planner has no statistics."""
    dossiers = [Dossier(legal_name=f"Ancien {row[0]}", reference=row[0], city="Lyon") for row in ROWS[:300]]
    for dossier in dossiers:
        dossier.derive_keys()
    Dossier.objects.bulk_create(dossiers)


@pytest.mark.django_db
def test_no_row_is_compared_with_each_dossier_of_a_table_that_has_just_grown(lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        fresh_dossiers()
        plans = Plans(
            "TABLE import_match", "TABLE import_closed", "INTO clients_importrow", "WITH recent", "SET former_portfolio"
        )  # fmt: skip
        with connection.execute_wrapper(plans):
            run(lemoine.admin, ROWS)
        assert len(plans.found) == 5
        assert not [found for found in plans.found if "Nested Loop" in found]


@pytest.mark.django_db
def test_a_file_is_given_to_one_child_for_its_sheets_and_its_rows(lemoine: World, monkeypatch) -> None:
    modes: list[str] = []
    born = Child.__init__

    def counted(self: Child, source: Any, mode: str, *args: Any, **kwargs: Any) -> None:
        modes.append(mode)
        born(self, source, mode, *args, **kwargs)

    monkeypatch.setattr(Child, "__init__", counted)
    with scope(firm=lemoine.firm):
        plan(lemoine.admin, ROWS)
    assert modes == ["list"]


def test_each_sheet_of_an_open_workbook_gives_its_own_rows() -> None:
    small, large = [HEADERS, *ROWS[:2]], [HEADERS, *ROWS[2:9]]
    with OpenWorkbook(workbook(small, large)) as book:
        assert [sheet.rows for sheet in book.info.sheets] == [3, 8]
        first = [cells[0] for chunk in book.read(0) for _number, cells in chunk.rows()]
        second = [cells[0] for chunk in book.read(1) for _number, cells in chunk.rows()]
    assert first == ["Code", "R0", "R1"]
    assert second == ["Code", *(f"R{number}" for number in range(2, 9))]


def page_plan(firm: World, browse: Browse, query: dict[str, str]) -> tuple[list[int], str]:
    """The numbers of the page's rows, and how PostgreSQL finds them."""
    made = plan(firm.admin, ROWS)
    client, url = browse(firm.admin), firm.firm.url("clients:import", pk=made.pk)
    plans = Plans('ORDER BY "clients_importrow"."number"')
    with connection.execute_wrapper(plans):
        page = client.get(url, query)
    (found,) = plans.found
    return [row.number for row in page.context["page"].rows], found


def test_of_a_words_few_hits_the_others_are_not_looked_at_again(firm: World, browse: Browse) -> None:
    numbers, found = page_plan(firm, browse, {"q": "client 59"})
    assert numbers == [number + 2 for number in range(600) if "59" in str(number)]
    assert "number = ANY" in found


def test_of_a_words_many_hits_no_more_are_looked_at_than_the_page_shows(
    firm: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "_FEW", 100)
    numbers, found = page_plan(firm, browse, {"q": "client"})
    assert numbers == list(range(2, 52))
    assert "importrow_by_action" in found
    assert "Sort" not in found


def test_where_a_word_has_no_hit_no_row_is_looked_at_again(firm: World, browse: Browse) -> None:
    made = plan(firm.admin, ROWS)
    plans = Plans("strpos", "STRPOS")
    with connection.execute_wrapper(plans):
        page = browse(firm.admin).get(firm.firm.url("clients:import", pk=made.pk), {"q": "introuvable"})
    assert (page.context["page"].rows, len(plans.found)) == ([], 1)
    assert "Aucune ligne ne correspond" in page.content.decode()


def choices(context: Any, name: str) -> list[tuple[str, str]]:
    """What a filter of the plan offers."""
    return [(key, str(label)) for key, label in context["filters"].fields[name].choices]


class TestALargePlan:
    @pytest.fixture
    def made(self, firm: World, monkeypatch: pytest.MonkeyPatch) -> Import:
        rows = [
            ("R1", "Un", "", "un@@exemple.fr", "Sarah"),
            ("R2", "Deux", "", "", "Sarah"),
            ("R3", "Trois", "", "trois@@exemple.fr", ""),
        ]
        made = plan(firm.admin, rows)
        monkeypatch.setattr(findings, "_LARGE", 0)
        return made

    @pytest.mark.parametrize("few", [0, 200])
    def test_its_filters_find_what_those_of_a_small_one_find(
        self, firm: World, browse: Browse, made: Import, monkeypatch: pytest.MonkeyPatch, few: int
    ) -> None:
        monkeypatch.setattr(findings, "_FEW_KEPT", few)
        url = firm.firm.url("clients:import", pk=made.pk)
        sarah = next(iter(made.new_portfolios))
        for query, large in ((q, browse(firm.admin).get(url, q).context) for q in (
            {}, {"remark": "error.email"}, {"portfolio": sarah}, {"portfolio": "none"}, {"q": "deux"},
            {"remark": "error.email", "portfolio": sarah}, {"remark": "error.email", "action": "create"},
        )):  # fmt: skip
            with monkeypatch.context() as small:
                small.setattr(findings, "_LARGE", 10_000)
                expected = browse(firm.admin).get(url, query).context
            for name in ("tabs", "current"):
                assert large[name] == expected[name], query
            assert large["page"] == expected["page"], query
            for name in ("remark", "portfolio"):
                assert choices(large, name) == choices(expected, name)

    def test_it_is_counted_once_and_again_once_it_is_another_plan(
        self, firm: World, browse: Browse, made: Import
    ) -> None:
        looks: list[str] = []

        def look(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
            looks.extend(["looked"] if "jsonb_array_elements" in sql else [])
            return execute(sql, *more)

        def shown(**query: str) -> int:
            page = browse(firm.admin).get(firm.firm.url("clients:import", pk=made.pk), query)
            return sum(tab.count for tab in page.context["tabs"])

        prepare_page(firm.firm.pk, made.pk)
        with connection.execute_wrapper(look):
            assert [shown(), shown(remark="error.email"), shown(portfolio="none")] == [3, 2, 1]
            assert looks == []
            correct(actor=firm.admin, source=made, number=2, values={"email": "un@exemple.fr"})
            read(made)
            assert [shown(remark="error.email"), shown(remark="error.email"), len(looks)] == [1, 1, 1]

    def test_more_rows_of_the_same_kinds_are_no_more_templates(self, firm: World, browse: Browse) -> None:
        def listed(count: int) -> Import:
            return plan(
                firm.admin, [(f"R{n}", f"Client {n}", "", f"{n}@@exemple.fr", "") for n in range(count)]
            )

        few, many = listed(2), listed(20)
        browse(firm.admin).get(firm.firm.url("clients:import", pk=few.pk))
        before = _kept.cache_info().misses
        page = browse(firm.admin).get(firm.firm.url("clients:import", pk=many.pk))
        assert page.content.decode().count('class="import-error"') == 20
        assert _kept.cache_info().misses == before
