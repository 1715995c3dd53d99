"""The pages of assigning: the screen for many, what it shows before it does it, and the dialogs of one dossier."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, MemberState
from accounts.permissions import ObjectRole, give, pairs_of
from activity.models import Event
from clients.models import Assignment, Dossier
from clients.views import assigning
from portfolios.actions import grant_portfolio
from tests.web.counting import queries_at_most
from tests.web.pages import said
from tests.worlds import World, make_dossier, make_portfolio

Browse = Callable[..., Client]


@pytest.fixture
def alice(firm: World, browse: Browse) -> Client:
    return browse(firm.admin)


def make_dossiers(count: int, **fields: Any) -> list[Dossier]:
    return [make_dossier(f"Client {number:04}", **fields) for number in range(count)]


def ticked(dossiers: list[Dossier], **choices: str) -> dict[str, Any]:
    return {"ids": [str(dossier.pk) for dossier in dossiers], **choices}


def choice(member: Membership, role: str) -> dict[str, str]:
    return {f"m-{member.pk}": role}


class Screen:
    """The three steps, as a person without scripts takes them."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client

    def step(self, name: str, data: dict[str, Any]) -> Any:
        return self.client.post(self.world.firm.url(f"clients:{name}"), data)

    def seen(self, data: dict[str, Any]) -> str:
        return str(self.step("assign_preview", data).context["impact"].fingerprint)

    def confirm(self, data: dict[str, Any], seen: str | None = None) -> Any:
        return self.step("assign_confirm", {**data, "seen": seen or self.seen(data)})

    def result(self) -> Any:
        return self.client.get(self.world.firm.url("clients:assign_result"))


@pytest.fixture
def screen(firm: World, alice: Client) -> Screen:
    return Screen(firm, alice)


def roles(member: Membership) -> list[str]:
    rows = Assignment.objects.running().filter(user_id=member.user_id)
    return sorted(rows.values_list("permission__codename", flat=True))


# --- Choosing ------------------------------------------------------------------------------------------------


def test_the_bulk_bar_leads_there(firm: World, alice: Client) -> None:
    make_dossiers(1)
    page = alice.get(firm.firm.url("clients:list"))
    assert firm.firm.url("clients:assign") in page.content.decode()


def test_a_collaborator_is_offered_nothing_and_may_nothing(firm: World, browse: Browse) -> None:
    (dossier,) = make_dossiers(1)
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    chloe = browse(firm.collaborator)
    assert firm.firm.url("clients:assign") not in chloe.get(firm.firm.url("clients:list")).content.decode()
    for name in ("assign", "assign_preview", "assign_confirm"):
        page = chloe.post(
            firm.firm.url(f"clients:{name}"), ticked([dossier], **choice(firm.colleague, "reader"))
        )
        assert page.status_code == 403
    assert chloe.get(firm.firm.url("clients:assign_one", pk=dossier.pk)).status_code == 403
    assert roles(firm.colleague) == []


