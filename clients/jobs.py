"""What starts background work: a row is written, and a worker is nudged after the commit."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, permitted, require
from activity.actions import record
from clients.events.access import ImportFileTaken
from clients.events.imports import ColumnsForgotten, ColumnsRemembered, ImportCancelled, ImportUploaded
from clients.imports.asked import CREATE, WITHOUT, Asked
from clients.imports.headers import Preview, shape
from clients.imports.undoing import impact, may_be_undone
from clients.imports.working import end
from clients.models import (
    ColumnMapping,
    Decision,
    Dossier,
    Import,
    ImportCorrection,
    ImportFile,
    ImportState,
    MatchRule,
    RowAction,
)
from clients.resources import columns_by_name
from portfolios.models import Portfolio
from spreadsheets.text import fold
from tenancy.binding import insert_bound, read_bound
from tenancy.tasks import nudge

READ, APPLY, UNDO = "clients.read_import", "clients.apply_import", "clients.undo_import"
_LONGEST_NAME = 200
_LONGEST_TEXT = 10_000
# Before the confirmation, with nobody at work: a person may say anew how the file is read.
_ASKED = (ImportState.CHOOSING, ImportState.MAPPING, ImportState.READY)


class NotNow(Exception):
    """The import has gone on since the page was shown: confirmed, cancelled, or being read again."""


@transaction.atomic
def take_file(*, actor: Membership, source: Import) -> bytes:
    """The file as it was sent; who takes it out is noted. Raises ImportFile.DoesNotExist once it is kept no more."""
    require(actor, Perm.IMPORT_DOSSIERS)
    content = read_bound(ImportFile.objects.filter(source=source), "content")
    record(ImportFileTaken, actor=actor, subject=source)
    return content


@transaction.atomic
def start_import(*, actor: Membership, file_name: str, content: bytes) -> Import:
    """Keep the file and have it read."""
    require(actor, Perm.IMPORT_DOSSIERS)
    made = Import.objects.create(created_by=actor, file_name=file_name[-_LONGEST_NAME:], size=len(content))
    insert_bound(ImportFile(source=made, content=content))
    record(ImportUploaded, actor=actor, subject=made)
    _nudge(READ, made)
    return made


@transaction.atomic
def choose_sheet(*, actor: Membership, source: Import, sheet: int) -> Import:
    """Have this sheet read: the answer to the question, or another one after a look at the plan.

    Raises NotNow, and ObjectDoesNotExist for a sheet that can't be chosen. It is no event: nothing of the firm changes.
    """
    require(actor, Perm.IMPORT_DOSSIERS)
    current = _locked(source, *_ASKED)
    chosen = next((one for one in current.sheets if one["index"] == sheet and may_be_chosen(one)), None)
    if chosen is None:
        raise ObjectDoesNotExist(sheet)
    if sheet != current.sheet:  # what was said of another one's columns and rows says nothing of this one
        current.asked = {}
        current.corrections.all().delete()
    current.sheet, current.sheet_name = sheet, chosen["name"][:_LONGEST_NAME]
    _hand_over(current, ImportState.PLANNING, "sheet", "sheet_name", "asked")
    _nudge(READ, current)
    return current


@transaction.atomic
def map_columns(*, actor: Membership, source: Import, asked: Asked, remember: bool) -> Import:
    """Have the file read with this header row, these columns and these of them that empty what the dossiers have; what
    was said of portfolios and rows stays. `remember`: so the firm's next list of this shape as well.

    Raises NotNow. The import it is about is no event; what is remembered is one.
    """
    require(actor, Perm.IMPORT_DOSSIERS)
    current = _locked(source, ImportState.MAPPING, ImportState.READY)
    said = replace(
        Asked.of(current.asked),
        header_row=asked.header_row,
        fields=dict(asked.fields),
        emptying=tuple(asked.emptying),
        remembered=False,
    )
    if remember:
        _remember(actor, current, said)
    current.asked = said.stored()
    return _plan_anew(current, "asked")


def _remember(actor: Membership, current: Import, said: Asked) -> None:
    """Keep it under the shape of the header; a list without headers has none to be known by."""
    sheet = next(one for one in current.sheets if one["index"] == current.sheet)
    row = sheet["header_row"] if said.header_row is None else said.header_row
    header = Preview.of(sheet).header(row)
    if not (told := shape(header)):
        return
    kept = {"fields": said.stored()["fields"], "emptying": list(said.emptying)}
    before = ColumnMapping.objects.select_for_update().filter(shape=told).first()
    if before is not None and before.asked == kept:
        return
    values = {
        "headers": [" ".join(cell.split()) for cell in header.cells if cell.strip()],
        "asked": kept,
        "file_name": current.file_name,
        "saved_by": actor,
        "saved_at": timezone.now(),
        "used_at": timezone.now(),
    }
    mapping, _created = ColumnMapping.objects.update_or_create(shape=told, defaults=values)
    record(ColumnsRemembered, actor=actor, subject=mapping)


@transaction.atomic
def forget_mapping(*, actor: Membership, mapping: ColumnMapping) -> None:
    """Have the next list of this shape guessed again; imports that are under way keep what they were told. Once: nobody
    is told of a second time."""
    require(actor, Perm.IMPORT_DOSSIERS)
    held = ColumnMapping.objects.select_for_update().filter(pk=mapping.pk).first()
    if held is None:
        return
    record(ColumnsForgotten, actor=actor, subject=held)
    held.delete()


def may_be_chosen(sheet: Mapping[str, object]) -> bool:
    """Can the sheet be read, and is it more than a page of text?"""
    return bool(sheet["open"])


# --- What people say about the plan: stored, and the plan is made anew. None of it is an event: nothing of the firm
# --- changes.


@transaction.atomic
def correct(*, actor: Membership, source: Import, number: int, values: Mapping[str, str]) -> Import:
    """Have this row's cells say what is in `values` (texts by field), besides what was corrected in it before; with
    nothing in it, have them say again what the file says.

    Raises NotNow, and ObjectDoesNotExist for a row or a field that the import has not.
    """
    return correct_rows(actor=actor, source=source, values={number: values})


@transaction.atomic
def correct_rows(*, actor: Membership, source: Import, values: Mapping[int, Mapping[str, str]]) -> Import:
    """`correct` for several rows, by their numbers, at once; under `ImportCorrection.DOSSIER`, one of the dossiers that
    the plan has named for the row. Raises what `correct` raises."""
    current = _open(actor, source)
    _require_rows(current, values)
    known = {*columns_by_name(), ImportCorrection.DOSSIER}
    if unknown := {name for texts in values.values() for name in texts} - known:
        raise ObjectDoesNotExist(sorted(unknown))
    _require_named(current, values)
    taken_back = [number for number, texts in values.items() if not texts]
    current.corrections.filter(number__in=taken_back).exclude(field=ImportCorrection.DOSSIER).delete()
    _say(actor, current, ((number, *pair) for number, texts in values.items() for pair in texts.items()))
    return _plan_anew(current)


@transaction.atomic
def decide(*, actor: Membership, source: Import, number: int, dossier: str) -> Import:
    """Which dossier this row is about: its key, one of `Decision`, or "" to leave it to the rule again. It is one of
    those that the plan has named for the row, or any that the actor may change.

    Raises NotNow, and ObjectDoesNotExist for a row or a client that there is not, or that is not for this actor.
    """
    current = _open(actor, source)
    _require_rows(current, [number])
    if dossier and dossier not in Decision.values:
        dossier = str(_choosable(actor, current, number).get(pk=_key(dossier)).pk)
    if dossier:
        _say(actor, current, [(number, ImportCorrection.DOSSIER, dossier)])
    else:
        current.corrections.filter(number=number, field=ImportCorrection.DOSSIER).delete()
    return _plan_anew(current)


@transaction.atomic
def choose_rule(*, actor: Membership, source: Import, rule: MatchRule) -> Import:
    """By what rows find the dossiers that they are about. Raises NotNow."""
    current = _open(actor, source)
    current.rule = rule
    return _plan_anew(current, "rule")


@transaction.atomic
def choose_portfolio(*, actor: Membership, source: Import, name: str, choice: str) -> Import:
    """What becomes of this portfolio, which the file names and the firm has not: CREATE, WITHOUT or the key of another.

    Raises NotNow, and ObjectDoesNotExist for a portfolio that the firm has not, or has terminated.
    """
    return choose_portfolios(actor=actor, source=source, choices={name: choice})


@transaction.atomic
def choose_portfolios(*, actor: Membership, source: Import, choices: Mapping[str, str]) -> Import:
    """`choose_portfolio` for several names at once."""
    current = _open(actor, source)
    said = dict(Asked.of(current.asked).portfolios)
    for name, choice in choices.items():
        kept = choice
        if choice not in (CREATE, WITHOUT):
            kept = str(Portfolio.objects.running().get(pk=_key(choice)).pk)
        said = {known: one for known, one in said.items() if fold(known) != fold(name)}
        if choice != CREATE:
            said[name] = kept
    return _ask_anew(current, portfolios=said)


@transaction.atomic
def choose_assignees(*, actor: Membership, source: Import, choices: Mapping[str, str]) -> Import:
    """Who looks after the dossiers for which the file names nobody of the firm: by its names, WITHOUT or the key of a
    membership.

    Raises NotNow, and ObjectDoesNotExist for somebody who is no open member of the firm.
    """
    current = _open(actor, source)
    said = dict(Asked.of(current.asked).assignees)
    for name, choice in choices.items():
        said = {known: one for known, one in said.items() if fold(known) != fold(name)}
        said[name] = WITHOUT if choice == WITHOUT else str(Membership.objects.open().get(pk=_key(choice)).pk)
    return _ask_anew(current, assignees=said)


@transaction.atomic
def take_mine(*, actor: Membership, source: Import, numbers: Collection[int] | None) -> Import:
    """Have these rows (None: all such) written although their dossiers were changed since the export. Raises NotNow."""
    current = _open(actor, source)
    conflicts = current.rows.filter(action=RowAction.CONFLICT)
    if numbers is not None:
        conflicts = conflicts.filter(number__in=numbers)
    mine = {*Asked.of(current.asked).mine, *conflicts.values_list("number", flat=True)}
    return _ask_anew(current, mine=tuple(sorted(mine)))


@transaction.atomic
def keep_theirs(*, actor: Membership, source: Import, numbers: Collection[int] | None) -> Import:
    """Leave the dossiers of these rows (None: all such) as others have changed them, after all. Raises NotNow."""
    current = _open(actor, source)
    gone = set(Asked.of(current.asked).mine if numbers is None else numbers)
    return _ask_anew(current, mine=tuple(n for n in Asked.of(current.asked).mine if n not in gone))


def _open(actor: Membership, source: Import) -> Import:
    """The import whose plan this person may change now."""
    require(actor, Perm.IMPORT_DOSSIERS)
    return _locked(source, ImportState.READY)


def _require_rows(current: Import, numbers: Collection[int]) -> None:
    known = set(current.rows.filter(number__in=numbers).values_list("number", flat=True))
    if missing := set(numbers) - known:
        raise ObjectDoesNotExist(sorted(missing))


def _require_named(current: Import, values: Mapping[int, Mapping[str, str]]) -> None:
    """A dossier that is given as a text is one that the plan has named for its row."""
    given = {
        number: texts[ImportCorrection.DOSSIER]
        for number, texts in values.items()
        if ImportCorrection.DOSSIER in texts
    }
    for number, remarks in current.rows.filter(number__in=given).values_list("number", "remarks"):
        if given[number] not in _named(remarks):
            raise ObjectDoesNotExist(given[number])


def _named(remarks: list[dict[str, Any]] | None) -> list[str]:
    return [key for one in remarks or [] for key in one.get("dossiers", ())]


def _choosable(actor: Membership, current: Import, number: int) -> QuerySet[Dossier]:
    open_ones = permitted(Dossier.objects.clients(), actor, Perm.CHANGE_DOSSIER).values("pk")
    named = _named(current.rows.values_list("remarks", flat=True).get(number=number))
    return Dossier.objects.clients().filter(Q(pk__in=open_ones) | Q(pk__in=named))


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ObjectDoesNotExist(text) from error


def _say(actor: Membership, current: Import, said: Iterable[tuple[int, str, str]]) -> None:
    """Number, field and text: stored in place of what was said of them before."""
    ImportCorrection.objects.bulk_create(
        (
            ImportCorrection(source=current, number=number, field=name, text=_storable(text), made_by=actor)
            for number, name, text in said
        ),
        update_conflicts=True,
        unique_fields=["firm", "source", "number", "field"],
        update_fields=["text", "made_by", "made_at"],
    )


def _storable(text: str) -> str:
    return text.replace("\0", "")[:_LONGEST_TEXT]


def _ask_anew(current: Import, **said: Any) -> Import:
    current.asked = replace(Asked.of(current.asked), **said).stored()
    return _plan_anew(current, "asked")


def _plan_anew(current: Import, *fields: str) -> Import:
    _hand_over(current, ImportState.PLANNING, *fields)
    _nudge(READ, current)
    return current


class MeansSomethingElse(Exception):
    """Somebody changed something since the page was shown: it would do something else. Nothing was done."""


@transaction.atomic
def confirm_import(*, actor: Membership, source: Import, seen: str | None = None) -> Import:
    """Have the plan written into the firm's dossiers: once, however often it is confirmed.

    `seen`: the plan that the person was shown (`plan_key`); raises MeansSomethingElse if it is another one now. Raises
    NotNow.
    """
    require(actor, Perm.IMPORT_DOSSIERS)
    current = _locked(source, ImportState.READY)
    if seen is not None and seen != plan_key(current):
        raise MeansSomethingElse(current.pk)
    if not current.to_apply:
        raise NotNow(current.pk)
    current.confirmed_by, current.confirmed_at = actor, timezone.now()
    _hand_over(current, ImportState.APPLYING, "confirmed_by", "confirmed_at")
    _nudge(APPLY, current)
    return current


def plan_key(source: Import) -> str:
    """Another one for each plan that is made of the file."""
    return source.planned_at.isoformat() if source.planned_at else ""


@transaction.atomic
def undo_import(*, actor: Membership, source: Import, seen: str | None = None) -> Import:
    """Have what the import has written taken back, but for what was touched since: once, within UNDO_DAYS days.

    `seen`: the impact that the person was shown (its fingerprint); raises MeansSomethingElse if it is another one now.
    Raises NotNow.
    """
    require(actor, Perm.IMPORT_DOSSIERS)
    current = _locked(source, ImportState.DONE)
    if not may_be_undone(current):
        raise NotNow(current.pk)
    meant = impact(current)
    if seen is not None and seen != meant.fingerprint:
        raise MeansSomethingElse(current.pk)
    if not meant.takes_back:
        raise NotNow(current.pk)
    current.undone_by, current.refusal_code, current.refusal_params = actor, "", {}
    _hand_over(current, ImportState.UNDOING, "undone_by", "refusal_code", "refusal_params")
    _nudge(UNDO, current)
    return current


@transaction.atomic
def cancel_import(*, actor: Membership, source: Import) -> None:
    """Drop the file and its plan. Raises NotNow once it is being written, or over."""
    require(actor, Perm.IMPORT_DOSSIERS)
    waiting = (
        ImportState.UPLOADED,
        ImportState.READING,
        ImportState.CHOOSING,
        ImportState.MAPPING,
        ImportState.PLANNING,
        ImportState.READY,
    )
    current = _locked(source, *waiting)
    end(current, ImportState.CANCELLED)
    record(ImportCancelled, actor=actor, subject=current)


def _locked(source: Import, *states: ImportState) -> Import:
    """The import as it stands now, held until the commit. Raises NotNow if it is in another state.

    Without the key: rows that a worker is planning point at it, and a person who cancels should not wait for them.
    """
    current = Import.objects.select_for_update(no_key=True).get(pk=source.pk)
    if current.state not in states:
        raise NotNow(current.pk)
    return current


def _hand_over(current: Import, state: ImportState, *fields: str) -> None:
    """To the next worker, or to nobody."""
    current.state, current.lease_until, current.attempts, current.step, current.total = state, None, 0, 0, 0
    current.save(update_fields=["state", "lease_until", "attempts", "step", "total", *fields])


def _nudge(task: str, source: Import) -> None:
    nudge(task, source.firm_id, source.pk)
