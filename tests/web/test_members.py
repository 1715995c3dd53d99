"""The list of members, a member's page, and what may be done there."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actions.members import suspend_member, terminate_member
from accounts.models import Membership, MemberState, Replacement, Role
from accounts.permissions import ObjectRole, Perm, give, pairs_of, permitted
from activity.models import Event
from clients.models import Assignment, Dossier
from portfolios.actions import grant_portfolio, withdraw_portfolio
from portfolios.models import Portfolio, PortfolioGrant
from tests.web.counting import queries_at_most
from tests.worlds import World, make_dossier, make_member, make_portfolio

Browse = Callable[..., Client]


def listed(page: Any) -> list[str]:
    return [row.member.name for _label, _number, rows in page.context["groups"] for row in rows]


def row_of(page: Any, member: Membership) -> Any:
    return next(
        r for _label, _number, rows in page.context["groups"] for r in rows if r.member.pk == member.pk
    )


def url(world: World, name: str = "members", member: Membership | None = None, **more: Any) -> str:
    key = {"pk": member.pk} if member else {}
    return world.firm.url(f"clients:{name}", **key, **more)


def seen_in(page: Any) -> str:
    """The mark of what a dialog showed, which its button posts."""
    found = re.search(r'name="seen" value="(\w+)"', page.content.decode())
    assert found, page.content.decode()
    return found[1]


def confirm(client: Client, address: str, **data: Any) -> Any:
    """Open the dialog and press its button."""
    shown = client.get(address)
    return client.post(address, {"seen": seen_in(shown), **data})


def now_of(member: Membership) -> Membership:
    return Membership.objects.get(pk=member.pk)


@pytest.fixture
def admin(browse: Browse, firm: World) -> Client:
    return browse(firm.admin)


# --- The list ---------------------------------------------------------------------------------------------------


def test_administrators_stand_before_the_others(admin: Client, firm: World) -> None:
    make_member(firm.firm, "Zoé", role=Role.ADMIN)
    assert listed(admin.get(url(firm))) == ["Alice Martin", "Zoé Martin", "Chloé Martin", "Paul Martin"]


def test_the_blocks_count_the_members_of_all_pages(admin: Client, firm: World) -> None:
    for number in range(25):
        make_member(firm.firm, f"Membre {number}")
    for page in ("1", "2"):
        shown = admin.get(url(firm), {"size": "20", "page": page}).content.decode()
        blocks = re.findall(r'group-title">(\w+) <span class="muted">(\d+)<', shown)
        assert set(blocks) <= {("Administrateurs", "1"), ("Collaborateurs", "27")}
        assert blocks


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "CHLOÉ martin"}, ["Chloé Martin"]),
        ({"q": "paul@"}, ["Paul Martin"]),
        ({"role": "admin"}, ["Alice Martin"]),
        ({"state": "suspended"}, ["Paul Martin"]),
        ({"access": "none"}, ["Paul Martin"]),
    ],
)
def test_the_list_is_searched_and_filtered(
    admin: Client, firm: World, query: dict[str, str], names: list[str]
) -> None:
    grant_portfolio(actor=firm.admin, portfolio=make_portfolio(), member=firm.collaborator)
    suspend_member(actor=firm.admin, member=firm.colleague)
    assert listed(admin.get(url(firm), query)) == names


def test_the_list_is_narrowed_to_those_who_have_a_portfolio(admin: Client, firm: World) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    page = admin.get(url(firm), {"portfolio": str(portfolio.pk)})
    assert listed(page) == ["Chloé Martin"]
    assert 'class="chip"' in page.content.decode()


def test_a_search_without_success_says_so(admin: Client, firm: World) -> None:
    page = admin.get(url(firm), {"q": "zzz"})
    assert "Aucun membre ne correspond" in page.content.decode()


def test_those_who_left_are_shown_where_they_are_asked_for(admin: Client, firm: World) -> None:
    terminate_member(actor=firm.admin, member=firm.colleague)
    assert "Paul Martin" not in listed(admin.get(url(firm)))
    assert listed(admin.get(url(firm), {"state": "terminated"})) == ["Paul Martin"]


def test_each_line_counts_what_its_member_reaches(admin: Client, firm: World) -> None:
    portfolio = make_portfolio()
    make_dossier("A", portfolio=portfolio)
    make_dossier("B")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    page = admin.get(url(firm))
    for member, numbers in ((firm.admin, (2, 1)), (firm.collaborator, (1, 1)), (firm.colleague, (0, 0))):
        row = row_of(page, member)
        assert (row.dossiers, row.portfolios) == numbers


def test_a_collaborator_sees_who_is_there_and_opens_their_own_page(browse: Browse, firm: World) -> None:
    page = browse(firm.collaborator).get(url(firm))
    assert row_of(page, firm.colleague).url == ""
    assert row_of(page, firm.colleague).dossiers is None
    assert row_of(page, firm.collaborator).url == url(firm, "member", firm.collaborator)
    assert "portfolio" not in page.context["filters"].fields


@pytest.mark.parametrize("number", [10, 200])
def test_the_list_costs_the_same_with_many_members(admin: Client, firm: World, number: int) -> None:
    portfolio = make_portfolio()
    dossiers = [make_dossier(f"Dossier {n}", portfolio=portfolio) for n in range(3)]
    members = [make_member(firm.firm, f"Membre {n}") for n in range(number)]
    give(PortfolioGrant, pairs_of([portfolio], members), role=ObjectRole.READER, by=None)
    give(Assignment, pairs_of(dossiers, members), role=ObjectRole.READER, by=None)
    admin.get(url(firm))
    with queries_at_most(24):
        page = admin.get(url(firm), {"size": "100"})
    assert row_of(page, members[0]).dossiers == 3


# --- The page -----------------------------------------------------------------------------------------------------


def test_a_members_page_tells_what_they_hold_and_why_they_see_it(admin: Client, firm: World) -> None:
    portfolio = make_portfolio("Sarah")
    make_dossier("Garage Petit", portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    page = admin.get(url(firm, "member", firm.collaborator))
    text = page.content.decode()
    assert [one.portfolio.name for one in page.context["subscriptions"]] == ["Sarah"]
    assert "Garage Petit" in text and firm.collaborator.email in text


def test_ones_own_page_is_open_and_others_are_not(browse: Browse, firm: World) -> None:
    client = browse(firm.collaborator)
    assert client.get(url(firm, "member", firm.collaborator)).status_code == 200
    answer = client.get(url(firm, "member", firm.colleague), follow=True)
    assert [status for _url, status in answer.redirect_chain] == [302]
    assert [row.member for _label, _number, rows in answer.context["groups"] for row in rows] == [
        firm.colleague
    ]


def test_another_firms_member_is_not_there(browse: Browse, lemoine: World, bertrand: World) -> None:
    client = browse(lemoine.admin)
    for name in ("member", "member_role", "suspend_member", "terminate_member", "member_portfolios"):
        assert client.get(url(lemoine, name, bertrand.collaborator)).status_code == 404


# --- Role, suspension, end ----------------------------------------------------------------------------------------


def test_a_role_is_changed_once_its_impact_was_read(admin: Client, firm: World) -> None:
    make_dossier()
    address = url(firm, "member_role", firm.collaborator)
    shown = admin.get(address)
    assert shown.context["impact"].gained == 1
    assert now_of(firm.collaborator).role == Role.COLLABORATOR
    answer = admin.post(address, {"seen": seen_in(shown), "role": "admin"})
    assert answer["Location"] == url(firm, "member", firm.collaborator)
    assert now_of(firm.collaborator).role == Role.ADMIN


def test_a_role_that_was_changed_meanwhile_is_not_changed_back(admin: Client, firm: World) -> None:
    address = url(firm, "member_role", firm.collaborator)
    seen = seen_in(admin.get(address))
    Membership.objects.filter(pk=firm.collaborator.pk).update(role=Role.ADMIN)
    admin.post(address, {"seen": seen, "role": "admin"})
    assert now_of(firm.collaborator).role == Role.ADMIN
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("name", "state"),
    [("suspend_member", MemberState.SUSPENDED), ("terminate_member", MemberState.TERMINATED)],
)
def test_losing_the_place_takes_effect_at_the_next_request_in_every_session(
    browse: Browse, admin: Client, firm: World, name: str, state: str
) -> None:
    laptop, phone = browse(firm.collaborator), browse(firm.collaborator)
    for session in (laptop, phone):
        assert session.get(firm.firm.url("dashboard")).status_code == 200
    confirm(admin, url(firm, name, firm.collaborator))
    assert now_of(firm.collaborator).state == state
    for session in (laptop, phone):
        assert session.get(firm.firm.url("dashboard")).status_code == 404
        assert session.get(reverse("accounts:profile")).status_code == 200


def test_a_dossier_that_comes_meanwhile_is_shown_before_anything_is_done(admin: Client, firm: World) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    address = url(firm, "suspend_member", firm.collaborator)
    seen = seen_in(admin.get(address))
    make_dossier(portfolio=portfolio)
    answer = admin.post(address, {"seen": seen})
    assert answer.status_code == 422
    assert answer.context["impact"].lost == 1
    assert now_of(firm.collaborator).is_open
    admin.post(address, {"seen": seen_in(answer)})
    assert now_of(firm.collaborator).state == MemberState.SUSPENDED


def test_a_suspended_member_is_restored(admin: Client, firm: World) -> None:
    suspend_member(actor=firm.admin, member=firm.collaborator)
    confirm(admin, url(firm, "restore_member", firm.collaborator))
    assert now_of(firm.collaborator).is_open


def test_what_somebody_did_already_is_said_and_not_done_again(admin: Client, firm: World) -> None:
    suspend_member(actor=firm.admin, member=firm.collaborator)
    answer = admin.get(url(firm, "suspend_member", firm.collaborator), follow=True)
    assert "Rien n’a été fait" in answer.content.decode().replace("&#x27;", "’").replace("'", "’")


def test_the_last_administrator_is_told_why_they_stay(admin: Client, firm: World) -> None:
    for address in (url(firm, "member_role", firm.admin), url(firm, "leave_firm")):
        page = admin.get(address)
        assert page.status_code == 200 and "au moins un administrateur" in page.content.decode()
        assert admin.post(address, {"seen": "x"}).status_code == 422
    assert now_of(firm.admin).is_admin


def test_nobody_suspends_or_terminates_themself(admin: Client, firm: World) -> None:
    for name in ("suspend_member", "terminate_member"):
        assert admin.get(url(firm, name, firm.admin)).status_code == 404


def test_a_collaborator_leaves_the_firm(browse: Browse, firm: World) -> None:
    client = browse(firm.collaborator)
    answer = confirm(client, url(firm, "leave_firm"))
    assert answer["Location"] == reverse("accounts:places")
    assert client.get(firm.firm.url("dashboard")).status_code == 404


def test_the_way_out_is_where_a_person_looks_for_it(browse: Browse, firm: World) -> None:
    client, way_out = browse(firm.collaborator), url(firm, "leave_firm")
    assert way_out in client.get(reverse("accounts:places") + "?tous=1").content.decode()
    assert way_out in client.get(reverse("accounts:profile")).content.decode()
    own_page = url(firm, "member", firm.collaborator)
    assert own_page in client.get(firm.firm.url("dashboard")).content.decode()
    assert way_out in client.get(own_page).content.decode()


# --- Portfolios -------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(firm: World) -> list[Portfolio]:
    """Chloé has the first; each holds a dossier."""
    found = [make_portfolio(name) for name in ("A", "B", "C")]
    for portfolio in found:
        make_dossier(f"Dossier {portfolio}", portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=found[0], member=firm.collaborator)
    return found


def held(member: Membership) -> set[str]:
    return {one.name for one in permitted(Portfolio.objects.all(), member, Perm.VIEW_PORTFOLIO)}


def ticked(page: Any, *portfolios: Portfolio) -> dict[str, Any]:
    """The form as the page showed it, with these boxes ticked."""
    return {
        "portfolios": [str(one.pk) for one in portfolios],
        "held": page.context["form"]["held"].value(),
        "role": "reader",
    }


def test_portfolios_are_added_and_withdrawn_together(
    admin: Client, firm: World, three: list[Portfolio]
) -> None:
    address = url(firm, "member_portfolios", firm.collaborator)
    data = ticked(admin.get(address), three[1], three[2])
    shown = admin.post(address, data)
    assert (shown.context["impact"].lost, shown.context["impact"].gained) == (1, 2)
    assert held(firm.collaborator) == {"A"}
    admin.post(address, {**data, "seen": seen_in(shown)})
    assert held(firm.collaborator) == {"B", "C"}
    assert Event.objects.filter(type="portfolios.subscriptions.changed").count() == 1


def test_what_another_administrator_changed_meanwhile_stays(
    admin: Client, firm: World, three: list[Portfolio]
) -> None:
    address = url(firm, "member_portfolios", firm.collaborator)
    data = ticked(admin.get(address), three[0], three[1])
    withdraw_portfolio(actor=firm.admin, portfolio=three[0], member=firm.collaborator)
    shown = admin.post(address, data)
    admin.post(address, {**data, "seen": seen_in(shown)})
    assert held(firm.collaborator) == {"B"}


def test_nothing_ticked_or_cleared_is_nothing_done(
    admin: Client, firm: World, three: list[Portfolio]
) -> None:
    before = Event.objects.count()
    address = url(firm, "member_portfolios", firm.collaborator)
    answer = admin.post(address, ticked(admin.get(address), three[0]))
    assert answer["Location"] == url(firm, "member", firm.collaborator)
    assert Event.objects.count() == before


def test_one_portfolio_is_withdrawn_from_the_members_page(
    admin: Client, firm: World, three: list[Portfolio]
) -> None:
    confirm(admin, url(firm, "withdraw_from_member", firm.collaborator, portfolio=three[0].pk))
    assert held(firm.collaborator) == set()
    assert Dossier.objects.count() == 3


def test_who_has_not_come_yet_has_no_portfolios_to_change(admin: Client, firm: World) -> None:
    nina = Membership.objects.create(email="nina@lemoine.test")
    assert admin.get(url(firm, "member_portfolios", nina))["Location"] == url(firm, "member", nina)


def test_who_covers_a_member_loses_what_they_saw_in_their_stead_and_it_is_said_before(
    admin: Client, firm: World
) -> None:
    portfolio = make_portfolio("Sarah")
    make_dossier("Garage Petit", portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    now = timezone.now()
    assert firm.collaborator.user_id and firm.colleague.user_id
    Replacement.objects.create(
        absent_id=firm.collaborator.user_id,
        cover_id=firm.colleague.user_id,
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=5),
    )
    page = admin.get(url(firm, "terminate_member", firm.collaborator))
    assert {effect.member for effect in page.context["impact"].losing} == {firm.collaborator, firm.colleague}
    page = admin.get(url(firm, "suspend_member", firm.collaborator))
    assert [effect.member for effect in page.context["impact"].losing] == [firm.collaborator]
