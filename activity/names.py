"""By what people and things in a firm's journal can be found: each name that they have or had, once.

A journal of millions of events tells of some ten thousand things, so a search reads their names and then goes to their
events by an index. It could not go by an index of words: PostgreSQL uses none for LIKE or a text search under
row-level security.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connections

from activity.models import Name
from activity.planning import Statement
from spreadsheets.text import fold
from tenancy import scopes
from tenancy.expressions import as_array
from tenancy.keys import uuid7s

# (acts, key, name) of an event, as `Name` holds them.
Named = tuple[bool, UUID, str]
# Whether who acted or what it was about, where their key stands in an event, and where their name does.
_NAMED = (
    (True, "actor_id", "actor_name"),
    (True, "behalf_id", "behalf_name"),
    (False, "subject_id", "subject_name"),
)
# The same in its details: what `Event.named` and `.taker` are made of.
_IN_DETAILS = (("member_id", "member"), ("cover_id", "cover"), ("to_id", "to"))
# All of these.
COLUMNS = (*(column for _acts, key, name in _NAMED for column in (key, name)), "details")

_NOTE = """
INSERT INTO activity_name (id, firm_id, acts, key, name)
SELECT line.id, %s, line.acts, line.key, line.name
FROM unnest(%s::uuid[], %s::boolean[], %s::uuid[], %s::text[]) AS line (id, acts, key, name)
ON CONFLICT DO NOTHING
"""
# Along the key of names, in whose order each thing's stand together.
_SAID = """
SELECT name.key, bit_or({bits}) FROM activity_name AS name
WHERE name.firm_id = %(firm)s AND name.acts = %(acts)s AND ({any}) GROUP BY name.key
"""
# Of those that one word finds, all names: a single look at each of the firm's, whatever the number of words. Those of
# each are put together by themselves: as a join of the two, the planner would go through all names once more.
_SAID_BY_ALL = """
WITH one AS MATERIALIZED (
    SELECT DISTINCT name.key FROM activity_name AS name
    WHERE name.firm_id = %(firm)s AND name.acts = %(acts)s AND {rarest}),
either AS MATERIALIZED (SELECT one.key FROM one UNION SELECT unnest(%(or_of)s::uuid[]))
SELECT either.key, found.bits FROM either CROSS JOIN LATERAL (
    SELECT bit_or({bits}) AS bits FROM activity_name AS name
    WHERE name.firm_id = %(firm)s AND name.acts = %(acts)s AND name.key = either.key) AS found
WHERE found.bits & %(all_of)s = %(all_of)s OR found.bits IS NOT NULL AND either.key = ANY (%(or_of)s::uuid[])
"""
# What is not sealed yet has no names noted yet: so much of it is looked at itself, the latest.
UNSEALED_STATEMENTS, UNSEALED = 500, 2_000
_TO_COME = f"""
SELECT DISTINCT {", ".join(f"event.{column}::text" for column in COLUMNS)} FROM activity_event AS event
WHERE event.owner = %(owner)s AND event.id = ANY (ARRAY(
    SELECT unnest(lately.keys) AS key FROM (
        SELECT one.keys FROM activity_unsealed AS one
        WHERE one.owner = %(owner)s ORDER BY one.id DESC LIMIT {UNSEALED_STATEMENTS}) AS lately
    ORDER BY key DESC LIMIT {UNSEALED}))
"""
_LEFT_OVER = """
DELETE FROM activity_name AS name WHERE firm_id = %(firm)s AND CASE
    WHEN acts THEN NOT EXISTS (SELECT FROM activity_event AS event
                               WHERE event.firm_id = %(firm)s AND event.actor_id = name.key)
               AND NOT EXISTS (SELECT FROM activity_event AS event
                               WHERE event.firm_id = %(firm)s AND event.behalf_id = name.key)
    ELSE NOT EXISTS (SELECT FROM activity_event AS event
                     WHERE event.firm_id = %(firm)s AND event.subject_id = name.key)
        AND NOT EXISTS (SELECT FROM activity_event AS event WHERE event.named = name.key)
        AND NOT EXISTS (SELECT FROM activity_event AS event WHERE event.taker = name.key) END
