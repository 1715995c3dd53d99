"""The rows of the list of dossiers, as values: whatever a row shows is made here, a page at a time.

What a column needs is asked for only where the column is shown.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Firm, Membership, Role
from accounts.permissions import ObjectRole, Perm, allows
from activity.queries import latest_at
from clients.chosen import COLUMNS
from clients.columns import client_states
from clients.models import Assignment, Dossier
from portfolios.models import PortfolioGrant
from tenancy.prepared import Prepared, among_those_of

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
_NO_BREAK_SPACE = "\xa0"
NOBODY = UUID(int=0)
ACTIVE = "active"
# Of one dossier: who has which roles on it.
Roles = dict[UUID, set[ObjectRole]]
_ROLES = {role.value: role for role in ObjectRole}


@dataclass(slots=True)
class Row:
    """One dossier. `people` are those to whom it is open besides the administrators; `more` is the cells of chosen
    columns that are text: classes, label, text."""

    pk: UUID
    name: str
    url: str
    reference: str
    siren: str
    portfolio: str
    people: list[str]
    state: str
    active_at: datetime | None
    more: list[tuple[str, str, str]]
    may_edit: bool
    may_invite: bool

    @property
    def others(self) -> int:
        """How many people besides the first."""
        return len(self.people) - 1

    @property
    def everybody(self) -> str:
        return ", ".join(self.people)


def fields_of(columns: Iterable[str]) -> list[str]:
    """What rows with these columns need of each dossier."""
    return [*SHOWN, *(field for name in columns for field in COLUMNS[name].fields if field not in SHOWN)]


def rows_of(
    dossiers: Sequence[Dossier],
    *,
    member: Membership,
    firm: Firm,
    members: Iterable[Membership],
    portfolios: dict[UUID, str],
    columns: Collection[str],
) -> list[Row]:
    """The rows of these dossiers, as the member may see them. Costs the same queries for ten as for two hundred."""
    keys = [dossier.pk for dossier in dossiers]
    roles = _roles(dossiers) if "people" in columns or member.role != Role.ADMIN else {}
    names = {one.user_id: one.name for one in members} if "people" in columns else {}
    states, latest = client_states(keys), latest_at(keys) if "activity" in columns else None
    texts = _text_columns(columns)
    pattern = firm.url("clients:dossier", pk=NOBODY)
    always = {perm: allows(Role(member.role), perm) for perm in (Perm.CHANGE_DOSSIER, Perm.INVITE_CLIENT)}

    def offers(perm: Perm, dossier: Dossier) -> bool:
        """Is it worth offering? The page behind the offer asks who may."""
        if always[perm]:
            return True
        mine = roles.get(dossier.pk, {}).get(member.user_id, ()) if member.user_id else ()
        return any(allows(role, perm) for role in mine)

    nobody: Roles = {}
    known: dict[int, list[str]] = {}

    def people_of(those: Roles) -> list[str]:
        """Their names. Where a portfolio alone opens dossiers, they share theirs."""
        if id(those) not in known:
            known[id(those)] = sorted({names[person] for person in those if person in names})
        return known[id(those)]

    return [
        Row(
            pk=dossier.pk,
            name=dossier.name,
            url=pattern.replace(str(NOBODY), str(dossier.pk)),
            reference=dossier.reference,
            siren=_NO_BREAK_SPACE.join((dossier.siren[:3], dossier.siren[3:6], dossier.siren[6:])).strip(),
            portfolio=portfolios.get(dossier.portfolio_id, "") if dossier.portfolio_id else "",
            people=people_of(roles.get(dossier.pk, nobody)),
            state=states.get(dossier.pk, "none"),
            active_at=_later(latest, dossier),
            may_edit=offers(Perm.CHANGE_DOSSIER, dossier),
            may_invite=states.get(dossier.pk) != ACTIVE and offers(Perm.INVITE_CLIENT, dossier),
            more=[(css, label, text(dossier)) for css, label, text in texts],
        )
        for dossier in dossiers
    ]


def _text_columns(columns: Iterable[str]) -> list[tuple[str, str, Callable[[Dossier], str]]]:
    """Classes, label and maker of each column that is text."""
    found = [COLUMNS[name] for name in columns]
    return [(column.css, str(column.label), column.text) for column in found if column.text]


def _later(latest: dict[UUID, datetime] | None, dossier: Dossier) -> datetime | None:
    """The dossier's last change or event; none where nobody asks."""
    return None if latest is None else max(latest.get(dossier.pk, dossier.updated_at), dossier.updated_at)


def _roles(dossiers: Sequence[Dossier]) -> dict[UUID, Roles]:
    """Who has which role on each dossier, by an assignment or its portfolio; in one query."""
    given: dict[UUID | None, Roles] = {}
    keys = [dossier.pk for dossier in dossiers]
    portfolios = {dossier.portfolio_id for dossier in dossiers if dossier.portfolio_id}
    for key, user_id, role in _GRANTS.rows(dossiers=keys, portfolios=portfolios):
        given.setdefault(key, {}).setdefault(user_id, set()).add(_ROLES[role])
    return {one.pk: _both(given.get(one.pk, {}), given.get(one.portfolio_id, {})) for one in dossiers}


def _both(single: Roles, whole: Roles) -> Roles:
    if not (single and whole):
        return single or whole
    return {person: single.get(person, set()) | whole.get(person, set()) for person in {*single, *whole}}


def _grants() -> Any:
    """Thing, person and role of each grant on the dossiers and on the portfolios."""
    columns = ("content_object_id", "user_id", "permission__codename")
    single = Assignment.objects.running().filter(among_those_of("dossiers", "content_object_id"))
    whole = PortfolioGrant.objects.running().filter(among_those_of("portfolios", "content_object_id"))
    return single.order_by().values_list(*columns).union(whole.order_by().values_list(*columns))


_GRANTS = Prepared(_grants)
