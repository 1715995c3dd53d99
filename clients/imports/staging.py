"""Cleaned rows go by COPY into a temporary table, of which `clients.imports.classifying` makes the import's rows.
(PostgreSQL does not COPY into a table under row-level security.)

All of it in the firm's scope and in one transaction: `open_stage`, `add` per chunk, `classify`.
"""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection

from clients.imports.folding import keys
from clients.imports.rows import Chunk, names
from tenancy.keys import uuid7s

# The dossier's own columns, which a row holds as well: compared, copied and updated by these.
TEXTS = (
    "reference", "kind", "legal_name", "civility", "last_name", "first_name", "siren", "siret", "urssaf_account",
    "vat_number", "email", "phone", "address", "postcode", "city", "country", "naf_code", "legal_form",
    "legal_representative", "fiscal_year_end",
)  # fmt: skip
# The fields that an empty cell may empty, where a person asked for it.
EMPTIABLE = (*(name for name in TEXTS if name != "kind"), "portfolio")

# `about`: the dossier that a person, or the key of an exported list, says the row is about. `settled`: a person has
# said whether it is about one (`about`) or about none (`is_new`). `skipped`: it is left out. `ended`: its client has,
# at another platform.
_STAGE = (
    "CREATE TEMPORARY TABLE import_stage (id uuid, number integer, bad boolean, remarks text, portfolio text,"
    " portfolio_key uuid, assignee text, assignee_key uuid, name_key text, search_key text, raw text,"
    " emptied text[], about uuid, given_key uuid, given_version timestamptz, "
    + ", ".join(
        f"{name} boolean NOT NULL DEFAULT false" for name in ("skipped", "settled", "is_new", "ended")
    )
    + ", "
    + ", ".join(f"{name} text NOT NULL DEFAULT ''" for name in TEXTS)
    + ") ON COMMIT DROP"
)
# Columns of which everything is made here: nothing in them needs escaping, and NULL is written as such.
_MADE = frozenset(
    ("id", "number", "bad", "portfolio_key", "assignee_key", "emptied", "about", "given_key", "given_version")
)
NULL = r"\N"


def open_stage() -> None:
    """An empty stage, gone with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS pg_temp.import_stage, pg_temp.import_match, pg_temp.import_closed"
        )
        cursor.execute(_STAGE)


def add(
    numbers: Sequence[int],
    chunk: Chunk,
    portfolios: Mapping[str, UUID],
    people: Mapping[str, UUID | None],
    more: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """COPY the rows of a chunk. `portfolios` and `people`: keys by the names that the chunk holds; `more`: further
    columns of the stage."""
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
        "id": [str(key) for key in uuid7s(height)],
        "number": [str(number) for number in numbers],
        "bad": ["t" if i in chunk.bad else "f" for i in range(height)],
        "remarks": [_remarks_json(chunk, i) for i in range(height)] if chunk.remarks else nothing,
        "name_key": name_keys,
        "search_key": search_keys,
        **{name: chunk.values[name] for name in present},
        **(more or {}),
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
        f"{name}_key": [str(key_of.get(value) or NULL) if value else NULL for value in values],
    }


def _copy(columns: Mapping[str, Sequence[str]]) -> None:
    """As COPY's text format. Values hold no tab and no line break; a backslash is doubled."""
    listed = [column if name in _MADE else _escaped(column) for name, column in columns.items()]
    block = "\n".join(map("\t".join, zip(*listed, strict=True))) + "\n"
    with connection.cursor() as cursor:
        statement = f"COPY import_stage ({', '.join(columns)}) FROM STDIN"
        with cursor.cursor.copy(statement) as copy:
            copy.write(block)


def _escaped(column: Sequence[str]) -> Sequence[str]:
    return [text.replace("\\", "\\\\") for text in column] if "\\" in "".join(column) else column
