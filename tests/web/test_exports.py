"""Asking for an export and taking it away, as the pages do it."""

import io
import re
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Role
from accounts.permissions import ObjectRole, give, pairs_of, take
from activity.models import Event
from clients.models import Assignment
from exports.making import make_export
from exports.models import Export, ExportState
from tenancy.scopes import scope
from tests.web.counting import queries_at_most
from tests.worlds import World, make_dossier, make_member, make_portfolio

Browse = Callable[..., Client]


@pytest.fixture
def prepared(settings: Any) -> None:
    """Whatever is asked for is long enough for a worker."""
    settings.EXPORTS_AT_ONCE = -1


def ask(client: Client, world: World, route: str = "clients:export", **filters: str) -> Any:
    return client.post(world.firm.url(route), filters)


def work(world: World) -> None:
    for export in Export.objects.at_work():
        make_export(world.firm.pk, export.pk)


def rows(answer: Any) -> list[tuple[Any, ...]]:
    assert answer.status_code == 200
    content = io.BytesIO(b"".join(answer.streaming_content))
    return list(openpyxl.load_workbook(content).worksheets[0].iter_rows(values_only=True))


# --- At once ----------------------------------------------------------------------------------------------------


def test_a_short_list_is_downloaded_at_once_as_it_is_filtered(firm: World, browse: Browse) -> None:
    make_dossier("Boulangerie")
    make_dossier("Garage")
    answer = ask(browse(firm.admin), firm, q="garage", sort="-name", size="20", cols="name")
    assert re.search(r'filename="dossiers-[\d-]+\.xlsx"', answer["Content-Disposition"])
    assert [row[2] for row in rows(answer)] == ["Raison sociale", "Garage"]
    assert not Export.objects.exists()
    event = Event.objects.latest("id")
    assert (event.type, event.details) == ("clients.dossiers.exported", {"lines": 1})


def test_a_collaborator_exports_what_they_see(firm: World, browse: Browse) -> None:
    make_dossier("Fermé")
    give(Assignment, pairs_of([make_dossier("Ouvert")], [firm.collaborator]), role=ObjectRole.READER, by=None)
    assert [row[2] for row in rows(ask(browse(firm.collaborator), firm))] == ["Raison sociale", "Ouvert"]


def test_a_list_whose_filter_leads_nowhere_is_not_exported_whole(firm: World, browse: Browse) -> None:
    make_dossier()
    answer = browse(firm.admin).post(firm.firm.url("clients:export"), {"portfolio": "x"}, follow=True)
    assert answer.redirect_chain == [(firm.firm.url("clients:list"), 302)]
    assert "a changé entre-temps" in answer.content.decode()
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("route", "asked"),
    [("clients:list", "q=zzz"), ("clients:access_dossiers", "q=zzz"), ("clients:access", "member=")],
)
def test_the_exports_filters_follow_those_of_the_list(
    firm: World, browse: Browse, route: str, asked: str
) -> None:
    """As one types, htmx asks for the content alone and takes the list out of it: so they stand in the list."""
    make_dossier("Garage", portfolio=make_portfolio())
    name, value = asked.split("=")
    value = value or str(firm.colleague.pk)
    url = f"{firm.firm.url(route)}?{name}={value}"
    content = browse(firm.admin).get(url, headers={"HX-Request": "true"}).content.decode()
    field = f'<input type="hidden" form="export-form" name="{name}" value="{value}">'
    assert field in content[content.index('id="list"') :]


