"""The plan: cleaned rows go by COPY into a temporary table, and one classifying join with the firm's dossiers makes the
import's rows of them. (PostgreSQL does not COPY into a table under row-level security.)

All of it in the firm's scope and in one transaction: `open_stage`, `add` per chunk, `classify`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.permissions import Perm
from clients.imports.folding import keys
from clients.imports.remarks import Level, remark
from clients.imports.rows import Chunk, names
from clients.models import Dossier, DossierKind, Import, RowAction
from tenancy.keys import uuid7

# The dossier's own columns, which a row holds as well: compared, copied and updated by these.
TEXTS = (
    "reference", "kind", "legal_name", "civility", "last_name", "first_name", "siren", "siret", "urssaf_account",
    "vat_number", "email", "phone", "address", "postcode", "city", "country", "naf_code", "legal_form",
    "legal_representative", "fiscal_year_end",
)  # fmt: skip
# What a dossier's name and search key are made of.
NAMING = ("kind", "legal_name", "first_name", "last_name", "reference", "siren", "siret", "urssaf_account")
_INDIVIDUAL, _COMPANY = DossierKind.INDIVIDUAL.value, DossierKind.COMPANY.value
_LARGEST_UPDATE = 5_000

_STAGE = (
    "CREATE TEMPORARY TABLE import_stage (id uuid, number integer, bad boolean, remarks text, portfolio text,"
    " portfolio_key uuid, assignee text, assignee_key uuid, name_key text, search_key text, "
    + ", ".join(f"{name} text NOT NULL DEFAULT ''" for name in TEXTS)
    + ") ON COMMIT DROP"
)


def open_stage() -> None:
    """An empty stage, gone with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS pg_temp.import_stage, pg_temp.import_match, pg_temp.import_closed"
        )
        cursor.execute(_STAGE)


def add(
    numbers: Sequence[int], chunk: Chunk, portfolios: Mapping[str, UUID], people: Mapping[str, UUID | None]
) -> None:
    """COPY the rows of a chunk. `portfolios` and `people`: keys by the names that the chunk holds."""
    height = len(numbers)
    present = [name for name in TEXTS if name in chunk.values]
    nothing = [""] * height
    value = chunk.values.get
    identifiers = [a or b for a, b in zip(value("siret", nothing), value("siren", nothing), strict=True)]
    name_keys, search_keys = keys(
        names(chunk.values, height),
        value("reference", nothing),
        identifiers,
        value("urssaf_account", nothing),
    )
    columns: dict[str, Sequence[str]] = {
        "id": [str(uuid7()) for _ in range(height)],
        "number": [str(number) for number in numbers],
        "bad": ["t" if i in chunk.bad else "f" for i in range(height)],
        "remarks": [_remarks_json(chunk, i) for i in range(height)] if chunk.remarks else nothing,
        "name_key": name_keys,
        "search_key": search_keys,
        **{name: chunk.values[name] for name in present},
    }
    if "portfolio" in chunk.values:
        columns |= _keyed("portfolio", chunk.values["portfolio"], portfolios)
    if "assignee" in chunk.values:
        columns |= _keyed("assignee", chunk.values["assignee"], people)
    _copy(columns)


def _remarks_json(chunk: Chunk, place: int) -> str:
    found = chunk.remarks.get(place)
    return json.dumps([one.stored() for one in found], ensure_ascii=False) if found else ""


def _keyed(name: str, values: Sequence[str], key_of: Mapping[str, UUID | None]) -> dict[str, Sequence[str]]:
    return {
        name: values,
        f"{name}_key": [str(key_of.get(value) or r"\N") if value else r"\N" for value in values],
    }


def _copy(columns: Mapping[str, Sequence[str]]) -> None:
    """As COPY's text format. Values hold no tab and no line break; a backslash is doubled."""
    listed = [
        column if name.endswith("_key") and name not in ("name_key", "search_key") else _escaped(column)
        for name, column in columns.items()
    ]
    block = "\n".join(map("\t".join, zip(*listed, strict=True))) + "\n"
    with connection.cursor() as cursor:
        statement = f"COPY import_stage ({', '.join(columns)}) FROM STDIN"
        with cursor.cursor.copy(statement) as copy:
            copy.write(block)


