"""Who saw a client file between two days: the page, its workbook, and how long it is known."""

import io
import re
from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from accounts.actions.journal import hold_journal, release_journal
from activity import queries, retention
from clients.models import AccessRecord, Dossier
from tenancy.scopes import scope
from tests.worlds import World, make_dossier


def looked(world: World, dossier: Dossier, member, ago: int, kind: str = "opened", count: int = 1) -> None:
    """In the firm's scope: so many days ago, so often."""
    at = timezone.now() - timedelta(days=ago)
    AccessRecord.objects.create(
        dossier=dossier,
        user_id=member.user_id,
        kind=kind,
        day=timezone.localdate(at),
        first_at=at,
        last_at=at,
        count=count,
    )


@pytest.fixture
def dossier(lemoine: World) -> Dossier:
    with scope(firm=lemoine.firm):
        found, other = make_dossier("Boulangerie Petit"), make_dossier("Garage")
        looked(lemoine, found, lemoine.collaborator, 3, count=4)
        looked(lemoine, found, lemoine.collaborator, 3, kind="downloaded")
        looked(lemoine, found, lemoine.colleague, 40)
        looked(lemoine, other, lemoine.admin, 3)
        return found


def lines(html: str) -> list[tuple[str, str]]:
    """Who did what, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", html.partition("<tbody>")[2], re.DOTALL)
    cells = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows)
    return [(one[0], one[1]) for one in cells]


def test_it_tells_who_did_what_on_which_day_and_how_often(lemoine: World, dossier: Dossier, browse) -> None:
    client, url = browse(lemoine.admin), lemoine.firm.url("clients:seen", pk=dossier.pk)
    html = client.get(url).content.decode()
    paul = ("Paul Martin", "A ouvert le dossier")
    chloe = {("Chloé Martin", "A ouvert le dossier"), ("Chloé Martin", "A téléchargé un fichier")}
    found = lines(html)
    assert set(found[:2]) == chloe and found[2:] == [paul]
    month_ago = str(timezone.localdate() - timedelta(days=30))
    assert set(lines(client.get(url, {"since": month_ago}).content.decode())) == chloe
    assert lines(client.get(url, {"until": month_ago}).content.decode()) == [paul]
    only = {"person": str(lemoine.collaborator.user_id), "kind": "downloaded"}
    assert len(lines(client.get(url, only).content.decode())) == 1
    assert "Personne ne l'a consulté" in client.get(url, {"until": "2020-01-01"}).content.decode()
    assert "Un filtre n'a pas été appliqué" in client.get(url, {"since": "hier"}).content.decode()
    assert url in client.get(lemoine.firm.url("clients:dossier", pk=dossier.pk)).content.decode()
    assert lines(client.get(url).content.decode())[0] == ("Alice Martin", "A ouvert le dossier")


def test_as_many_lines_as_are_asked_for(lemoine: World, dossier: Dossier, browse) -> None:
    """The links beside “rows per page” lead to that many."""
    with scope(firm=lemoine.firm):
        for ago in range(50, 80):
            looked(lemoine, dossier, lemoine.colleague, ago)
    client, url = browse(lemoine.admin), lemoine.firm.url("clients:seen", pk=dossier.pk)
    usual, fewer = client.get(url), client.get(url, {"size": 20})
    assert "?size=20" in usual.content.decode()
    assert (len(usual.context["lines"]), len(fewer.context["lines"])) == (33, 20)
    assert "page=2" in fewer.content.decode() and "size=20" in fewer.content.decode()


def test_its_workbook_holds_the_days_asked_for_and_is_an_event(
    lemoine: World, dossier: Dossier, browse
) -> None:
    month_ago = str(timezone.localdate() - timedelta(days=30))
    response = browse(lemoine.admin).post(
        lemoine.firm.url("clients:export_seen", pk=dossier.pk), {"since": month_ago}
    )
    sheet = load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    head, *rows = sheet.iter_rows(values_only=True)
    assert head == ("Jour", "Personne", "Action", "Première fois", "Dernière fois", "Nombre")
    assert {(row[1], row[5]) for row in rows} == {("Chloé Martin", 4), ("Chloé Martin", 1)}
    with scope(firm=lemoine.firm):
        assert queries.journal(queries.Asked(kind="clients.accesses.exported")).get().details == {"lines": 2}


@pytest.mark.django_db(transaction=True)
def test_it_is_kept_as_long_as_accesses_are_and_never_removed_under_a_hold(
    lemoine: World, dossier: Dossier
) -> None:
    with scope(firm=lemoine.firm):
        looked(lemoine, dossier, lemoine.admin, 300)
        looked(lemoine, dossier, lemoine.admin, 400)
        looked(lemoine, dossier, lemoine.admin, 500)
        hold_journal(actor=lemoine.admin, reason="Contrôle")
    retention.purge_journal(lemoine.firm.pk)
    with scope(firm=lemoine.firm):
        assert AccessRecord.objects.count() == 7
        release_journal(actor=lemoine.admin)
    retention.purge_journal(lemoine.firm.pk)
    retention.purge_journal(lemoine.firm.pk)
    with scope(firm=lemoine.firm):
        assert AccessRecord.objects.filter(day__lt=timezone.localdate() - timedelta(days=366)).count() == 0
        assert AccessRecord.objects.count() == 5
        event = queries.journal(queries.Asked(kind="clients.accesses.removed")).get()
        assert event.details["count"] == 2


@pytest.mark.parametrize(
    ("today", "months", "day"), [("2026-03-31", 1, "2026-02-28"), ("2026-01-15", 12, "2025-01-15")]
)
def test_months_ago_is_the_same_day_or_the_last_of_a_shorter_month(
    today: str, months: int, day: str, monkeypatch
) -> None:
    monkeypatch.setattr(retention, "midnight", lambda: datetime.fromisoformat(today))
    assert retention._months_ago(months).date() == date.fromisoformat(day)