"""


def named(event: Mapping[str, str | None]) -> Iterator[tuple[bool, str, str]]:
    """Whom and what an event names, by its `COLUMNS` as texts: (acts, key, name)."""
    for acts, of_key, of_name in _NAMED:
        if (key := event[of_key]) and (name := event[of_name]):
            yield acts, key, name
    details = event["details"] or ""
    if any(f'"{key}"' in details for key, _name in _IN_DETAILS):
        told = json.loads(details)
        for of_key, of_name in _IN_DETAILS:
            if (key := told.get(of_key)) and (name := told.get(of_name)):
                yield False, key, name


def note(told: Collection[tuple[bool, str, str]], firm: UUID) -> None:
    """Note those that are not noted yet: (acts, key, name as it stands in the event).

    One at a time for each firm: whoever seals its journal.
    """
    names = {(acts, UUID(key), fold(name)[:300]) for acts, key, name in told}
    if not names:
        return
    acts, keys, texts = zip(*sorted(names), strict=True)
    with connections["default"].cursor() as cursor:
        cursor.execute(_NOTE, [firm, uuid7s(len(names)), list(acts), list(keys), list(texts)])


def to_come(owner: UUID) -> Statement:
    """The `COLUMNS` of the owner's latest events that nobody has sealed yet: what they name is not noted yet."""
    return _TO_COME, {"owner": owner}


def holders(words: Sequence[str], *, acts: bool, all_of: int = 0, or_of: Collection[UUID] = ()) -> Statement:
    """Who or what of the firm in scope has a name that holds one of the words, and which of them: key, a bit each.

    The words are folded: letters and digits alone. `all_of`: without those that do not hold all of these, but for
    `or_of`, of whom more names are known.
    """
    said = [f"name.name LIKE %(word_{place})s" for place in range(len(words))]
    bits = " | ".join(f"(CASE WHEN {one} THEN {1 << place} ELSE 0 END)" for place, one in enumerate(said))
    values: dict[str, Any] = {f"word_{place}": f"%{word}%" for place, word in enumerate(words)}
    values |= {"firm": scopes.firm_id(), "acts": acts}
    sought = [place for place in range(len(words)) if all_of >> place & 1]
    if len(words) == 1 or not sought:
        return _SAID.format(bits=bits, any=" OR ".join(said)), values
    # A number says more than a word, and a long word more than a short one.
    rarest = max(sought, key=lambda place: (any(map(str.isdigit, words[place])), len(words[place])))
    values |= {"all_of": sum(1 << place for place in sought), "or_of": as_array(or_of)}
    return _SAID_BY_ALL.format(bits=bits, rarest=said[rarest]), values


def forget_left_over() -> None:
    """Of the firm in scope: the names of those of whom no event is left."""
    with connections["default"].cursor() as cursor:
        cursor.execute(_LEFT_OVER, {"firm": scopes.firm_id()})


def replace(firm: UUID, keys: Collection[UUID], names: Collection[str], pseudonym: str, using: str) -> None:
    """A person is made unknown: what these keys and names were found by, the pseudonym is found by instead."""
    folded = [fold(name) for name in names]
    with connections[using].cursor() as cursor:
        cursor.execute(
            "DELETE FROM activity_name WHERE firm_id = %s AND (key = ANY (%s::uuid[]) OR name = ANY (%s))"
            " RETURNING acts, key",
            [firm, as_array(keys), folded],
        )
        gone = sorted(set(cursor.fetchall()))
    Name.objects.using(using).bulk_create(
        Name(firm_id=firm, acts=acts, key=key, name=fold(pseudonym)) for acts, key in gone
    )
