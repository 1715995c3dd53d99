"""The rows of the list of dossiers, as values: whatever a row shows is made here, a page at a time.

What a column needs is asked for only where the column is shown.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import TextField
from django.db.models.functions import Cast

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
# Of one thing: the people (their keys, as text) who have a role on it, and the role of each.
Roles = tuple[list[str], list[str]]
_NO_ROLES: Roles = ([], [])
More = list[tuple[str, str, str]]


@dataclass(slots=True)
class Listed:
    """What a row shows of the dossier itself. `more` is the cells of chosen columns that are text: classes, label,
    text. `active_at`, the last change or event, is asked for only where it is shown."""

    pk: UUID
    name: str
    reference: str
    siren: str
    portfolio_id: UUID | None
    active_at: datetime | None
    more: More


@dataclass(slots=True)
class Row:
    """One dossier. `people` are those to whom it is open besides the administrators; `key` is the text of `pk`."""

    pk: UUID
    key: str
    name: str
    url: str
    reference: str
    siren: str
    portfolio: str
    people: list[str]
    state: str
    active_at: datetime | None
    more: More
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


def listed(dossiers: Iterable[Dossier], columns: Collection[str]) -> list[Listed]:
    """What rows with these columns show of the dossiers."""
    dossiers = list(dossiers)
    latest = latest_at([one.pk for one in dossiers]) if "activity" in columns else None
    texts = _text_columns(columns)
    return [
        Listed(
            pk=one.pk,
            name=one.name,
            reference=one.reference,
            siren=one.siren,
            portfolio_id=one.portfolio_id,
            active_at=_later(latest, one),
            more=[(css, label, text(one)) for css, label, text in texts],
        )
        for one in dossiers
    ]


def rows_of(
    dossiers: Sequence[Listed],
    *,
    member: Membership,
    firm: Firm,
    members: Iterable[Membership],
    portfolios: dict[UUID, str],
    columns: Collection[str],
) -> list[Row]:
    """The rows of these dossiers, as the member may see them. Costs the same queries for ten as for two hundred."""
    roles = _roles(dossiers) if "people" in columns or member.role != Role.ADMIN else {}
    states = client_states([dossier.pk for dossier in dossiers])
    named = _naming({str(one.user_id): one.name for one in members} if "people" in columns else {})
    pattern = firm.url("clients:dossier", pk=NOBODY)
    before, after = pattern.split(str(NOBODY))
    always = {perm: allows(Role(member.role), perm) for perm in (Perm.CHANGE_DOSSIER, Perm.INVITE_CLIENT)}
    may_always_edit, may_always_invite = always[Perm.CHANGE_DOSSIER], always[Perm.INVITE_CLIENT]
    myself = str(member.user_id)

    def offers(perm: Perm, those: Roles) -> bool:
        """Is it worth offering? The page behind the offer asks who may."""
        return any(
            person == myself and allows(ObjectRole(role), perm) for person, role in zip(*those, strict=True)
        )

    def row(one: Listed) -> Row:
        key, those, state = str(one.pk), roles.get(one.pk, _NO_ROLES), states.get(one.pk, "none")
        return Row(
            pk=one.pk,
            key=key,
            name=one.name,
            url=f"{before}{key}{after}",
            reference=one.reference,
            siren=_NO_BREAK_SPACE.join((one.siren[:3], one.siren[3:6], one.siren[6:])).strip(),
            portfolio=portfolios.get(one.portfolio_id, "") if one.portfolio_id else "",
            people=named(those),
            state=state,
            active_at=one.active_at,
            more=one.more,
            may_edit=may_always_edit or offers(Perm.CHANGE_DOSSIER, those),
            may_invite=state != ACTIVE and (may_always_invite or offers(Perm.INVITE_CLIENT, those)),
        )

    return [row(one) for one in dossiers]


def _naming(names: dict[str, str]) -> Callable[[Roles], list[str]]:
    """Tells the names of those who have roles. Dossiers that a portfolio alone opens share theirs."""
    known: dict[int, list[str]] = {}

    def named(those: Roles) -> list[str]:
        if id(those) not in known:
            known[id(those)] = sorted({names[person] for person in those[0] if person in names})
        return known[id(those)]

    return named


def _text_columns(columns: Iterable[str]) -> list[tuple[str, str, Callable[[Dossier], str]]]:
    """Classes, label and maker of each column that is text."""
    found = [COLUMNS[name] for name in columns]
    return [(column.css, str(column.label), column.text) for column in found if column.text]


def _later(latest: dict[UUID, datetime] | None, dossier: Dossier) -> datetime | None:
    """The dossier's last change or event; none where nobody asks."""
    return None if latest is None else max(latest.get(dossier.pk, dossier.updated_at), dossier.updated_at)


def _roles(dossiers: Sequence[Listed]) -> dict[UUID, Roles]:
    """Who has which role on each dossier, by an assignment or its portfolio; in one query."""
    portfolios = {one.portfolio_id for one in dossiers if one.portfolio_id}
    asked = _GRANTS.rows(dossiers=[one.pk for one in dossiers], portfolios=portfolios)
    given: dict[UUID | None, Roles] = {key: (people, roles) for key, people, roles in asked}
    return {one.pk: _both(given.get(one.pk), given.get(one.portfolio_id)) for one in dossiers}


def _both(single: Roles | None, whole: Roles | None) -> Roles:
    if single and whole:
        return single[0] + whole[0], single[1] + whole[1]
    return single or whole or _NO_ROLES


def _grants() -> Any:
    """Of each of the dossiers and portfolios on which somebody has a role: its key, the people, the roles."""
    single = Assignment.objects.running().filter(among_those_of("dossiers", "content_object_id"))
    whole = PortfolioGrant.objects.running().filter(among_those_of("portfolios", "content_object_id"))
    return _by_thing(single).union(_by_thing(whole), all=True)


def _by_thing(grants: Any) -> Any:
    # As text: to make a UUID of each person, and to compare them, takes longer than the query.
    people = ArrayAgg(Cast("user_id", TextField()))
    columns = {"people": people, "roles": ArrayAgg("permission__codename")}
    return grants.order_by().values_list("content_object_id").annotate(**columns)


_GRANTS = Prepared(_grants)
