"""The rows of the list of dossiers, as values: whatever a row shows is made here, a page at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Value

from accounts.models import Firm, Membership, Role
from accounts.permissions import Perm, permitted
from activity.queries import latest_at
from clients.columns import client_states
from clients.models import Assignment, Dossier
from portfolios.models import PortfolioGrant

SHOWN = (
    "id",
    "kind",
    "legal_name",
    "civility",
    "first_name",
    "last_name",
    "reference",
    "siren",
    "portfolio",
    "updated_at",
)
_NARROW_SPACE = "\u202f"


@dataclass(frozen=True, slots=True)
class Row:
    """One dossier. `people` are those to whom it is open besides the administrators."""

    pk: UUID
    name: str
    url: str
    reference: str
    siren: str
    portfolio: str
    people: list[str]
    state: str
    active_at: datetime
    may_edit: bool
    may_invite: bool

    @property
    def others(self) -> int:
        """How many people besides the first."""
        return len(self.people) - 1

    @property
    def everybody(self) -> str:
        return ", ".join(self.people)


def rows_of(
    dossiers: Sequence[Dossier],
    *,
    member: Membership,
    firm: Firm,
    members: Iterable[Membership],
    portfolios: dict[UUID, str],
) -> list[Row]:
    """The rows of these dossiers, as the member may see them. Costs the same queries for ten as for two hundred."""
    keys = [dossier.pk for dossier in dossiers]
    allowed = _allowed(keys, member)
    people = _people(dossiers, {member.user_id: member.name for member in members})
    states, latest = client_states(keys), latest_at(keys)
    pattern = firm.url("clients:dossier", pk=UUID(int=0))
    return [
        Row(
            pk=dossier.pk,
            name=dossier.name,
            url=pattern.replace(str(UUID(int=0)), str(dossier.pk)),
            reference=dossier.reference,
            siren=_NARROW_SPACE.join((dossier.siren[:3], dossier.siren[3:6], dossier.siren[6:])).strip(),
            portfolio=portfolios.get(dossier.portfolio_id, "") if dossier.portfolio_id else "",
            people=people.get(dossier.pk, []),
            state=states.get(dossier.pk, "none"),
            active_at=max(latest.get(dossier.pk, dossier.updated_at), dossier.updated_at),
            may_edit=(dossier.pk, Perm.CHANGE_DOSSIER) in allowed,
            may_invite=(dossier.pk, Perm.INVITE_CLIENT) in allowed,
        )
        for dossier in dossiers
    ]


def _allowed(keys: list[UUID], member: Membership) -> set[tuple[UUID, str]]:
    """What the member may do to which dossier, of what the row's menu offers."""
    offered = (Perm.CHANGE_DOSSIER, Perm.INVITE_CLIENT)
    if member.role == Role.ADMIN:
        return {(key, perm) for key in keys for perm in offered}
    change, invite = (
        permitted(Dossier.objects.filter(pk__in=keys), member, perm)
        .order_by()
        .values_list("pk", Value(str(perm)))
        for perm in offered
    )
    return set(change.union(invite))


def _people(dossiers: Sequence[Dossier], names: dict[UUID | None, str]) -> dict[UUID, list[str]]:
    """Who reaches each dossier by an assignment or its portfolio, in one query."""
    in_portfolio: dict[UUID, list[UUID]] = {}
    for dossier in dossiers:
        if dossier.portfolio_id:
            in_portfolio.setdefault(dossier.portfolio_id, []).append(dossier.pk)
    columns = ("content_object_id", "user_id")
    single = Assignment.objects.running().filter(content_object__in=dossiers).order_by().values_list(*columns)
    whole = PortfolioGrant.objects.running().filter(content_object_id__in=in_portfolio).order_by()
    found: dict[UUID, dict[str, None]] = {}
    for key, user_id in single.union(whole.values_list(*columns)):
        for dossier_id in in_portfolio.get(key, [key]):
            if name := names.get(user_id):
                found.setdefault(dossier_id, {})[name] = None
    return {key: sorted(people) for key, people in found.items()}
