"""Giving single dossiers to members and taking them back, who is told, and what is skipped and why."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, MemberState, Role
from accounts.permissions import ObjectRole, Perm, can, give, pairs_of
from activity.models import Event
from clients.actions.assignments import change_assignments
from clients.actions.space import open_space
from clients.assigned import Reason, Result
from clients.impact import MeansSomethingElse, enact, rehearse
from clients.models import Assignment, Dossier, SupportAuthorisation
from portfolios.actions import grant_portfolio
from tenancy.keys import uuid7
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_member, make_person, make_portfolio

ACCOUNTANT, READER, SUPPORT = ObjectRole.ACCOUNTANT, ObjectRole.READER, ObjectRole.SUPPORT


def make_dossiers(count: int, **fields: Any) -> list[Dossier]:
    return [make_dossier(f"Client {number:03}", **fields) for number in range(count)]


def all_of(dossiers: list[Dossier]) -> Any:
    return Dossier.objects.filter(pk__in=[dossier.pk for dossier in dossiers])


def change(world: World, dossiers: list[Dossier], **how: Any) -> Result:
    return change_assignments(actor=world.admin, dossiers=all_of(dossiers), **how)


def role_of(member: Membership, dossier: Dossier) -> str | None:
    rows = Assignment.objects.running().filter(user_id=member.user_id, content_object=dossier)
    return rows.values_list("permission__codename", flat=True).first()


def reasons(result: Result) -> dict[Reason, int]:
    return {skipped.reason: len(skipped.dossiers) for skipped in result.skipped}


def types() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def authorise(world: World, dossier: Dossier, *, hours: int = 24) -> SupportAuthorisation:
    """The client lets the firm's technical support see the dossier."""
    person = make_person(f"{uuid7()}@client.test")
    link = open_space(person=person, firm=world.firm, dossier=dossier, email=person.email)
    until = timezone.now() + timedelta(hours=hours)
    return SupportAuthorisation.objects.create(
        firm=world.firm, space_id=link.space_id, dossier=dossier, given_by_name="Claire", until=until
    )


# --- Giving and taking ---------------------------------------------------------------------------------------


def test_many_members_get_many_dossiers_each_in_their_role(firm: World) -> None:
    dossiers = make_dossiers(3)
    result = change(firm, dossiers, add={firm.collaborator: ACCOUNTANT, firm.colleague: READER})
    assert (result.count, result.dossiers, result.skipped) == (6, 3, [])
    assert {role_of(firm.collaborator, one) for one in dossiers} == {"accountant"}
    assert {role_of(firm.colleague, one) for one in dossiers} == {"reader"}
    assert can(firm.collaborator, Perm.CHANGE_DOSSIER, dossiers[0])
    assert not can(firm.colleague, Perm.CHANGE_DOSSIER, dossiers[0])


def test_whoever_is_not_named_keeps_what_they_have(firm: World) -> None:
    dossiers = make_dossiers(2)
    change(firm, dossiers, add={firm.colleague: READER})
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    change(firm, dossiers, remove=[firm.collaborator])
    assert role_of(firm.colleague, dossiers[0]) == "reader"
    assert role_of(firm.collaborator, dossiers[0]) is None


def test_another_role_replaces_the_one_they_had_and_says_so(firm: World) -> None:
    dossiers = make_dossiers(3)
    change(firm, dossiers[:2], add={firm.collaborator: ACCOUNTANT})
    (share,) = change(firm, dossiers, add={firm.collaborator: READER}).shares
    assert sorted((str(one.before), one.after, one.count) for one in share.changes) == [
        ("None", READER, 1),
        ("accountant", READER, 2),
    ]
    assert [one.narrows for one in share.changes if one.before] == [True]
    assert {role_of(firm.collaborator, one) for one in dossiers} == {"reader"}


def test_what_is_so_already_changes_and_records_nothing(firm: World) -> None:
    dossiers = make_dossiers(2)
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    before = Event.objects.count()
    result = change(firm, dossiers, add={firm.collaborator: ACCOUNTANT}, remove=[firm.colleague])
    assert (result.count, reasons(result)) == (0, {Reason.ALREADY: 2, Reason.NOT_ASSIGNED: 2})
    assert Event.objects.count() == before


def test_taking_says_how_many_stay_open_by_a_portfolio(firm: World) -> None:
    portfolio = make_portfolio()
    inside, outside = make_dossier("Dedans", portfolio=portfolio), make_dossier("Dehors")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    change(firm, [inside, outside], add={firm.collaborator: ACCOUNTANT})
    (share,) = change(firm, [inside, outside], remove=[firm.collaborator]).shares
    assert (share.count, share.stays) == (2, 1)
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, inside)
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, outside)


def test_a_collaborator_assigns_nothing_not_even_their_own(firm: World) -> None:
    (dossier,) = make_dossiers(1)
    change(firm, [dossier], add={firm.collaborator: ACCOUNTANT})
    for dossiers in ([dossier], []):
        with pytest.raises(PermissionDenied):
            change_assignments(
                actor=firm.collaborator, dossiers=all_of(dossiers), add={firm.colleague: READER}
            )
    assert role_of(firm.colleague, dossier) is None


