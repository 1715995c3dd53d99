"""The list's columns, and the views of it that people save: opened by their key, changed, shared, left out of reach."""

import re
from collections.abc import Callable
from functools import partial
from html import unescape
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.permissions import ObjectRole, give, pairs_of
from clients.actions.views import (
    ViewGone,
    change_view,
    delete_view,
    rename_view,
    save_view,
    share_view,
    unshare_view,
)
from clients.models import Assignment, SavedView
from portfolios.actions import grant_portfolio
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.web.counting import queries_at_most
from tests.web.pages import stable
from tests.web.test_dossiers import listed, names, selection
from tests.worlds import World, make_dossier, make_portfolio

Browse = Callable[..., Client]


def open_list(world: World, client: Client, query: str = "") -> Any:
    return client.get(world.firm.url("clients:list") + query)


def headers(page: Any) -> list[str]:
    """The table's heads, without the boxes and the menu."""
    head = re.search(r"<thead>(.*?)</thead>", page.content.decode(), re.DOTALL)
    assert head
    cells = re.findall(r"<th\b[^>]*>(.*?)</th>", head[1], re.DOTALL)
    texts = [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in cells]
    return [text for text in texts if text and text != "Actions"]


def told(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


# --- Columns ------------------------------------------------------------------------------------------------

USUAL = ["Code", "Nom", "SIREN", "Portefeuille", "Collaborateurs", "Invitation", "Dernière activité"]


def test_the_usual_columns_are_shown_until_others_are_chosen(firm: World, browse: Browse) -> None:
    make_dossier()
    client = browse(firm.admin)
    assert headers(open_list(firm, client)) == USUAL
    assert headers(open_list(firm, client, "?cols=nonsense")) == USUAL
    assert headers(open_list(firm, client, "?cols=name")) == ["Nom"]
    assert headers(open_list(firm, client, "?cols=name.city.siren")) == ["Nom", "SIREN", "Ville"]
    assert headers(open_list(firm, client, "?cols=name&cols=city&cols=siren")) == ["Nom", "SIREN", "Ville"]


def test_every_column_shows_its_value(firm: World, browse: Browse) -> None:
    make_dossier(
        "Menuiserie Béranger",
        reference="C-001",
        siren="732829320",
        legal_form="5710",
        naf_code="43.32A",
        urssaf_account="117000001234567",
        fiscal_year_end="31/12",
        email="contact@beranger.example",
        phone="01 02 03 04 05",
        city="Lyon",
    )
    columns = "name.kind.legal_form.naf_code.urssaf_account.fiscal_year_end.email.phone.city.created"
    page = open_list(firm, browse(firm.admin), f"?cols={columns}")
    [row] = page.context["table"]["rows"]
    assert [text for _css, _label, text in row.more][:-1] == [
        "Entreprise",
        "5710",
        "43.32A",
        "117000001234567",
        "31/12",
        "contact@beranger.example",
        "01 02 03 04 05",
        "Lyon",
    ]
    assert re.fullmatch(r"\d\d/\d\d/\d{4}", row.more[-1][2])
    assert "contact@beranger.example" in page.content.decode()


def test_a_column_that_is_not_shown_costs_nothing(firm: World, browse: Browse) -> None:
    make_dossier()
    client = browse(firm.admin)
    open_list(firm, client)
    with queries_at_most(10):
        page = open_list(firm, client, "?cols=name.city.email.created")
    [row] = page.context["table"]["rows"]
    assert (row.people, row.active_at) == ([], None)


def test_the_chosen_columns_are_kept_by_sorting_sizes_pages_and_chips(
    firm: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.paging.DEFAULT_SIZE", 1)
    for name in ("Aa", "Bb"):
        make_dossier(name)
    page = open_list(firm, browse(firm.admin), "?kind=company&cols=name.city")
    table = page.context["table"]
    assert "cols=name.city" in table["next_url"]
    assert "kind=company" in table["next_url"]
    text = unescape(page.content.decode())
    for link in ("?kind=company&cols=name.city&sort=-name", "?cols=name.city"):
        assert link in text


def test_a_portfolios_page_offers_columns_but_no_view_and_not_its_own_portfolio(
    firm: World, browse: Browse
) -> None:
    portfolio = make_portfolio()
    make_dossier(portfolio=portfolio)
    page = browse(firm.admin).get(firm.firm.url("clients:portfolio", pk=portfolio.pk))
    assert headers(page)[: len(USUAL) - 1] == [name for name in USUAL if name != "Portefeuille"]
    assert 'id="views"' not in page.content.decode()


# --- Opening a view -----------------------------------------------------------------------------------------


def test_a_view_is_opened_by_its_key_with_its_filters_columns_order_and_size(
    firm: World, browse: Browse
) -> None:
    make_dossier("Boulangerie Aa", city="Lyon")
    make_dossier("Boulangerie Bb")
    make_dossier("Garage")
    query = "q=boulangerie&sort=-name&size=20&cols=name.city"
    view = save_view(actor=firm.collaborator, name="Boulangeries", query=query, is_shared=True)
    page = open_list(firm, browse(firm.admin), f"?vue={view.pk}")
    assert names(page) == ["Boulangerie Bb", "Boulangerie Aa"]
    assert page.context["table"]["page"].size == 20
    assert headers(page) == ["Nom", "Ville"]
    assert 'value="boulangerie"' in page.content.decode()
    assert "Vue modifiée" not in page.content.decode()


def test_a_view_goes_on_by_its_key_from_page_to_page(
    firm: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.paging.DEFAULT_SIZE", 1)
    for name in ("Boulangerie Aa", "Boulangerie Bb", "Garage"):
        make_dossier(name)
    view = save_view(actor=firm.admin, name="Boulangeries", query="q=boulangerie")
    client = browse(firm.admin)
    following = open_list(firm, client, f"?vue={view.pk}").context["table"]["next_url"]
    assert following.startswith(f"?vue={view.pk}&after=")
    page = open_list(firm, client, following)
    assert names(page) == ["Boulangerie Bb"]
    assert page.context["table"]["previous_url"].startswith(f"?vue={view.pk}&before=")


def test_what_is_changed_in_a_view_says_from_which_it_came_and_stays_changed_when_nothing_is_left(
    firm: World, browse: Browse
) -> None:
    make_dossier("Boulangerie")
    make_dossier("Garage")
    view = save_view(actor=firm.admin, name="Boulangeries", query="q=boulangerie")
    client = browse(firm.admin)
    page = unescape(open_list(firm, client, f"?vue={view.pk}").content.decode())
    assert f"?q=boulangerie&depuis={view.pk}&sort=-name" in page
    assert f'name="depuis" value="{view.pk}" hx-swap-oob' in page
    cleared = open_list(firm, client, f"?depuis={view.pk}")
    assert names(cleared) == ["Boulangerie", "Garage"]
    assert "Vue modifiée" in cleared.content.decode()
    same = open_list(firm, client, f"?depuis={view.pk}&q=boulangerie&size=50&sort=name&kind=")
    assert "Vue modifiée" not in same.content.decode()


def test_a_list_that_shows_a_view_tells_the_selection_what_it_shows(firm: World, browse: Browse) -> None:
    make_dossier("Boulangerie")
    make_dossier("Garage")
    view = save_view(actor=firm.admin, name="Boulangeries", query="q=boulangerie")
    page = open_list(firm, browse(firm.admin), f"?vue={view.pk}").content.decode()
    query = re.search(r'data-query="([^"]*)"', page)
    assert query
    assert selection(firm, "admin", all="1", query=unescape(query[1])) == {"Boulangerie"}
    assert selection(firm, "admin", all="1", query=f"vue={view.pk}") == set()


def test_a_view_opens_nothing(firm: World, browse: Browse) -> None:
    make_dossier("Boulangerie")
    mine = make_dossier("Boulangerie ouverte")
    give(Assignment, pairs_of([mine], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    view = save_view(actor=firm.admin, name="Boulangeries", query="q=boulangerie", is_shared=True)
    assert listed(firm, browse(firm.collaborator), f"?vue={view.pk}") == ["Boulangerie ouverte"]


def test_a_filter_by_what_the_reader_does_not_see_is_left_out_and_said_without_its_name(
    firm: World, browse: Browse
) -> None:
    hidden = make_portfolio("Portefeuille secret")
    mine = make_dossier("Affecté")
    give(Assignment, pairs_of([mine], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    query = f"portfolio={hidden.pk}&kind=company"
    view = save_view(actor=firm.admin, name="Vue", query=query, is_shared=True)
    page = open_list(firm, browse(firm.collaborator), f"?vue={view.pk}")
    text = page.content.decode()
    assert names(page) == ["Affecté"]
    assert "laissé de côté" in text
    assert "Vue modifiée" not in text
    assert "secret" not in text
    assert str(hidden.pk) not in text


@pytest.mark.parametrize("whose", ["nobody", "colleague", "other firm", "nonsense"])
def test_a_view_out_of_reach_answers_like_one_that_is_not_there(
    lemoine: World, bertrand: World, browse: Browse, whose: str
) -> None:
    with scope(firm=bertrand.firm):
        foreign = save_view(actor=bertrand.admin, name="Étrangère", query="q=secret", is_shared=True)
    with scope(firm=lemoine.firm):
        make_dossier("Boulangerie")
        private = save_view(actor=lemoine.colleague, name="Privée", query="q=secret")
    keys = {
        "nobody": uuid7(),
        "colleague": private.pk,
        "other firm": foreign.pk,
        "nonsense": "n-importe-quoi",
    }
    client, key, absent = browse(lemoine.admin), keys[whose], uuid7()
    answer = open_list(lemoine, client, f"?vue={key}")
    assert names(answer) == ["Boulangerie"]
    assert "n'existe pas ou plus" in unescape(answer.content.decode())
    assert stable(answer, key) == stable(open_list(lemoine, client, f"?vue={absent}"), absent)
    for verb in ("change", "rename", "share", "unshare", "delete"):
        url = [lemoine.firm.url(f"clients:{verb}_view", pk=one if whose != "nonsense" else absent)
               for one in (key, absent)]  # fmt: skip
        assert [client.post(one).status_code for one in url] == [404, 404]


def test_the_menu_offers_ones_own_views_and_the_shared_ones(firm: World, browse: Browse) -> None:
    make_dossier()
    save_view(actor=firm.admin, name="La mienne", query="")
    save_view(actor=firm.colleague, name="Partagée", query="", is_shared=True)
    save_view(actor=firm.colleague, name="Privée", query="", is_shared=False)
    page = open_list(firm, browse(firm.admin))
    lines = page.context["table"]["views"]["all"]
    assert [(line["view"].name, line["by"]) for line in lines] == [
        ("La mienne", ""),
        ("Partagée", "Paul Martin"),
    ]
    assert "Privée" not in page.content.decode()


@pytest.mark.parametrize("count", [10, 200])
def test_a_list_under_a_view_asks_no_more_than_any_other(firm: World, browse: Browse, count: int) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    for number in range(count):
        make_dossier(f"Client {number}", portfolio=portfolio)
    for number in range(5):
        save_view(actor=firm.colleague, name=f"Vue {number}", query="", is_shared=True)
    view = save_view(
        actor=firm.admin, name="Toutes", query=f"portfolio={portfolio.pk}&size=100", is_shared=True
    )
    client = browse(firm.collaborator)
    open_list(firm, client, f"?vue={view.pk}")
    with queries_at_most(12):
        page = open_list(firm, client, f"?vue={view.pk}")
    assert len(names(page)) == min(count, 100)


# --- Saving and changing ------------------------------------------------------------------------------------


def test_the_list_as_it_is_shown_is_saved_under_a_name(firm: World, browse: Browse) -> None:
    make_dossier("Boulangerie")
    client, url = browse(firm.admin), firm.firm.url("clients:save_view")
    form = client.get(f"{url}?q=boulangerie&sort=-name&after=50.{uuid7()}&size=50").context["form"]
    query = form["query"].value()
    assert query == "q=boulangerie&sort=-name"
    answer = client.post(url, {"name": "  Mes   boulangeries ", "query": query, "is_shared": "on"})
    view = SavedView.objects.get()
    assert (view.name, view.query, view.is_shared) == ("Mes boulangeries", query, True)
    assert answer.headers["Location"] == f"{firm.firm.url('clients:list')}?vue={view.pk}"


def test_a_view_is_saved_without_what_its_person_may_not_use(firm: World, browse: Browse) -> None:
    hidden = make_portfolio()
    query = f"portfolio={hidden.pk}&kind=company&unknown=1&cols=name.city.nonsense"
    url = firm.firm.url("clients:save_view")
    browse(firm.collaborator).post(url, {"name": "Vue", "query": query})
    assert SavedView.objects.get().query == "kind=company&cols=name.city"


def test_a_name_that_is_taken_is_said_at_the_field(firm: World, browse: Browse) -> None:
    save_view(actor=firm.admin, name="Mes PME", query="")
    client = browse(firm.admin)
    answer = client.post(firm.firm.url("clients:save_view"), {"name": "MES pme", "query": "q=x"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["name"])
    assert answer.context["form"]["query"].value() == "q=x"


def test_saving_a_changed_view_replaces_what_it_holds(firm: World, browse: Browse) -> None:
    make_dossier("Boulangerie")
    view = save_view(actor=firm.admin, name="Vue", query="q=boulangerie")
    client = browse(firm.admin)
    page = open_list(firm, client, f"?depuis={view.pk}&q=boulangerie&sort=-name").content.decode()
    posted = {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(query|seen)" value="([^"]*)"', page)
    }
    answer = client.post(firm.firm.url("clients:change_view", pk=view.pk), posted)
    assert answer.headers["Location"].endswith(f"?vue={view.pk}")
    assert SavedView.objects.get().query == "q=boulangerie&sort=-name"


def test_who_saves_over_anothers_change_is_told_and_keeps_theirs_on_screen(
    firm: World, browse: Browse
) -> None:
    mine = make_dossier("Boulangerie")
    give(Assignment, pairs_of([mine], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    view = save_view(actor=firm.collaborator, name="Vue", query="q=boulangerie", is_shared=True)
    seen = view.updated_at.isoformat()
    change_view(actor=firm.admin, view=view, query="q=garage")
    client, url = browse(firm.collaborator), firm.firm.url("clients:change_view", pk=view.pk)
    answer = client.post(url, {"query": "q=boulangerie&kind=company", "seen": seen})
    assert "Alice Martin" in told(answer)
    assert SavedView.objects.get().query == "q=garage"
    page = client.get(answer.headers["Location"])
    assert names(page) == ["Boulangerie"]
    assert "Vue modifiée" in page.content.decode()
    shown = re.search(r'name="seen" value="([^"]*)"', page.content.decode())
    assert shown
    client.post(url, {"query": "q=boulangerie&kind=company", "seen": unescape(shown[1])})
    assert SavedView.objects.get().query == "q=boulangerie&kind=company"


def test_a_reader_of_a_shared_view_saves_their_changes_as_another(firm: World, browse: Browse) -> None:
    make_dossier("Boulangerie")
    give(Assignment, pairs_of([make_dossier("Un")], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    view = save_view(actor=firm.admin, name="Vue", query="q=un", is_shared=True)
    client = browse(firm.colleague)
    page = open_list(firm, client, f"?depuis={view.pk}&q=un&sort=-name").content.decode()
    assert "Vue modifiée" in page
    assert "Enregistrer sous…" in page
    assert firm.firm.url("clients:change_view", pk=view.pk) not in page
    assert client.post(firm.firm.url("clients:change_view", pk=view.pk)).status_code == 403


def test_a_view_is_renamed_shared_and_deleted_from_the_list_of_views(firm: World, browse: Browse) -> None:
    view = save_view(actor=firm.admin, name="Vue", query="")
    client = browse(firm.admin)
    client.post(firm.firm.url("clients:rename_view", pk=view.pk), {"name": "Autre"})
    client.post(firm.firm.url("clients:share_view", pk=view.pk))
    page = client.get(firm.firm.url("clients:views")).content.decode()
    assert "Autre" in page
    assert "Tout le cabinet" in page
    client.post(firm.firm.url("clients:unshare_view", pk=view.pk))
    assert not SavedView.objects.get().is_shared
    asked = client.get(firm.firm.url("clients:delete_view", pk=view.pk))
    assert "Autre" in asked.content.decode()
    client.post(firm.firm.url("clients:delete_view", pk=view.pk))
    assert not SavedView.objects.exists()


def test_renaming_what_somebody_renamed_meanwhile_is_asked_once_more(firm: World, browse: Browse) -> None:
    view = save_view(actor=firm.collaborator, name="Vue", query="", is_shared=True)
    url, client = firm.firm.url("clients:rename_view", pk=view.pk), browse(firm.collaborator)
    seen = client.get(url).context["form"]["seen"].value()
    browse(firm.admin).post(url, {"name": "Celle d'Alice", "seen": seen})
    refused = client.post(url, {"name": "La mienne", "seen": seen})
    assert refused.status_code == 422
    assert "Alice Martin" in str(refused.context["form"].errors["name"])
    client.post(url, {"name": "La mienne", "seen": refused.context["form"]["seen"].value()})
    assert SavedView.objects.get().name == "La mienne"


@pytest.mark.parametrize("verb", ["change", "rename", "share", "unshare", "delete"])
def test_what_is_done_to_a_view_that_was_deleted_in_another_tab_says_so(
    firm: World, browse: Browse, verb
) -> None:
    view = save_view(actor=firm.admin, name="Retards", query="q=a")
    delete_view(actor=firm.admin, view=view)
    url = firm.firm.url(f"clients:{verb}_view", pk=view.pk)
    answer = browse(firm.admin).post(url, {"name": "Autre", "query": "q=b"})
    assert (answer.status_code, answer["Location"]) == (302, firm.firm.url("clients:views"))
    assert "Cette vue n'existe plus" in told(answer)


@pytest.mark.parametrize(
    "act",
    [
        partial(change_view, query="q=b"),
        partial(rename_view, name="Autre"),
        share_view,
        unshare_view,
        delete_view,
    ],
)
def test_a_view_that_is_deleted_at_that_very_moment_is_gone(firm: World, act) -> None:
    view = save_view(actor=firm.admin, name="Retards", query="q=a")
    stale = SavedView.objects.get(pk=view.pk)
    delete_view(actor=firm.admin, view=view)
    with pytest.raises(ViewGone):
        act(actor=firm.admin, view=stale)


def test_a_view_that_was_deleted_meanwhile_is_said_to_be_gone(firm: World, browse: Browse) -> None:
    make_dossier()
    view = save_view(actor=firm.admin, name="Vue", query="")
    client = browse(firm.admin)
    delete_view(actor=firm.admin, view=view)
    assert "n'existe pas ou plus" in unescape(open_list(firm, client, f"?vue={view.pk}").content.decode())


# --- Privacy ------------------------------------------------------------------------------------------------


def test_the_links_of_the_menu_and_of_the_list_of_views_hold_no_search(firm: World, browse: Browse) -> None:
    make_dossier("Dupont")
    save_view(actor=firm.admin, name="Vue", query="q=dupont")
    client = browse(firm.admin)
    page = client.get(firm.firm.url("clients:views")).content.decode()
    assert "dupont" not in page.lower()
    lines = open_list(firm, client).context["table"]["views"]["all"]
    assert "dupont" not in lines[0]["url"]