def test_the_screen_says_how_many_and_what_each_member_has_of_them(firm: World, screen: Screen) -> None:
    portfolio = make_portfolio()
    dossiers = [*make_dossiers(6), make_dossier("Zinguerie", portfolio=portfolio)]
    give(Assignment, pairs_of(dossiers[:2], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    page = said(screen.step("assign", ticked(dossiers)))
    assert "7 dossiers sélectionnés" in page
    assert "Client 0000, Client 0001" in page and "et 2 autres" in page
    assert "Lecture : 2 sur 7 · par un portefeuille : 1 sur 7" in page
    assert "Laisser inchangé" in page


def test_administrators_are_not_listed_and_those_who_left_may_only_lose(firm: World, screen: Screen) -> None:
    dossiers = make_dossiers(2)
    give(Assignment, pairs_of(dossiers, [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    Membership.objects.filter(pk=firm.collaborator.pk).update(state=MemberState.SUSPENDED)
    people = screen.step("assign", ticked(dossiers)).context["form"].people
    offered = {
        member.first_name: [value for value, _label in field.field.choices] for member, field in people
    }
    assert offered == {"Chloé": ["", "remove"], "Paul": ["", "accountant", "reader", "support", "remove"]}


def test_without_a_selection_it_leads_back(firm: World, screen: Screen) -> None:
    assert screen.step("assign", {}).url == firm.firm.url("clients:list")


def test_everything_unchanged_is_asked_again(firm: World, screen: Screen) -> None:
    page = screen.step("assign_preview", ticked(make_dossiers(2), **choice(firm.collaborator, "")))
    assert page.status_code == 422
    assert "Tout est laissé inchangé" in page.content.decode()


def test_too_many_are_refused_with_what_to_do(firm: World, screen: Screen, monkeypatch: Any) -> None:
    monkeypatch.setattr(assigning, "MOST", 2)
    data = ticked(make_dossiers(3), **choice(firm.collaborator, "reader"))
    for name in ("assign", "assign_preview", "assign_confirm"):
        assert "Trop à la fois" in screen.step(name, data).content.decode()
    assert roles(firm.collaborator) == []


def test_another_firms_dossiers_are_not_selected(
    firm: World, bertrand: World, browse: Browse, screen: Screen
) -> None:
    dossiers = make_dossiers(2)
    theirs = Screen(bertrand, browse(bertrand.admin))
    assert theirs.step("assign", ticked(dossiers)).url == bertrand.firm.url("clients:list")
    strangers = ticked(dossiers, **choice(bertrand.collaborator, "reader"))
    assert screen.step("assign_preview", strangers).status_code == 422
    assert not Assignment.objects.exists()


# --- What it changes, and doing it ---------------------------------------------------------------------------


def test_the_impact_is_shown_before_anything_is_changed(firm: World, screen: Screen) -> None:
    dossiers = make_dossiers(3)
    data = ticked(dossiers, **choice(firm.collaborator, "accountant"))
    page = screen.step("assign_preview", data)
    text = page.content.decode()
    assert page.status_code == 200
    assert "Comptable sur 3 dossiers" in text
    impact = page.context["impact"]
    assert [(one.member, one.gains) for one in impact.gaining] == [(firm.collaborator, 3)]
    assert [told.address for told in impact.recipients] == [firm.collaborator.email]
    assert f'name="seen" value="{impact.fingerprint}"' in text
    assert not Assignment.objects.exists() and not Event.objects.exists()


def test_confirmed_it_is_done_and_said(firm: World, screen: Screen) -> None:
    dossiers = make_dossiers(3)
    data = ticked(dossiers, **choice(firm.collaborator, "accountant"), **choice(firm.colleague, "reader"))
    assert screen.confirm(data).url == firm.firm.url("clients:assign_result")
    page = screen.result().content.decode()
    assert "6 affectations modifiées" in page
    assert "Comptable sur 3 dossiers" in page and "Lecture sur 3 dossiers" in page
    assert f'data-selection-of="{firm.firm.url("clients:list")}"' in page
    assert roles(firm.collaborator) == ["accountant"] * 3


def test_what_is_left_is_named_with_its_reason(firm: World, screen: Screen) -> None:
    dossiers = make_dossiers(30)
    archived = make_dossier("Archivé", archived_at=timezone.now())
    give(Assignment, pairs_of(dossiers[:25], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    data = ticked([*dossiers, archived], **choice(firm.collaborator, "reader"))
    shown = screen.step("assign_preview", data).content.decode()
    screen.confirm(data)
    for page in (shown, screen.result().content.decode()):
        assert "a déjà ce rôle" in page and "Client 0019" in page and "et 5 autres" in page
        assert "Client 0020" not in page.partition("a déjà ce rôle")[2]
        assert "dossier archivé" in page and "Archivé" in page


def test_a_second_confirmation_changes_nothing_and_says_so(firm: World, screen: Screen) -> None:
    data = ticked(make_dossiers(3), **choice(firm.collaborator, "accountant"))
    seen = screen.seen(data)
    screen.confirm(data, seen)
    events = Event.objects.count()
    again = screen.confirm(data, seen)
    assert again.url == firm.firm.url("clients:assign_result")
    page = screen.result().content.decode()
    assert "Rien n&#x27;a été modifié" in page
    assert "3 affectations modifiées" in page
    assert Event.objects.count() == events


def test_what_somebody_changed_meanwhile_is_shown_first(firm: World, screen: Screen) -> None:
    dossiers = make_dossiers(4)
    data = ticked(dossiers, **choice(firm.collaborator, "reader"))
    seen = screen.seen(data)
    give(Assignment, pairs_of(dossiers[:1], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    page = screen.confirm(data, seen)
    text = page.content.decode()
    assert page.status_code == 422
    assert "Quelqu'un a modifié" in text
    assert "Comptable → Lecture sur 1 dossier" in text
    assert roles(firm.collaborator) == ["accountant"]
    assert screen.confirm(data, page.context["impact"].fingerprint).status_code == 302
    assert roles(firm.collaborator) == ["reader"] * 4


def test_a_made_up_fingerprint_does_nothing(firm: World, screen: Screen) -> None:
    data = ticked(make_dossiers(1), **choice(firm.collaborator, "reader"))
    assert screen.confirm(data, "x").status_code == 422
    assert not Assignment.objects.exists()


def test_all_that_match_are_more_than_a_page(firm: World, screen: Screen) -> None:
    make_dossiers(120)
    make_dossier("Ailleurs")
    data = {"all": "1", "query": "q=client", **choice(firm.collaborator, "reader")}
    assert "120 dossiers sélectionnés" in screen.step("assign", data).content.decode()
    screen.confirm(data)
    assert roles(firm.collaborator) == ["reader"] * 120
    back = screen.result().context["outcome"].back
    assert back == firm.firm.url("clients:list") + "?q=client"


def test_many_ticked_ones_travel_in_one_field(firm: World, screen: Screen) -> None:
    """The server takes 2,000 fields; what was ticked on other pages comes in one."""
    Dossier.objects.bulk_create(
        Dossier(legal_name=f"Client {n}", name_key=f"{n}", search_key=f"{n}") for n in range(2_500)
    )
    keys = [str(key) for key in Dossier.objects.values_list("pk", flat=True)]
    data = {"ids": [keys[0], ",".join(keys[1:])], **choice(firm.collaborator, "reader")}
    page = screen.step("assign", data)
    assert "2500 dossiers sélectionnés" in said(page)
    assert [len(value.split(",")) for name, value in page.context["selection"].again if name == "ids"] == [
        2_500
    ]
    screen.confirm(data)
    assert Assignment.objects.count() == 2_500


def test_moving_goes_along_and_the_rest_stays(firm: World, screen: Screen) -> None:
    portfolio = make_portfolio("Sarah")
    dossiers = make_dossiers(3)
    give(Assignment, pairs_of(dossiers, [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    data = ticked(dossiers, into=str(portfolio.pk), **choice(firm.collaborator, "reader"))
    screen.confirm(data)
    assert Dossier.objects.in_portfolio(portfolio).count() == 3
    assert "3 dossiers déplacés vers « Sarah »" in said(screen.result())
    assert roles(firm.colleague) == ["reader"] * 3 == roles(firm.collaborator)


def test_all_that_match_are_moved_and_not_those_that_are_there_already(firm: World, screen: Screen) -> None:
    """Where they go and the page they were ticked on are two things."""
    goal, elsewhere = make_portfolio("Sarah"), make_portfolio("Bâtiment")
    make_dossiers(3, portfolio=elsewhere)
    make_dossier("Zinguerie", portfolio=goal)
    screen.confirm({"all": "1", "query": "q=client", "into": str(goal.pk)})
    assert Dossier.objects.in_portfolio(goal).count() == 4
    assert screen.result().context["outcome"].path == firm.firm.url("clients:list")


def test_all_of_a_portfolios_page_are_those_of_that_portfolio(firm: World, screen: Screen) -> None:
    portfolio = make_portfolio("Sarah")
    make_dossiers(3, portfolio=portfolio)
    make_dossier("Zinguerie")
    data = {"all": "1", "query": "", "portfolio": str(portfolio.pk), "into": ""}
    screen.confirm(data | choice(firm.collaborator, "reader"))
    assert roles(firm.collaborator) == ["reader"] * 3
    assert screen.result().context["outcome"].path == firm.firm.url("clients:portfolio", pk=portfolio.pk)


def test_the_choices_can_be_changed_again(firm: World, screen: Screen) -> None:
    data = ticked(make_dossiers(1), **choice(firm.collaborator, "reader"))
    page = screen.step("assign", data).content.decode()
    assert '<option value="reader" selected>' in page


def test_the_screen_costs_the_same_queries_for_many(firm: World, screen: Screen) -> None:
    data = {"all": "1", "query": "", **choice(firm.collaborator, "reader")}
    make_dossiers(3)
    with queries_at_most(40):
        screen.step("assign", data)
    make_dossiers(60)
    with queries_at_most(40):
        screen.step("assign", data)


# --- One dossier ---------------------------------------------------------------------------------------------


def test_the_dossiers_page_and_drawer_offer_it_to_administrators(
    firm: World, alice: Client, browse: Browse
) -> None:
    (dossier,) = make_dossiers(1)
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    url = firm.firm.url("clients:dossier", pk=dossier.pk)
    withdraw = firm.firm.url("clients:unassign", pk=dossier.pk, member=firm.collaborator.pk)
    for headers in ({}, {"HX-Request": "true", "HX-Target": "drawer-body"}):
        page = alice.get(url, headers=headers).content.decode()
        assert f"{url}affecter/" in page and withdraw in page
    assert f"{url}affecter/" not in browse(firm.collaborator).get(url).content.decode()


def test_one_dossier_is_assigned_and_a_role_is_replaced(firm: World, alice: Client) -> None:
    (dossier,) = make_dossiers(1)
    url = firm.firm.url("clients:assign_one", pk=dossier.pk)
    assert alice.get(url).status_code == 200
    alice.post(url, {"member": firm.collaborator.pk, "role": "accountant"})
    assert roles(firm.collaborator) == ["accountant"]
    changing = f"{url}?membre={firm.collaborator.pk}"
    assert 'name="had" value="accountant"' in alice.get(changing).content.decode()
    page = alice.post(
        changing, {"member": firm.collaborator.pk, "role": "reader", "had": "accountant"}, follow=True
    )
    assert "(avant : Comptable)" in said(page)
    assert roles(firm.collaborator) == ["reader"]


def test_what_is_so_already_is_said_in_the_form(firm: World, alice: Client) -> None:
    (dossier,) = make_dossiers(1)
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    url = firm.firm.url("clients:assign_one", pk=dossier.pk)
    page = alice.post(url, {"member": firm.collaborator.pk, "role": "reader"})
    assert page.status_code == 422 and "a déjà ce rôle" in page.content.decode()


def test_a_role_that_somebody_else_changed_is_not_overwritten_in_silence(firm: World, alice: Client) -> None:
    (dossier,) = make_dossiers(1)
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    url = f"{firm.firm.url('clients:assign_one', pk=dossier.pk)}?membre={firm.collaborator.pk}"
    data = {"member": str(firm.collaborator.pk), "role": "reader", "had": "accountant"}
    page = alice.post(url, data)
    assert page.status_code == 422 and "entre-temps" in page.content.decode()
    assert 'name="had" value="reader"' in page.content.decode()


def test_technical_support_is_offered_only_where_the_client_allows_it(firm: World, alice: Client) -> None:
    (dossier,) = make_dossiers(1)
    page = alice.get(firm.firm.url("clients:assign_one", pk=dossier.pk))
    assert [value for value, _label in page.context["form"].fields["role"].choices] == [
        "accountant",
        "reader",
    ]


def test_withdrawing_shows_its_impact_then_does_it(firm: World, alice: Client) -> None:
    (dossier,) = make_dossiers(1)
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    url = firm.firm.url("clients:unassign", pk=dossier.pk, member=firm.collaborator.pk)
    shown = alice.get(url)
    assert firm.collaborator.name in shown.content.decode() and roles(firm.collaborator) == ["reader"]
    assert alice.post(url, {"seen": "x"}).status_code == 422
    assert alice.post(url, {"seen": shown.context["impact"].fingerprint}).status_code == 302
    assert roles(firm.collaborator) == []
    page = alice.post(url, {"seen": shown.context["impact"].fingerprint}, follow=True)
    assert "affecté à Chloé Martin : rien" in said(page)
    assert Event.objects.count() == 1


def test_what_a_member_reaches_is_ticked_on_their_page_and_they_stand_first(
    firm: World, browse: Browse
) -> None:
    dossier = make_dossier()
    give(Assignment, pairs_of([dossier], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    admin = browse(firm.admin)
    page = admin.get(firm.firm.url("clients:member", pk=firm.colleague.pk))
    [act] = page.context["access_acts"]
    assert f'value="{dossier.pk}"' in page.content.decode()
    screen = admin.post(act["url"], {"ids": str(dossier.pk), "for": str(firm.colleague.pk)})
    assert screen.context["form"].people[0][0] == firm.colleague
    mine = browse(firm.collaborator).get(firm.firm.url("clients:member", pk=firm.collaborator.pk))
    assert mine.context["access_acts"] == []
