"""An import taken back, in a worker: one transaction, set-based, with its events. All of it or nothing.

What somebody has built on since (see `clients.imports.touches`) is kept, and named: the reason is the row's outcome.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, UUIDField, Value, When
from django.db.models.fields.json import KT
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, can, holders_of_any, take
from activity.actions import Happening, record, record_many
from clients.actions.space import tell_clients
from clients.events.imports import ImportUndone
from clients.imports.folding import keys
from clients.imports.news import Pairs, assigned_to, left_by, pairs, record_rows_of
from clients.imports.rows import names
from clients.imports.staging import TEXTS
from clients.imports.touches import touches
from clients.imports.working import claim, fail, keep, never_each_with_each, one_at_a_time, slices
from clients.models import (
    KEPT,
    UNDO_DAYS,
    Assignment,
    Dossier,
    Import,
    ImportRow,
    ImportState,
    RowAction,
    RowOutcome,
    SpaceLink,
)
from portfolios.actions import Terminated, hold_open
from portfolios.events import PortfolioTakenBack
from portfolios.models import Portfolio
from tenancy.expressions import among
from tenancy.leases import LostHold, Progress, beating, let_go
from tenancy.scopes import scope

_WRITTEN = (RowAction.CREATE, RowAction.UPDATE)
# What a dossier's name and search key are made of.
NAMING = ("kind", "legal_name", "first_name", "last_name", "reference", "siren", "siret", "urssaf_account")
_BATCH = 5_000
# Of so many that may have been touched, each row is asked rather than each touch.
_MANY = 5_000
Rows = QuerySet[ImportRow]
Classified = QuerySet[Any]


class NotAllowed(Exception):
    """The person who undoes it may no longer import."""


def may_be_undone(source: Import) -> bool:
    """Is it written, since UNDO_DAYS days at most?"""
    return (
        source.state == ImportState.DONE
        and source.applied_at is not None
        and undo_until(source) > timezone.now()
    )


def undo_until(source: Import) -> datetime:
    return _moment(source) + timedelta(days=UNDO_DAYS)


def _moment(source: Import) -> datetime:
    """The one that all that it has written bears."""
    assert source.applied_at is not None  # of every import that was applied
    return source.applied_at


def undo_import(firm_id: UUID, import_id: UUID) -> None:
    """Take back what the import has created and changed."""
    with scope(firm=firm_id):
        held = claim(import_id, (ImportState.UNDOING,), lambda _held: ImportState.UNDOING)
    if held is None:
        return
    try:
        with beating(firm_id, held) as progress, scope(firm=firm_id):
            _undo(held, progress)
    except LostHold:
        return
    except NotAllowed:
        with scope(firm=firm_id):
            fail(held, "undo_not_allowed", {})
    except Exception:
        let_go(firm_id, held)
        raise


def _undo(held: Import, progress: Progress) -> None:
    actor = held.undone_by
    if actor is None or not can(actor, Perm.IMPORT_DOSSIERS):
        raise NotAllowed(held.pk)
    one_at_a_time(held)
    progress.step, progress.total = 0, 2 * (held.count("created") + held.count("updated"))
    now = timezone.now()
    _hold_portfolios(held)
    _hold_dossiers(held)
    _mark_kept(held)
    # Whom it concerns, before what it concerns is gone.
    told = [*assigned_to(_taken(held)), *holders_of_any(Perm.VIEW_PORTFOLIO, _concerned(held))]
    deleted = _in_slices(_DELETE, held, RowAction.CREATE, now, progress)
    _withdraw(held)
    restored = _in_slices(_RESTORE, held, RowAction.UPDATE, now, progress)
    _restore_keys(held)
    record_rows_of(held, actor, progress, undone=True)
    _tell_clients(held, actor)
    emptied = _delete_portfolios(held, actor)
    _finish(held, actor, now, {"deleted": deleted, "restored": restored, "emptied": emptied}, told)


# --- What is kept, and why ------------------------------------------------------------------------------------------


def classified(source: Import, these: Collection[UUID] | None = None) -> Classified:
    """The rows (of `these` only, if given) that were written and not taken back, each with its dossier's `key`, and
    `kept`: why the undo would keep it, empty if it would take it back."""
    rows = _still_written(source)
    if these is not None:
        rows = rows.filter(among(these))
    kept = Case(*_reasons(source), default=Value(""), output_field=CharField())
    found: Classified = rows.annotate(kept=kept)
    return found


def _still_written(source: Import) -> Classified:
    key = Case(When(action=RowAction.CREATE, then=F("id")), default=F("dossier_id"), output_field=UUIDField())
    rows = source.rows.filter(action__in=_WRITTEN, outcome="").order_by()
    return rows.annotate(key=key, former_reference=KT("changes__reference__0"))


def may_be_kept(source: Import) -> set[UUID] | None:
    """The keys of the rows that may be kept: all others are as the import has left them. None: any may be.

    From the side of what has come since, which is little as a rule: a hundred thousand rows are not asked one by one
    who has touched them.
    """
    since, rows = _moment(source), _still_written(source)
    suspects = [_no_longer_as_written(source, rows), *_may_have_no_way_back(source, rows)]
    for touch in touches(Dossier):
        about = list(touch.since(since).order_by().values_list(touch.path, flat=True)[: _MANY + 1])
        if len(about) > _MANY:
            return None
        if about:
            suspects.append(rows.filter(_about(about)))
    with never_each_with_each():
        keys = {key for found in suspects for key in found.values_list("pk", flat=True)[: _MANY + 1]}
    return keys if len(keys) <= _MANY else None


def _about(dossiers: Collection[UUID]) -> Q:
    """The rows that have written one of these."""
    return among(dossiers) & Q(action=RowAction.CREATE) | among(dossiers, "dossier") & Q(
        action=RowAction.UPDATE
    )


def _no_longer_as_written(source: Import, rows: Classified) -> Classified:
    """The rows whose dossiers have been changed since, or are gone. Where those that are as they were and the few that
    have been changed make up all, nobody has to look for the others."""
    since = _moment(source)
    later = list(
        Dossier.objects.filter(updated_at__gt=since).order_by().values_list("pk", flat=True)[: _MANY + 1]
    )
    if len(later) <= _MANY:
        changed = list(rows.filter(_about(later)).values_list("pk", flat=True)) if later else []
        if Dossier.objects.filter(updated_at=since).count() + len(changed) == sum(_written(source).values()):
            return rows.filter(among(changed))
    as_written = Dossier.objects.filter(pk=OuterRef("key"), updated_at=since).order_by()
    return rows.filter(~Exists(as_written))


def _may_have_no_way_back(source: Import, rows: Classified) -> Iterator[Classified]:
    """All of which that may be so: who has a former reference is asked only of these."""
    updated = rows.filter(action=RowAction.UPDATE)
    if source.count("renumbered"):
        yield updated.filter(changes__has_key="reference")
    if source.count("moved"):
        running = list(Portfolio.objects.running().order_by().values_list("pk", flat=True))
        yield updated.filter(former_portfolio_key__isnull=False).exclude(
            among(running, "former_portfolio_key")
        )


def _reasons(source: Import) -> Iterator[When]:
    """In the order in which they go before each other. Each asks by an index: there may be a hundred thousand rows."""
    since = _moment(source)
    its = Dossier.objects.filter(pk=OuterRef("key")).order_by()
    untouched = Exists(its.filter(updated_at=since)) | _left_by_an_undo(since)
    yield _when(~Exists(its), RowOutcome.GONE)
    yield from _touched(since, RowOutcome.LINKED, RowOutcome.INVITED, RowOutcome.ARCHIVED)
    yield _when(~untouched & _elsewhere(its), RowOutcome.MOVED)
    yield from _touched(since, RowOutcome.MOVED)
    yield _when(~untouched, RowOutcome.EDITED)
    yield from _touched(since, RowOutcome.GRANTED)
    yield _when(_no_way_back(), RowOutcome.NO_WAY)


def _when(condition: Any, outcome: RowOutcome) -> When:
    return When(condition, then=Value(outcome.value))


def _touched(since: datetime, *outcomes: RowOutcome) -> Iterator[When]:
    for touch in touches(Dossier):
        if touch.outcome in outcomes:
            yield _when(touch.of(OuterRef("key"), since), touch.outcome)


def _left_by_an_undo(since: datetime) -> Exists:
    """A later import has changed it and was undone, which took the dossier for what this one had made of it."""
    later = ImportRow.objects.filter(
        dossier=OuterRef("key"),
        action=RowAction.UPDATE,
        outcome="",
        dossier_version=since,
        source__state=ImportState.UNDONE,
        dossier__updated_at=F("source__undone_at"),
    )
    return Exists(later.order_by())


def _elsewhere(its: QuerySet[Dossier]) -> Q:
    """In another portfolio than the one into which the row has put it."""
    there = Exists(its.filter(portfolio=OuterRef("portfolio_key")))
    put = Q(portfolio_key__isnull=False) & ~there
    return put | Q(portfolio_key=None, action=RowAction.CREATE) & Exists(its.exclude(portfolio=None))


def _no_way_back() -> Q:
    former = Portfolio.objects.running().filter(pk=OuterRef("former_portfolio_key")).order_by()
    taken = Dossier.objects.filter(firm=OuterRef("firm"), reference=OuterRef("former_reference")).order_by()
    ended = Q(former_portfolio_key__isnull=False) & ~Exists(former)
    return ended | Q(former_reference__gt="") & Exists(taken)


@dataclass(frozen=True)
class UndoImpact:
    """What the undo would do. `kept`: how many of each outcome. `portfolios`: those that go, by name; `staying`: those
    that the import has created and that stay, since they are in use."""

    deleted: int
    restored: int
    kept: list[tuple[RowOutcome, int]]
    portfolios: list[str]
    staying: list[str]
    # The rows among which are all that it keeps; None: all of them.
    looked_at: Collection[UUID] | None = None

    @property
    def kept_count(self) -> int:
        return sum(count for _outcome, count in self.kept)

    @property
    def takes_back(self) -> bool:
        return bool(self.deleted or self.restored)

    @property
    def fingerprint(self) -> str:
        """The same for the same meaning."""
        kept = ",".join(f"{outcome.value}:{count}" for outcome, count in self.kept)
        return f"{self.deleted}.{self.restored}.{kept}.{len(self.portfolios)}"


def impact(source: Import) -> UndoImpact:
    """What the undo would do now. Nothing is locked: what is touched meanwhile is kept all the same."""
    these = may_be_kept(source)
    counts = _counts(source, these)
    told = [
        (one, sum(counts.get((action, one), 0) for action in _WRITTEN)) for one in (*KEPT, RowOutcome.GONE)
    ]
    going = dict(_empty(source, _leaving(source, these)).values_list("pk", "name"))
    made = dict(Portfolio.objects.filter(pk__in=_made(source)).values_list("pk", "name"))
    return UndoImpact(
        deleted=counts.get((RowAction.CREATE, ""), 0),
        restored=counts.get((RowAction.UPDATE, ""), 0),
        kept=[(outcome, count) for outcome, count in told if count],
        portfolios=sorted(going.values()),
        staying=sorted(name for key, name in made.items() if key not in going),
        looked_at=these,
    )


def _counts(source: Import, these: Collection[UUID] | None) -> Counter[tuple[str, str]]:
    """How many rows there are of each action and reason to keep them ("": none)."""
    looked_at = _numbers(classified(source, these), "action", "kept") if these != set() else Counter()
    if these is None:
        return looked_at
    others = Counter({(action, ""): count for action, count in _written(source).items()})
    for (action, _kept), count in looked_at.items():
        others[action, ""] -= count
    return others + looked_at


def _written(source: Import) -> dict[str, int]:
    """How many rows were written, as was counted then."""
    return {RowAction.CREATE.value: source.count("created"), RowAction.UPDATE.value: source.count("updated")}


def _numbers(rows: Classified, *names: str) -> Counter[tuple[str, str]]:
    return Counter(
        {
            (one, other): n
            for one, other, n in rows.values(*names).annotate(n=Count("pk")).values_list(*names, "n")
        }
    )


# --- Holding ------------------------------------------------------------------------------------------------------


def _hold_portfolios(held: Import) -> None:
    """Those that will get dossiers back stay open, and those that may go get none: before any dossier is locked."""
    list(Portfolio.objects.filter(pk__in=_made(held)).order_by("pk").select_for_update().values_list("pk"))
    former = held.rows.filter(outcome="").exclude(former_portfolio_key=None).order_by()
    wanted = former.values("former_portfolio_key").distinct()
    while True:
        try:
            hold_open(
                Portfolio.objects.running().filter(pk__in=wanted).order_by().values_list("pk", flat=True)
            )
        except Terminated:
            continue  # in between; it no longer counts among those that run
        return


def _hold_dossiers(held: Import) -> None:
    """As they are now, until the transaction ends: who invites, assigns or edits meanwhile comes before or after."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, {"source": held.pk, "firm": held.firm_id})


