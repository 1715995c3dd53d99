"""Who sees a dossier and why: the reasons that are told are those that decide."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone, translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actions.members import change_role, terminate_member
from accounts.models import Membership, MemberState, Replacement, Role
from accounts.permissions import ObjectRole, Perm, give, holders, pairs_of, permitted, reach
from activity.models import Event, Notification
from clients.access import Openings, Source, access_to, opened_by, reached_by, sources_of
from clients.exports import AccessExport
from clients.exports.access_book import AccessBook
from clients.models import Assignment, Dossier
from exports.actions import export_now
from exports.kinds import REGISTRY
from invitations.actions.inviting import invite_member
from portfolios.models import Portfolio, PortfolioGrant
from tenancy.leases import Progress
from tests.web.counting import queries_at_most
from tests.worlds import World, make_dossier, make_member, make_portfolio

DAY = timedelta(days=1)


def grant(portfolio: Portfolio, *members: Membership, by: Membership | None = None, **of: Any) -> None:
    give(
        PortfolioGrant,
        pairs_of([portfolio], members),
        role=of.pop("role", ObjectRole.ACCOUNTANT),
        by=by,
        **of,
    )


def assign(dossier: Dossier, *members: Membership, by: Membership | None = None, **of: Any) -> None:
    give(Assignment, pairs_of([dossier], members), role=of.pop("role", ObjectRole.ACCOUNTANT), by=by, **of)


def replace(absent: Membership, cover: Membership, **of: Any) -> Replacement:
    assert absent.user_id and cover.user_id
    now = timezone.now()
    running = {"starts_at": now - DAY, "ends_at": now + 7 * DAY}
    return Replacement.objects.create(absent_id=absent.user_id, cover_id=cover.user_id, **{**running, **of})


def why(dossier: Dossier) -> dict[str, list[Source]]:
    return {one.member.first_name: [reason.source for reason in one.reasons] for one in access_to(dossier)}


# --- Of one dossier ---------------------------------------------------------------------------------------------


def test_each_reason_tells_its_way_role_giver_and_span(firm: World) -> None:
    portfolio = make_portfolio("Sarah")
    dossier = make_dossier(portfolio=portfolio)
    grant(portfolio, firm.colleague, by=firm.admin, role=ObjectRole.READER)
    assign(dossier, firm.colleague, by=firm.admin)
    alice, paul = access_to(dossier)
    assert (alice.member, [reason.source for reason in alice.reasons]) == (firm.admin, [Source.ROLE])
    single, whole = paul.reasons
    assert (single.source, single.role, single.by) == (
        Source.ASSIGNMENT,
        ObjectRole.ACCOUNTANT,
        "Alice Martin",
    )
    assert (whole.source, whole.role, whole.portfolio) == (Source.PORTFOLIO, ObjectRole.READER, portfolio)
    assert paul.role == ObjectRole.ACCOUNTANT


def test_whoever_was_made_administrator_is_one_since_then_and_by_whom(firm: World) -> None:
    change_role(actor=firm.admin, member=firm.colleague, role=Role.ADMIN)
    reason = access_to(make_dossier())[1].reasons[0]
    assert (reason.source, reason.by) == (Source.ROLE, "Alice Martin")
    assert reason.since == Event.objects.latest("id").at > firm.colleague.invited_at


def test_whoever_covers_another_has_what_they_have_and_it_is_said_by_which_way(firm: World) -> None:
    portfolio = make_portfolio("Sarah")
    dossier = make_dossier(portfolio=portfolio)
    grant(portfolio, firm.colleague, by=firm.admin)
    replace(firm.colleague, firm.collaborator, arranged_by_id=firm.admin.user_id)
    assert why(dossier)["Chloé"] == [Source.REPLACEMENT]
    reason = access_to(dossier)[1].reasons[0]
    assert (reason.absent, reason.by, reason.portfolio) == ("Paul Martin", "Alice Martin", portfolio)
    with translation.override("fr"):
        assert reason.label == "Remplace Paul Martin"
        assert "par le portefeuille Sarah" in reason.details
        assert any(text.startswith("du ") and " au " in text for text in reason.details)


def test_a_cover_has_the_single_dossiers_only_where_it_includes_them_and_never_technical_support(
    firm: World,
) -> None:
    assigned, supported = make_dossier("A"), make_dossier("B")
    assign(assigned, firm.colleague)
    assign(supported, firm.colleague, role=ObjectRole.SUPPORT, until=timezone.now() + DAY)
    cover = replace(firm.colleague, firm.collaborator, includes_assignments=False)
    assert "Chloé" not in why(assigned)
    Replacement.objects.filter(pk=cover.pk).update(includes_assignments=True)
    assert "Chloé" in why(assigned)
    assert "Chloé" not in why(supported)


def test_technical_support_says_that_it_ends_with_the_clients_authorisation(firm: World) -> None:
    dossier = make_dossier()
    assign(dossier, firm.colleague, role=ObjectRole.SUPPORT, until=timezone.now() + DAY)
    with translation.override("fr"):
        assert "fin de l'autorisation du client" in access_to(dossier)[1].reasons[0].text


def test_an_administrator_who_came_back_by_an_invitation_is_one_since_then(firm: World) -> None:
    """What made them one in their first time ended with it."""
    change_role(actor=firm.admin, member=firm.colleague, role=Role.ADMIN)
    terminate_member(actor=firm.admin, member=firm.colleague)
    invite_member(actor=firm.admin, email=firm.colleague.email, role=Role.ADMIN)
    Membership.objects.filter(pk=firm.colleague.pk).update(state=MemberState.CREATED)
    firm.colleague.refresh_from_db()
    (reason,) = Openings(only=[firm.colleague]).by_role()[firm.colleague.pk]
    assert (reason.since, reason.by) == (firm.colleague.invited_at, "")


def test_the_firms_own_dossier_is_the_administrators(firm: World) -> None:
    own = make_dossier("Cabinet", is_own=True)
    assign(own, firm.colleague)
    assert why(own) == {"Alice": [Source.ROLE]}


def test_it_costs_the_same_for_two_people_and_for_fifty(firm: World) -> None:
    portfolio = make_portfolio()
    dossier = make_dossier(portfolio=portfolio)
    for number in range(48):
        one = make_member(firm.firm, f"Membre{number}")
        grant(portfolio, one, by=firm.admin)
        assign(dossier, one, by=firm.admin)
    with queries_at_most(6):
        assert len(access_to(dossier)) == 49


# --- It agrees with what decides ----------------------------------------------------------------------------------

PEOPLE, PORTFOLIOS, DOSSIERS = 4, 2, 5


@dataclass
class Small:
    """A random world, told by numbers."""

    admins: set[int]
    closed: set[int]
    places: list[int]
    grants: set[tuple[int, int]]
    assignments: set[tuple[int, int, ObjectRole, bool]]
    covers: set[tuple[int, int, bool, int]]


def indices(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most - 1)


worlds = st.builds(
    Small,
    admins=st.sets(indices(PEOPLE), max_size=1),
    closed=st.sets(indices(PEOPLE), max_size=1),
    places=st.lists(st.integers(-1, PORTFOLIOS - 1), min_size=DOSSIERS, max_size=DOSSIERS),
    grants=st.sets(st.tuples(indices(PORTFOLIOS), indices(PEOPLE)), max_size=6),
    assignments=st.sets(
        st.tuples(indices(DOSSIERS), indices(PEOPLE), st.sampled_from(ObjectRole), st.booleans()), max_size=8
    ),
    covers=st.sets(
        st.tuples(indices(PEOPLE), indices(PEOPLE), st.booleans(), st.sampled_from([-5, -1, 3])), max_size=4
    ),
)


def build(world: Small, people: list[Membership]) -> list[Dossier]:
    now = timezone.now()
    for number, one in enumerate(people):
        one.role = Role.ADMIN if number in world.admins else Role.COLLABORATOR
        one.state = MemberState.SUSPENDED if number in world.closed else MemberState.ACTIVE
        one.save()
    portfolios = [make_portfolio(f"P{number}") for number in range(PORTFOLIOS)]
    dossiers = [
        make_dossier(
            f"D{number}", portfolio=portfolios[place] if place >= 0 else None, is_own=not number and place < 0
        )
        for number, place in enumerate(world.places)
    ]
    for portfolio, person in world.grants:
        grant(portfolios[portfolio], people[person])
    for dossier, person, role, expired in world.assignments:
        assign(dossiers[dossier], people[person], role=role, until=now - DAY if expired else now + DAY)
    for absent, cover, single, start in world.covers - {one for one in world.covers if one[0] == one[1]}:
        begins = now + start * DAY
        replace(
            people[absent],
            people[cover],
            includes_assignments=single,
            starts_at=begins,
            ends_at=begins + 3 * DAY,
        )
    return dossiers


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
def test_those_who_are_told_are_those_who_may(firm: World, world: Small) -> None:
    with transaction.atomic():
        people = [
            firm.collaborator,
            firm.colleague,
            *Membership.objects.filter(first_name__startswith="Autre"),
        ]
        while len(people) < PEOPLE:
            people.append(make_member(firm.firm, f"Autre{len(people)}"))
        dossiers = build(world, people)
        by_reach = reach(Dossier.objects.all(), Perm.VIEW_DOSSIER)
        grants = Openings().by_grants(dossiers)
        for dossier in dossiers:
            told = {one.member.pk for one in access_to(dossier)}
            assert told == {one.pk for one in holders(Perm.VIEW_DOSSIER, dossier)}
            not_admins = {
                one.user_id
                for one in people
                if one.role != Role.ADMIN and one.pk in grants.get(dossier.pk, {})
            }
            assert not_admins == {person for person, keys in by_reach.items() if dossier.pk in keys}
        for one in people:
            _agrees_for(one, dossiers)
        transaction.set_rollback(True)


def _agrees_for(member: Membership, dossiers: list[Dossier]) -> None:
    seen = reached_by(member)
    assert set(seen) == set(permitted(Dossier.objects.clients(), member, Perm.VIEW_DOSSIER))
    sources = sources_of(member, list(seen))
    assert all(sources[dossier.pk] for dossier in seen)
    for source in Source:
        narrowed = set(opened_by(seen, member, source).values_list("pk", flat=True))
        assert narrowed == {
            key for key, reasons in sources.items() if source in {one.source for one in reasons}
        }


# --- The workbook --------------------------------------------------------------------------------------------------


def book(firm: World, **of: Any) -> AccessBook:
    asked: dict[str, Any] = {
        "portfolios": Portfolio.objects.running(),
        "dossiers": Dossier.objects.clients(),
        **of,
    }
    return AccessBook(by=firm.admin, **asked)


def written(firm: World, path: Any, **of: Any) -> int:
    return book(firm, **of).write(path, Progress())


def taken(actor: Membership, asked: AccessBook, path: Any) -> int:
    return export_now(actor=actor, kind=REGISTRY[AccessExport.name], book=asked, target=path)


def sheets(path: Any) -> dict[str, list[tuple[Any, ...]]]:
    workbook = openpyxl.load_workbook(path)
    return {name: list(workbook[name].iter_rows(values_only=True)) for name in workbook.sheetnames}


def test_the_workbook_says_who_reaches_what_and_why(firm: World, tmp_path: Any) -> None:
    portfolio = make_portfolio("Sarah")
    make_dossier("Boulangerie", reference="C-1", siren="732829320", portfolio=portfolio)
    grant(portfolio, firm.colleague, by=firm.admin)
    replace(firm.colleague, firm.collaborator, arranged_by_id=firm.admin.user_id)
    with translation.override("fr"):
        lines = taken(firm.admin, book(firm), tmp_path / "acces.xlsx")
    found = sheets(tmp_path / "acces.xlsx")
    assert list(found) == ["Portefeuilles", "Dossiers", "Lisez-moi"]
    header, alice, chloe, paul = found["Dossiers"]
    assert header[:9] == (
        "Personne", "Adresse e-mail", "Rôle dans le cabinet", "État", "Code dossier", "Dossier", "SIREN",
        "Portefeuille", "Archivé le",
    )  # fmt: skip
    assert alice[0:1] + alice[5:6] == ("Alice Martin", "Tous les dossiers")
    assert chloe[9:13] == ("Comptable", "Remplacement", "Paul Martin", "Sarah")
    assert paul[4:11] == ("C-1", "Boulangerie", "732829320", "Sarah", None, "Comptable", "Portefeuille")
    assert paul[14] == "Alice Martin"
    assert len(found["Portefeuilles"]) == 4
    assert lines == 6
    event = Event.objects.latest("id")
    assert (event.type, event.details) == ("clients.access.exported", {"lines": 6})
    assert not Notification.objects.exists()


def test_names_that_look_like_formulas_are_text(firm: World, tmp_path: Any) -> None:
    portfolio = make_portfolio("=cmd|'/C calc'!A0")
    dossier = make_dossier("+33 Conseil", portfolio=portfolio, reference="@SUM(A1)")
    grant(portfolio, firm.colleague)
    Membership.objects.filter(pk=firm.colleague.pk).update(first_name='=HYPERLINK("http://x")')
    written(firm, tmp_path / "acces.xlsx")
    workbook = openpyxl.load_workbook(tmp_path / "acces.xlsx")
    cells = [
        cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None
    ]
    assert {cell.data_type for cell in cells} <= {"s", "d", "n"}
    texts = {cell.value for cell in cells}
    assert {portfolio.name, dossier.name, "@SUM(A1)"} <= texts
    assert all(cell.quotePrefix for cell in cells if str(cell.value).startswith(("=", "+", "@")))


def test_the_workbook_of_one_member_tells_of_them_alone(firm: World, tmp_path: Any) -> None:
    portfolio = make_portfolio()
    make_dossier(portfolio=portfolio)
    grant(portfolio, firm.colleague, firm.collaborator)
    written(firm, tmp_path / "acces.xlsx", member=firm.colleague)
    found = sheets(tmp_path / "acces.xlsx")
    assert {row[0] for name in list(found)[:2] for row in found[name][1:]} == {"Paul Martin"}


def test_lots_and_sheets_that_are_full_go_on(
    firm: World, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.exports.access_book._LOT", 2)
    monkeypatch.setattr("spreadsheets.writing._MOST_ROWS", 4)
    portfolio = make_portfolio()
    for number in range(5):
        make_dossier(f"D{number}", portfolio=portfolio)
    grant(portfolio, firm.colleague)
    with translation.override("fr"):
        assert written(firm, tmp_path / "acces.xlsx") == 2 + 6
    found = sheets(tmp_path / "acces.xlsx")
    assert list(found) == ["Portefeuilles", "Dossiers", "Dossiers (2)", "Lisez-moi"]
    listed = [row[5] for name in ("Dossiers", "Dossiers (2)") for row in found[name][1:]]
    assert listed == ["Tous les dossiers", "D0", "D1", "D2", "D3", "D4"]


def test_the_lines_of_client_files_are_foretold(firm: World, tmp_path: Any) -> None:
    portfolio = make_portfolio()
    for number in range(3):
        assign(make_dossier(f"D{number}", portfolio=portfolio), firm.colleague)
    grant(portfolio, firm.colleague)
    replace(firm.colleague, firm.collaborator)
    assert book(firm).expected() == 12
    assert written(firm, tmp_path / "acces.xlsx") == 12 + 2 + 2


def test_a_collaborator_gets_no_workbook(firm: World, tmp_path: Any) -> None:
    mine = AccessBook(
        by=firm.collaborator, portfolios=Portfolio.objects.all(), dossiers=Dossier.objects.all()
    )
    with pytest.raises(PermissionDenied):
        taken(firm.collaborator, mine, tmp_path / "acces.xlsx")
    assert not (tmp_path / "acces.xlsx").exists()