# --- By a worker ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("prepared")
class TestPrepared:
    def test_a_long_one_is_prepared_left_found_again_and_downloaded(
        self, firm: World, browse: Browse
    ) -> None:
        make_dossier("Garage")
        client = browse(firm.admin)
        answer = ask(client, firm, q="garage")
        page = firm.firm.url("exports:export", pk=Export.objects.get().pk)
        assert answer["Location"] == page
        waiting = client.get(page).content.decode()
        assert f'hx-get="{page}avancement/"' in waiting
        fragment = client.get(f"{page}avancement/", headers={"HX-Request": "true"})
        assert "En attente" in fragment.content.decode()
        work(firm)
        fragment = client.get(f"{page}avancement/", headers={"HX-Request": "true"})
        assert fragment["HX-Refresh"] == "true"
        assert client.get(f"{page}avancement/")["Location"] == page
        assert "Votre export est prêt" in client.get(page).content.decode()
        found = client.get(firm.firm.url("exports:list")).content.decode()
        assert f'action="{page}telecharger/"' in found and "Rechercher\xa0: garage" in found
        assert [row[2] for row in rows(client.post(f"{page}telecharger/"))] == ["Raison sociale", "Garage"]
        assert client.get(f"{page}telecharger/").status_code == 405

    def test_each_download_stands_in_the_journal(self, firm: World, browse: Browse) -> None:
        client = browse(firm.admin)
        ask(client, firm, "clients:export_access")
        work(firm)
        url = firm.firm.url("exports:download", pk=Export.objects.get().pk)
        for _ in range(2):
            rows(client.post(url))
        taken = Event.objects.filter(type="clients.access.exported")
        assert [event.actor_name for event in taken] == ["Alice Martin"] * 2
        journal = client.get(firm.firm.url("clients:journal")).content.decode()
        assert "a demandé l&#x27;export" in journal or "a demandé l'export" in journal.replace("&#x27;", "'")

    def test_a_double_click_or_a_second_tab_leads_to_the_same(self, firm: World, browse: Browse) -> None:
        client = browse(firm.admin)
        pages = {ask(client, firm)["Location"] for _ in range(3)}
        assert len(pages) == 1
        assert Export.objects.count() == 1

    def test_too_many_at_once_are_told_so(
        self, firm: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("exports.jobs.MOST_AT_WORK", 1)
        client = browse(firm.admin)
        ask(client, firm, q="a")
        answer = client.post(firm.firm.url("clients:export"), {"q": "b"}, follow=True)
        assert answer.redirect_chain == [(firm.firm.url("exports:list"), 302)]
        assert "Plusieurs de vos exports" in answer.content.decode()
        assert Export.objects.count() == 1

    def test_nobody_else_sees_it(self, firm: World, bertrand: World, browse: Browse) -> None:
        ask(browse(firm.admin), firm)
        work(firm)
        export = Export.objects.get()
        page = firm.firm.url("exports:export", pk=export.pk)
        partner = browse(make_member(firm.firm, "Zoé", role=Role.ADMIN))
        assert partner.get(page)["Location"] == firm.firm.url("exports:list")
        assert partner.post(f"{page}telecharger/").status_code == 404
        assert partner.get(f"{page}avancement/").status_code == 404
        assert str(export.pk) not in partner.get(firm.firm.url("exports:list")).content.decode()
        foreign = browse(bertrand.admin)
        there = bertrand.firm.url("exports:download", pk=export.pk)
        assert foreign.post(there).status_code == foreign.post(f"{page}telecharger/").status_code == 404

    def test_a_right_lost_before_the_download_is_refused(self, firm: World, browse: Browse) -> None:
        partner = make_member(firm.firm, "Zoé", role=Role.ADMIN)
        client = browse(partner)
        ask(client, firm, "clients:export_access")
        work(firm)
        partner.role = Role.COLLABORATOR
        partner.save()
        url = firm.firm.url("exports:download", pk=Export.objects.get().pk)
        assert client.post(url).status_code == 403

    def test_a_client_file_lost_before_the_download_is_told(self, firm: World, browse: Browse) -> None:
        pairs = pairs_of([make_dossier()], [firm.collaborator])
        give(Assignment, pairs, role=ObjectRole.READER, by=None)
        client = browse(firm.collaborator)
        ask(client, firm)
        work(firm)
        take(Assignment, pairs)
        url = firm.firm.url("exports:download", pk=Export.objects.get().pk)
        answer = client.post(url, follow=True)
        assert "auxquels vous n'avez plus accès" in answer.content.decode().replace("&#x27;", "'")

    def test_one_that_failed_says_why_and_leads_back_to_its_filters(
        self, firm: World, browse: Browse
    ) -> None:
        portfolio = make_portfolio("Sarah")
        client = browse(firm.admin)
        ask(client, firm, "clients:export_access", portfolio=str(portfolio.pk))
        portfolio.terminated_at = timezone.now()
        portfolio.save()
        work(firm)
        page = client.get(firm.firm.url("exports:export", pk=Export.objects.get().pk)).content.decode()
        assert "n'existe plus ou ne vous est plus ouvert" in page.replace("&#x27;", "'")
        assert f"{firm.firm.url('clients:access_dossiers')}?portfolio={portfolio.pk}" in page

    def test_one_that_is_deleted_says_so(self, firm: World, browse: Browse) -> None:
        client = browse(firm.admin)
        ask(client, firm)
        work(firm)
        Export.objects.update(state=ExportState.EXPIRED)
        export = Export.objects.get()
        assert "plus gardé" in client.get(firm.firm.url("exports:export", pk=export.pk)).content.decode()
        answer = client.post(firm.firm.url("exports:download", pk=export.pk), follow=True)
        assert "pas (ou plus) là" in answer.content.decode()


def test_a_page_of_ones_own_is_no_item_of_the_menu(firm: World, browse: Browse) -> None:
    client = browse(firm.admin)
    assert 'aria-current="page"' not in client.get(firm.firm.url("exports:list")).content.decode()
    assert 'aria-current="page"' in client.get(firm.firm.url("dashboard")).content.decode()


def test_the_list_of_exports_costs_the_same_with_two_and_with_twenty(firm: World, browse: Browse) -> None:
    client, url = browse(firm.admin), firm.firm.url("exports:list")
    assert "Aucun export" in client.get(url).content.decode()
    made = 0
    for number in (2, 18):
        with scope(firm=firm.firm):
            for _ in range(number):
                made += 1
                Export.objects.create(
                    asked_by=firm.admin, kind="clients.access", digest=str(made), file_name="a.xlsx"
                )
        with queries_at_most(9):
            assert len(client.get(url).context["shown"]) == made
