"""From the plan to the dossiers, in a worker: one transaction, set-based, with its events. All of it or nothing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import ObjectRole, Perm, can, give
from activity.actions import Happening, record, record_many
from clients.actions.space import tell_client
from clients.events.dossiers import DossierChanged, DossierCreated, DossierMoved
from clients.events.imports import ImportApplied
from clients.imports.rows import client_name
from clients.imports.staging import TEXTS
from clients.imports.working import claim, fail, keep
from clients.models import (
    Assignment,
    Dossier,
    Import,
    ImportFile,
    ImportState,
    RowAction,
    RowOutcome,
    SpaceLink,
)
from portfolios.actions import Terminated, hold_open
from portfolios.events import PortfolioCreated
from portfolios.models import Portfolio
from spreadsheets.text import fold
from tenancy.leases import LostHold, Progress, beating, let_go
from tenancy.scopes import scope

_WRITTEN = (RowAction.CREATE, RowAction.UPDATE)
# A dossier committed while the plan was made may bear an earlier time than the plan.
_MARGIN = timedelta(minutes=2)
_STEPS = 5


class NotAllowed(Exception):
    """The person who confirmed may no longer import."""


class PortfolioEnded(Exception):
    """A portfolio into which dossiers were to go has been terminated since the plan was made: its name."""


def apply_import(firm_id: UUID, import_id: UUID) -> None:
    """Write the confirmed plan into the firm's dossiers."""
    with scope(firm=firm_id):
        held = claim(import_id, (ImportState.APPLYING,), lambda _held: ImportState.APPLYING)
    if held is None:
        return
    try:
        with beating(firm_id, held) as progress, scope(firm=firm_id):
            _apply(held, progress)
    except LostHold:
        return
    except NotAllowed:
        with scope(firm=firm_id):
            fail(held, "not_allowed", {})
    except PortfolioEnded as ended:
        with scope(firm=firm_id):
            fail(held, "portfolio_terminated", {"name": str(ended)})
    except Exception:
        let_go(firm_id, held)
        raise


def _apply(held: Import, progress: Progress) -> None:
    actor = held.confirmed_by
    if actor is None or not can(actor, Perm.IMPORT_DOSSIERS):
        raise NotAllowed(held.pk)
    statements = _Statements(held)
    statements.one_at_a_time()
    progress.step, progress.total = 0, _STEPS
    _make_portfolios(held, actor)
    _hold_portfolios(held)
    progress.step = 1
    created = statements.create()
    progress.step = 2
    updated = statements.update()
    progress.step = 3
    _assign(held, actor)
    progress.step = 4
    _record(held, actor)
    progress.step = 5
    _finish(held, actor, created, updated)


# --- Portfolios ---------------------------------------------------------------------------------------------------


def _make_portfolios(held: Import, actor: Membership) -> None:
    """Create those that the plan names; one that somebody has created since is used instead."""
    wanted = {UUID(key): name for key, name in held.new_portfolios.items()}
    if not wanted:
        return
    existing = dict(
        Portfolio.objects.running()
        .filter(name_key__in=map(fold, wanted.values()))
        .values_list("name_key", "id")
    )
    for key, name in wanted.items():
        if fold(name) in existing:
            held.rows.filter(portfolio_key=key).update(portfolio_key=existing[fold(name)])
    made = [
        Portfolio(id=key, name=name, name_key=fold(name))
        for key, name in wanted.items()
        if fold(name) not in existing
    ]
    Portfolio.objects.bulk_create(made)
    happenings = [Happening(portfolio.pk, portfolio.name) for portfolio in made]
    record_many(PortfolioCreated, actor=actor, model=Portfolio, happenings=happenings, group=held.pk)


