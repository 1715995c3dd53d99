"""The pages that archive, restore and move dossiers, one or a selection."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.permissions import ObjectRole, give, pairs_of
from clients.actions.archiving import archive_dossiers
from clients.impact import Impact
from clients.models import Assignment, Dossier
from portfolios.actions import grant_portfolio
from tests.worlds import World, make_dossier, make_portfolio

Browse = Callable[..., Client]


def test_a_selection_is_archived_once_its_meaning_was_shown(firm: World, browse: Browse) -> None:
    dossiers = [make_dossier(name) for name in "ABC"]
    client, url = browse(firm.admin), firm.firm.url("clients:archive")
    chosen = {"ids": [str(one.pk) for one in dossiers[:2]]}
    shown = client.post(url, chosen).context
    assert shown["result"].count == 2
    assert not Dossier.objects.archived().exists()
    answer = client.post(url, {**chosen, "about": "", "seen": shown["weighed"].impact.fingerprint})
    assert answer.status_code == 302
    assert set(Dossier.objects.archived()) == set(dossiers[:2])


def test_the_list_that_one_archived_in_keeps_its_filters(firm: World, browse: Browse) -> None:
    dossier, portfolio = make_dossier("A"), make_portfolio("Sarah")
    client, url = browse(firm.admin), firm.firm.url("clients:archive")
    for where, page in (
        ({"query": "q=a&size=20"}, firm.firm.url("clients:list") + "?q=a&size=20"),
        ({"portfolio": str(portfolio.pk)}, firm.firm.url("clients:portfolio", pk=portfolio.pk)),
    ):
        Dossier.objects.update(archived_at=None)
        chosen = {"ids": str(dossier.pk), **where}
        seen = client.post(url, chosen).context["weighed"].impact.fingerprint
        assert client.post(url, {**chosen, "about": "", "seen": seen})["Location"] == page


def test_archived_dossiers_leave_the_list_and_its_counts_and_are_a_view_of_it(
    firm: World, browse: Browse
) -> None:
    portfolio = make_portfolio()
    archived, active = make_dossier("A", portfolio=portfolio), make_dossier("B", portfolio=portfolio)
    archive_dossiers(actor=firm.admin, dossiers=Dossier.objects.filter(pk=archived.pk))
    client = browse(firm.admin)
    for route, keys in (("clients:list", {}), ("clients:portfolio", {"pk": portfolio.pk})):
        url = firm.firm.url(route, **keys)
        assert [row.pk for row in client.get(url).context["table"]["rows"]] == [active.pk]
        assert [row.pk for row in client.get(f"{url}?archived=1").context["table"]["rows"]] == [archived.pk]
    [row] = client.get(firm.firm.url("portfolios:list")).context["rows"]
    assert row["portfolio"].dossier_count == 1
    assert client.get(firm.firm.url("clients:list") + "?q=A").context["table"]["page"].total == 0


def test_all_that_match_restores_what_the_archived_view_shows(firm: World, browse: Browse) -> None:
    for name in "ABC":
        make_dossier(name)
    archive_dossiers(actor=firm.admin, dossiers=Dossier.objects.all())
    kept = make_dossier("D")
    client, url = browse(firm.admin), firm.firm.url("clients:restore")
    chosen = {"all": "1", "query": "archived=1"}
    shown = client.post(url, chosen).context
    assert shown["result"].count == 3
    client.post(url, {**chosen, "seen": shown["weighed"].impact.fingerprint})
    assert Dossier.objects.active().count() == 4
    assert not kept.archived_at


def test_what_was_not_shown_is_not_archived(firm: World, browse: Browse) -> None:
    """“All that match” are others by now, though the same people are told."""
    make_dossier("A"), make_dossier("B")
    client, url = browse(firm.admin), firm.firm.url("clients:archive")
    chosen = {"all": "1", "query": ""}
    shown = client.post(url, chosen).context
    make_dossier("C")
    answer = client.post(url, {**chosen, "seen": shown["weighed"].impact.fingerprint})
    assert answer.context["weighed"].is_stale
    assert not Dossier.objects.archived().exists()
    client.post(url, {**chosen, "seen": answer.context["weighed"].impact.fingerprint})
    assert Dossier.objects.archived().count() == 3


def test_what_was_not_shown_is_not_moved(firm: World, browse: Browse) -> None:
    """Nobody but administrators sees them, so nobody gains or loses anything."""
    target = make_portfolio("Sarah")
    make_dossier("A"), make_dossier("B")
    client, url = browse(firm.admin), firm.firm.url("clients:move_many")
    chosen = {"all": "1", "query": "", "to-portfolio": str(target.pk)}
    shown = client.post(url, chosen).context["weighed"]
    make_dossier("C")
    confirmed = {**chosen, "about": shown.about, "seen": shown.impact.fingerprint}
    assert client.post(url, confirmed).context["weighed"].is_stale
    assert not Dossier.objects.in_portfolio(target).exists()


def test_a_move_that_means_something_else_at_the_last_moment_is_asked_about(
    firm: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at what it means, which is harmless, and the deed."""
    target, dossier = make_portfolio("Sarah"), make_dossier()

    def meanwhile(impact: Impact[Any]) -> bool:
        grant_portfolio(actor=firm.admin, portfolio=target, member=firm.collaborator)
        return True

    monkeypatch.setattr("clients.views.moving.opens_or_closes_little", meanwhile)
    url = firm.firm.url("clients:move", pk=dossier.pk)
    answer = browse(firm.admin).post(url, {"portfolio": target.pk})
    assert answer.context["weighed"].is_stale
    assert not Dossier.objects.in_portfolio(target).exists()


