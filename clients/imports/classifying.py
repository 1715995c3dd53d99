"""The plan itself: one join of the staged rows with the dossiers that they are about makes the import's rows, each with
what will be done with it. In the transaction of the stage."""

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db import connection

from accounts.permissions import Perm
from clients.imports.asked import Asked
from clients.imports.folding import keys
from clients.imports.matching import matching
from clients.imports.remarks import Level, remark
from clients.imports.rows import names
from clients.imports.staging import EMPTIABLE, TEXTS
from clients.imports.working import never_each_with_each
from clients.models import Dossier, DossierKind, Import, ImportCorrection, MatchRule, RowAction

# What a dossier's name and search key are made of.
NAMING = ("kind", "legal_name", "first_name", "last_name", "reference", "siren", "siret", "urssaf_account")
_INDIVIDUAL, _COMPANY = DossierKind.INDIVIDUAL.value, DossierKind.COMPANY.value
_LARGEST_UPDATE = 5_000
# What the stage is joined by: of the other columns, the planner need know nothing.
_JOINED = (
    "number",
    "bad",
    "skipped",
    "reference",
    "siret",
    "siren",
    "name_key",
    "email",
    "postcode",
    "city",
    "about",
)

_FORMER_PORTFOLIO = (
    " LEFT JOIN portfolios_portfolio AS former"
    " ON former.id = dossier.portfolio_id AND former.firm_id = %(firm)s"
)
_ASSIGNED = (
    " LEFT JOIN (SELECT DISTINCT content_object_id, user_id FROM clients_assignment WHERE firm_id = %(firm)s"
    " AND (expires_at IS NULL OR expires_at > now())) AS assigned"
    " ON assigned.content_object_id = dossier.id AND assigned.user_id = stage.assignee_key"
)
_GUESSED_KIND = (
    f"CASE WHEN stage.legal_name = '' AND stage.last_name <> '' THEN '{_INDIVIDUAL}' ELSE '{_COMPANY}' END"
)
_OTHER_NAME = (
    f"CASE WHEN other.kind = '{_INDIVIDUAL}' AND other.last_name <> ''"
    " THEN trim(other.last_name || ' ' || other.first_name) ELSE other.legal_name END"
)


def classify(source: Import, present: Sequence[str], *, told: bool = False) -> dict[str, int]:
    """Make the import's rows from the stage; returns how many there are of each action.

    `present` are the fields that the file has. `told`: rows may say which dossier they are about.
    """
    asked = Asked.of(source.asked)
    parameters: dict[str, Any] = {
        "firm": source.firm_id,
        "source": source.pk,
        "mine": list(asked.mine),
        "remarks": json.dumps({code: remark(*of, code).stored() for code, of in _REMARKS.items()}),
    }
    with never_each_with_each(), connection.cursor() as cursor:
        cursor.execute(f"ANALYZE import_stage ({', '.join(_JOINED)})")
        cursor.execute(matching(MatchRule(source.rule), told=told), parameters)
        cursor.execute("ANALYZE import_match")
        _find_closed(cursor)
        emptying = [name for name in asked.emptying if name in EMPTIABLE and name in present]
        cursor.execute(_classifying(present, emptying), parameters)
        _rename(cursor, source)
        cursor.execute(
            "SELECT action, count(*) FROM clients_importrow WHERE source_id = %s AND firm_id = %s GROUP BY action",
            [source.pk, source.firm_id],
        )
        return dict(cursor.fetchall())


# What is found of a whole row here; level and field.
_REMARKS = {
    "siret_ambiguous": (Level.ERROR, "siret"),
    "siren_ambiguous": (Level.ERROR, "siren"),
    "name_ambiguous": (Level.ERROR, "legal_name"),
    "archived": (Level.ERROR, "legal_name"),
    "read_only": (Level.ERROR, "legal_name"),
    "no_name": (Level.ERROR, "legal_name"),
    "siren_conflict": (Level.ERROR, "siren"),
    "reference_taken": (Level.ERROR, "reference"),
    "siret_exists": (Level.DOUBT, "siret"),
    "siren_known": (Level.DOUBT, "siren"),
}