def _hold_portfolios(held: Import) -> None:
    """None of those into which dossiers go is terminated meanwhile. Raises PortfolioEnded."""
    entered = held.rows.filter(action__in=_WRITTEN).exclude(portfolio_key=None).order_by()
    keys = {key for key in entered.values_list("portfolio_key", flat=True).distinct() if key}
    try:
        hold_open(keys)
    except Terminated as error:
        ended = Portfolio.objects.terminated().filter(pk__in=keys).first()
        raise PortfolioEnded(ended.name if ended else "") from error


# --- Dossiers -----------------------------------------------------------------------------------------------------

_TEXTS = ", ".join(TEXTS)
_OF_THIS = "stage.source_id = %(source)s AND stage.firm_id = %(firm)s"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(firm)s::text, 0))"

# Clients that came into being, or got their number, since the plan was made.
_EXISTS_NOW = f"""
WITH recent AS MATERIALIZED (
    SELECT reference, siret, siren, name_key, email, postcode, city FROM clients_dossier
    WHERE firm_id = %(firm)s AND NOT is_own AND updated_at >= %(since)s
), planned AS MATERIALIZED (
    SELECT id, reference, siret, siren, name_key, email, postcode, city FROM clients_importrow AS stage
    WHERE {_OF_THIS} AND stage.action = '{RowAction.CREATE}'
), found AS (
    SELECT id FROM planned JOIN recent USING (reference) WHERE reference <> ''
    UNION SELECT id FROM planned JOIN recent USING (siret) WHERE siret <> ''
    UNION SELECT id FROM planned JOIN recent USING (siren) WHERE siren <> '' AND planned.siret = ''
    UNION SELECT id FROM planned JOIN recent USING (name_key, email, postcode, city)
          WHERE planned.reference = '' AND planned.siren = ''
)
UPDATE clients_importrow AS stage SET outcome = '{RowOutcome.EXISTS}' FROM found
WHERE stage.id = found.id AND stage.firm_id = %(firm)s
"""
_ANY_SINCE = (
    "SELECT EXISTS (SELECT FROM clients_dossier"
    " WHERE firm_id = %(firm)s AND NOT is_own AND updated_at >= %(since)s)"
)
_CREATE = f"""
INSERT INTO clients_dossier (id, firm_id, portfolio_id, is_own, {_TEXTS}, name_key, search_key, created_at, updated_at)
SELECT id, firm_id, portfolio_key, false, {_TEXTS}, name_key, search_key, %(now)s, %(now)s
FROM clients_importrow AS stage
WHERE {_OF_THIS} AND stage.action = '{RowAction.CREATE}' AND stage.outcome = '' ORDER BY stage.number
ON CONFLICT DO NOTHING
"""
_NOT_CREATED = f"""
UPDATE clients_importrow AS stage SET outcome = '{RowOutcome.EXISTS}'
WHERE {_OF_THIS} AND stage.action = '{RowAction.CREATE}' AND stage.outcome = ''
AND NOT EXISTS (SELECT FROM clients_dossier AS dossier WHERE dossier.id = stage.id AND dossier.firm_id = %(firm)s)
"""
_NOT_UPDATED = f"""
UPDATE clients_importrow AS stage
SET outcome = CASE WHEN stage.dossier_id IS NULL THEN '{RowOutcome.GONE}' ELSE '{RowOutcome.CHANGED}' END
WHERE {_OF_THIS} AND stage.action = '{RowAction.UPDATE}' AND NOT EXISTS (
    SELECT FROM clients_dossier AS dossier
    WHERE dossier.id = stage.dossier_id AND dossier.firm_id = %(firm)s AND dossier.updated_at = %(now)s)
"""
# A reference that another dossier has taken since, or that two dossiers exchange, would break the key.
_REFERENCE_TAKEN = f"""
UPDATE clients_importrow AS stage SET outcome = '{RowOutcome.EXISTS}'
WHERE {_OF_THIS} AND stage.action = '{RowAction.UPDATE}' AND stage.changes ? 'reference' AND EXISTS (
    SELECT FROM clients_dossier AS dossier
    WHERE dossier.firm_id = %(firm)s AND dossier.reference = stage.reference AND dossier.id <> stage.dossier_id)
"""


