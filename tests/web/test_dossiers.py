"""The pages of dossiers: list, creation, page, drawer, edition, move, selection."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import Membership, MemberState, Role
from accounts.permissions import ObjectRole, Perm, give, pairs_of
from activity.actions import record
from activity.models import Event
from clients.actions.dossiers import create_dossier, update_dossier
from clients.events.dossiers import DossierChanged
from clients.models import Assignment, ClientSpace, Dossier, SpaceLink, SpaceMember
from clients.selection import selected_dossiers
from portfolios.actions import grant_portfolio, withdraw_portfolio
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.web.counting import queries_at_most
from tests.worlds import World, make_dossier, make_person, make_portfolio

Browse = Callable[..., Client]
ODD_SIRET = "73282932000075"  # its check digit fails


def names(page: Any) -> list[str]:
    return [row.name for row in page.context["table"]["rows"]]


def listed(world: World, client: Client, query: str = "") -> list[str]:
    return names(client.get(world.firm.url("clients:list") + query))


# --- The list -----------------------------------------------------------------------------------------------


def test_an_administrator_sees_every_client_but_not_the_firms_own_dossier(
    firm: World, browse: Browse
) -> None:
    make_dossier("Boulangerie")
    make_dossier("Cabinet", is_own=True)
    assert listed(firm, browse(firm.admin)) == ["Boulangerie"]


def test_a_collaborator_sees_theirs_alone(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio()
    make_dossier("Du portefeuille", portfolio=portfolio)
    assigned = make_dossier("Affecté")
    make_dossier("Ailleurs")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    give(Assignment, pairs_of([assigned], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    assert listed(firm, browse(firm.collaborator)) == ["Affecté", "Du portefeuille"]
    assert listed(firm, browse(firm.colleague)) == []


@pytest.mark.parametrize(
    "sought",
    [
        "béranger",
        "MENUISERIE BERANGER",
        "732829320",
        "732 829 320 00074",
        "73282932000074",
        "c-001",
        "117000001234567",
    ],
)
def test_a_search_finds_by_name_number_reference_and_account(
    firm: World, browse: Browse, sought: str
) -> None:
    make_dossier(
        "Menuiserie Béranger", siret="73282932000074", reference="C-001", urssaf_account="117000001234567"
    )
    make_dossier("Boulangerie Martin", siren="552100554", reference="C-002")
    assert listed(firm, browse(firm.admin), f"?q={sought}") == ["Menuiserie Béranger"]


def test_filters_narrow_the_list(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio()
    make_dossier("Dedans", portfolio=portfolio)
    make_dossier("", kind="individual", last_name="Martin")
    mine = make_dossier("Affecté")
    give(Assignment, pairs_of([mine], [firm.admin]), role=ObjectRole.READER, by=firm.admin)
    client = browse(firm.admin)
    assert listed(firm, client, f"?portfolio={portfolio.pk}") == ["Dedans"]
    assert listed(firm, client, "?portfolio=none") == ["Affecté", "Martin"]
    assert listed(firm, client, "?kind=individual") == ["Martin"]
    assert listed(firm, client, "?member=me") == ["Affecté"]
    assert listed(firm, client, f"?member={firm.collaborator.pk}") == []
    assert listed(firm, client, "?portfolio=none&kind=company") == ["Affecté"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["Aa", "Bb", "Cc"]),
        ("-name", ["Cc", "Bb", "Aa"]),
        ("reference", ["Cc", "Aa", "Bb"]),
        ("siren", ["Bb", "Cc", "Aa"]),
        ("created", ["Bb", "Aa", "Cc"]),
        ("-created", ["Cc", "Aa", "Bb"]),
        ("nonsense", ["Aa", "Bb", "Cc"]),
    ],
)
def test_the_list_sorts_and_pages_by_every_column_both_ways(
    firm: World, browse: Browse, sort: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.paging.DEFAULT_SIZE", 1)
    make_dossier("Bb", reference="R3", siren="111111111")
    make_dossier("Aa", reference="R2", siren="333333333")
    make_dossier("Cc", reference="R1", siren="222222222")
    client, url = browse(firm.admin), firm.firm.url("clients:list")
    forward, backward, query = [], [], f"?sort={sort}"
    for _step in range(3):
        page = client.get(url + query)
        forward += names(page)
        query = page.context["table"]["next_url"] or query
    for _step in range(3):
        page = client.get(url + query)
        backward += names(page)
        shown = page.context["table"]["page"]
        assert (shown.first, shown.last, shown.total) == (4 - len(backward), 4 - len(backward), 3)
        query = page.context["table"]["previous_url"] or query
    assert forward == expected
    assert backward == expected[::-1]


def test_equal_names_are_each_shown_once_over_the_pages(
    firm: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.paging.DEFAULT_SIZE", 2)
    for _number in range(5):
        make_dossier("Même nom")
    client, url, query, seen = browse(firm.admin), firm.firm.url("clients:list"), "", []
    for _step in range(3):
        table = client.get(url + query).context["table"]
        seen += [row.pk for row in table["rows"]]
        query = table["next_url"]
    assert seen == sorted(Dossier.objects.values_list("pk", flat=True))
    assert query == ""
    back = client.get(url + table["previous_url"]).context["table"]
    assert [row.pk for row in back["rows"]] == seen[2:4]


@pytest.mark.parametrize(
    "query",
    ["?after=x", "?after=5.0190", "?size=9999", "?portfolio=x&member=y&kind=z&state=w", "?before=-3."],
)
def test_a_list_address_that_makes_no_sense_is_the_whole_list(
    firm: World, browse: Browse, query: str
) -> None:
    make_dossier("Boulangerie")
    assert listed(firm, browse(firm.admin), query) == ["Boulangerie"]


def test_another_firms_portfolio_filters_to_nothing_of_theirs(
    lemoine: World, bertrand: World, browse: Browse
) -> None:
    with scope(firm=bertrand.firm):
        foreign = make_portfolio("Sarah")
        make_dossier("Étranger", portfolio=foreign)
    assert listed(lemoine, browse(lemoine.admin), f"?portfolio={foreign.pk}") == []


@pytest.mark.parametrize("count", [10, 200])
@pytest.mark.parametrize("member", ["admin", "collaborator"])
def test_the_list_asks_as_much_for_ten_rows_as_for_two_hundred(
    firm: World, browse: Browse, count: int, member: str
) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    made = [make_dossier(f"Client {number}", portfolio=portfolio) for number in range(count)]
    give(Assignment, pairs_of(made, [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    client, url = browse(getattr(firm, member)), firm.firm.url("clients:list") + "?size=100"
    client.get(url)
    with queries_at_most(11):
        page = client.get(url)
    assert len(names(page)) == min(count, 100)
    assert page.context["table"]["rows"][0].people == ["Chloé Martin", "Paul Martin"]


@pytest.mark.parametrize("member", ["admin", "collaborator"])
def test_the_list_as_it_is_opened_shows_what_any_other_list_shows(
    firm: World, browse: Browse, member: str
) -> None:
    """It has a query of its own; a filter that lets everything through leads to the other one."""
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.colleague)
    changed = make_dossier("Changé", portfolio=portfolio, reference="C1", siren="732829320")
    assigned = make_dossier("Affecté", portfolio=portfolio)
    give(Assignment, pairs_of([assigned], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    values = {"legal_name": "Changé encore"}
    update_dossier(actor=firm.admin, dossier=changed, values=values, seen=changed.updated_at)
    client = browse(getattr(firm, member))
    url = firm.firm.url("clients:list")
    usual, other = (client.get(url + query).context["table"]["rows"] for query in ("", "?kind=company"))
    assert usual == other
    assert [(row.name, row.people, row.portfolio) for row in usual] == [
        ("Affecté", ["Chloé Martin", "Paul Martin"], portfolio.name),
        ("Changé encore", ["Chloé Martin", "Paul Martin"], portfolio.name),
    ]


def test_what_happened_last_is_the_change_or_the_event_whichever_is_later(
    firm: World, browse: Browse
) -> None:
    told, changed = make_dossier("Affecté"), make_dossier("Changé")
    give(Assignment, pairs_of([told], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    long_ago, later = timezone.now() - timedelta(days=90), timezone.now() - timedelta(days=30)
    Dossier.objects.filter(pk=told.pk).update(updated_at=long_ago)
    record(DossierChanged, actor=firm.admin, subject=told, changes={"city": ("Paris", "Lyon")})
    Dossier.objects.filter(pk=changed.pk).update(updated_at=later)
    rows = browse(firm.admin).get(firm.firm.url("clients:list")).context["table"]["rows"]
    shown = {row.name: row.active_at for row in rows}
    assert shown["Changé"] == later
    assert timezone.now() - shown["Affecté"] < timedelta(minutes=5)


@pytest.mark.parametrize("where", ["list", "portfolio"])
def test_the_rows_are_put_into_the_page_once_where_the_table_has_its_body(
    firm: World, browse: Browse, where: str
) -> None:
    portfolio = make_portfolio()
    made = make_dossier("<!-- & Fils", portfolio=portfolio)
    url = firm.firm.url("clients:portfolio", pk=portfolio.pk) if where == "portfolio" else listed_at(firm)
    html = browse(firm.admin).get(url).content.decode()
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    assert body.count("<tr data-row>") == html.count("<tr data-row>") == 1
    assert f'value="{made.pk}"' in body
    assert "&lt;!-- &amp; Fils</a>" in body
    assert "<!--" not in html


def listed_at(world: World) -> str:
    return world.firm.url("clients:list")


def test_a_right_that_is_lost_is_lost_at_the_next_look(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    make_dossier("Boulangerie", portfolio=portfolio)
    client = browse(firm.collaborator)
    for _look in range(7):  # PostgreSQL keeps a plan after five
        assert listed(firm, client) == ["Boulangerie"]
    withdraw_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    assert listed(firm, client) == []


def test_an_administrator_who_is_one_no_more_sees_their_own_alone(firm: World, browse: Browse) -> None:
    make_dossier("Boulangerie")
    client = browse(firm.colleague)
    for role, expected in ((Role.ADMIN, ["Boulangerie"]), (Role.COLLABORATOR, [])):
        Membership.objects.filter(pk=firm.colleague.pk).update(role=role)
        assert listed(firm, client) == expected


# --- The selection ------------------------------------------------------------------------------------------


def selection(firm: World, member: str, **posted: Any) -> set[str]:
    data = QueryDict(mutable=True)
    for name, value in posted.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    request = RequestFactory().post("/", data.urlencode(), content_type="application/x-www-form-urlencoded")
    return {dossier.name for dossier in selected_dossiers(request, getattr(firm, member), Perm.VIEW_DOSSIER)}


def test_a_selection_is_what_was_ticked_and_may_be_seen(firm: World) -> None:
    one, two, own = make_dossier("Un"), make_dossier("Deux"), make_dossier("Cabinet", is_own=True)
    ticked = [str(one.pk), str(two.pk), str(own.pk), "nonsense"]
    assert selection(firm, "admin", ids=ticked) == {"Un", "Deux"}
    assert selection(firm, "collaborator", ids=ticked) == set()


def test_all_that_match_is_the_search_and_not_the_page(firm: World) -> None:
    portfolio = make_portfolio()
    make_dossier("Boulangerie Un", portfolio=portfolio)
    make_dossier("Boulangerie Deux")
    make_dossier("Garage", portfolio=portfolio)
    assert selection(firm, "admin", all="1", query="q=boulangerie") == {"Boulangerie Un", "Boulangerie Deux"}
    assert selection(firm, "admin", all="1", query="", portfolio=str(portfolio.pk)) == {
        "Boulangerie Un",
        "Garage",
    }
    assert selection(firm, "collaborator", all="1", query="") == set()


def test_all_that_match_a_filter_that_makes_no_sense_is_nothing(firm: World) -> None:
    make_dossier("Boulangerie")
    for query in (f"portfolio={uuid7()}", "member=nobody", "q=" + "x" * 300):
        assert selection(firm, "admin", all="1", query=query) == set()


# --- Creating -----------------------------------------------------------------------------------------------


def company(**fields: str) -> dict[str, str]:
    return {"kind": "company", "legal_name": "Menuiserie Béranger", **fields}


def test_a_company_is_created_with_its_numbers_cleaned(firm: World, browse: Browse) -> None:
    answer = browse(firm.admin).post(
        firm.firm.url("clients:create"),
        company(
            siret="732 829 320 000-74",
            vat_number="fr 44732829320",
            naf_code="4332a",
            email="Contact@Beranger.FR",
        ),
    )
    dossier = Dossier.objects.get()
    assert answer.headers["Location"] == firm.firm.url("clients:dossier", pk=dossier.pk)
    assert (dossier.siren, dossier.siret) == ("732829320", "73282932000074")
    assert (dossier.vat_number, dossier.naf_code, dossier.email) == (
        "FR44732829320",
        "43.32A",
        "contact@beranger.fr",
    )


def test_an_individual_needs_a_last_name_and_no_number(firm: World, browse: Browse) -> None:
    client, url = browse(firm.admin), firm.firm.url("clients:create")
    refused = client.post(url, {"kind": "individual", "legal_name": "Peu importe"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["last_name"])
    client.post(url, {"kind": "individual", "last_name": "Martin", "first_name": "Anne"})
    assert Dossier.objects.get().name == "Martin Anne"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("legal_name", ""),
        ("siren", "732829321"),
        ("siret", "7328293200007"),
        ("siret", "55210055400013x"),
        ("vat_number", "FR44552100554"),
        ("naf_code", "43"),
        ("postcode", "7500A"),
        ("email", "marie,dupont@gmail"),
        ("urssaf_account", "123"),
        ("fiscal_year_end", "31/02"),
        ("legal_form", "SARL"),
    ],
)
def test_a_field_that_is_wrong_comes_back_with_what_was_typed(
    firm: World, browse: Browse, field: str, value: str
) -> None:
    posted = company(siren="732829320") | {field: value}
    answer = browse(firm.admin).post(firm.firm.url("clients:create"), posted)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert answer.context["form"][field].value() == value
    assert not Dossier.objects.exists()


def test_a_siret_and_a_siren_that_disagree_are_refused(firm: World, browse: Browse) -> None:
    posted = company(siren="552100554", siret="73282932000074")
    answer = browse(firm.admin).post(firm.firm.url("clients:create"), posted)
    assert list(answer.context["form"].errors) == ["siret"]


def test_a_reference_that_is_taken_is_refused(firm: World, browse: Browse) -> None:
    make_dossier(reference="C001")
    answer = browse(firm.admin).post(firm.firm.url("clients:create"), company(reference="C001"))
    assert answer.status_code == 422
    assert Dossier.objects.count() == 1


def test_an_address_that_looks_mistyped_is_asked_about_once(firm: World, browse: Browse) -> None:
    client, url = browse(firm.admin), firm.firm.url("clients:create")
    asked = client.post(url, company(email="marie@gmial.com"))
    assert asked.status_code == 422
    assert "marie@gmail.com" in str(asked.context["form"].errors["email"])
    checked = re.search(r'name="email_checked" value="([^"]+)"', asked.content.decode())
    assert checked is not None
    client.post(url, company(email="marie@gmial.com", email_checked=checked[1]))
    assert Dossier.objects.get().email == "marie@gmial.com"


def test_an_administrator_accepts_an_odd_siret_by_a_tick_and_a_collaborator_can_not(
    firm: World, browse: Browse
) -> None:
    url = firm.firm.url("clients:create")
    asked = browse(firm.admin).post(url, company(siret=ODD_SIRET))
    assert (asked.status_code, b'name="siret_as_is"' in asked.content) == (422, True)
    refused = browse(firm.collaborator).post(url, company(siret=ODD_SIRET, siret_as_is="on"))
    assert (refused.status_code, b'name="siret_as_is"' in refused.content) == (422, False)
    browse(firm.admin).post(url, company(siret=ODD_SIRET, siret_as_is="on"))
    assert Dossier.objects.get().siret == ODD_SIRET
    assert Event.objects.get().changes == {"siret_as_is": ["", ODD_SIRET]}


def test_a_collaborator_may_not_put_a_dossier_into_a_portfolio_they_only_read(
    firm: World, browse: Browse
) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator, role=ObjectRole.READER)
    posted = company(portfolio=str(portfolio.pk))
    answer = browse(firm.collaborator).post(firm.firm.url("clients:create"), posted)
    assert list(answer.context["form"].errors) == ["portfolio"]
    assert not Dossier.objects.exists()


# --- One dossier --------------------------------------------------------------------------------------------


def test_the_page_says_who_has_access_and_why(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    dossier = make_dossier(portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    for role in (ObjectRole.READER, ObjectRole.ACCOUNTANT):
        give(Assignment, pairs_of([dossier], [firm.colleague]), role=role, by=firm.collaborator)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.colleague)
    page = browse(firm.admin).get(firm.firm.url("clients:dossier", pk=dossier.pk))
    access = {one.member.first_name: one.reasons for one in page.context["access"]}
    assert list(access) == ["Alice", "Chloé", "Paul"]
    assert (access["Chloé"][0].portfolio, access["Chloé"][0].by) == (portfolio, "Alice Martin")
    assert [(reason.role, reason.by) for reason in access["Paul"]] == [
        (ObjectRole.ACCOUNTANT, "Chloé Martin"),
        (ObjectRole.ACCOUNTANT, "Alice Martin"),
    ]


def test_an_expired_assignment_is_no_access(firm: World, browse: Browse) -> None:
    dossier = make_dossier()
    give(
        Assignment,
        pairs_of([dossier], [firm.colleague]),
        role=ObjectRole.SUPPORT,
        by=firm.admin,
        until=timezone.now(),
    )
    page = browse(firm.admin).get(firm.firm.url("clients:dossier", pk=dossier.pk))
    assert [one.member.first_name for one in page.context["access"]] == ["Alice"]
    assert browse(firm.colleague).get(firm.firm.url("clients:dossier", pk=dossier.pk)).status_code == 404


def test_a_suspended_member_is_not_among_those_with_access(firm: World, browse: Browse) -> None:
    dossier = make_dossier()
    give(Assignment, pairs_of([dossier], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    firm.colleague.state = MemberState.SUSPENDED
    firm.colleague.save()
    page = browse(firm.admin).get(firm.firm.url("clients:dossier", pk=dossier.pk))
    assert [one.member.first_name for one in page.context["access"]] == ["Alice"]


def test_the_drawer_is_the_same_address_in_short(firm: World, browse: Browse) -> None:
    dossier = create_dossier(actor=firm.admin, values={"legal_name": "Menuiserie Béranger"})
    url = firm.firm.url("clients:dossier", pk=dossier.pk)
    headers = {"HX-Request": "true", "HX-Target": "drawer-body"}
    drawer = browse(firm.admin).get(url, headers=headers)
    assert drawer.templates[0].name == "clients/dossier_drawer.html"
    assert b"<html" not in drawer.content
    assert "a créé le dossier" in drawer.content.decode()


def test_what_one_does_not_see_is_a_404_and_what_one_only_sees_a_403(firm: World, browse: Browse) -> None:
    dossier = make_dossier()
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    for route in ("clients:edit", "clients:move"):
        url = firm.firm.url(route, pk=dossier.pk)
        assert browse(firm.collaborator).get(url).status_code == 403
        assert browse(firm.colleague).get(url).status_code == 404


# --- Changing -----------------------------------------------------------------------------------------------


def filled(page: Any) -> dict[str, str]:
    """What a browser would post of the form as it stands."""
    form = page.context["form"]
    return {field.name: str(field.value() or "") for field in form if field.name != "siret_as_is"}


def test_only_what_was_changed_is_recorded(firm: World, browse: Browse) -> None:
    dossier = make_dossier("Béranger", city="Lyon", siret="73282932000074", naf_code="43.32A")
    client, url = browse(firm.admin), firm.firm.url("clients:edit", pk=dossier.pk)
    client.post(url, filled(client.get(url)) | {"city": "Paris"})
    assert Event.objects.get().changes == {"city": ["Lyon", "Paris"]}


def test_an_odd_siret_that_was_accepted_does_not_stand_in_the_way_of_later_changes(
    firm: World, browse: Browse
) -> None:
    dossier = make_dossier("Béranger", siret=ODD_SIRET)
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    client, url = browse(firm.collaborator), firm.firm.url("clients:edit", pk=dossier.pk)
    client.post(url, filled(client.get(url)) | {"city": "Paris"})
    assert Dossier.objects.get().city == "Paris"


def test_two_people_at_once_lose_nothing(firm: World, browse: Browse) -> None:
    dossier = make_dossier("Béranger", city="Lyon", phone="01 00 00 00 00", email="a@b.fr")
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    client, url = browse(firm.collaborator), firm.firm.url("clients:edit", pk=dossier.pk)
    typed = filled(client.get(url)) | {"city": "Lille", "address": "1 rue Basse"}
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Paris", "phone": "02 00 00 00 00"})

    told = client.post(url, typed)
    assert told.status_code == 422
    differences = {
        one.label: (one.before, one.after, one.by, one.mine) for one in told.context["meanwhile"].differences
    }
    assert differences == {
        "Ville": ("Lyon", "Paris", "Alice Martin", "Lille"),
        "Téléphone": ("01 00 00 00 00", "02 00 00 00 00", "Alice Martin", ""),
    }
    assert Dossier.objects.get().city == "Paris"

    client.post(url, filled(told))
    saved = Dossier.objects.get()
    assert (saved.city, saved.phone, saved.address) == ("Lille", "02 00 00 00 00", "1 rue Basse")


def test_a_move_leads_back_to_the_list(firm: World, browse: Browse) -> None:
    portfolio, dossier = make_portfolio("Sarah"), make_dossier()
    url = firm.firm.url("clients:move", pk=dossier.pk)
    answer = browse(firm.admin).post(url, {"portfolio": portfolio.pk})
    assert answer.headers["Location"] == firm.firm.url("clients:list")
    assert Dossier.objects.get().portfolio == portfolio


def test_an_invitation_is_offered_where_it_makes_sense(firm: World, browse: Browse) -> None:
    dossier = make_dossier("Sans espace")
    active = make_dossier("Avec espace")
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    key = uuid7()
    with scope(space=key):
        ClientSpace.objects.create(id=key, legal_name="Avec espace")
    SpaceLink.objects.create(firm=firm.firm, dossier=active, space_id=key, firm_name="Cabinet Lemoine")
    rows = browse(firm.admin).get(firm.firm.url("clients:list")).context["table"]["rows"]
    assert {row.name: (row.state, row.may_invite) for row in rows} == {
        "Avec espace": ("active", False),
        "Sans espace": ("none", True),
    }
    [row] = browse(firm.collaborator).get(firm.firm.url("clients:list")).context["table"]["rows"]
    assert (row.may_edit, row.may_invite) == (True, False)
    found = listed(firm, browse(firm.admin), "?state=active"), listed(firm, browse(firm.admin), "?state=none")
    assert found == (["Avec espace"], ["Sans espace"])


def test_the_page_names_the_clients_own_people(firm: World, browse: Browse) -> None:
    dossier, key = make_dossier("Avec espace"), uuid7()
    person = make_person("claire@client.test", first_name="Claire", last_name="Besson")
    with scope(space=key):
        ClientSpace.objects.create(id=key, legal_name="Avec espace")
        SpaceMember.objects.create(user=person, email=person.email, first_name="Claire", last_name="Besson")
    link = SpaceLink.objects.create(
        firm=firm.firm, dossier=dossier, space_id=key, firm_name="Cabinet Lemoine"
    )
    url = firm.firm.url("clients:dossier", pk=dossier.pk)
    client = browse(firm.admin).get(url).context["client"]
    assert [one.name for one in client.people] == ["Claire Besson"]
    SpaceLink.objects.filter(pk=link.pk).update(until=(end := timezone.now()))
    client = browse(firm.admin).get(url).context["client"]
    assert (client.people, client.left) == ([], end)
