"""Firms with millions of events: made by the owner, in SQL, with the table's own keys and indexes.

Two in five events are lines behind another one, as an import or a move of many leaves them. Some kinds are everywhere,
one is rare; one of the members did little.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from benchmarks._access_world import Office, make_office, office_of, tidy_up
from clients.models import Dossier
from spreadsheets.text import fold
from tenancy.scopes import scope

OTHERS, SEALED = 50, 100_000
YEARS = 5
RARE = "clients.journal.exported"
# Kinds, as often as they stand here; the rare one is put in by the number of the event.
KINDS = (
    ["clients.dossier.changed"] * 8
    + ["clients.dossier.moved"] * 4
    + ["clients.dossier.assigned"] * 3
    + ["clients.dossier.file_taken"] * 2
    + ["clients.dossier.archived", "portfolios.portfolio.renamed", "clients.dossier.file_dropped"]
)

_THINGS = """
CREATE TEMP TABLE things ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY id) AS place, id, legal_name AS name FROM clients_dossier WHERE firm_id = %(firm)s
"""
_PEOPLE = """
CREATE TEMP TABLE people ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY last_name) AS place, user_id AS id, first_name || ' ' || last_name AS name
FROM accounts_membership WHERE firm_id = %(firm)s
"""
# The last of the people did one thing in 5,000; each thing has its share, drawn by a hash.
_EVENTS = """
INSERT INTO activity_event (id, firm_id, owner, type, at, actor_id, actor_name, behalf_name, subject_type, subject_id,
    subject_name, changes, details, "group", is_detail, ip, request_id)
SELECT (lpad(to_hex(stamp), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0')
        || right(gen_random_uuid()::text, 17))::uuid,
    %(firm)s, %(firm)s, CASE n %% 20000 WHEN 7 THEN %(rare)s ELSE (%(kinds)s::text[])[1 + drawn %% 20] END, at,
    people.id, people.name, '', 'clients.dossier', things.id, things.name,
    jsonb_build_object('phone', jsonb_build_array('+33123456789', '+331' || lpad((n %% 100000000)::text, 8, '0'))),
    '{}', md5((n / 500)::text)::uuid, n %% 500 >= 300, '192.0.2.7', md5(n::text)
FROM generate_series(1, %(count)s) AS n,
    LATERAL (SELECT abs(hashint4(n)::bigint) AS drawn,
        now() - (%(count)s - n) * (%(span)s::interval / %(count)s) AS at),
    LATERAL (SELECT (extract(epoch FROM at) * 1000)::bigint AS stamp),
    things, people
WHERE things.place = 1 + drawn / 20 %% (SELECT count(*) FROM things)
    AND people.place = CASE n %% 5000 WHEN 3 THEN (SELECT count(*) FROM people)
        ELSE 1 + drawn / 7 %% (SELECT count(*) - 1 FROM people) END
"""
_NAMES = "SELECT DISTINCT subject_id, subject_name FROM activity_event WHERE firm_id = %s"
_ACTORS = (
    "SELECT DISTINCT actor_id, actor_name FROM activity_event WHERE firm_id = %s AND actor_id IS NOT NULL"
)
_NOTE = """
INSERT INTO activity_name (id, firm_id, acts, key, name)
SELECT uuidv7(), %s, %s, line.key, line.name FROM unnest(%s::uuid[], %s::text[]) AS line (key, name)
ON CONFLICT DO NOTHING
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = 'activity_event'::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


@dataclass(frozen=True)
class World:
    """Two of the firms."""

    large: Office
    small: Office


def make(events: int) -> World:
    """Half of the events are the large firm's; the others share the rest."""
    share = max(events // 2 // OTHERS, 1_000)
    world = World(
        large=make_office(min(20_000, events // 50), portfolios=200, members=40, singles=10),
        small=make_office(1_000, portfolios=20, members=6, singles=10),
    )
    others = [world.small.firm.pk, *(_other() for _number in range(OTHERS - 1))]
    with _bare_table():
        fill(world.large.firm.pk, events // 2)
        for key in others:
            fill(key, share)
    with connections["owner"].cursor() as cursor:  # what making the firms has left: as if it were sealed
        cursor.execute("DELETE FROM activity_unsealed")
    tidy_up()
    return world


def found_or_made(events: int) -> World:
    """What an earlier run on the same servers (`dev.py with-services`) has made, if it was as much; else a new one."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT firm_id, count(*) FROM activity_event WHERE firm_id IS NOT NULL GROUP BY 1")
        counts = {key: count for key, count in cursor.fetchall() if count >= events // 2 // OTHERS}
    if sum(counts.values()) < events:
        return make(events)
    print(f"  {sum(counts.values()):,} events of {len(counts)} firms are there already", file=sys.stderr)
    large = max(counts, key=lambda key: counts[key])
    # The firms beside have half as many client files as the small one, those of earlier runs' sealing more events.
    small = max((key for key in counts if key != large), key=lambda key: (_client_files(key), -counts[key]))
    return World(large=office_of(large), small=office_of(small))


def _client_files(key: UUID) -> int:
    with scope(firm=key):
        return Dossier.objects.count()


def make_unsealed(events: int) -> Office:
    """A firm with SEALED events that nobody has sealed yet: each run has its own."""
    office = make_office(1_000, portfolios=20, members=6, singles=10)
    fill(office.firm.pk, min(SEALED, events), note=False)
    tidy_up()
    return office


def _other() -> UUID:
    key: UUID = make_office(500, portfolios=10, members=5, singles=10).firm.pk
    return key


def fill(firm: UUID, count: int, *, note: bool = True) -> None:
    """So many events over the last years; with the names that sealing would have noted."""
    print(f"  {count:,} events", file=sys.stderr)
    values: dict[str, Any] = {
        "firm": firm,
        "count": count,
        "rare": RARE,
        "kinds": KINDS,
        "span": f"{YEARS} years",
    }
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for statement in (_THINGS, _PEOPLE, _EVENTS):
            cursor.execute(statement, values)
        if note:
            _note(cursor, firm)


def _note(cursor: CursorWrapper, firm: UUID) -> None:
    for acts, statement in ((False, _NAMES), (True, _ACTORS)):
        cursor.execute(statement, [firm])
        rows = [(key, fold(name)) for key, name in cursor.fetchall()]
        keys, names = [key for key, _name in rows], [name for _key, name in rows]
        cursor.execute(_NOTE, [firm, acts, keys, names])


@contextmanager
def _bare_table() -> Generator[None]:
    """Without its further indexes and its note for the sealer while millions go in; with them again afterwards."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(_INDEXES)
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute("ALTER TABLE activity_event DISABLE TRIGGER event_unsealed")
        yield
        for name, definition in indexes:
            print(f"  index {name}", file=sys.stderr)
            cursor.execute(definition)
        cursor.execute("ALTER TABLE activity_event ENABLE TRIGGER event_unsealed")