def _escaped(column: Sequence[str]) -> Sequence[str]:
    return [text.replace("\\", "\\\\") for text in column] if "\\" in "".join(column) else column


# --- The classifying join -----------------------------------------------------------------------------------------

_CLIENTS = "clients_dossier WHERE firm_id = %(firm)s AND NOT is_own"

# Which dossier a row is about: by reference, else by SIRET, else (no SIRET) by SIREN, else (no number at all) by name,
# address, postcode and city. More than one dossier is a question for a person. An archived one is found where no other
# is.
_FOUND = """coalesce((array_agg(id) FILTER (WHERE archived_at IS NULL))[1], (array_agg(id))[1]) AS id,
           count(*) FILTER (WHERE archived_at IS NULL) AS many"""
_MATCH = f"""
CREATE TEMPORARY TABLE import_match ON COMMIT DROP AS
WITH by_siret AS (
    SELECT siret, {_FOUND} FROM {_CLIENTS} AND siret <> '' GROUP BY siret
), by_siren AS (
    SELECT siren, {_FOUND} FROM {_CLIENTS} AND siren <> '' GROUP BY siren
), by_name AS (
    SELECT name_key, email, postcode, city, {_FOUND} FROM {_CLIENTS}
    AND EXISTS (SELECT FROM import_stage WHERE reference = '' AND siret = '' AND siren = '')
    GROUP BY name_key, email, postcode, city
), candidate AS (
    SELECT stage.number, stage.reference, stage.siret, stage.siren, stage.name_key, stage.email, stage.postcode,
           stage.city,
           coalesce(own.id, by_siret.id, by_siren.id, by_name.id) AS dossier_id,
           CASE WHEN own.id IS NOT NULL THEN ''
                WHEN by_siret.many > 1 THEN 'siret_ambiguous'
                WHEN by_siren.many > 1 THEN 'siren_ambiguous'
                WHEN by_name.many > 1 THEN 'name_ambiguous' ELSE '' END AS doubt
    FROM import_stage AS stage
    LEFT JOIN clients_dossier AS own
        ON own.firm_id = %(firm)s AND NOT own.is_own AND own.reference = stage.reference AND stage.reference <> ''
    LEFT JOIN by_siret ON own.id IS NULL AND by_siret.siret = stage.siret
    LEFT JOIN by_siren ON own.id IS NULL AND stage.siret = '' AND by_siren.siren = stage.siren
    LEFT JOIN by_name ON stage.reference = '' AND stage.siret = '' AND stage.siren = ''
        AND by_name.name_key = stage.name_key AND by_name.email = stage.email AND by_name.postcode = stage.postcode
        AND by_name.city = stage.city
    WHERE NOT stage.bad
), same_reference AS (
    SELECT reference, min(number) AS first FROM candidate WHERE reference <> '' GROUP BY reference HAVING count(*) > 1
), same_siret AS (
    SELECT siret, min(number) AS first FROM candidate WHERE siret <> '' GROUP BY siret HAVING count(*) > 1
), same_siren AS (
    SELECT siren, min(number) AS first FROM candidate WHERE siren <> '' AND siret = '' AND reference = ''
    GROUP BY siren HAVING count(*) > 1
), same_name AS (
    SELECT name_key, email, postcode, city, min(number) AS first FROM candidate
    WHERE reference = '' AND siret = '' AND siren = '' AND name_key <> ''
    GROUP BY name_key, email, postcode, city HAVING count(*) > 1
), same_dossier AS (
    SELECT dossier_id, min(number) AS first FROM candidate WHERE dossier_id IS NOT NULL AND doubt = ''
    GROUP BY dossier_id HAVING count(*) > 1
)
SELECT candidate.number, candidate.dossier_id, candidate.doubt,
       nullif(least(same_reference.first, same_siret.first, same_siren.first, same_name.first, same_dossier.first),
              candidate.number) AS duplicate_of
FROM candidate
LEFT JOIN same_reference ON same_reference.reference = candidate.reference
LEFT JOIN same_siret ON same_siret.siret = candidate.siret
LEFT JOIN same_siren ON same_siren.siren = candidate.siren AND candidate.siret = '' AND candidate.reference = ''
LEFT JOIN same_name ON same_name.name_key = candidate.name_key AND same_name.email = candidate.email
    AND same_name.postcode = candidate.postcode AND same_name.city = candidate.city AND candidate.reference = ''
    AND candidate.siret = '' AND candidate.siren = ''
LEFT JOIN same_dossier ON same_dossier.dossier_id = candidate.dossier_id AND candidate.doubt = ''
"""


