"""What the journal and the people concerned are told of an import's rows, as it is applied and as it is undone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Membership, MembershipQuerySet, Replacement
from activity.actions import record_rows
from activity.events import EventType
from clients.events.dossiers import DossierChanged, DossierCreated, DossierMoved, DossierTakenBack
from clients.imports.working import SLICE, slices
from clients.models import Assignment, Dossier, DossierKind, Import, ImportRow, RowAction
from portfolios.models import Portfolio
from spreadsheets.text import fold
from tenancy.leases import Progress

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


def pairs(changes: Mapping[str, Sequence[str]]) -> Pairs:
    return {name: (before, after) for name, (before, after) in changes.items()}


# --- Lines of the journal: of the rows that were written, and of those whose writing is taken back ----------------

# As `client_name` says it.
_NAME = f"""CASE WHEN {{of}}.last_name <> ''
        AND ({{of}}.kind = '{DossierKind.INDIVIDUAL}' OR ({{of}}.kind = '' AND {{of}}.legal_name = ''))
    THEN trim({{of}}.last_name || ' ' || {{of}}.first_name) ELSE {{of}}.legal_name END AS subject_name"""
_WHERE = """WHERE stage.source_id = %(source)s AND stage.firm_id = %(firm)s AND stage.outcome = ''
    AND stage.number BETWEEN %(first)s AND %(last)s AND stage.action"""
_PLACED = """jsonb_strip_nulls(jsonb_build_object(
    'portfolio', CASE WHEN stage.portfolio <> '' THEN jsonb_build_array('', stage.portfolio) END,
    'assignee', CASE WHEN stage.assignee <> '' AND stage.assignee_key IS NOT NULL
                     THEN jsonb_build_array('', stage.assignee) END))"""
_REVERSED = (
    """(SELECT jsonb_object_agg(key, jsonb_build_array(value -> 1, value -> 0)) FROM jsonb_each({changes}))"""
)
_EDITS, _MOVE = "stage.changes - 'portfolio'", "jsonb_build_object('portfolio', stage.changes -> 'portfolio')"


def _new(changes: str) -> str:
    return f"""SELECT stage.id AS subject_id, {_NAME.format(of="stage")}, {changes} AS changes
        FROM clients_importrow AS stage {_WHERE} = '{RowAction.CREATE}' ORDER BY stage.number"""


def _known(changes: str, where: str) -> str:
    return f"""SELECT dossier.id AS subject_id, {_NAME.format(of="dossier")}, {changes} AS changes
        FROM clients_importrow AS stage
        JOIN clients_dossier AS dossier ON dossier.id = stage.dossier_id AND dossier.firm_id = stage.firm_id
        {_WHERE} = '{RowAction.UPDATE}' AND {where} ORDER BY stage.number"""


def _updates(edits: str, move: str) -> dict[type[EventType], str]:
    return {
        DossierChanged: _known(edits, f"{_EDITS} <> '{{}}'"),
        DossierMoved: _known(move, "stage.changes ? 'portfolio'"),
    }


_OF_APPLYING: dict[type[EventType], str] = {DossierCreated: _new(_PLACED), **_updates(_EDITS, _MOVE)}
_OF_UNDOING: dict[type[EventType], str] = {
    DossierTakenBack: _new("'{}'::jsonb"),
    **_updates(_REVERSED.format(changes=_EDITS), _REVERSED.format(changes=_MOVE)),
}


def record_rows_of(held: Import, actor: Membership, progress: Progress, *, undone: bool = False) -> None:
    """One event per dossier and kind of change, in the import's group; of its undo, the other way round."""
    progress.step = progress.total // 2
    for ends in slices(held.rows.filter(outcome=""), progress, progress.total):
        for event_type, lines in (_OF_UNDOING if undone else _OF_APPLYING).items():
            parameters = {"source": held.pk, "firm": held.firm_id, **ends}
            record_rows(
                event_type,
                actor=actor,
                model=Dossier,
                lines=lines,
                parameters=parameters,
                most=SLICE,
                group=held.pk,
            )
