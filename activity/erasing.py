"""A person is made unknown in every journal: what they did stays and stays proven, who they were is gone.

The application may not change events, so this is done as the database's owner (`manage.py erase_person`). In each event
the name gives way to a pseudonym and the address (IP) to nothing; the salt under which the part was sealed is
destroyed, so that the digest in the chain no longer lets anybody try names on it; a digest of what stands there now is
written beside it, and the event that tells of the erasure holds one over all of these.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import connections
from psycopg.types.json import Jsonb

from activity import chain, names
from activity.chain import Sum
from activity.models import Event, Notification, OutgoingEmail, Redaction
from activity.proofs import PersonErased
from activity.sealing import keep_sealers_off, seal_journal
from tenancy.keys import uuid7, uuid7s
from tenancy.scopes import scope

OWNER = "owner"
AT_ONCE = 500

_JOURNALS = "SELECT owner, firm_id, space_id, person_id FROM activity_journal ORDER BY id"
# Of one journal: where the person acted or was stood in for, is the subject, or is named by a whole value.
_NAMED = """
SELECT event.id, seal.number, event.actor_id, event.behalf_id, event.subject_id, event.actor_name, event.behalf_name,
    event.ip IS NOT NULL, event.subject_name, event.changes::text, event.details::text
FROM activity_event AS event JOIN activity_seal AS seal ON seal.event = event.id
WHERE event.owner = %(owner)s AND seal.number > %(after)s AND (
    event.actor_id = %(person)s OR event.behalf_id = %(person)s OR event.subject_id = ANY (%(keys)s)
    OR event.actor_name = ANY (%(names)s) OR event.behalf_name = ANY (%(names)s) OR event.subject_name = ANY (%(names)s)
    OR jsonb_path_exists(event.changes, %(path)s::jsonpath) OR jsonb_path_exists(event.details, %(path)s::jsonpath))
ORDER BY seal.number LIMIT %(most)s
"""
_CHANGE = """
UPDATE activity_event SET actor_name = %s, behalf_name = %s, ip = CASE WHEN %s THEN NULL ELSE ip END, subject_name = %s,
    changes = %s, details = %s
WHERE id = %s
"""
# What the person was called in one journal while they acted, were stood in for, or were what it was about.
_FORMER = """
SELECT event.actor_name FROM activity_event AS event WHERE event.owner = %(owner)s AND event.actor_id = %(person)s
UNION SELECT event.behalf_name FROM activity_event AS event
WHERE event.owner = %(owner)s AND event.behalf_id = %(person)s
UNION SELECT event.subject_name FROM activity_event AS event
WHERE event.owner = %(owner)s AND event.subject_id = ANY (%(keys)s)
"""
# What is a person's own, whatever it is called, where the person is what the event is about.
_PERSONAL = frozenset({"email", "address", "first_name", "last_name", "name", "phone", "to", "to_name"})


@dataclass(frozen=True)
class Person:
    """Whom it is about. `keys`: of the person and of their places; `names`: what they are called, and where mailed."""

    user_id: UUID
    keys: frozenset[UUID]
    names: frozenset[str]

    @property
    def pseudonym(self) -> str:
        """The same everywhere, so that it is still told apart who did what."""
        return f"Personne effacée {str(self.user_id)[-8:]}"


def erase_from_journals(person: Person) -> int:
    """In every journal; returns in how many events. Each journal is one transaction; done again, it goes on."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(_JOURNALS)
        journals = cursor.fetchall()
    erased = 0
    for owner, firm, space, individual in journals:
        seal_journal(firm, space, individual)
        with scope(firm=firm, space=space, person=individual, using=OWNER):
            keep_sealers_off(owner, OWNER)
            known_as = replace(person, names=person.names | _former_names(owner, person))
            erased += _erase_from(owner, known_as)
            if firm:
                names.replace(firm, person.keys, known_as.names, person.pseudonym, OWNER)
    return erased