def _mark_kept(held: Import) -> None:
    classified(held).exclude(kept="").update(outcome=F("kept"))


def _taken(held: Import, *actions: RowAction) -> Rows:
    """The rows that are taken back: once those that are kept have been marked."""
    return held.rows.filter(action__in=actions or _WRITTEN, outcome="").order_by()


# --- Taking back --------------------------------------------------------------------------------------------------

_OF_THIS = "stage.source_id = %(source)s AND stage.firm_id = %(firm)s AND stage.outcome = ''"
_OF_SLICE = f"{_OF_THIS} AND stage.number BETWEEN %(first)s AND %(last)s"
_HOLD = f"""
SELECT count(*) FROM (
    SELECT FROM clients_dossier WHERE firm_id = %(firm)s AND id IN (
        SELECT CASE WHEN stage.action = '{RowAction.CREATE}' THEN stage.id ELSE stage.dossier_id END
        FROM clients_importrow AS stage
        WHERE {_OF_THIS} AND stage.action IN ('{RowAction.CREATE}', '{RowAction.UPDATE}')
    ) ORDER BY id FOR UPDATE
) AS held
"""
# Their assignments go with them.
_DELETE = f"""
DELETE FROM clients_dossier AS dossier USING clients_importrow AS stage
WHERE {_OF_SLICE} AND stage.action = '{RowAction.CREATE}' AND dossier.id = stage.id AND dossier.firm_id = %(firm)s
"""


