"""Which dossier each staged row is about, as one statement over the stage and the firm's dossiers."""

from clients.models import MatchRule

_CLIENTS = "clients_dossier WHERE firm_id = %(firm)s AND NOT is_own"
# More than one dossier is a question for a person. An archived one is found where no other is.
_FOUND = """coalesce((array_agg(id) FILTER (WHERE archived_at IS NULL))[1], (array_agg(id))[1]) AS id,
           count(*) FILTER (WHERE archived_at IS NULL) AS many,
           (array_agg(id) FILTER (WHERE archived_at IS NULL))[1:20] AS ids"""

# Only those that rows ask for.
_BY_SIRET = f"""by_siret AS (
    SELECT siret, {_FOUND} FROM {_CLIENTS}
    AND siret IN (SELECT siret FROM import_stage WHERE siret <> '') GROUP BY siret
)"""
_BY_SIREN = f"""by_siren AS (
    SELECT siren, {_FOUND} FROM {_CLIENTS}
    AND siren IN (SELECT siren FROM import_stage WHERE siren <> '' AND siret = '') GROUP BY siren
)"""
_BY_NAME = f"""by_name AS (
    SELECT name_key, email, postcode, city, {_FOUND} FROM {_CLIENTS}
    AND EXISTS (SELECT FROM import_stage WHERE reference = '' AND siret = '' AND siren = '')
    GROUP BY name_key, email, postcode, city
)"""

# How rows of a rule find their dossiers, surest first. By reference or by what was said of the row there is one at
# most; by the others there may be several.
_SURE = {MatchRule.USUAL: ("own",), MatchRule.REFERENCE: ("own",), MatchRule.SIRET: (), MatchRule.NONE: ()}
_LIKELY = {
    MatchRule.USUAL: ("by_siret", "by_siren", "by_name"),
    MatchRule.REFERENCE: (),
    MatchRule.SIRET: ("by_siret",),
    MatchRule.NONE: (),
}
_DOUBTS = {"by_siret": "siret_ambiguous", "by_siren": "siren_ambiguous", "by_name": "name_ambiguous"}

_OWN = """
    LEFT JOIN clients_dossier AS own
        ON own.firm_id = %(firm)s AND NOT own.is_own AND own.reference = stage.reference AND stage.reference <> ''"""
_ABOUT = """
    LEFT JOIN clients_dossier AS about
        ON about.firm_id = %(firm)s AND NOT about.is_own AND about.id = stage.about"""
_JOINS = {
    "by_siren": "by_siren ON {sure} IS NULL AND stage.siret = '' AND by_siren.siren = stage.siren",
    "by_name": "by_name ON stage.reference = '' AND stage.siret = '' AND stage.siren = ''"
    " AND by_name.name_key = stage.name_key AND by_name.email = stage.email"
    " AND by_name.postcode = stage.postcode AND by_name.city = stage.city",
}

# A row's SIRET begins with the SIREN of these, of which no establishment is known: whether it is one of them, a person
# says. One that has another SIRET is another establishment.
_BY_COMPANY = f"""by_company AS (
    SELECT siren, (array_agg(id))[1:20] AS ids FROM {_CLIENTS} AND archived_at IS NULL AND siret = '' AND siren IN (
        SELECT siren FROM candidate WHERE siret <> '' AND dossier_id IS NULL AND doubt = '' AND NOT settled)
    GROUP BY siren
)"""
_OF_COMPANY = (
    "LEFT JOIN by_company ON by_company.siren = candidate.siren AND candidate.siret <> ''"
    " AND candidate.dossier_id IS NULL AND candidate.doubt = '' AND NOT candidate.settled"
)

# Rows that are the same client as an earlier row of the file. Those that have found their dossiers otherwise, or of
# which a person has said what they are, may have a number in common.
_SAME_REFERENCE = """same_reference AS (
    SELECT reference, min(number) AS first FROM candidate WHERE reference <> '' GROUP BY reference HAVING count(*) > 1
)"""
_SAME_DOSSIER = """same_dossier AS (
    SELECT dossier_id, min(number) AS first FROM candidate WHERE dossier_id IS NOT NULL AND doubt = ''
    GROUP BY dossier_id HAVING count(*) > 1
)"""
_SAME = {
    "same_siret": (
        """same_siret AS (
    SELECT siret, min(number) AS first FROM candidate WHERE siret <> '' GROUP BY siret HAVING count(*) > 1
)""",
        "same_siret.siret = candidate.siret AND candidate.known_siret <> candidate.siret AND NOT candidate.settled",
    ),
    "same_siren": (
        """same_siren AS (
    SELECT siren, min(number) AS first FROM candidate WHERE siren <> '' AND siret = '' AND reference = ''
    GROUP BY siren HAVING count(*) > 1
)""",
        "same_siren.siren = candidate.siren AND candidate.siret = '' AND candidate.reference = ''"
        " AND candidate.dossier_id IS NULL AND NOT candidate.settled",
    ),
    "same_name": (
        """same_name AS (
    SELECT name_key, email, postcode, city, min(number) AS first FROM candidate
    WHERE reference = '' AND siret = '' AND siren = '' AND name_key <> ''
    GROUP BY name_key, email, postcode, city HAVING count(*) > 1
)""",
        "same_name.name_key = candidate.name_key AND same_name.email = candidate.email"
        " AND same_name.postcode = candidate.postcode AND same_name.city = candidate.city"
        " AND candidate.reference = '' AND candidate.siret = '' AND candidate.siren = ''"
        " AND candidate.dossier_id IS NULL AND NOT candidate.settled",
    ),
}
_SAME_BY_RULE = {
    MatchRule.USUAL: ("same_siret", "same_siren", "same_name"),
    MatchRule.REFERENCE: (),
    MatchRule.SIRET: ("same_siret",),
    MatchRule.NONE: (),
}