class _Statements:
    """The statements of one application, with their parameters."""

    def __init__(self, held: Import) -> None:
        self.held = held
        assert held.planned_at is not None  # of every plan that was confirmed
        self.parameters: dict[str, Any] = {
            "firm": held.firm_id,
            "source": held.pk,
            "now": timezone.now(),
            "since": held.planned_at - _MARGIN,
        }

    def one_at_a_time(self) -> None:
        """Two imports of one firm apply one after the other, so that the second sees what the first has created."""
        self._run(_LOCK)

    def create(self) -> int:
        if self._one(_ANY_SINCE):
            self._run(_EXISTS_NOW)
        created = self._run(_CREATE)
        if created < self.held.count(RowAction.CREATE):
            self._run(_NOT_CREATED)
        return created

    def update(self) -> int:
        if not (wanted := self.held.count(RowAction.UPDATE)):
            return 0
        self._pass_over_closed()
        self._run(_REFERENCE_TAKEN)
        updated = self._run(self._updating())
        if updated < wanted:
            self._run(f"{_NOT_UPDATED} AND stage.outcome = ''")
        return updated

    def _pass_over_closed(self) -> None:
        """Those that nobody in the firm may change by now: archived, or linked for reading only."""
        closed = Dossier.objects.filter(Dossier.closed[Perm.CHANGE_DOSSIER]).order_by().values("pk")
        rows = self.held.rows.filter(action=RowAction.UPDATE, dossier_id__in=closed)
        rows.update(outcome=RowOutcome.CHANGED)

    def _updating(self) -> str:
        """Empty values leave the dossier's own."""
        touched = self._touched()
        present = [name for name in TEXTS if name in touched]
        sets = [
            f"{name} = CASE WHEN stage.{name} <> '' THEN stage.{name} ELSE dossier.{name} END"
            for name in present
        ]
        return f"""
            UPDATE clients_dossier AS dossier SET {", ".join(sets)}{"," if sets else ""}
                portfolio_id = coalesce(stage.portfolio_key, dossier.portfolio_id),
                name_key = CASE WHEN stage.name_key = '' THEN dossier.name_key ELSE stage.name_key END,
                search_key = CASE WHEN stage.search_key = '' THEN dossier.search_key ELSE stage.search_key END,
                updated_at = %(now)s
            FROM clients_importrow AS stage
            WHERE {_OF_THIS} AND stage.action = '{RowAction.UPDATE}' AND stage.outcome = ''
            AND dossier.id = stage.dossier_id AND dossier.firm_id = %(firm)s
            AND dossier.updated_at = stage.dossier_version"""

    def _touched(self) -> set[str]:
        """The fields that any of the updates changes."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT jsonb_object_keys(stage.changes) FROM clients_importrow AS stage"
                f" WHERE {_OF_THIS} AND stage.action = '{RowAction.UPDATE}'",
                self.parameters,
            )
            return {name for (name,) in cursor.fetchall()}

    def _run(self, statement: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement, self.parameters)
            return int(cursor.rowcount)

    def _one(self, statement: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(statement, self.parameters)
            return bool(cursor.fetchone()[0])


def _assign(held: Import, actor: Membership) -> None:
    """The assignees become accountants of their dossiers; one who has left since is passed over."""
    rows = held.rows.filter(action__in=_WRITTEN, outcome="").exclude(assignee_key=None)
    present = set(Membership.objects.open().values_list("user_id", flat=True))
    pairs = [
        (dossier or row, user)
        for row, dossier, user in rows.values_list("id", "dossier_id", "assignee_key")
        if user in present
    ]
    give(Assignment, pairs, role=ObjectRole.ACCOUNTANT, by=actor)


# --- What is told -------------------------------------------------------------------------------------------------


def _record(held: Import, actor: Membership) -> None:
    """One event per dossier, in the import's group; clients with a space are told of their own dossier."""
    written = held.rows.filter(outcome="")
    record_many(
        DossierCreated,
        actor=actor,
        model=Dossier,
        happenings=_created(written.filter(action=RowAction.CREATE)),
        group=held.pk,
    )
    updated = written.filter(action=RowAction.UPDATE)
    for event_type, lines in ((DossierChanged, _changed(updated)), (DossierMoved, _moved(updated))):
        record_many(event_type, actor=actor, model=Dossier, happenings=lines, group=held.pk)
    _tell_clients(updated, actor)