# --- Field by field -----------------------------------------------------------------------------------------------


class _Comparison(NamedTuple):
    """How one field is compared: whether it differs, what the change is called, and the join that this needs."""

    differs: str
    change: str
    join: str = ""


class _Fields:
    """The fields of one file. Of those in `emptying`, an empty cell empties what the dossier has."""

    def __init__(self, emptying: Collection[str]) -> None:
        self.emptying = emptying

    def merged(self, name: str) -> str:
        """The value that the dossier would have afterwards."""
        value = f"coalesce(nullif(stage.{name}, ''), dossier.{name}, '')"
        return (
            f"CASE WHEN {self._is_emptied(name)} THEN '' ELSE {value} END" if name in self.emptying else value
        )

    def compared(self, name: str) -> _Comparison:
        if name == "portfolio":
            return self._portfolio()
        if name == "assignee":
            clause = "(stage.assignee_key IS NOT NULL AND assigned.user_id IS NULL)"
            return _Comparison(clause, _changed(name, "''", clause), _ASSIGNED)
        clause = f"(stage.{name} <> '' AND stage.{name} <> dossier.{name})"
        if name in self.emptying:
            clause = f"({clause} OR ({self._is_emptied(name)} AND dossier.{name} <> ''))"
        return _Comparison(clause, _changed(name, f"dossier.{name}", clause))

    def _portfolio(self) -> _Comparison:
        clause = (
            "(stage.portfolio_key IS NOT NULL AND stage.portfolio_key IS DISTINCT FROM dossier.portfolio_id)"
        )
        if "portfolio" in self.emptying:
            clause = f"({clause} OR ({self._is_emptied('portfolio')} AND dossier.portfolio_id IS NOT NULL))"
        return _Comparison(
            clause, _changed("portfolio", "coalesce(former.name, '')", clause), _FORMER_PORTFOLIO
        )

    def _is_emptied(self, name: str) -> str:
        """A SIREN stays as long as the SIRET to which it belongs."""
        emptied = f"coalesce('{name}' = ANY (stage.emptied), false)"
        return f"({emptied} AND {self.merged('siret')} = '')" if name == "siren" else emptied


def _changed(name: str, old: str, clause: str) -> str:
    change = f"jsonb_build_object('{name}', jsonb_build_array({old}, coalesce(stage.{name}, '')))"
    return f"CASE WHEN {clause} THEN {change} ELSE '{{}}'::jsonb END"


def _value(name: str) -> str:
    if name == "kind":
        return f"CASE WHEN stage.kind = '' AND dossier.id IS NULL THEN {_GUESSED_KIND} ELSE stage.kind END"
    return f"stage.{name}"


# --- The statement ------------------------------------------------------------------------------------------------


def _classifying(present: Sequence[str], emptying: Collection[str]) -> str:
    """The statement that makes the import's rows; `present` are the fields that the file has."""
    fields = _Fields(emptying)
    compared = [fields.compared(name) for name in (*TEXTS, "portfolio", "assignee") if name in present]
    merged = fields.merged
    return _INSERT.format(
        texts=", ".join(TEXTS),
        values=", ".join(_value(name) for name in TEXTS),
        differs=" OR ".join(one.differs for one in compared),
        changes=" || ".join(one.change for one in compared),
        joins="".join(one.join for one in compared),
        has_name=f"({merged('legal_name')} <> '' OR ({merged('last_name')} <> ''"
        f" AND coalesce(nullif(stage.kind, ''), dossier.kind, '{_INDIVIDUAL}') = '{_INDIVIDUAL}'))",
        numbers_agree=f"({merged('siret')} = '' OR left({merged('siret')}, 9) = {merged('siren')})",
    )