# --- What is skipped, and why --------------------------------------------------------------------------------


def test_the_firms_own_and_archived_dossiers_are_left_out(firm: World) -> None:
    (plain,) = make_dossiers(1)
    own = make_dossier("Cabinet Lemoine", is_own=True)
    archived = make_dossier("Archivé", archived_at=timezone.now())
    result = change(firm, [plain, own, archived], add={firm.collaborator: ACCOUNTANT})
    assert (result.count, reasons(result)) == (1, {Reason.OWN: 1, Reason.ARCHIVED: 1})


def test_an_archived_dossier_may_still_be_taken_from_someone(firm: World) -> None:
    (dossier,) = make_dossiers(1)
    change(firm, [dossier], add={firm.collaborator: ACCOUNTANT})
    Dossier.objects.update(archived_at=timezone.now())
    assert change(firm, [dossier], remove=[firm.collaborator]).count == 1


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (MemberState.INVITED, Reason.NO_ACCOUNT),
        (MemberState.SUSPENDED, Reason.SUSPENDED),
        (MemberState.TERMINATED, Reason.TERMINATED),
    ],
)
def test_who_may_not_enter_is_given_nothing_but_may_lose(
    firm: World, state: MemberState, reason: Reason
) -> None:
    dossiers = make_dossiers(2)
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    Membership.objects.filter(pk=firm.collaborator.pk).update(state=state)
    assert reasons(change(firm, dossiers, add={firm.collaborator: READER})) == {reason: 2}
    assert change(firm, dossiers, remove=[firm.collaborator]).count == 2


def test_someone_without_an_account_is_left_out(firm: World) -> None:
    invited = Membership.objects.create(email="nouveau@lemoine.test")
    dossiers = make_dossiers(2)
    assert reasons(change(firm, dossiers, add={invited: READER})) == {Reason.NO_ACCOUNT: 2}
    assert reasons(change(firm, dossiers, remove=[invited])) == {Reason.NOT_ASSIGNED: 2}


def test_an_administrator_sees_everything_anyway(firm: World) -> None:
    boss = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    assert reasons(change(firm, make_dossiers(2), add={boss: ACCOUNTANT})) == {Reason.ADMINISTRATOR: 2}


def test_technical_support_needs_the_clients_authorisation_and_ends_with_it(firm: World) -> None:
    allowed, closed, over = make_dossiers(3)
    authorisation = authorise(firm, allowed)
    authorise(firm, over)
    SupportAuthorisation.objects.filter(dossier=over).update(
        given_at=timezone.now() - timedelta(days=2), until=timezone.now() - timedelta(days=1)
    )
    result = change(firm, [allowed, closed, over], add={firm.collaborator: SUPPORT})
    assert (result.count, reasons(result)) == (1, {Reason.NOT_AUTHORISED: 2})
    assert Assignment.objects.get().expires_at == authorisation.until
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, allowed)
    assert not can(firm.collaborator, Perm.CHANGE_DOSSIER, allowed)


def test_technical_support_never_takes_the_place_of_a_wider_role(firm: World) -> None:
    (dossier,) = make_dossiers(1)
    authorise(firm, dossier)
    change(firm, [dossier], add={firm.collaborator: READER})
    assert reasons(change(firm, [dossier], add={firm.collaborator: SUPPORT})) == {Reason.WIDER: 1}
    assert role_of(firm.collaborator, dossier) == "reader"


def test_a_longer_authorisation_prolongs_a_technical_support(firm: World) -> None:
    (dossier,) = make_dossiers(1)
    authorise(firm, dossier)
    change(firm, [dossier], add={firm.collaborator: SUPPORT})
    later = timezone.now() + timedelta(days=7)
    SupportAuthorisation.objects.update(until=later)
    assert change(firm, [dossier], add={firm.collaborator: SUPPORT}).count == 1
    assert Assignment.objects.get().expires_at == later
    assert reasons(change(firm, [dossier], add={firm.collaborator: SUPPORT})) == {Reason.ALREADY: 1}
    assert Event.objects.latest("id").type == "clients.dossier.assignment-changed"


# --- Who is told ---------------------------------------------------------------------------------------------


def test_assigning_400_dossiers_is_one_mail_with_the_count_and_a_link(firm: World, outbox: Outbox) -> None:
    boss = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    dossiers = make_dossiers(400)
    give(Assignment, pairs_of(dossiers[:1], [firm.colleague]), role=READER, by=firm.admin)
    stranger = make_member(firm.firm, "Inconnu")
    outbox.clear()
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    assert outbox.recipients() == sorted([firm.collaborator.email, firm.colleague.email, boss.email])
    assert stranger.email not in outbox.recipients() and firm.admin.email not in outbox.recipients()
    body = str(outbox.to(firm.collaborator.email).body)
    assert "400 dossiers" in body
    assert "Client 0" not in body
    assert f"{firm.firm.url('clients:list')}?member={firm.collaborator.pk}" in body
    assert types() == ["clients.dossier.assigned"] * 400 + ["clients.assignments.given"]


