"""Archiving dossiers and restoring them: out of lists and counts, with access and history kept."""

import pytest
from django.core.exceptions import PermissionDenied

from accounts.permissions import ObjectRole, Perm, can, give, pairs_of
from activity.models import Event, Notification
from clients.actions.archiving import archive_dossiers, restore_dossiers
from clients.actions.dossiers import update_dossier
from clients.models import Assignment, Dossier
from clients.results import Skip
from invitations.actions.answering import InviterMayNoLonger, Link, accept_as_client, fingerprint
from invitations.actions.inviting import invite_client
from invitations.summary import waiting_counts
from portfolios.actions import grant_portfolio
from tests.worlds import World, make_dossier, make_member, make_person, make_portfolio

EVERY = Dossier.objects.order_by("pk")


def told() -> set[str]:
    return set(Notification.objects.values_list("address", flat=True))


def types() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def test_one_archived_dossier_is_one_event_about_it(firm: World) -> None:
    dossier = make_dossier(portfolio=(portfolio := make_portfolio()))
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    Event.objects.all(), Notification.objects.all().delete()
    result = archive_dossiers(actor=firm.admin, dossiers=EVERY)
    assert result.done == [dossier]
    assert types()[1:] == ["clients.dossier.archived"]
    assert Event.objects.latest("id").subject_id == dossier.pk
    assert told() == {firm.collaborator.email}


def test_many_archived_dossiers_are_a_line_each_and_one_that_tells(firm: World) -> None:
    portfolio = make_portfolio()
    for name in "ABC":
        make_dossier(name, portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    Notification.objects.all().delete()
    archive_dossiers(actor=firm.admin, dossiers=EVERY)
    assert types()[1:] == ["clients.dossier.archived"] * 3 + ["clients.dossiers.archived"]
    assert Event.objects.latest("id").details["count"] == 3
    assert len({event.group for event in Event.objects.order_by("id")[1:]}) == 1
    assert list(Notification.objects.values_list("address", flat=True)) == [firm.collaborator.email]


def test_what_cannot_be_archived_is_left_out_with_its_reason(firm: World) -> None:
    own = make_dossier("Cabinet Lemoine", is_own=True)
    done = make_dossier("A")
    archive_dossiers(actor=firm.admin, dossiers=EVERY.filter(pk=done.pk))
    other = make_dossier("B")
    result = archive_dossiers(actor=firm.admin, dossiers=EVERY)
    assert result.done == [other]
    assert result.skipped == {Skip.OWN: [own], Skip.ALREADY_ARCHIVED: [done]}
    again = archive_dossiers(actor=firm.admin, dossiers=EVERY)
    assert not again.done
    assert len(types()) == 2  # doing nothing records nothing


def test_restoring_brings_back_what_was_archived_and_nothing_else(firm: World) -> None:
    archived, other = make_dossier("A"), make_dossier("B")
    archive_dossiers(actor=firm.admin, dossiers=EVERY.filter(pk=archived.pk))
    result = restore_dossiers(actor=firm.admin, dossiers=EVERY)
    assert (result.done, result.skipped) == ([archived], {Skip.NOT_ARCHIVED: [other]})
    assert not Dossier.objects.archived().exists()
    assert types() == ["clients.dossier.archived", "clients.dossier.restored"]


def test_a_collaborator_archives_nothing(firm: World) -> None:
    dossier = make_dossier()
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    result = archive_dossiers(actor=firm.collaborator, dossiers=EVERY)
    assert result.skipped == {Skip.NOT_ALLOWED: [dossier]}
    assert not archive_dossiers(
        actor=firm.colleague, dossiers=EVERY
    ).skipped  # sees none of it, hears of none of it
    assert not Dossier.objects.archived().exists()


def test_access_to_an_archived_dossier_stays_and_changes_end(firm: World) -> None:
    dossier = make_dossier()
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    archive_dossiers(actor=firm.admin, dossiers=EVERY)
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, dossier)
    assert not can(firm.admin, Perm.CHANGE_DOSSIER, dossier)
    with pytest.raises(PermissionDenied):
        update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Lyon"})


def test_a_waiting_invitation_is_held_while_its_dossier_is_archived(firm: World, outbox: object) -> None:
    from accounts.terms import current_terms

    dossier = make_dossier(email="claire@client.test")
    invitation = invite_client(actor=firm.admin, dossier=dossier)
    claire, link = make_person("claire@client.test"), Link(invitation.pk, invitation.generation)
    shown = fingerprint(invitation, current_terms())
    archive_dossiers(actor=firm.admin, dossiers=EVERY)
    assert waiting_counts(firm.admin)["pending"] == 0
    with pytest.raises(InviterMayNoLonger):
        accept_as_client(link=link, shown=shown, person=claire)
    restore_dossiers(actor=firm.admin, dossiers=EVERY)
    assert waiting_counts(firm.admin)["pending"] == 1
    accept_as_client(link=link, shown=shown, person=claire)


def test_archiving_and_restoring_the_same_within_a_hold_tells_nobody(firm: World, outbox: object) -> None:
    from activity.digest import net_changes

    make_member(firm.firm, "Zoé", role=firm.admin.role)  # type: ignore[arg-type]
    make_dossier("A"), make_dossier("B")
    archive_dossiers(actor=firm.admin, dossiers=EVERY)
    restore_dossiers(actor=firm.admin, dossiers=EVERY)
    summaries = Event.objects.filter(type__startswith="clients.dossiers.")
    assert summaries.count() == 2
    assert net_changes(summaries) == []
