"""A member leaves: what they held goes to others, their invitations are revoked, their place and sessions end."""

import io
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actions.members import LastAdministrator, change_role, suspend_member
from accounts.models import Membership, MemberState, Replacement, Role
from accounts.permissions import ObjectRole, Perm, can, give, grants_on, pairs_of, permitted
from activity.models import Event, Notification
from clients.actions.departing import (
    AlreadyLeft,
    Departure,
    HoldsSomethingElse,
    TakerGone,
    complete_departure,
)
from clients.departures import departure_of
from clients.holdings import holdings_of
from clients.impact import MeansSomethingElse, enact, rehearse
from clients.models import Assignment, Dossier
from invitations.actions.answering import inviter_may
from invitations.actions.inviting import invite_client
from invitations.models import Invitation, InvitationState
from portfolios.models import Portfolio, PortfolioGrant
from tenancy.scopes import scope
from tests.accounts.test_replacements import arranged
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_firm, make_member, make_portfolio

pytestmark = pytest.mark.usefixtures("one_day")


@pytest.fixture
def held(firm: World) -> dict[str, Any]:
    """Paul has the portfolios “Sarah” (as accountant; one dossier) and “Léa” (as reader), and two single dossiers."""
    sarah, lea = make_portfolio("Sarah"), make_portfolio("Léa")
    inside = make_dossier("Boulangerie Martin", portfolio=sarah)
    alone, read = (
        make_dossier("Garage Petit", email="garage@client.test"),
        make_dossier("Menuiserie Béranger"),
    )
    paul, by = [firm.colleague], firm.admin
    give(PortfolioGrant, pairs_of([sarah], paul), role=ObjectRole.ACCOUNTANT, by=by)
    give(PortfolioGrant, pairs_of([lea], paul), role=ObjectRole.READER, by=by)
    give(Assignment, pairs_of([alone], paul), role=ObjectRole.ACCOUNTANT, by=by)
    give(Assignment, pairs_of([read], paul), role=ObjectRole.READER, by=by)
    return {"sarah": sarah, "lea": lea, "inside": inside, "alone": alone, "read": read}


def leave(firm: World, to: Membership | None, revoke: Any = None, **others: Any) -> Departure:
    """Paul leaves; all he holds goes to one member, or nobody."""
    takers = dict.fromkeys(holdings_of(firm.colleague).keys, to)
    given: dict[str, Any] = {
        "actor": firm.admin,
        "member": firm.colleague,
        "takers": takers,
        "revoke": revoke or {},
    }
    return complete_departure(**(given | others))


def state(member: Membership) -> str:
    return Membership.objects.get(pk=member.pk).state


def test_all_that_they_held_goes_to_whom_it_was_given(firm, held) -> None:
    takers = dict.fromkeys(holdings_of(firm.colleague).keys, firm.collaborator) | {held["alone"].pk: None}
    leave(firm, None, takers=takers)
    chloe = firm.collaborator
    assert state(firm.colleague) == MemberState.TERMINATED
    assert can(chloe, Perm.CHANGE_DOSSIER, held["inside"])
    assert can(chloe, Perm.VIEW_DOSSIER, held["read"]) and not can(chloe, Perm.CHANGE_DOSSIER, held["read"])
    assert not can(chloe, Perm.VIEW_DOSSIER, held["alone"])
    assert not PortfolioGrant.objects.filter(user=firm.colleague.user).exists()
    assert not Assignment.objects.filter(user=firm.colleague.user).exists()
    assert not permitted(Dossier.objects.all(), firm.colleague, Perm.VIEW_DOSSIER).exists()


def test_who_takes_over_keeps_a_role_that_reaches_further(firm, held) -> None:
    mine = pairs_of([held["lea"]], [firm.collaborator])
    give(PortfolioGrant, mine, role=ObjectRole.ACCOUNTANT, by=firm.admin)
    leave(firm, firm.collaborator)
    [grant] = grants_on(PortfolioGrant, held["lea"])
    assert (grant["user_id"], grant["role"]) == (firm.collaborator.user_id, ObjectRole.ACCOUNTANT)


def test_technical_support_is_handed_to_nobody(firm, held) -> None:
    give(Assignment, pairs_of([held["alone"]], [firm.colleague]), role=ObjectRole.SUPPORT, by=firm.admin)
    holdings = holdings_of(firm.colleague)
    assert held["alone"].pk not in holdings.keys and holdings.support == 1
    leave(firm, firm.collaborator)
    assert not grants_on(Assignment, held["alone"])


