"""The rows of a plan as its page words them: old → new, what was found, what can be done about it, who changed what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Firm
from accounts.shown import siren, siret, when
from accounts.stencils import Fixed
from activity import queries, sentences
from clients.imports.asked import Asked
from clients.imports.remarks import Level, worded
from clients.models import (
    KEPT,
    OVER,
    Decision,
    Dossier,
    Import,
    ImportCorrection,
    ImportRow,
    ImportState,
    RowAction,
    RowOutcome,
)
from clients.resources import columns_by_name, header_of

_CHOICES = {field.name: dict(field.flatchoices) for field in ImportRow._meta.concrete_fields if field.choices}
_MOST_CANDIDATES = 20
_MOST_CHANGES = 5
_RECORDED_WITHIN = timedelta(seconds=5)


@dataclass(frozen=True)
class _Known:
    """What a page's rows need besides themselves, fetched for all of them at once."""

    corrections: Mapping[int, list[ImportCorrection]] = field(default_factory=dict)
    candidates: Mapping[str, Dossier] = field(default_factory=dict)
    decided: Mapping[str, Dossier] = field(default_factory=dict)
    since: Mapping[UUID, list[Any]] = field(default_factory=dict)
    touched: Mapping[UUID, list[Any]] = field(default_factory=dict)
    # By number, the rows whose clients come again further down.
    firsts: Mapping[int, ImportRow] = field(default_factory=dict)


