"""What starts background work: a row is written, and a worker is nudged after the commit."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, require
from activity.actions import record
from clients.events.imports import ImportCancelled, ImportUploaded
from clients.imports.asked import CREATE, WITHOUT, Asked
from clients.imports.working import end
from clients.models import (
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
from tenancy.tasks import nudge

READ, APPLY = "clients.read_import", "clients.apply_import"
_LONGEST_NAME = 200
_LONGEST_TEXT = 10_000


class NotNow(Exception):
    """The import has gone on since the page was shown: confirmed, cancelled, or being read again."""


@transaction.atomic
def start_import(*, actor: Membership, file_name: str, content: bytes) -> Import:
    """Keep the file and have it read."""
    require(actor, Perm.IMPORT_DOSSIERS)
    made = Import.objects.create(created_by=actor, file_name=file_name[-_LONGEST_NAME:], size=len(content))
    ImportFile.objects.create(source=made, content=content)
    record(ImportUploaded, actor=actor, subject=made)
    _nudge(READ, made)
    return made


@transaction.atomic
def choose_sheet(*, actor: Membership, source: Import, sheet: int) -> Import:
    """Have this sheet read: the answer to the question, or another one after a look at the plan.

    Raises NotNow, and ObjectDoesNotExist for a sheet that can't be chosen. It is no event: nothing of the firm changes.
    """
    require(actor, Perm.IMPORT_DOSSIERS)
    current = _locked(source, ImportState.CHOOSING, ImportState.READY)
    chosen = next((one for one in current.sheets if one["index"] == sheet and may_be_chosen(one)), None)
    if chosen is None:
        raise ObjectDoesNotExist(sheet)
    current.sheet, current.sheet_name = sheet, chosen["name"][:_LONGEST_NAME]
    _hand_over(current, ImportState.PLANNING, "sheet", "sheet_name")
    _nudge(READ, current)
    return current


def may_be_chosen(sheet: Mapping[str, object]) -> bool:
    """Has the sheet a column that is known, and rows?"""
    return sheet["refusal"] is None and bool(sheet["recognised"])


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
    """`correct` for several rows, by their numbers, at once."""
    current = _open(actor, source)
    _require_rows(current, values)
    if unknown := {name for texts in values.values() for name in texts} - columns_by_name().keys():
        raise ObjectDoesNotExist(sorted(unknown))
    taken_back = [number for number, texts in values.items() if not texts]
    current.corrections.filter(number__in=taken_back).exclude(field=ImportCorrection.DOSSIER).delete()
    _say(actor, current, ((number, *pair) for number, texts in values.items() for pair in texts.items()))
    return _plan_anew(current)


@transaction.atomic
def decide(*, actor: Membership, source: Import, number: int, dossier: str) -> Import:
    """Which dossier this row is about: its key, one of `Decision`, or "" to leave it to the rule again.

    Raises NotNow, and ObjectDoesNotExist for a row or a client that there is not.
    """
    current = _open(actor, source)
    _require_rows(current, [number])
    if dossier and dossier not in Decision.values:
        dossier = str(Dossier.objects.clients().get(pk=_key(dossier)).pk)
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


@transaction.atomic
def confirm_import(*, actor: Membership, source: Import) -> Import:
    """Have the plan written into the firm's dossiers: once, however often it is confirmed. Raises NotNow."""
    require(actor, Perm.IMPORT_DOSSIERS)
    current = _locked(source, ImportState.READY)
    if not current.to_apply:
        raise NotNow(current.pk)
    current.confirmed_by, current.confirmed_at = actor, timezone.now()
    _hand_over(current, ImportState.APPLYING, "confirmed_by", "confirmed_at")
    _nudge(APPLY, current)
    return current


@transaction.atomic
def cancel_import(*, actor: Membership, source: Import) -> None:
    """Drop the file and its plan. Raises NotNow once it is being written, or over."""
    require(actor, Perm.IMPORT_DOSSIERS)
    waiting = (
        ImportState.UPLOADED,
        ImportState.READING,
        ImportState.CHOOSING,
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