def _created(rows: Any) -> Iterator[Happening]:
    columns = ("id", "kind", "legal_name", "last_name", "first_name", "portfolio", "assignee", "assignee_key")
    for key, kind, legal, last, first, portfolio, assignee, member in rows.values_list(*columns).iterator(
        5_000
    ):
        placed = {"portfolio": portfolio, "assignee": assignee if member else ""}
        changes = {name: ("", value) for name, value in placed.items() if value}
        yield Happening(key, client_name(kind, legal, last, first), changes)


def _changed(rows: Any) -> Iterator[Happening]:
    """What the rows changed, the portfolio aside."""
    for key, name, changes in _named(rows):
        if edits := {field: pair for field, pair in changes.items() if field != "portfolio"}:
            yield Happening(key, name, edits)


def _moved(rows: Any) -> Iterator[Happening]:
    """The dossiers that the rows put into another portfolio."""
    for key, name, changes in _named(rows.filter(changes__has_key="portfolio")):
        yield Happening(key, name, {"portfolio": changes["portfolio"]})


def _named(rows: Any) -> Iterator[tuple[UUID, str, dict[str, tuple[Any, Any]]]]:
    """Each row's dossier, its name, and what changed."""
    columns = [f"dossier__{name}" for name in ("kind", "legal_name", "last_name", "first_name")]
    for key, changes, *name in rows.values_list("dossier_id", "changes", *columns).iterator(5_000):
        yield key, client_name(*name), _pairs(changes)


def _pairs(changes: Mapping[str, Sequence[str]]) -> dict[str, tuple[Any, Any]]:
    return {name: (before, after) for name, (before, after) in changes.items()}


def _tell_clients(rows: Any, actor: Membership) -> None:
    linked = SpaceLink.objects.running().filter(dossier_id__in=rows.values("dossier_id")).values("dossier_id")
    for row in rows.filter(dossier_id__in=linked).select_related("dossier"):
        tell_client(actor=actor, dossier=row.dossier, changes=_pairs(row.changes))


def _finish(held: Import, actor: Membership, created: int, updated: int) -> None:
    counts = {**held.counts, "created": created, "updated": updated}
    counts["passed_over"] = held.to_apply - created - updated
    keep(held, state=ImportState.DONE, counts=counts, ended_at=timezone.now(), step=0, total=0)
    ImportFile.objects.filter(source=held).delete()
    written = held.rows.filter(action__in=_WRITTEN, outcome="")
    entered = written.exclude(portfolio_key=None).values_list("portfolio_key", flat=True)
    keys = {*entered.distinct().order_by(), *_left(written)}
    record(
        ImportApplied,
        actor=actor,
        subject=held,
        details={"created": created, "updated": updated, "portfolios": sorted(map(str, keys))},
        group=held.pk,
    )


def _left(written: Any) -> Iterator[UUID]:
    """The portfolios that dossiers left: their subscribers lose some, so they are told too."""
    names = written.filter(changes__has_key="portfolio").values_list("changes__portfolio__0", flat=True)
    former = {fold(name) for name in names.distinct().order_by() if name}
    yield from Portfolio.objects.running().filter(name_key__in=former).values_list("pk", flat=True)