def _former_names(owner: UUID, person: Person) -> frozenset[str]:
    """By which other events may name them, too."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(_FORMER, {"owner": owner, "person": person.user_id, "keys": list(person.keys)})
        return frozenset(name for (name,) in cursor.fetchall() if name and name != person.pseudonym)


def _erase_from(owner: UUID, person: Person) -> int:
    group, told, count, after = uuid7(), Sum(), 0, 0
    while rows := _named(owner, person, after):
        after = rows[-1][1]
        changed = [(row, parts) for row in rows if (parts := _make_unknown(row, person))]
        count += len(changed)
        _seal_again(owner, group, {row[1]: (row[0], parts) for row, parts in changed}, told)
    if count:
        Event(
            **Event.ownership(),
            type=PersonErased.name,
            group=group,
            details={"pseudonym": person.pseudonym, "count": count, "sum": told.hexdigest()},
        ).save(using=OWNER, force_insert=True)
    return count


def _named(owner: UUID, person: Person, after: int) -> list[Any]:
    names = sorted(person.names)
    path = "$.** ? (" + " || ".join(f"@ == {json.dumps(name)}" for name in names) + ")"
    values: dict[str, Any] = {
        "owner": owner,
        "person": person.user_id,
        "keys": list(person.keys),
        "names": names,
        "path": path,
    }
    with connections[OWNER].cursor() as cursor:
        cursor.execute(_NAMED, {**values, "after": after, "most": AT_ONCE})
        return list(cursor.fetchall())


def _make_unknown(row: Any, person: Person) -> list[str]:
    """Change the event; returns which of its parts no longer are what was sealed."""
    key, _number, actor, behalf, subject, actor_name, behalf_name, has_ip, subject_name, *texts = row
    changes, details = (json.loads(text) for text in texts)
    acted = actor == person.user_id
    who = [
        person.pseudonym if (acted and actor_name) or actor_name in person.names else actor_name,
        person.pseudonym
        if (behalf == person.user_id and behalf_name) or behalf_name in person.names
        else behalf_name,
    ]
    is_subject = subject in person.keys
    what = [
        person.pseudonym if (is_subject and subject_name) or subject_name in person.names else subject_name,
        _without(changes, person, personal=is_subject),
        _without(details, person, personal=is_subject),
    ]
    parts = []
    if who != [actor_name, behalf_name] or (acted and has_ip):
        parts.append("who")
    if what != [subject_name, changes, details]:
        parts.append("what")
    if parts:
        with connections[OWNER].cursor() as cursor:
            values: list[Any] = [*who, acted, what[0], Jsonb(what[1]), Jsonb(what[2]), key]
            cursor.execute(_CHANGE, values)
    return parts


def _without(value: Any, person: Person, *, personal: bool) -> Any:
    """The same with the pseudonym in place of the names; in the person's own fields, of whatever stands there."""
    if isinstance(value, dict):
        return {
            name: _blotted(one, person)
            if personal and name in _PERSONAL
            else _without(one, person, personal=personal)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_without(one, person, personal=personal) for one in value]
    return person.pseudonym if isinstance(value, str) and value in person.names else value


def _blotted(value: Any, person: Person) -> Any:
    if isinstance(value, list):
        return [_blotted(one, person) for one in value]
    return person.pseudonym if isinstance(value, str) and value else value


def _seal_again(owner: UUID, group: UUID, changed: dict[int, tuple[UUID, list[str]]], told: Sum) -> None:
    """Write beside the chain what stands there now, and destroy the salts of what stood there."""
    if not changed:
        return
    keys = {key: number for number, (key, _parts) in changed.items()}
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            f"SELECT event.id, {chain.columns('event')} FROM activity_event AS event WHERE event.id = ANY (%s)",
            [list(keys)],
        )
        rows = {keys[row[0]]: row[1:] for row in cursor.fetchall()}
        for part in chain.ERASABLE:
            numbers = [number for number, (_key, parts) in changed.items() if part in parts]
            cursor.execute(
                f"UPDATE activity_seal SET {part}_salt = NULL WHERE owner = %s AND number = ANY (%s)",
                [owner, numbers],
            )
            cursor.execute(
                "UPDATE activity_redaction SET salt = NULL WHERE owner = %s AND part = %s AND number = ANY (%s)",
                [owner, part, numbers],
            )
    _write(owner, group, _places(changed), rows, told)


def _places(changed: dict[int, tuple[UUID, list[str]]]) -> list[tuple[int, str]]:
    """Number and part, in the order in which a verification reads them."""
    return sorted((number, part) for number, (_key, parts) in changed.items() for part in parts)


def _write(
    owner: UUID, group: UUID, places: Collection[tuple[int, str]], rows: dict[int, Any], told: Sum
) -> None:
    written: Iterable[tuple[tuple[int, str], UUID, UUID]] = zip(
        places, chain.salts(len(places)), uuid7s(len(places)), strict=True
    )
    made = []
    for (number, part), salt, key in written:
        digest = chain.part_digest(part, salt, rows[number])
        told.add(number, part.encode(), digest)
        made.append(
            Redaction(id=key, owner=owner, erasure=group, number=number, part=part, salt=salt, digest=digest)
        )
    Redaction.objects.using(OWNER).bulk_create(made)


def forget_addresses(person: Person, addresses: Collection[str], unreachable: str) -> None:
    """What was told the person, and the mails that were written to them."""
    Notification.objects.using(OWNER).filter(recipient_id=person.user_id).update(
        address=unreachable, name=person.pseudonym
    )
    OutgoingEmail.objects.using(OWNER).filter(to__in=addresses).update(
        to=unreachable, to_name=person.pseudonym, failure=""
    )
