"""The pages of exchanged files on both sides, and the client's page of who sees the dossier."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.permissions import ObjectRole, give, pairs_of
from clients.actions.space import open_space
from clients.models import (
    AccessRecord,
    Assignment,
    ClientSpace,
    Dossier,
    ExchangedFile,
    FileCategory,
    FileState,
    SpaceLink,
    SpaceMember,
    SpaceProfile,
)
from portfolios.models import Portfolio, PortfolioGrant
from tenancy.scopes import scope
from tests.web.counting import queries_at_most
from tests.web.pages import said
from tests.worlds import World, make_dossier, make_person, make_portfolio

Browse = Callable[..., Client]
PDF = b"%PDF-1.7 a balance sheet"


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    return linked(lemoine, claire)


def linked(world: World, person: User) -> SpaceLink:
    with scope(firm=world.firm):
        return open_space(
            person=person,
            firm=world.firm,
            dossier=make_dossier(portfolio=make_portfolio("Mauvais payeurs")),
            email=person.email,
        )


@pytest.fixture
def firm_url(lemoine: World) -> Callable[..., str]:
    return lemoine.firm.url


@pytest.fixture
def space_url(link: SpaceLink) -> Callable[..., str]:
    return ClientSpace(pk=link.space_id).url


def upload(*names: str, content: bytes = PDF, **fields: str) -> dict[str, Any]:
    files = [SimpleUploadedFile(name, content) for name in names]
    return {"file": files, "category": FileCategory.GENERAL, **fields}


def files(link: SpaceLink) -> list[ExchangedFile]:
    with scope(space=link.space_id):
        return list(ExchangedFile.objects.select_related("link").order_by("id"))


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


# --- Files ------------------------------------------------------------------------------------------------------


def test_the_firm_drops_two_files_and_the_client_downloads_one(
    lemoine: World,
    link: SpaceLink,
    claire: User,
    firm_url: Callable[..., str],
    space_url: Callable[..., str],
    browse: Browse,
) -> None:
    admin, client = browse(lemoine.admin), browse(claire)
    page = firm_url("clients:files", pk=link.dossier_id)
    assert "Pas encore de fichier" in said(admin.get(page))
    answer = admin.post(firm_url("clients:drop_files", pk=link.dossier_id), upload("bilan.pdf", "paie.pdf"))
    assert answer.headers["Location"] == page
    shown = said(client.get(space_url("clients:space_files")))
    assert "bilan.pdf" in shown and "paie.pdf" in shown and "Nouveau" in shown
    assert "Pas encore téléchargé" in said(admin.get(page))
    taken = client.post(space_url("clients:space_take_file", pk=files(link)[0].pk))
    assert content(taken) == PDF
    assert said(admin.get(page)).count("Pas encore téléchargé") == 1


def test_a_download_is_an_attachment_that_nothing_runs_in_or_keeps(
    lemoine: World, link: SpaceLink, firm_url: Callable[..., str], browse: Browse
) -> None:
    admin = browse(lemoine.admin)
    admin.post(firm_url("clients:drop_files", pk=link.dossier_id), upload("Résumé\u202e.exe"))
    answer = admin.post(firm_url("clients:take_file", pk=files(link)[0].pk))
    content(answer)
    assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''R%C3%A9sum%C3%A9.exe.pdf"
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_file_that_is_refused_is_named_with_its_reason_and_none_is_kept(
    lemoine: World, link: SpaceLink, firm_url: Callable[..., str], browse: Browse
) -> None:
    both = upload("bilan.pdf") | {
        "file": [SimpleUploadedFile("a.pdf", PDF), SimpleUploadedFile("b.pdf", b"MZ\0")]
    }
    answer = browse(lemoine.admin).post(firm_url("clients:drop_files", pk=link.dossier_id), both)
    assert answer.status_code == 422
    assert "b.pdf : Ce type de fichier" in said(answer) and "a.pdf :" not in said(answer)
    assert files(link) == []


@pytest.mark.parametrize("data", [{}, upload(*(f"{number}.pdf" for number in range(11)))])
def test_none_and_too_many_are_refused(
    link: SpaceLink, claire: User, space_url: Callable[..., str], browse: Browse, data: dict[str, Any]
) -> None:
    answer = browse(claire).post(space_url("clients:space_drop_files"), data | {"category": "general"})
    assert answer.status_code == 422
    assert files(link) == []


def test_a_client_of_two_firms_chooses_for_which_one_and_the_other_learns_nothing(
    lemoine: World,
    bertrand: World,
    link: SpaceLink,
    claire: User,
    space_url: Callable[..., str],
    browse: Browse,
) -> None:
    with scope(firm=bertrand.firm):
        dossier = make_dossier()
        other = open_space(
            person=claire,
            firm=bertrand.firm,
            dossier=dossier,
            email=claire.email,
            space_id=link.space_id,
        )
    client, url = browse(claire), space_url("clients:space_drop_files")
    assert client.post(url, upload("bilan.pdf")).status_code == 422, "for which one?"
    assert client.post(url, upload("bilan.pdf", firm=str(link.dossier_id))).status_code == 422
    client.post(url, upload("bilan.pdf", firm=str(other.pk)))
    (file,) = files(link)
    assert file.firm_id == bertrand.firm.pk
    assert "Bertrand Conseil" in said(client.get(space_url("clients:space_files")))
    mine = browse(lemoine.admin)
    assert "bilan.pdf" not in said(mine.get(lemoine.firm.url("clients:files", pk=link.dossier_id)))
    assert mine.post(lemoine.firm.url("clients:take_file", pk=file.pk)).status_code == 404


def test_taking_back_asks_first_and_can_be_undone(
    link: SpaceLink, claire: User, space_url: Callable[..., str], browse: Browse
) -> None:
    client = browse(claire)
    client.post(space_url("clients:space_drop_files"), upload("bilan.pdf"))
    (file,) = files(link)
    url = space_url("clients:space_take_file_back", pk=file.pk)
    assert "bilan.pdf" in said(client.get(url))
    assert files(link)[0].state == FileState.AVAILABLE
    assert "Vous pouvez le remettre" in said(client.post(url, follow=True))
    assert files(link)[0].state == FileState.REMOVED
    assert client.post(space_url("clients:space_take_file", pk=file.pk)).status_code == 302
    client.post(space_url("clients:space_put_file_back", pk=file.pk))
    assert files(link)[0].state == FileState.AVAILABLE


def test_a_billing_profile_meets_no_other_file_by_its_address_either(
    lemoine: World,
    link: SpaceLink,
    claire: User,
    firm_url: Callable[..., str],
    space_url: Callable[..., str],
    browse: Browse,
) -> None:
    drop = firm_url("clients:drop_files", pk=link.dossier_id)
    browse(lemoine.admin).post(drop, upload("bilan.pdf"))
    browse(lemoine.admin).post(drop, upload("facture.pdf", category=FileCategory.BILLING))
    with scope(space=link.space_id):
        SpaceMember.objects.update(profile=SpaceProfile.BILLING)
    client = browse(claire)
    shown = said(client.get(space_url("clients:space_files")))
    assert "facture.pdf" in shown and "bilan.pdf" not in shown and "multipart" not in shown
    balance, invoice = files(link)
    assert client.post(space_url("clients:space_take_file", pk=balance.pk)).status_code == 404
    assert content(client.post(space_url("clients:space_take_file", pk=invoice.pk))) == PDF
    assert client.post(space_url("clients:space_drop_files"), upload("x.pdf")).status_code == 403


def test_after_the_end_both_pages_say_so_and_offer_nothing_new(
    lemoine: World,
    link: SpaceLink,
    claire: User,
    firm_url: Callable[..., str],
    space_url: Callable[..., str],
    browse: Browse,
) -> None:
    admin, client = browse(lemoine.admin), browse(claire)
    admin.post(firm_url("clients:drop_files", pk=link.dossier_id), upload("bilan.pdf"))
    with scope(space=link.space_id):
        SpaceLink.objects.update(until=timezone.now())
    (file,) = files(link)
    for browser, page, take in (
        (admin, firm_url("clients:files", pk=link.dossier_id), firm_url("clients:take_file", pk=file.pk)),
        (client, space_url("clients:space_files"), space_url("clients:space_take_file", pk=file.pk)),
    ):
        shown = said(browser.get(page))
        assert "Vous conservez ce qui a été échangé" in shown and "multipart" not in shown
        assert "Retirer" not in shown
        assert content(browser.post(take)) == PDF
    assert client.post(space_url("clients:space_drop_files"), upload("b.pdf")).status_code == 302
    late = admin.post(firm_url("clients:drop_files", pk=link.dossier_id), upload("b.pdf"), follow=True)
    assert "rien n'a été déposé" in unescape(said(late))
    assert len(files(link)) == 1


def test_a_dossier_whose_files_one_may_not_see_has_no_such_page(
    lemoine: World, link: SpaceLink, firm_url: Callable[..., str], browse: Browse
) -> None:
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get()
        give(Assignment, pairs_of([dossier], [lemoine.colleague]), role=ObjectRole.SUPPORT, by=lemoine.admin)
    browse(lemoine.admin).post(firm_url("clients:drop_files", pk=link.dossier_id), upload("bilan.pdf"))
    support, url = browse(lemoine.colleague), firm_url("clients:files", pk=link.dossier_id)
    assert support.get(url).status_code == 404
    shown = said(support.get(firm_url("clients:dossier", pk=link.dossier_id)))
    assert url not in shown and "bilan.pdf" not in shown
    shown = said(browse(lemoine.admin).get(firm_url("clients:dossier", pk=link.dossier_id)))
    assert url in shown and "bilan.pdf" in shown


@pytest.mark.parametrize("count", [1, 10])
def test_the_lists_ask_as_much_for_many_files_as_for_one(
    lemoine: World,
    link: SpaceLink,
    claire: User,
    firm_url: Callable[..., str],
    space_url: Callable[..., str],
    browse: Browse,
    count: int,
) -> None:
    admin, client, page = browse(lemoine.admin), browse(claire), firm_url("clients:files", pk=link.dossier_id)
    names = (f"{number}.pdf" for number in range(count))
    admin.post(firm_url("clients:drop_files", pk=link.dossier_id), upload(*names))
    for browser, url, most in ((admin, page, 20), (client, space_url("clients:space_files"), 16)):
        browser.get(url)
        with queries_at_most(most):
            assert browser.get(url).content.decode().count(".pdf</span>") >= count


# --- Who sees my dossier ------------------------------------------------------------------------------------------


def test_a_client_reads_who_can_see_the_dossier_and_when_they_last_did(
    lemoine: World,
    link: SpaceLink,
    claire: User,
    firm_url: Callable[..., str],
    space_url: Callable[..., str],
    browse: Browse,
) -> None:
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get()
        pairs = pairs_of(Portfolio.objects.all(), [lemoine.collaborator])
        give(PortfolioGrant, pairs, role=ObjectRole.READER, by=lemoine.admin)
    client, page = browse(claire), space_url("clients:space_watchers")
    shown = said(client.get(page))
    assert lemoine.admin.name in shown and lemoine.collaborator.name in shown
    assert lemoine.colleague.name not in shown, "who has no access"
    assert "Mauvais payeurs" not in shown and lemoine.admin.email not in shown, "what is the firm's own"
    assert shown.count("pas encore") == 4
    browse(lemoine.collaborator).get(firm_url("clients:dossier", pk=dossier.pk))
    assert said(client.get(page)).count("pas encore") == 3
    with scope(firm=lemoine.firm):
        PortfolioGrant.objects.all().delete()
    gone = said(client.get(page))
    assert lemoine.collaborator.name in gone and "a plus accès" in gone


def test_what_was_before_the_client_came_is_not_told(
    lemoine: World, link: SpaceLink, claire: User, firm_url: Callable[..., str], browse: Browse
) -> None:
    browse(lemoine.admin).get(firm_url("clients:dossier", pk=link.dossier_id))
    with scope(space=link.space_id):
        SpaceLink.objects.update(since=timezone.now())
    page = ClientSpace(pk=link.space_id).url("clients:space_watchers")
    assert said(browse(claire).get(page)).count("pas encore") == 2


def test_looking_at_a_dossier_writes_the_access_record_and_nothing_else(
    lemoine: World, link: SpaceLink, firm_url: Callable[..., str], browse: Browse
) -> None:
    admin = browse(lemoine.admin)
    for route in ("clients:dossier", "clients:edit", "clients:files"):
        admin.get(firm_url(route, pk=link.dossier_id))
    before = writes()
    for _time in range(2):
        admin.get(firm_url("clients:dossier", pk=link.dossier_id))
        admin.head(firm_url("clients:dossier", pk=link.dossier_id))
    after = writes()
    assert {table for table in after if after[table] != before.get(table)} == {"clients_accessrecord"}
    with scope(firm=lemoine.firm):
        assert AccessRecord.objects.get().count == 5, "one row for the day; a HEAD shows nothing"


def test_whoever_may_not_see_it_leaves_no_access(
    lemoine: World, link: SpaceLink, firm_url: Callable[..., str], browse: Browse
) -> None:
    stranger = browse(lemoine.colleague)
    assert stranger.get(firm_url("clients:dossier", pk=link.dossier_id)).status_code == 404
    with scope(firm=lemoine.firm):
        assert not AccessRecord.objects.exists()


def writes() -> dict[str, int]:
    """How many rows of each table this test's transaction has written so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return dict(cursor.fetchall())