def test_each_portfolio_and_dossier_tells_in_its_history_to_whom_it_went(firm, held) -> None:
    takers = dict.fromkeys(holdings_of(firm.colleague).keys, firm.collaborator) | {held["alone"].pk: None}
    done = leave(firm, None, takers=takers)
    lines = Event.objects.filter(group=done.group)
    assert {
        (line.type, line.subject_name)
        for line in lines.filter(type__in=["clients.portfolio.handed_over", "clients.dossier.handed_over"])
    } == {
        ("clients.portfolio.handed_over", "Sarah"),
        ("clients.portfolio.handed_over", "Léa"),
        ("clients.dossier.handed_over", "Menuiserie Béranger"),
    }
    assert [line.subject_name for line in lines.filter(type="clients.dossier.left_alone")] == ["Garage Petit"]
    departed = lines.get(type="clients.member.departed")
    counted = {
        name: departed.details[name] for name in ("portfolios", "dossiers", "alone", "revoked", "sessions")
    }
    assert counted == {"portfolios": 2, "dossiers": 1, "alone": 1, "revoked": 0, "sessions": 0}


def test_one_mail_for_each_person_and_none_for_the_one_who_does_it(firm, held, outbox: Outbox) -> None:
    zoe = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    arranged(firm)  # Chloé replaces Paul until he leaves
    outbox.clear()
    leave(firm, firm.collaborator)
    outbox.flush()
    assert outbox.recipients() == sorted([firm.collaborator.email, firm.colleague.email, zoe.email])
    told = str(outbox.to(firm.collaborator.email).body)
    assert "Alice Martin" in told and "Paul Martin" in told
    assert "Garage" not in str(outbox.to(firm.colleague.email).body)


def test_the_invitations_that_were_named_are_revoked_and_the_others_stay(firm, held) -> None:
    change_role(actor=firm.admin, member=firm.colleague, role=Role.ADMIN)
    paul = Membership.objects.get(pk=firm.colleague.pk)
    revoked = invite_client(actor=paul, dossier=held["alone"])
    kept = invite_client(actor=paul, dossier=make_dossier("Bar", email="bar@client.test"))
    others = invite_client(actor=firm.admin, dossier=make_dossier("Hôtel", email="hotel@client.test"))
    leave(firm, None, {"invitations": [revoked.pk, others.pk]})
    states = {one.pk: one.state for one in Invitation.objects.all()}
    assert states[revoked.pk] == InvitationState.REVOKED
    assert (states[kept.pk], states[others.pk]) == (InvitationState.SENT, InvitationState.SENT)
    kept.refresh_from_db()
    assert kept.invited_by == firm.admin and inviter_may(kept), "it stays good: somebody answers for it"


def test_replacements_end_with_it(firm, held) -> None:
    arranged(firm)
    leave(firm, None)
    assert not Replacement.objects.unended().exists()


def test_a_suspended_member_leaves_too(firm, held) -> None:
    suspend_member(actor=firm.admin, member=firm.colleague)
    leave(firm, firm.collaborator)
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, held["inside"])


# --- what is refused, and then nothing is done


def test_a_collaborator_completes_no_departure(firm, held) -> None:
    with pytest.raises(PermissionDenied):
        leave(firm, None, actor=firm.collaborator)


def test_the_last_administrator_stays(firm) -> None:
    with pytest.raises(LastAdministrator):
        complete_departure(actor=firm.admin, member=firm.admin, takers={}, revoke={})


def test_a_second_time_is_refused(firm, held) -> None:
    leave(firm, firm.collaborator)
    with pytest.raises(AlreadyLeft):
        leave(firm, firm.collaborator)
    assert Event.objects.filter(type="clients.member.departed").count() == 1


def test_nothing_is_done_if_a_taker_has_gone(firm, held) -> None:
    suspend_member(actor=firm.admin, member=firm.collaborator)
    with pytest.raises(TakerGone):
        leave(firm, firm.collaborator)
    assert state(firm.colleague) == MemberState.ACTIVE
    assert holdings_of(firm.colleague).keys