_FORMER_PORTFOLIO = (
    " LEFT JOIN portfolios_portfolio AS former"
    " ON former.id = dossier.portfolio_id AND former.firm_id = %(firm)s"
)
_ASSIGNED = (
    " LEFT JOIN (SELECT DISTINCT content_object_id, user_id FROM clients_assignment WHERE firm_id = %(firm)s"
    " AND (expires_at IS NULL OR expires_at > now())) AS assigned"
    " ON assigned.content_object_id = dossier.id AND assigned.user_id = stage.assignee_key"
)


def _merged(name: str) -> str:
    """The value that the dossier would have afterwards."""
    return f"coalesce(nullif(stage.{name}, ''), dossier.{name}, '')"


_HAS_NAME = (
    f"({_merged('legal_name')} <> '' OR ({_merged('last_name')} <> ''"
    f" AND coalesce(nullif(stage.kind, ''), dossier.kind, '{_INDIVIDUAL}') = '{_INDIVIDUAL}'))"
)
_NUMBERS_AGREE = f"({_merged('siret')} = '' OR left({_merged('siret')}, 9) = {_merged('siren')})"
_GUESSED_KIND = (
    f"CASE WHEN stage.legal_name = '' AND stage.last_name <> '' THEN '{_INDIVIDUAL}' ELSE '{_COMPANY}' END"
)


class _Comparison(NamedTuple):
    """How one field is compared: whether it differs, what the change is called, and the join that this needs."""

    differs: str
    change: str
    join: str = ""


def _compared(name: str) -> _Comparison:
    if name == "portfolio":
        clause = (
            "(stage.portfolio_key IS NOT NULL AND stage.portfolio_key IS DISTINCT FROM dossier.portfolio_id)"
        )
        return _Comparison(clause, _changed(name, "coalesce(former.name, '')", clause), _FORMER_PORTFOLIO)
    if name == "assignee":
        clause = "(stage.assignee_key IS NOT NULL AND assigned.user_id IS NULL)"
        return _Comparison(clause, _changed(name, "''", clause), _ASSIGNED)
    clause = f"(stage.{name} <> '' AND stage.{name} <> dossier.{name})"
    return _Comparison(clause, _changed(name, f"dossier.{name}", clause))


def _classifying(present: Sequence[str]) -> str:
    """The statement that makes the import's rows; `present` are the fields that the file has."""
    compared = [_compared(name) for name in (*TEXTS, "portfolio", "assignee") if name in present]
    return _INSERT.format(
        texts=", ".join(TEXTS),
        values=", ".join(_value(name) for name in TEXTS),
        differs=" OR ".join(one.differs for one in compared),
        changes=" || ".join(one.change for one in compared),
        joins="".join(one.join for one in compared),
    )


def _changed(name: str, old: str, clause: str) -> str:
    change = f"jsonb_build_object('{name}', jsonb_build_array({old}, stage.{name}))"
    return f"CASE WHEN {clause} THEN {change} ELSE '{{}}'::jsonb END"


def _value(name: str) -> str:
    if name == "kind":
        return f"CASE WHEN stage.kind = '' AND dossier.id IS NULL THEN {_GUESSED_KIND} ELSE stage.kind END"
    return f"stage.{name}"