_WRITTEN = f"('{RowAction.CREATE}', '{RowAction.UPDATE}', '{RowAction.CONFLICT}')"
_COMPARED = f"('{RowAction.UPDATE}', '{RowAction.CONFLICT}')"
_TOLD = (
    f"(other = 'reference_taken' OR (other = 'siret_exists' AND action IN {_WRITTEN})"
    f" OR (other = 'siren_known' AND action = '{RowAction.KNOWN}'))"
)
# The value of a field, as a remark shows it.
_VALUE = "jsonb_build_object('value', left(CASE {field} {values} ELSE '' END, 120))"
_OF_FAULT = _VALUE.format(
    field="%(remarks)s::jsonb -> fault ->> 'field'",
    values="WHEN 'siret' THEN siret WHEN 'siren' THEN siren WHEN 'legal_name' THEN legal_name",
)
_OF_OTHER = _VALUE.format(
    field="other",
    values="WHEN 'reference_taken' THEN reference WHEN 'siret_exists' THEN siret WHEN 'siren_known' THEN siren",
)
# A remark on the row as a whole, with the dossiers that it is about.
_FAULT = f"""CASE WHEN fault = '' THEN '[]'::jsonb ELSE jsonb_build_array((%(remarks)s::jsonb -> fault) || {_OF_FAULT}
        || CASE WHEN candidates IS NULL THEN '{{{{}}}}'::jsonb
           ELSE jsonb_build_object('dossiers', to_jsonb(candidates)) END) END"""
_OTHER = f"""CASE WHEN NOT {_TOLD} THEN '[]'::jsonb ELSE jsonb_build_array((%(remarks)s::jsonb -> other)
        || {_OF_OTHER} || jsonb_build_object(
            'dossiers', CASE WHEN other = 'siren_known' THEN to_jsonb(candidates) ELSE jsonb_build_array(other_id) END,
            'params', jsonb_build_object('name', other_name))
        || CASE WHEN other = 'siren_known' AND cardinality(candidates) = 1
           THEN jsonb_build_object('offers', jsonb_build_object('{ImportCorrection.DOSSIER}', other_id))
           ELSE '{{{{}}}}'::jsonb END) END"""

_INSERT = f"""
INSERT INTO clients_importrow (id, firm_id, source_id, number, action, outcome, {{texts}}, portfolio, portfolio_key,
    assignee, assignee_key, name_key, search_key, dossier_id, dossier_version, duplicate_of, given_key, given_version,
    raw, changes, remarks)
SELECT id, %(firm)s, %(source)s, number, action, '', {{texts}}, portfolio, portfolio_key, assignee, assignee_key,
    name_key, search_key,
    CASE WHEN action IN ('{RowAction.DUPLICATE}', '{RowAction.KNOWN}') THEN coalesce(dossier_id, other_id)
         ELSE dossier_id END,
    dossier_version, duplicate_of, given_key, given_version, raw::jsonb,
    CASE WHEN action IN {_COMPARED} THEN changes END,
    CASE WHEN fault = '' AND other = '' THEN remarks::jsonb
         ELSE nullif(coalesce(remarks::jsonb, '[]') || {_FAULT} || {_OTHER}, '[]') END
FROM (
    SELECT *, CASE
        WHEN skipped THEN '{RowAction.SKIPPED}'
        WHEN bad OR fault <> '' OR (dossier_id IS NOT NULL AND other = 'reference_taken') THEN '{RowAction.ERROR}'
        WHEN duplicate_of IS NOT NULL THEN '{RowAction.DUPLICATE}'
        WHEN other = 'reference_taken' THEN '{RowAction.KNOWN}'
        WHEN dossier_id IS NULL AND ended THEN '{RowAction.SKIPPED}'
        WHEN other = 'siren_known' THEN '{RowAction.KNOWN}'
        WHEN dossier_id IS NULL THEN '{RowAction.CREATE}'
        WHEN differs AND outdated THEN '{RowAction.CONFLICT}'
        WHEN differs THEN '{RowAction.UPDATE}' ELSE '{RowAction.IDENTICAL}' END AS action
    FROM (
        SELECT stage.id, stage.number, stage.bad, stage.skipped, stage.ended AND NOT stage.is_new AS ended,
            nullif(stage.remarks, '') AS remarks,
            nullif(stage.raw, '') AS raw, {{values}},
            coalesce(stage.portfolio, '') AS portfolio, stage.portfolio_key,
            coalesce(stage.assignee, '') AS assignee, stage.assignee_key,
            CASE WHEN stage.name_key = '' THEN coalesce(dossier.name_key, '') ELSE stage.name_key END AS name_key,
            CASE WHEN stage.name_key = '' THEN coalesce(dossier.search_key, stage.search_key) ELSE stage.search_key
            END AS search_key,
            match.duplicate_of, match.candidates, dossier.id AS dossier_id, dossier.updated_at AS dossier_version,
            stage.given_key, stage.given_version, match.other_id, coalesce(match.other, '') AS other,
            {_OTHER_NAME} AS other_name,
            stage.given_version < dossier.updated_at AND stage.given_key = dossier.id
                AND NOT stage.number = ANY (%(mine)s) AS outdated,
            dossier.id IS NOT NULL AND ({{differs}}) AS differs,
            CASE WHEN dossier.id IS NOT NULL AND ({{differs}}) THEN {{changes}} END AS changes,
            CASE WHEN stage.bad OR stage.skipped THEN ''
                 WHEN match.doubt <> '' THEN match.doubt
                 WHEN dossier.archived_at IS NOT NULL THEN 'archived'
                 WHEN closed.id IS NOT NULL AND ({{differs}}) THEN 'read_only'
                 WHEN NOT {{has_name}} THEN 'no_name'
                 WHEN NOT {{numbers_agree}} THEN 'siren_conflict' ELSE '' END AS fault
        FROM import_stage AS stage
        LEFT JOIN import_match AS match ON match.number = stage.number
        LEFT JOIN clients_dossier AS dossier ON dossier.id = match.dossier_id AND dossier.firm_id = %(firm)s
            AND match.doubt = ''
        LEFT JOIN clients_dossier AS other ON other.id = match.other_id AND other.firm_id = %(firm)s
        LEFT JOIN import_closed AS closed ON closed.id = dossier.id{{joins}}
    ) AS compared
) AS classified
ORDER BY number
"""


