"""From the plan to the dossiers, in a worker: one transaction, set-based, with its events. All of it or nothing."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, Exists, OuterRef, Q, When
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import ObjectRole, Perm, can, give
from activity.actions import Happening, record, record_many
from clients.actions.space import tell_clients
from clients.events.imports import ImportApplied
from clients.imports.asked import Asked
from clients.imports.news import assigned_to, left_by, pairs, record_rows_of
from clients.imports.staging import TEXTS
from clients.imports.working import claim, fail, keep, never_each_with_each, one_at_a_time, slices
from clients.models import (
    Assignment,
    Dossier,
    Import,
    ImportCorrection,
    ImportState,
    MatchRule,
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
    statements = _Statements(held, progress)
    one_at_a_time(held)
    # Each row counts once as it is written, and once as it is recorded.
    progress.step, progress.total = 0, 2 * held.to_apply
    _make_portfolios(held, actor)
    _hold_portfolios(held)
    created = statements.create()
    updated = statements.update()
    _assign(held, actor, statements.now)
    record_rows_of(held, actor, progress)
    _tell_clients(held, actor)
    _finish(held, actor, {"created": created, "updated": updated, **statements.told()}, statements.now)


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

# Clients that came into being, or got their number, since the plan was made; as far as the rule of the import looks at
# it, and nobody has said that the row is a client of its own.
_EXISTS_NOW = f"""
WITH recent AS MATERIALIZED (
    SELECT reference, siret, siren, name_key, email, postcode, city FROM clients_dossier
    WHERE firm_id = %(firm)s AND NOT is_own AND updated_at >= %(since)s
), planned AS MATERIALIZED (
    SELECT id, reference, siret, siren, name_key, email, postcode, city, stage.number NOT IN (
        SELECT number FROM clients_importcorrection
        WHERE source_id = %(source)s AND firm_id = %(firm)s AND field = '{ImportCorrection.DOSSIER}') AS open
    FROM clients_importrow AS stage WHERE {_OF_THIS} AND stage.action = '{RowAction.CREATE}'
), found AS (
    SELECT id FROM planned JOIN recent USING (reference) WHERE reference <> ''
    UNION SELECT id FROM planned JOIN recent USING (siret)
          WHERE siret <> '' AND open AND %(rule)s IN ('{MatchRule.USUAL}', '{MatchRule.SIRET}')
    UNION SELECT id FROM planned JOIN recent USING (siren)
          WHERE siren <> '' AND (planned.siret = '' OR recent.siret = '') AND open AND %(rule)s = '{MatchRule.USUAL}'
    UNION SELECT id FROM planned JOIN recent USING (name_key, email, postcode, city)
          WHERE planned.reference = '' AND planned.siren = '' AND open AND %(rule)s = '{MatchRule.USUAL}'
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
WHERE {_OF_THIS} AND stage.action = '{RowAction.CREATE}' AND stage.outcome = ''
AND stage.number BETWEEN %(first)s AND %(last)s ORDER BY stage.number
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
# For the undo: names of portfolios change, and those of ended ones are given again.
_FORMER_PORTFOLIOS = f"""
UPDATE clients_importrow AS stage SET former_portfolio_key = dossier.portfolio_id FROM clients_dossier AS dossier
WHERE {_OF_THIS} AND stage.action = '{RowAction.UPDATE}' AND stage.changes ? 'portfolio'
AND dossier.id = stage.dossier_id AND dossier.firm_id = %(firm)s AND dossier.portfolio_id IS NOT NULL
"""


class _Statements:
    """The statements of one application, with their parameters. `now` is the moment that all it writes bears."""

    def __init__(self, held: Import, progress: Progress) -> None:
        self.held, self.progress, self.now = held, progress, timezone.now()
        # The fields that any of the updates changes.
        self.touched: set[str] = set()
        assert held.planned_at is not None  # of every plan that was confirmed
        self.parameters: dict[str, Any] = {
            "firm": held.firm_id,
            "source": held.pk,
            "now": self.now,
            "since": held.planned_at - _MARGIN,
            "rule": held.rule,
        }

    def create(self) -> int:
        if not self.held.count(RowAction.CREATE):
            return 0
        if self._one(_ANY_SINCE):
            with never_each_with_each():
                self._run(_EXISTS_NOW)
        created = self._run_in_slices(_CREATE, RowAction.CREATE)
        if created < self.held.count(RowAction.CREATE):
            self._run(_NOT_CREATED)
        return created

    def update(self) -> int:
        if not (wanted := self.held.count(RowAction.UPDATE)):
            return 0
        self.touched = self._touched()
        self._pass_over_closed()
        self._run(_REFERENCE_TAKEN)
        with never_each_with_each():
            self._run(_FORMER_PORTFOLIOS)
        updated = self._run_in_slices(self._updating(), RowAction.UPDATE)
        if updated < wanted:
            self._run(f"{_NOT_UPDATED} AND stage.outcome = ''")
        return updated

    def told(self) -> dict[str, int]:
        """Whether any update gives another reference, or another portfolio: what an undo may find no way back of."""
        return {"renumbered": int("reference" in self.touched), "moved": int("portfolio" in self.touched)}

    def _pass_over_closed(self) -> None:
        """Those that nobody in the firm may change by now: archived, or linked for reading only."""
        closed = Dossier.objects.filter(Dossier.closed[Perm.CHANGE_DOSSIER], pk=OuterRef("dossier"))
        # Row by row, by the dossier's key: as a join, it takes half a minute where the tables have grown just now.
        shut = Case(When(Exists(closed.order_by()), then=True), default=False)
        rows = self.held.rows.annotate(shut=shut).filter(shut=True, action=RowAction.UPDATE)
        rows.update(outcome=RowOutcome.CHANGED)

    def _updating(self) -> str:
        """Empty values leave the dossier's own, where they are not among the changes of a row that empties it."""
        emptying = Asked.of(self.held.asked).emptying
        sets = [
            f"{name} = CASE WHEN stage.{name} <> ''{_or_emptied(name, emptying)} THEN stage.{name}"
            f" ELSE dossier.{name} END"
            for name in TEXTS
            if name in self.touched
        ]
        return f"""
            UPDATE clients_dossier AS dossier SET {", ".join(sets)}{"," if sets else ""}
                portfolio_id = CASE WHEN stage.portfolio_key IS NOT NULL{_or_emptied("portfolio", emptying)}
                    THEN stage.portfolio_key ELSE dossier.portfolio_id END,
                name_key = CASE WHEN stage.name_key = '' THEN dossier.name_key ELSE stage.name_key END,
                search_key = CASE WHEN stage.search_key = '' THEN dossier.search_key ELSE stage.search_key END,
                updated_at = %(now)s
            FROM clients_importrow AS stage
            WHERE {_OF_THIS} AND stage.action = '{RowAction.UPDATE}' AND stage.outcome = ''
            AND dossier.id = stage.dossier_id AND dossier.firm_id = %(firm)s
            AND dossier.updated_at = stage.dossier_version AND stage.number BETWEEN %(first)s AND %(last)s"""

    def _touched(self) -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT jsonb_object_keys(stage.changes) FROM clients_importrow AS stage"
                f" WHERE {_OF_THIS} AND stage.action = '{RowAction.UPDATE}'",
                self.parameters,
            )
            return {name for (name,) in cursor.fetchall()}

    def _run_in_slices(self, statement: str, action: RowAction) -> int:
        """As one, but for the progress that shows between them."""
        written = 0
        for ends in slices(self.held.rows.filter(action=action), self.progress, self.progress.total // 2):
            self.parameters |= ends
            written += self._run(statement)
        return written

    def _run(self, statement: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement, self.parameters)
            return int(cursor.rowcount)

    def _one(self, statement: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(statement, self.parameters)
            return bool(cursor.fetchone()[0])


def _or_emptied(name: str, emptying: Collection[str]) -> str:
    return f" OR stage.changes ? '{name}'" if name in emptying else ""


def _assign(held: Import, actor: Membership, now: datetime) -> None:
    """The assignees become accountants of their dossiers. One who has left since is passed over, and one who has a
    place on the dossier keeps it as it is."""
    rows = held.rows.filter(action__in=_WRITTEN, outcome="").exclude(assignee_key=None)
    has_place = Assignment.objects.running().filter(
        content_object=OuterRef("dossier"), user=OuterRef("assignee_key")
    )
    rows = rows.filter(Q(action=RowAction.CREATE) | Q(changes__has_key="assignee") & ~Exists(has_place))
    present = set(Membership.objects.open().values_list("user_id", flat=True))
    pairs = [
        (dossier or row, user)
        for row, dossier, user in rows.values_list("id", "dossier_id", "assignee_key")
        if user in present
    ]
    give(Assignment, pairs, role=ObjectRole.ACCOUNTANT, by=actor, at=now)


# --- What is told -------------------------------------------------------------------------------------------------


def _tell_clients(held: Import, actor: Membership) -> None:
    """Those with a space are told of their own dossier: each person once, of however many clients they are."""
    rows = held.rows.filter(action=RowAction.UPDATE, outcome="")
    linked = SpaceLink.objects.running().filter(dossier_id__in=rows.values("dossier_id")).values("dossier_id")
    found = rows.filter(dossier_id__in=linked).select_related("dossier")
    tell_clients(
        actor=actor,
        changes=[(row.dossier, pairs(row.changes or {})) for row in found if row.dossier],
        group=held.pk,
    )


def _finish(held: Import, actor: Membership, done: dict[str, int], now: datetime) -> None:
    created, updated = done["created"], done["updated"]
    counts = {**held.counts, **done, "passed_over": held.to_apply - created - updated}
    keep(
        held,
        state=ImportState.DONE,
        counts=counts,
        applied_at=now,
        ended_at=timezone.now(),
        step=0,
        total=0,
    )
    written = held.rows.filter(action__in=_WRITTEN, outcome="")
    entered = written.exclude(portfolio_key=None).values_list("portfolio_key", flat=True)
    keys = {*entered.distinct().order_by(), *left_by(written)}
    record(
        ImportApplied,
        actor=actor,
        subject=held,
        details={"created": created, "updated": updated, "portfolios": sorted(map(str, keys))},
        also_tell=assigned_to(written),
        group=held.pk,
    )