_INSERT = f"""
INSERT INTO clients_importrow (id, firm_id, source_id, number, action, outcome, {{texts}}, portfolio, portfolio_key,
    assignee, assignee_key, name_key, search_key, dossier_id, dossier_version, duplicate_of, changes, remarks)
SELECT id, %(firm)s, %(source)s, number, action, '', {{texts}}, portfolio, portfolio_key, assignee, assignee_key,
    name_key, search_key, dossier_id, dossier_version, duplicate_of,
    CASE WHEN action = '{RowAction.UPDATE}' THEN changes END,
    CASE WHEN fault = '' THEN remarks::jsonb ELSE coalesce(remarks::jsonb, '[]') || (%(faults)s::jsonb -> fault) END
FROM (
    SELECT *, CASE
        WHEN bad OR fault <> '' THEN '{RowAction.ERROR}'
        WHEN duplicate_of IS NOT NULL THEN '{RowAction.DUPLICATE}'
        WHEN dossier_id IS NULL THEN '{RowAction.CREATE}'
        WHEN differs THEN '{RowAction.UPDATE}' ELSE '{RowAction.IDENTICAL}' END AS action
    FROM (
        SELECT stage.id, stage.number, stage.bad, nullif(stage.remarks, '') AS remarks, {{values}},
            coalesce(stage.portfolio, '') AS portfolio, stage.portfolio_key,
            coalesce(stage.assignee, '') AS assignee, stage.assignee_key,
            CASE WHEN stage.name_key = '' THEN coalesce(dossier.name_key, '') ELSE stage.name_key END AS name_key,
            CASE WHEN stage.name_key = '' THEN coalesce(dossier.search_key, stage.search_key) ELSE stage.search_key
            END AS search_key,
            match.duplicate_of, dossier.id AS dossier_id, dossier.updated_at AS dossier_version,
            dossier.id IS NOT NULL AND ({{differs}}) AS differs,
            CASE WHEN dossier.id IS NOT NULL AND ({{differs}}) THEN {{changes}} END AS changes,
            CASE WHEN stage.bad THEN ''
                 WHEN match.doubt <> '' THEN match.doubt
                 WHEN dossier.archived_at IS NOT NULL THEN 'archived'
                 WHEN closed.id IS NOT NULL AND ({{differs}}) THEN 'read_only'
                 WHEN NOT {_HAS_NAME} THEN 'no_name'
                 WHEN NOT {_NUMBERS_AGREE} THEN 'siren_conflict' ELSE '' END AS fault
        FROM import_stage AS stage
        LEFT JOIN import_match AS match ON match.number = stage.number
        LEFT JOIN clients_dossier AS dossier ON dossier.id = match.dossier_id AND dossier.firm_id = %(firm)s
            AND match.doubt = ''
        LEFT JOIN import_closed AS closed ON closed.id = dossier.id{{joins}}
    ) AS compared
) AS classified
ORDER BY number
"""

_FAULTS = {
    "siret_ambiguous": "siret",
    "siren_ambiguous": "siren",
    "name_ambiguous": "legal_name",
    "archived": "legal_name",
    "read_only": "legal_name",
    "no_name": "legal_name",
    "siren_conflict": "siren",
}


def classify(source: Import, present: Sequence[str]) -> dict[str, int]:
    """Make the import's rows from the stage; returns how many there are of each action."""
    parameters: dict[str, Any] = {
        "firm": source.firm_id,
        "source": source.pk,
        "faults": json.dumps(
            {code: [remark(Level.ERROR, field, code).stored()] for code, field in _FAULTS.items()}
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE import_stage")
        cursor.execute(_MATCH, parameters)
        cursor.execute("ANALYZE import_match")
        _find_closed(cursor)
        cursor.execute(_classifying(present), parameters)
        _rename(cursor, source)
        cursor.execute(
            "SELECT action, count(*) FROM clients_importrow WHERE source_id = %s AND firm_id = %s GROUP BY action",
            [source.pk, source.firm_id],
        )
        return dict(cursor.fetchall())


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
    """Updates that touch a name or a number: what lists sort by and search in, of the dossier as it will be."""
    columns = ", ".join(f"coalesce(nullif(stage.{name}, ''), dossier.{name})" for name in NAMING)
    cursor.execute(
        f"SELECT stage.id, {columns} FROM clients_importrow AS stage JOIN clients_dossier AS dossier"
        " ON dossier.id = stage.dossier_id AND dossier.firm_id = stage.firm_id"
        " WHERE stage.source_id = %s AND stage.firm_id = %s AND stage.action = %s AND stage.changes ?| %s",
        [source.pk, source.firm_id, RowAction.UPDATE, list(NAMING)],
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