def _former(name: str) -> str:
    return (
        f"{name} = CASE WHEN stage.changes ? '{name}' THEN coalesce(stage.changes -> '{name}' ->> 0, '')"
        f" ELSE dossier.{name} END"
    )


_RESTORE = f"""
UPDATE clients_dossier AS dossier SET {", ".join(_former(name) for name in TEXTS)},
    portfolio_id = CASE WHEN stage.changes ? 'portfolio' THEN stage.former_portfolio_key ELSE dossier.portfolio_id END,
    updated_at = %(now)s
FROM clients_importrow AS stage
WHERE {_OF_SLICE} AND stage.action = '{RowAction.UPDATE}' AND dossier.id = stage.dossier_id
AND dossier.firm_id = %(firm)s
"""
_RENAMED = f"""
SELECT dossier.id, {", ".join(f"dossier.{name}" for name in NAMING)}
FROM clients_dossier AS dossier JOIN clients_importrow AS stage
    ON dossier.id = stage.dossier_id AND dossier.firm_id = stage.firm_id
WHERE {_OF_THIS} AND stage.action = '{RowAction.UPDATE}' AND stage.changes ?| %(naming)s
"""
_STORE_KEYS = """
UPDATE clients_dossier AS dossier SET name_key = keys.name_key, search_key = keys.search_key
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS keys(id, name_key, search_key) WHERE dossier.id = keys.id
"""


