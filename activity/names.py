"""By what people and things in a firm's journal can be found: each name that they have or had, once.

A journal of millions of events tells of some ten thousand things, so a search reads their names and then goes to their
events by an index. It could not go by an index of words: PostgreSQL uses none for LIKE or a text search under
row-level security.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import connections

from activity.models import Name
from spreadsheets.text import fold
from tenancy import scopes
from tenancy.expressions import as_array
from tenancy.keys import uuid7s

# (acts, key, name) of an event, as `Name` holds them.
Named = tuple[bool, UUID, str]

_NOTE = """
INSERT INTO activity_name (id, firm_id, acts, key, name)
SELECT line.id, %s, line.acts, line.key, line.name
FROM unnest(%s::uuid[], %s::boolean[], %s::uuid[], %s::text[]) AS line (id, acts, key, name)
ON CONFLICT DO NOTHING
"""
_FIND = """
SELECT acts, key, name FROM activity_name
WHERE firm_id = %s AND EXISTS (SELECT FROM unnest(%s::text[]) AS word WHERE strpos(name, word) > 0)
"""
_LEFT_OVER = """
DELETE FROM activity_name AS name WHERE firm_id = %(firm)s AND CASE
    WHEN acts THEN NOT EXISTS (SELECT FROM activity_event AS event
                               WHERE event.firm_id = %(firm)s AND event.actor_id = name.key)
               AND NOT EXISTS (SELECT FROM activity_event AS event
                               WHERE event.firm_id = %(firm)s AND event.behalf_id = name.key)
    ELSE NOT EXISTS (SELECT FROM activity_event AS event
                     WHERE event.firm_id = %(firm)s AND event.subject_id = name.key) END
"""


def note(told: Collection[tuple[bool, str | None, str | None]], firm: UUID) -> None:
    """Note those that are not noted yet: (acts, key, name as it stands in the event).

    One at a time for each firm: whoever seals its journal.
    """
    names = {(acts, UUID(key), fold(name)[:300]) for acts, key, name in told if key and name}
    if not names:
        return
    acts, keys, texts = zip(*sorted(names), strict=True)
    with connections["default"].cursor() as cursor:
        cursor.execute(_NOTE, [firm, uuid7s(len(names)), list(acts), list(keys), list(texts)])


def found(words: Sequence[str]) -> list[Named]:
    """Those of the firm in scope that hold one of the words at least; the words are folded."""
    with connections["default"].cursor() as cursor:
        cursor.execute(_FIND, [scopes.firm_id(), list(words)])
        return list(cursor.fetchall())


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
