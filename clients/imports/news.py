"""What the journal and the people concerned are told of an import's rows, as it is applied and as it is undone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Membership, MembershipQuerySet, Replacement
from clients.imports.rows import client_name
from clients.models import Assignment, ImportRow, RowAction
from portfolios.models import Portfolio
from spreadsheets.text import fold
from tenancy.leases import Progress

T = TypeVar("T")
Pairs = dict[str, tuple[Any, Any]]


def assigned_to(rows: QuerySet[ImportRow]) -> MembershipQuerySet:
    """Those to whom one of the dossiers is open by itself, and those who stand in for them.

    Asked by the person and not by the dossier, of which there may be a hundred thousand.
    """
    updated = rows.filter(action=RowAction.UPDATE).order_by().values("dossier_id")
    created = rows.filter(action=RowAction.CREATE).order_by().values("id")
    places = Assignment.objects.running().filter(
        Q(content_object__in=updated) | Q(content_object__in=created)
    )
    people = set(places.order_by().values_list("user_id", flat=True).distinct())
    covers = Replacement.objects.running().filter(absent_id__in=people, includes_assignments=True)
    people |= set(covers.values_list("cover_id", flat=True))
    return Membership.objects.open().with_person().filter(user_id__in=people)


def left_by(rows: QuerySet[ImportRow]) -> Iterator[UUID]:
    """The portfolios that dossiers left: their subscribers lose some, so they are told too."""
    names = rows.filter(changes__has_key="portfolio").values_list("changes__portfolio__0", flat=True)
    former = {fold(name) for name in names.distinct().order_by() if name}
    yield from Portfolio.objects.running().filter(name_key__in=former).values_list("pk", flat=True)


def changes_of(rows: QuerySet[ImportRow]) -> Iterator[tuple[UUID, str, Pairs]]:
    """Of rows that change a dossier: its key, its name, and what changes."""
    columns = [f"dossier__{name}" for name in ("kind", "legal_name", "last_name", "first_name")]
    for key, changes, *name in rows.values_list("dossier_id", "changes", *columns).iterator(5_000):
        yield key, client_name(*name), pairs(changes)


def pairs(changes: Mapping[str, Sequence[str]]) -> Pairs:
    return {name: (before, after) for name, (before, after) in changes.items()}


def counted(lines: Iterator[T], progress: Progress) -> Iterator[T]:
    """These lines, each of which moves the progress on."""
    for line in lines:
        progress.step += 1
        yield line