def _in_slices(statement: str, held: Import, action: RowAction, now: datetime, progress: Progress) -> int:
    """How many dossiers it has written."""
    written = 0
    for slice_ in slices(_taken(held, action), progress, progress.total // 2):
        with connection.cursor() as cursor:
            cursor.execute(statement, {"source": held.pk, "firm": held.firm_id, "now": now, **slice_})
            written += cursor.rowcount
    return written


def _withdraw(held: Import) -> None:
    """The assignments that the import has given, as it gave them."""
    given = Exists(
        Assignment.objects.filter(
            content_object=OuterRef("dossier"), user=OuterRef("assignee_key"), granted_at=_moment(held)
        )
    )
    updated = _taken(held, RowAction.UPDATE).filter(given)
    pairs_given = updated.values_list("dossier_id", "assignee_key")
    take(Assignment, [(dossier, person) for dossier, person in pairs_given if dossier and person])


def _restore_keys(held: Import) -> None:
    """What lists sort by and search in, of those that have their former name or number again."""
    with connection.cursor() as cursor:
        cursor.execute(_RENAMED, {"source": held.pk, "firm": held.firm_id, "naming": list(NAMING)})
        while rows := cursor.fetchmany(_BATCH):
            _store_keys(rows)


def _store_keys(rows: Sequence[Sequence[Any]]) -> None:
    ids, *columns = zip(*rows, strict=True)
    values = dict(zip(NAMING, columns, strict=True))
    identifiers = [a or b for a, b in zip(values["siret"], values["siren"], strict=True)]
    name_keys, search_keys = keys(
        names(values, len(ids)), values["reference"], identifiers, values["urssaf_account"]
    )
    with connection.cursor() as cursor:
        cursor.execute(_STORE_KEYS, [list(ids), name_keys, search_keys])


# --- Portfolios ---------------------------------------------------------------------------------------------------


def _made(source: Import) -> list[UUID]:
    """The keys of the portfolios that the import has created, unless somebody else's took their place."""
    return [UUID(key) for key in source.new_portfolios]


def _leaving(source: Import, these: Collection[UUID] | None) -> Counter[UUID]:
    """How many dossiers the undo would take out of each of these portfolios; `these`: see `may_be_kept`."""
    if not (made := _made(source)):
        return Counter()
    if these is None:
        return _by_portfolio(classified(source).filter(kept=""), made)
    kept = _by_portfolio(classified(source, these).exclude(kept=""), made) if these else Counter()
    return _by_portfolio(_still_written(source), made) - kept


def _by_portfolio(rows: Classified, made: list[UUID]) -> Counter[UUID]:
    rows = rows.filter(portfolio_key__in=made).values("portfolio_key").annotate(n=Count("pk"))
    return Counter(dict(rows.values_list("portfolio_key", "n")))


def _empty(source: Import, leaving: Mapping[UUID, int]) -> QuerySet[Portfolio]:
    """Of these, those that nobody has made use of, and that hold no dossier but those that are leaving."""
    since = _moment(source)
    made: Any = Portfolio.objects.running().filter(pk__in=_made(source)).annotate(number=Count("dossiers"))
    for touch in touches(Portfolio):
        made = made.exclude(touch.of(OuterRef("pk"), since))
    going = [
        one.pk
        for one in made
        if one.number == leaving.get(one.pk, 0) and one.name == source.new_portfolios[str(one.pk)]
    ]
    return Portfolio.objects.filter(pk__in=going)


def _concerned(held: Import) -> QuerySet[Portfolio]:
    """Those that lose dossiers or get some back."""
    rows = _taken(held)
    entered = rows.exclude(portfolio_key=None).values_list("portfolio_key", flat=True).distinct()
    keys_of_both = {*filter(None, entered), *left_by(rows)}
    return Portfolio.objects.running().filter(pk__in=keys_of_both)


def _delete_portfolios(held: Import, actor: Membership) -> int:
    """Those that the import has created and that are empty again."""
    empty = _empty(held, {})
    lines = [Happening(key, name) for key, name in empty.values_list("pk", "name")]
    record_many(PortfolioTakenBack, actor=actor, model=Portfolio, happenings=lines, group=held.pk)
    empty.delete()
    return len(lines)


# --- What is told -------------------------------------------------------------------------------------------------


def _tell_clients(held: Import, actor: Membership) -> None:
    """Those with a space are told of their own dossier."""
    updated = _taken(held, RowAction.UPDATE)
    linked = (
        SpaceLink.objects.running().filter(dossier_id__in=updated.values("dossier_id")).values("dossier_id")
    )
    found = updated.filter(dossier_id__in=linked).select_related("dossier")
    tell_clients(
        actor=actor,
        changes=[(row.dossier, _reversed(pairs(row.changes or {}))) for row in found if row.dossier],
        group=held.pk,
    )


def _reversed(changes: Pairs) -> Pairs:
    return {name: (after, before) for name, (before, after) in changes.items()}


def _finish(
    held: Import, actor: Membership, now: datetime, done: dict[str, int], told: Sequence[Membership]
) -> None:
    counts = {**held.counts, **done, "kept": held.rows.filter(outcome__in=KEPT).count()}
    keep(held, state=ImportState.UNDONE, counts=counts, undone_at=now, step=0, total=0)
    details = {name: counts[name] for name in ("deleted", "restored", "kept")}
    record(ImportUndone, actor=actor, subject=held, details=details, also_tell=told, group=held.pk)