class Teller:
    """Words the rows of one import."""

    def __init__(self, source: Import, firm: Firm) -> None:
        self.source, self.firm = source, firm
        self.letters = {column["field"]: column["letter"] for column in source.columns if column["field"]}
        self.is_open = source.state == ImportState.READY
        self.mine = set(Asked.of(source.asked).mine)

    def rows(self, rows: Iterable[ImportRow]) -> list[dict[str, Any]]:
        listed = list(rows)
        known = self._known(listed)
        return [self._row(row, known) for row in listed]

    # --- What is fetched ------------------------------------------------------------------------------------------

    def _known(self, rows: Sequence[ImportRow]) -> _Known:
        corrections: dict[int, list[ImportCorrection]] = {}
        said = ImportCorrection.objects.filter(source=self.source, number__in=[row.number for row in rows])
        for one in said.select_related("made_by").order_by("field"):
            corrections.setdefault(one.number, []).append(one)
        return _Known(
            corrections=corrections,
            candidates=_candidates(rows) if self.is_open else {},
            decided=_decided(corrections),
            since=self._since(rows),
            touched=self._touched(rows),
            firsts=self._firsts(rows),
        )

    def _firsts(self, rows: Sequence[ImportRow]) -> dict[int, ImportRow]:
        numbers = {row.duplicate_of for row in rows if row.duplicate_of}
        found = ImportRow.objects.filter(source=self.source, number__in=numbers) if numbers else ()
        return {row.number: row for row in found}

    def _since(self, rows: Sequence[ImportRow]) -> dict[UUID, list[Any]]:
        """The events that changed the dossiers of conflicts since the list was exported, newest first."""
        versions = {
            row.dossier_id: row.given_version
            for row in rows
            if row.dossier_id and row.given_version and self._is_contested(row)
        }
        found: dict[UUID, list[Any]] = {}
        if versions:
            events = list(queries.about(versions).filter(at__gt=min(versions.values())))
            moments = _moments(events)
            for event in events:
                if event.subject_id and event.at > versions[event.subject_id]:
                    found.setdefault(event.subject_id, []).append(event)
            found = {key: _later(listed, versions[key], moments) for key, listed in found.items()}
        return found

    def _touched(self, rows: Sequence[ImportRow]) -> dict[UUID, list[Any]]:
        """The events for which an undo has kept the dossiers, newest first."""
        keys = [_key(row) for row in rows if row.outcome in KEPT]
        found: dict[UUID, list[Any]] = {}
        if keys:
            events = queries.about(keys).filter(at__gt=self.source.applied_at).exclude(group=self.source.pk)
            for event in events:
                found.setdefault(event.subject_id, []).append(event)
        return found

    def _is_contested(self, row: ImportRow) -> bool:
        return row.action == RowAction.CONFLICT or row.number in self.mine

    # --- What is told ---------------------------------------------------------------------------------------------

    def _row(self, row: ImportRow, known: _Known) -> dict[str, Any]:
        said = known.corrections.get(row.number, [])
        return {
            "number": row.number,
            "title": row.title or _("(no name)"),
            "url": self._url(row),
            **(self._acts(row) if self.is_open else {}),
            "reference": row.reference or (row.dossier.reference if row.dossier else ""),
            "identifier": siret(row.siret) if row.siret else siren(row.siren),
            "place": " ".join(filter(None, (row.postcode, row.city))),
            "portfolio": row.portfolio,
            "changes": self._changes(row),
            "remarks": [self._remark(one) for one in row.problems if one["level"] != Level.CORRECTED],
            "duplicate_of": row.duplicate_of,
            "first": _first_title(row, known.firsts),
            "may_be_another": _may_be_another(row, known.firsts),
            "may_be_created": row.action == RowAction.SKIPPED
            and any(one["code"] == "ended_there" for one in row.problems),
            "outcome": RowOutcome(row.outcome).label if row.outcome else "",
            "touched": self._changed_since(known.touched.get(_key(row), [])),
            "corrections": _corrections(row, said),
            "decision": self._decision(said, known.decided),
            "candidates": [
                (key, _told(known.candidates[key])) for key in _offered(row) if key in known.candidates
            ],
            "since": self._changed_since(known.since.get(row.dossier_id, []) if row.dossier_id else []),
            "is_conflict": row.action == RowAction.CONFLICT,
            "is_mine": row.number in self.mine and row.action == RowAction.UPDATE,
        }

    def _url(self, row: ImportRow) -> str:
        """The dossier's page, once there is one."""
        if row.dossier_id:
            return self.firm.url("clients:dossier", pk=row.dossier_id)
        written = self.source.state in OVER and row.action == RowAction.CREATE
        created = written and (
            row.outcome in KEPT or (self.source.state == ImportState.DONE and not row.outcome)
        )
        return self.firm.url("clients:dossier", pk=row.pk) if created else ""

    def _acts(self, row: ImportRow) -> dict[str, str]:
        """Where one says something of the row."""
        where = {"pk": self.source.pk, "number": row.number}
        return {
            "correct_url": self.firm.url("clients:correct_row", **where),
            "uncorrect_url": self.firm.url("clients:uncorrect_row", **where),
            "decide_url": self.firm.url("clients:decide_row", **where),
        }

    def _changes(self, row: ImportRow) -> list[dict[str, str]]:
        changes: Mapping[str, tuple[str, str]] = row.changes or {}
        return [
            {"label": header_of(name), "before": _shown(name, before), "after": _shown(name, after)}
            for name in columns_by_name()
            if name in changes
            for before, after in [changes[name]]
        ]

    def _remark(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        name = stored["field"]
        offers: Mapping[str, str] = stored.get("offers") or {}
        return {
            "level": Fixed(stored["level"]),
            "label": header_of(name),
            "letter": self.letters.get(name, ""),
            "value": stored.get("value", ""),
            "text": worded(stored),
            # Which dossier the row is about is chosen by its name.
            "offers": [
                (offered, header_of(offered), text)
                for offered, text in offers.items()
                if offered != ImportCorrection.DOSSIER
            ],
        }

    def _decision(self, said: Iterable[ImportCorrection], decided: Mapping[str, Dossier]) -> str:
        """What somebody said that the row is about."""
        text = next((one.text for one in said if one.field == ImportCorrection.DOSSIER), "")
        if text in Decision.values:
            return str(Decision(text).label)
        return decided[text].name if text in decided else ""

    def _changed_since(self, events: Sequence[Any]) -> list[dict[str, Any]]:
        return [
            {
                "who": event.who,
                "at": when(event.at),
                "changes": [
                    {"label": one.label, "before": one.before, "after": one.after}
                    for one in sentences.changes(event)
                ],
                "sentence": sentences.plain_sentence(event),
            }
            for event in events[:_MOST_CHANGES]
        ]


def _moments(events: Sequence[Any]) -> dict[UUID, list[datetime]]:
    """By import, the moments that dossiers bear since it was written, and since it was undone."""
    imports = Import.objects.filter(pk__in={event.group for event in events if event.group})
    return {
        key: [at for at in (applied, undone) if at]
        for key, applied, undone in imports.values_list("pk", "applied_at", "undone_at")
    }


def _later(events: Sequence[Any], version: datetime, moments: Mapping[UUID, list[datetime]]) -> list[Any]:
    """Of a dossier's events since that version, newest first, those of later changes. The first belongs to the change
    that the version is of: it is recorded just after it is written, and that of an import at its end."""

    def may_be_of_it(event: Any) -> bool:
        written = [at for at in moments.get(event.group, ()) if at <= event.at]
        return max(written, default=event.at - _RECORDED_WITHIN) <= version

    first = events[-1]
    own = {first.pk} if may_be_of_it(first) else set()
    if own and first.group:
        own |= {event.pk for event in events if event.group == first.group and may_be_of_it(event)}
    return [event for event in events if event.changes and event.pk not in own]


def _first_title(row: ImportRow, firsts: Mapping[int, ImportRow]) -> str:
    first = firsts.get(row.duplicate_of or 0)
    return first.title if first else ""


def _may_be_another(row: ImportRow, firsts: Mapping[int, ImportRow]) -> bool:
    """Of a duplicate: may a person say that it is another client? Not where it bears the other one's reference."""
    first = firsts.get(row.duplicate_of or 0)
    return first is not None and (not row.reference or row.reference != first.reference)


def _key(row: ImportRow) -> UUID:
    """The key of the dossier that it has created, or is about."""
    return row.dossier_id or row.pk


def _corrections(row: ImportRow, said: Iterable[ImportCorrection]) -> list[dict[str, str]]:
    """Each corrected cell: what it says now, by whom, and what the file says."""
    former = {one["field"]: one.get("value", "") for one in row.problems if one["level"] == Level.CORRECTED}
    return [
        {
            "label": header_of(one.field),
            "text": one.text,
            "by": one.made_by.name,
            "former": former.get(one.field, ""),
        }
        for one in said
        if one.field != ImportCorrection.DOSSIER
    ]


def _shown(name: str, value: str) -> str:
    """A choice by its label, nothing as a dash."""
    return str(_CHOICES.get(name, {}).get(value, value)) or "—"


# --- The dossiers among which a person chooses --------------------------------------------------------------------


def _offered(row: ImportRow) -> list[str]:
    """The keys of the dossiers that the row may be about, where that is a question."""
    return [key for one in row.problems for key in one.get("dossiers", ())][:_MOST_CANDIDATES]


def _candidates(rows: Iterable[ImportRow]) -> dict[str, Dossier]:
    """Those of all these rows. One query, none where there is no question."""
    keys = {key for row in rows for key in _offered(row)}
    found = Dossier.objects.clients().filter(pk__in=keys).select_related("portfolio") if keys else ()
    return {str(one.pk): one for one in found}


def _told(dossier: Dossier) -> str:
    return " · ".join(filter(None, (dossier.name, described(dossier))))


def described(dossier: Dossier) -> str:
    """Besides its name, enough to tell it from another."""
    number = dossier.siret or dossier.siren
    place = f"{dossier.postcode} {dossier.city}".strip()
    portfolio = dossier.portfolio.name if dossier.portfolio else ""
    return " · ".join(filter(None, (dossier.reference, number, place, portfolio)))


def _decided(corrections: Mapping[int, list[ImportCorrection]]) -> dict[str, Dossier]:
    """The dossiers that somebody chose for one of these rows."""
    texts = {
        one.text for said in corrections.values() for one in said if one.field == ImportCorrection.DOSSIER
    }
    keys = texts - set(Decision.values)
    return {str(one.pk): one for one in Dossier.objects.filter(pk__in=keys)} if keys else {}
