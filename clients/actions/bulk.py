"""Editing many dossiers at once: what is not named stays as it is."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Membership
from accounts.permissions import ObjectRole
from activity.actions import in_one_go
from clients import results
from clients.actions.assignments import change_assignments
from clients.actions.portfolios import move_dossiers
from clients.assigned import Result
from clients.models import Dossier
from portfolios.models import Portfolio
from tenancy.expressions import among


@dataclass(frozen=True)
class Into:
    """Where dossiers are put; `portfolio` is None for into none."""

    portfolio: Portfolio | None


@dataclass(frozen=True)
class Edited:
    """What became of it; `moves` is None where nothing was to be moved."""

    assignments: Result
    moves: results.Result | None = None

    @property
    def moved(self) -> int:
        return self.moves.count if self.moves else 0

    @property
    def count(self) -> int:
        """How many changes were made; 0 where everything was so already."""
        return self.assignments.count + self.moved

    @property
    def meaning(self) -> str:
        """The same for the same changes."""
        return f"{self.assignments.meaning} {self.moves.meaning if self.moves else ''}"


@transaction.atomic
@in_one_go()
def edit_dossiers(
    *,
    actor: Membership,
    dossiers: QuerySet[Dossier],
    add: Mapping[Membership, ObjectRole] | Iterable[tuple[Membership, ObjectRole]] = (),
    remove: Collection[Membership] = (),
    into: Into | None = None,
) -> Edited:
    """Assign these dossiers to some, take them from others, and move them, all or nothing; None moves nothing.

    Raises PermissionDenied, Terminated (the portfolio).
    """
    # The keys now: moved dossiers may no longer be found by the query that chose them.
    chosen = Dossier.objects.filter(among(dossiers.order_by().values_list("pk", flat=True)))
    moves = move_dossiers(actor=actor, dossiers=chosen, portfolio=into.portfolio) if into else None
    return Edited(change_assignments(actor=actor, dossiers=chosen, add=add, remove=remove), moves)