def test_nothing_is_done_if_they_hold_something_else_by_now(firm, held) -> None:
    takers = dict.fromkeys(holdings_of(firm.colleague).keys, firm.collaborator)
    give(Assignment, pairs_of([make_dossier("Bar")], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    with pytest.raises(HoldsSomethingElse):
        leave(firm, None, takers=takers)
    assert state(firm.colleague) == MemberState.ACTIVE


# --- what it would mean


def test_the_impact_names_who_gains_who_loses_and_what_nobody_would_see(firm, held) -> None:
    takers = dict.fromkeys(holdings_of(firm.colleague).keys, firm.collaborator) | {held["alone"].pk: None}
    people = [firm.colleague, firm.collaborator]
    impact = rehearse(lambda: leave(firm, None, takers=takers), members=people)
    assert [(one.member.first_name, one.loses) for one in impact.losing] == [("Paul", 3)]
    assert [(one.member.first_name, one.gains) for one in impact.gaining] == [("Chloé", 2)]
    assert impact.result.alone == ["Garage Petit"]
    assert state(firm.colleague) == MemberState.ACTIVE and holdings_of(firm.colleague).keys


def test_what_another_takes_over_is_not_confirmed_blindly(firm, held) -> None:
    people = [firm.colleague, firm.collaborator]
    seen = rehearse(lambda: leave(firm, firm.collaborator), members=people).fingerprint
    make_dossier("Bar", portfolio=held["sarah"])
    with pytest.raises(MeansSomethingElse):
        enact(lambda: leave(firm, firm.collaborator), seen=seen, members=people)
    assert state(firm.colleague) == MemberState.ACTIVE


# --- sessions


def test_the_sessions_of_somebody_without_any_other_place_end(firm, held, browse) -> None:
    client = browse(firm.colleague)
    assert client.get("/mes-espaces/").status_code in (200, 302)
    done = leave(firm, None)
    assert done.sessions == 1
    assert client.get("/profil/").status_code == 302
    assert client.get("/profil/")["Location"].startswith("/connexion/")


def test_who_has_another_place_stays_signed_in_but_for_this_firm(firm, held, browse) -> None:
    other = make_firm("Bertrand Conseil", "552100554").firm
    with scope(firm=other):
        make_member(other, "Paul", user=firm.colleague.user)
    client = browse(firm.colleague)
    client.get("/profil/")
    done = leave(firm, None)
    assert done.sessions == 1, (
        "as of somebody without another place: what else they are is not the firm's business"
    )
    assert Event.objects.get(type="clients.member.departed").details["sessions"] == 1
    assert client.get("/profil/").status_code == 200
    assert client.get(firm.firm.url("dashboard")).status_code == 404
    assert client.get(other.url("dashboard")).status_code == 200


# --- the certificate


def test_the_certificate_says_what_went_to_whom(firm, held) -> None:
    takers = dict.fromkeys(holdings_of(firm.colleague).keys, firm.collaborator) | {held["alone"].pk: None}
    leave(firm, None, takers=takers)
    completed = departure_of(Membership.objects.get(pk=firm.colleague.pk))
    assert completed is not None
    target = io.BytesIO()
    completed.write(target)
    book = openpyxl.load_workbook(target)
    rows = {
        sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] for sheet in book
    }
    assert ["Membre parti", "Paul Martin"] in rows["Départ"]
    assert ["Terminé par", "Alice Martin"] in rows["Départ"]
    assert sorted(rows["Portefeuilles"]) == [
        ["Léa", "Lecture", "Chloé Martin"],
        ["Sarah", "Comptable", "Chloé Martin"],
    ]
    assert sorted(rows["Dossiers"]) == [
        ["Garage Petit", "Comptable", "personne (administrateurs seulement)"],
        ["Menuiserie Béranger", "Lecture", "Chloé Martin"],
    ]


def test_who_never_left_has_none(firm) -> None:
    assert departure_of(firm.colleague) is None


# --- many at once


def test_six_hundred_dossiers_cost_no_more_queries_than_six(firm) -> None:
    def departing(first_name: str, number: int) -> int:
        member = make_member(firm.firm, first_name)
        dossiers = Dossier.objects.bulk_create(
            Dossier(legal_name=f"{first_name} {n}", name_key=f"{first_name} {n:04}") for n in range(number)
        )
        give(Assignment, pairs_of(dossiers, [member]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
        takers = dict.fromkeys(holdings_of(member).keys, firm.collaborator)
        with CaptureQueriesContext(connection) as queries:
            complete_departure(actor=firm.admin, member=member, takers=takers, revoke={})
        return len(queries)

    few, many = departing("Six", 6), departing("Beaucoup", 600)
    assert many <= few + 2
    assert Assignment.objects.filter(user=firm.collaborator.user).count() == 606
    assert Notification.objects.filter(recipient=firm.collaborator.user).count() == 2
    assert Portfolio.objects.count() == 0
