"""How many dossiers each member reaches: the same as asking for each of them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership, Replacement, Role
from accounts.permissions import (
    ObjectRole,
    Perm,
    give,
    granted,
    pairs_of,
    permitted,
    reached_counts,
    without_grants,
)
from accounts.permissions.reading import without_reserved
from clients.models import Assignment, Dossier
from portfolios.models import Portfolio, PortfolioGrant
from tests.web.counting import queries_at_most
from tests.worlds import World, make_dossier, make_member, make_portfolio

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy(firm: World) -> World:
    """Chloé has two portfolios and three single files, one of them inside; Paul covers her, and has one file too."""
    mine, other, gone = make_portfolio("A"), make_portfolio("B"), make_portfolio("C")
    inside = [make_dossier(f"A{n}", portfolio=mine) for n in range(3)]
    single = [make_dossier("B1", portfolio=other), make_dossier("Seul")]
    make_dossier("Ailleurs")
    make_dossier("Archivé", portfolio=mine, archived_at=timezone.now())
    make_dossier("Cabinet", is_own=True)
    make_dossier("C1", portfolio=gone)
    give(PortfolioGrant, pairs_of([mine, gone], [firm.collaborator]), role=ObjectRole.READER, by=None)
    Portfolio.objects.filter(pk=gone.pk).update(terminated_at=timezone.now())
    own = [inside[0], *single]
    give(Assignment, pairs_of(own, [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=None)
    give(Assignment, pairs_of([single[0]], [firm.colleague]), role=ObjectRole.READER, by=None)
    now = timezone.now()
    Replacement.objects.create(
        absent_id=firm.collaborator.user_id,  # type: ignore[misc]  # they have an account
        cover_id=firm.colleague.user_id,
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1),
    )
    return firm


@pytest.mark.parametrize("model", [Dossier, Portfolio])
def test_the_count_is_what_each_person_is_granted(busy: World, model: type[Dossier | Portfolio]) -> None:
    perm = Perm.VIEW_DOSSIER if model is Dossier else Perm.VIEW_PORTFOLIO
    objects = Dossier.objects.active() if model is Dossier else Portfolio.objects.all()
    counts, total = reached_counts(objects, perm)
    assert total == without_reserved(permitted(objects, busy.admin, perm)).count() > 0
    for member in (busy.collaborator, busy.colleague):
        assert member.user_id is not None
        assert counts[member.user_id] == granted(objects, member, perm).count() > 0


def test_it_costs_the_same_with_many_people(busy: World) -> None:
    dossier = make_dossier("Partagé")
    members = [make_member(busy.firm, f"Membre{number}") for number in range(20)]
    give(Assignment, pairs_of([dossier], members), role=ObjectRole.READER, by=None)
    with queries_at_most(1):
        reached_counts(Dossier.objects.active(), Perm.VIEW_DOSSIER)


def test_who_holds_and_covers_nothing_is_without_access(busy: World) -> None:
    nina = make_member(busy.firm, "Nina")
    make_member(busy.firm, "Zoé", role=Role.ADMIN)
    assert [one.pk for one in without_grants(Membership.objects.all())] == [nina.pk]