def test_each_dossier_has_its_line_and_all_are_one_group(firm: World) -> None:
    dossiers = make_dossiers(3)
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    assert Event.objects.values("group").distinct().count() == 1
    line = Event.objects.get(subject_id=dossiers[0].pk)
    assert (line.details["member"], line.details["role"]) == (firm.collaborator.name, "accountant")


def test_a_single_dossier_tells_those_who_see_it_and_the_person(firm: World, outbox: Outbox) -> None:
    (dossier,) = make_dossiers(1)
    change(firm, [dossier], add={firm.colleague: READER})
    outbox.clear()
    change(firm, [dossier], add={firm.collaborator: ACCOUNTANT})
    assert outbox.recipients() == sorted([firm.collaborator.email, firm.colleague.email])
    assert firm.firm.url("clients:dossier", pk=dossier.pk) in str(outbox.to(firm.collaborator.email).body)
    assert "Comptable" in str(outbox.to(firm.collaborator.email).body)


@pytest.mark.parametrize("count", [1, 5])
def test_who_lost_dossiers_is_told(firm: World, outbox: Outbox, count: int) -> None:
    dossiers = make_dossiers(count)
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    outbox.clear()
    change(firm, dossiers, remove=[firm.collaborator])
    assert outbox.recipients() == [firm.collaborator.email]


@pytest.mark.parametrize("count", [1, 5])
def test_given_and_taken_back_within_the_hold_is_no_mail(firm: World, outbox: Outbox, count: int) -> None:
    dossiers = make_dossiers(count)
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    change(firm, dossiers, remove=[firm.collaborator])
    assert outbox.mails() == []


@pytest.mark.parametrize("count", [2, 5])
def test_taken_in_one_role_and_given_back_in_another_is_told(firm: World, outbox: Outbox, count: int) -> None:
    dossiers = make_dossiers(count)
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    outbox.clear()
    change(firm, dossiers, remove=[firm.collaborator])
    change(firm, dossiers, add={firm.collaborator: READER})
    assert outbox.recipients() == [firm.collaborator.email]


def test_another_role_and_back_is_no_mail(firm: World, outbox: Outbox) -> None:
    dossiers = make_dossiers(3)
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    outbox.clear()
    change(firm, dossiers, add={firm.collaborator: READER})
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    assert outbox.mails() == []


def test_a_change_of_role_reads_before_and_after(firm: World, outbox: Outbox) -> None:
    dossiers = make_dossiers(3)
    change(firm, dossiers, add={firm.collaborator: ACCOUNTANT})
    outbox.clear()
    change(firm, dossiers, add={firm.collaborator: READER})
    assert "Comptable → Lecture" in str(outbox.to(firm.collaborator.email).body)


# --- Before saving -------------------------------------------------------------------------------------------


def test_a_role_that_changed_meanwhile_is_something_else(firm: World) -> None:
    """Nobody gains or loses sight of a dossier by it, and the same people are told: yet it is another change."""
    dossiers = make_dossiers(5)
    change(firm, dossiers[:3], add={firm.collaborator: ACCOUNTANT})
    change(firm, dossiers[3:], add={firm.collaborator: READER})

    def narrow() -> Result:
        return change(firm, dossiers, add={firm.collaborator: READER})

    seen = rehearse(narrow, dossiers=all_of(dossiers))
    assert seen.result.count == 3
    assert role_of(firm.collaborator, dossiers[0]) == "accountant"
    change(firm, dossiers[3:], add={firm.collaborator: ACCOUNTANT})
    with pytest.raises(MeansSomethingElse) as refused:
        enact(narrow, seen=seen.fingerprint, dossiers=all_of(dossiers))
    assert refused.value.impact.result.count == 5
    assert role_of(firm.collaborator, dossiers[0]) == "accountant"


# --- At size -------------------------------------------------------------------------------------------------


def test_its_queries_do_not_grow_with_the_dossiers(firm: World) -> None:
    counts = []
    for size in (2, 60):
        dossiers = make_dossiers(size)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            change(firm, dossiers, add={firm.collaborator: ACCOUNTANT}, remove=[firm.colleague])
        counts.append(len(queries))
        Dossier.objects.all().delete()
    assert counts[0] == counts[1] <= 20


def test_two_portfolios_dossiers_tell_only_those_who_see_them(firm: World, outbox: Outbox) -> None:
    """What one member is given is no news to who sees only what another one is given."""
    theirs, others = make_dossiers(2), make_dossiers(2)
    change(firm, theirs, add={firm.collaborator: READER})
    outbox.clear()
    change(firm, others, add={firm.colleague: READER})
    assert outbox.recipients() == [firm.colleague.email]