def _find_closed(cursor: Any) -> None:
    """Of the dossiers that rows are about, those that nobody in the firm may change."""
    closed = Dossier.objects.filter(Dossier.closed[Perm.CHANGE_DOSSIER]).order_by().values("pk").distinct()
    statement, parameters = closed.query.sql_with_params()
    cursor.execute(
        f"CREATE TEMPORARY TABLE import_closed ON COMMIT DROP AS SELECT pk AS id FROM ({statement}) AS closed"
        " WHERE pk IN (SELECT dossier_id FROM import_match)",
        parameters,
    )


# --- Names of dossiers that are to be renamed ---------------------------------------------------------------------


def _rename(cursor: Any, source: Import) -> None:
    """Rows that touch a name or a number: what lists sort by and search in, of the dossier as it will be."""
    after = ", ".join(
        f"CASE WHEN stage.changes ? '{name}' THEN stage.{name} ELSE dossier.{name} END" for name in NAMING
    )
    cursor.execute(
        f"SELECT stage.id, {after} FROM clients_importrow AS stage JOIN clients_dossier AS dossier"
        " ON dossier.id = stage.dossier_id AND dossier.firm_id = stage.firm_id"
        " WHERE stage.source_id = %s AND stage.firm_id = %s AND stage.changes ?| %s",
        [source.pk, source.firm_id, list(NAMING)],
    )
    while rows := cursor.fetchmany(_LARGEST_UPDATE):
        _store_keys(rows)


def _store_keys(rows: Sequence[Sequence[Any]]) -> None:
    ids, *columns = zip(*rows, strict=True)
    values = dict(zip(NAMING, columns, strict=True))
    identifiers = [a or b for a, b in zip(values["siret"], values["siren"], strict=True)]
    name_keys, search_keys = keys(
        names(values, len(ids)), values["reference"], identifiers, values["urssaf_account"]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE clients_importrow AS stage SET name_key = keys.name_key, search_key = keys.search_key"
            " FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS keys(id, name_key, search_key)"
            " WHERE stage.id = keys.id",
            [list(ids), name_keys, search_keys],
        )