def test_the_page_of_an_archived_dossier_says_so_and_offers_to_restore_it(
    firm: World, browse: Browse
) -> None:
    dossier = make_dossier(portfolio=(portfolio := make_portfolio()))
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    archive_dossiers(actor=firm.admin, dossiers=Dossier.objects.all())
    url = firm.firm.url("clients:dossier", pk=dossier.pk)
    restore = firm.firm.url("clients:restore_one", pk=dossier.pk)
    page = browse(firm.admin).get(url)
    assert restore in page.content.decode()
    assert not page.context["may_edit"]
    seen = browse(firm.collaborator).get(url)
    assert "Archivé le" in seen.content.decode()
    assert restore not in seen.content.decode()


@pytest.mark.parametrize("route", ["clients:archive", "clients:restore"])
def test_a_collaborator_archives_no_selection(firm: World, browse: Browse, route: str) -> None:
    assert browse(firm.collaborator).post(firm.firm.url(route)).status_code == 403


def test_the_firms_own_dossier_is_not_archived(firm: World, browse: Browse) -> None:
    own = make_dossier("Cabinet Lemoine", is_own=True)
    client = browse(firm.admin)
    assert client.get(firm.firm.url("clients:archive_one", pk=own.pk)).status_code == 404
    assert client.post(firm.firm.url("clients:archive"), {"ids": [str(own.pk)]}).context["result"].count == 0


# --- Moving -------------------------------------------------------------------------------------------------------


def test_a_selection_is_moved_once_its_meaning_was_shown(firm: World, browse: Browse) -> None:
    old, new = make_portfolio("Sarah"), make_portfolio("Léa")
    dossiers = [make_dossier(name, portfolio=old) for name in "AB"]
    grant_portfolio(actor=firm.admin, portfolio=old, member=firm.collaborator)
    client, url = browse(firm.admin), firm.firm.url("clients:move_many")
    chosen = {
        "all": "1",
        "query": "",
        "portfolio": str(old.pk),
    }  # as the bulk bar of the portfolio's page posts it
    assert client.post(url, chosen).context["count"] == 2
    assert client.post(url, {**chosen, "to-portfolio": ""}).status_code == 422
    shown = client.post(url, {**chosen, "to-portfolio": str(new.pk)}).context["weighed"]
    assert [(one.member, one.loses) for one in shown.impact.losing] == [(firm.collaborator, 2)]
    confirmed = {
        **chosen,
        "to-portfolio": str(new.pk),
        "about": shown.about,
        "seen": shown.impact.fingerprint,
    }
    assert client.post(url, confirmed).status_code == 302
    assert set(Dossier.objects.in_portfolio(new)) == set(dossiers)


def test_one_whose_move_takes_it_from_somebody_is_asked_about(firm: World, browse: Browse) -> None:
    old, new = make_portfolio("Sarah"), make_portfolio("Léa")
    dossier = make_dossier(portfolio=old)
    grant_portfolio(actor=firm.admin, portfolio=old, member=firm.collaborator)
    client, url = browse(firm.admin), firm.firm.url("clients:move", pk=dossier.pk)
    shown = client.post(url, {"portfolio": new.pk}).context["weighed"]
    assert [one.member for one in shown.impact.losing] == [firm.collaborator]
    dossier.refresh_from_db()
    assert dossier.portfolio == old
    client.post(url, {"portfolio": new.pk, "about": shown.about, "seen": shown.impact.fingerprint})
    dossier.refresh_from_db()
    assert dossier.portfolio == new


def test_a_collaborator_is_offered_the_portfolios_that_they_may_fill(firm: World, browse: Browse) -> None:
    mine, read = make_portfolio("Mien"), make_portfolio("Lu")
    make_portfolio("Autre")
    grant_portfolio(actor=firm.admin, portfolio=mine, member=firm.collaborator)
    grant_portfolio(actor=firm.admin, portfolio=read, member=firm.collaborator, role=ObjectRole.READER)
    form = browse(firm.collaborator).post(firm.firm.url("clients:move_many")).context["form"]
    assert [key for key, _name in form.fields["portfolio"].choices] == ["", str(mine.pk)]


def test_an_archived_dossier_offers_what_may_still_be_done_and_nothing_else(
    firm: World, browse: Browse
) -> None:
    dossier = make_dossier("A", email="a@client.test")
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    archive_dossiers(actor=firm.admin, dossiers=Dossier.objects.all())
    client, url = browse(firm.admin), firm.firm.url("clients:dossier", pk=dossier.pk)
    pages = [client.get(url), client.get(url, headers={"HX-Request": "true", "HX-Target": "drawer-body"})]
    for page in (*pages, client.get(firm.firm.url("clients:list") + "?archived=1")):
        shown = page.content.decode()
        assert f"{url}restaurer/" in shown
        for refused in ('affecter/"', "affecter/?", "modifier/", "deplacer/", "inviter/", "archiver/"):
            assert f"{url}{refused}" not in shown
    for page in pages:
        assert f"{url}affecter/{firm.collaborator.pk}/retirer/" in page.content.decode()


def test_the_page_that_assigns_an_archived_dossier_says_why_it_does_not(firm: World, browse: Browse) -> None:
    dossier = make_dossier("A")
    archive_dossiers(actor=firm.admin, dossiers=Dossier.objects.all())
    answer = browse(firm.admin).get(firm.firm.url("clients:assign_one", pk=dossier.pk), follow=True)
    assert answer.redirect_chain[-1][0] == firm.firm.url("clients:dossier", pk=dossier.pk)
    assert "A est archivé" in answer.content.decode()