def matching(rule: MatchRule, *, told: bool) -> str:
    """The statement that makes the table import_match: by the row's number `dossier_id`, `doubt` (a code, where several
    dossiers are likely) with `candidates`, `duplicate_of` (an earlier row), and `other` (a code) with `other_id`: a
    dossier that has the row's reference or SIRET without being the one that the row is about, or the first of the
    `candidates` that have its SIREN and no SIRET.

    `told`: rows may say which dossier they are about.
    """
    sure = f"coalesce({', '.join([*(['about.id'] if told else []), *_ids(_SURE[rule])]) or 'NULL::uuid'})"
    likely = _LIKELY[rule]
    tables = {"by_siret": _BY_SIRET, "by_siren": _BY_SIREN, "by_name": _BY_NAME}
    found = [tables["by_siret"], *(tables[name] for name in likely if name != "by_siret")]
    same = [_SAME[name] for name in _SAME_BY_RULE[rule]]
    firsts = [
        "same_reference.first",
        "same_dossier.first",
        *(f"{name}.first" for name in _SAME_BY_RULE[rule]),
    ]
    candidate = f"""candidate AS (
    SELECT stage.number, stage.reference, stage.siret, stage.siren, stage.name_key, stage.email, stage.postcode,
           stage.city, stage.settled, own.id AS own_id, by_siret.id AS by_siret_id,
           CASE WHEN NOT stage.is_new THEN coalesce({", ".join([sure, *_ids(likely)])}) END AS dossier_id,
           CASE WHEN stage.is_new THEN '' ELSE coalesce({_known_siret(rule, told)}) END AS known_siret,
           {_by_likely(sure, likely, "'{code}'", "''")} AS doubt,
           {_by_likely(sure, likely, "{name}.ids", "NULL")} AS candidates
    FROM import_stage AS stage{_ABOUT if told else ""}{_OWN}
    LEFT JOIN by_siret ON by_siret.siret = stage.siret
    {" ".join(f"LEFT JOIN {_JOINS[name].format(sure=sure)}" for name in likely if name in _JOINS)}
    WHERE NOT stage.bad AND NOT stage.skipped
)"""
    parts = [*found, candidate, _SAME_REFERENCE, _SAME_DOSSIER, *(part for part, _on in same)]
    joins = [f"LEFT JOIN {name} ON {_SAME[name][1]}" for name in _SAME_BY_RULE[rule]]
    by_company = "NULL::uuid[]"
    if "by_siren" in likely:
        parts, joins, by_company = [*parts, _BY_COMPANY], [*joins, _OF_COMPANY], "by_company.ids"
    return f"""
CREATE TEMPORARY TABLE import_match ON COMMIT DROP AS
WITH {", ".join(parts)}
SELECT candidate.number, candidate.dossier_id, candidate.doubt,
       coalesce(candidate.candidates, {by_company}) AS candidates,
       nullif(least({", ".join(firsts)}), candidate.number) AS duplicate_of,
       CASE WHEN {_TAKEN} THEN 'reference_taken' WHEN {_EXISTS} THEN 'siret_exists'
            WHEN {by_company} IS NOT NULL THEN 'siren_known' ELSE '' END AS other,
       CASE WHEN {_TAKEN} THEN own_id WHEN {_EXISTS} THEN by_siret_id ELSE ({by_company})[1] END AS other_id
FROM candidate
LEFT JOIN same_reference ON same_reference.reference = candidate.reference
LEFT JOIN same_dossier ON same_dossier.dossier_id = candidate.dossier_id AND candidate.doubt = ''
{" ".join(joins)}
"""


_TAKEN = "own_id IS NOT NULL AND own_id IS DISTINCT FROM candidate.dossier_id"
_EXISTS = "by_siret_id IS NOT NULL AND candidate.known_siret <> candidate.siret"


def _ids(tables: tuple[str, ...]) -> list[str]:
    return [f"{name}.id" for name in tables]


def _known_siret(rule: MatchRule, told: bool) -> str:
    """The SIRET that the row's dossier has already."""
    tables = [
        *(["about"] if told else []),
        *_SURE[rule],
        *(name for name in _LIKELY[rule] if name == "by_siret"),
    ]
    return ", ".join([*(f"{name}.siret" for name in tables), "''"])


def _by_likely(sure: str, likely: tuple[str, ...], several: str, otherwise: str) -> str:
    """`several` where the row is likely to be about one of several dossiers; `otherwise` where it is not."""
    if not likely:
        return f"{otherwise}::uuid[]" if otherwise == "NULL" else f"{otherwise}::text"
    cases = [f"WHEN {name}.many > 1 THEN {several.format(name=name, code=_DOUBTS[name])}" for name in likely]
    return f"CASE WHEN stage.is_new OR {sure} IS NOT NULL THEN {otherwise} {' '.join(cases)} ELSE {otherwise} END"
