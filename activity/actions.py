"""The only place where events, notifications and mails are born."""

import itertools
import json
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db import connection, models
from django.utils import timezone

from activity import origin
from activity.behalf import stood_in_for, stood_in_for_among
from activity.events import Actor, EventType, Recipient, subject_name
from activity.mails import REGISTRY
from activity.models import Event, OutgoingEmail
from activity.precedence import SINGLE, URGENT, among_many
from activity.preferences import leaving
from tenancy.keys import key_sql, stamps, uuid7, uuid7s
from tenancy.tasks import nudge

if TYPE_CHECKING:
    from tenancy.backend.base import DatabaseWrapper

Changes = Mapping[str, tuple[Any, Any]]
_BATCH = 5_000


@dataclass(frozen=True)
class Happening:
    """One line of `record_many`: the subject's key and name, and what changed."""

    subject_id: UUID
    subject_name: str
    changes: Changes = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Letter:
    """One mail of `queue_mails`: what `queue_mail` takes."""

    kind: str
    to: str
    name: str = ""
    language: str = "fr"
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """Somebody who is told by mail: `address` and `name`; `about` is the event type or the kind of mail."""

    address: str
    name: str
    about: str


_listener: ContextVar[list[Told] | None] = ContextVar("listener", default=None)
_group: ContextVar[UUID | None] = ContextVar("group", default=None)


@contextmanager
def in_one_go() -> Generator[UUID]:
    """What is recorded inside stands in one group, whose key this is: what one action did, in whichever journals.

    For actions that bring about several events, or that are made of other actions. Inside another one it is the same.
    """
    group = new_group()
    token = _group.set(group)
    try:
        yield group
    finally:
        _group.reset(token)


def new_group() -> UUID:
    """The key of a group of events; inside of `in_one_go` that one's, so that what is made of many is one."""
    return _group.get() or uuid7()


@contextmanager
def overheard() -> Generator[list[Told]]:
    """Whom the actions inside tell: for saying, before a change, which mails will leave."""
    told: list[Told] = []
    token = _listener.set(told)
    try:
        yield told
    finally:
        _listener.reset(token)


def _overhear(address: str, name: str, about: str) -> None:
    if (listener := _listener.get()) is not None:
        listener.append(Told(address, name, about))


def record(
    event_type: type[EventType],
    *,
    actor: Actor | None,
    subject: models.Model | None,
    changes: Changes | None = None,
    details: Mapping[str, Any] | None = None,
    also_tell: Iterable[Recipient] = (),
    group: UUID | None = None,
    behalf: Actor | None = None,
    tells_actor: bool = False,
) -> Event:
    """Write down that the actor did this to the subject, and tell the type's audience, less the actor.

    `changes` is field → (before, after). `details` holds what the sentence names besides actor and subject.
    `also_tell`: those who were concerned before the change and are no more (a lost access): they are told of it
    whatever they may see by then. The event belongs to the firm, space or person in scope. `actor` is None for what
    the product does by itself. For whom the actor stands in follows from how they reach the subject now; `behalf`
    says it where that was otherwise before the change.
    `tells_actor`: the actor is told with the others, of what they asked for earlier and another's answer brings about.
    """
    details = dict(details or {})
    event = _event(event_type, actor, _label(subject), group or _group.get())
    if (behalf := behalf or stood_in_for(actor, subject)) is not None:
        event.behalf_id, event.behalf_name = behalf.user_id, behalf.name
    event.subject_id = subject.pk if subject is not None else None
    event.subject_name = subject_name(subject)
    event.changes, event.details = _plain(changes or {}), details
    concerned = _people(event_type.audience(subject, details))
    outside = {key: person for key, person in _people(also_tell).items() if key not in concerned}
    people = {**concerned, **outside}
    if actor is not None and actor.user_id is not None and not tells_actor:
        people.pop(actor.user_id, None)
    _insert(event, _notifications(event_type, people, outside))
    if people and event_type.security:
        nudge("activity.compose_notifications")
    return event


def record_many(
    event_type: type[EventType],
    *,
    actor: Actor | None,
    model: type[models.Model],
    happenings: Iterable[Happening],
    group: UUID,
    behalf: Mapping[UUID, Actor] | None = None,
) -> int:
    """Write down the same kind of change of many subjects, set-based; returns how many.

    Nobody is told by these: the group's one event (`record(…, group=group)`) tells with counts. `behalf` as there,
    by the subjects' keys.
    """
    common = _event(event_type, actor, model._meta.label_lower, group, is_detail=True)
    lines, count = iter(happenings), 0
    while batch := list(itertools.islice(lines, _BATCH)):
        for_whom = stood_in_for_among(actor, model, [one.subject_id for one in batch]) | dict(behalf or {})
        lines_of = zip(uuid7s(len(batch)), batch, strict=True)
        values = [_line(key, one, for_whom.get(one.subject_id)) for key, one in lines_of]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_EVENTS, _as_json(common, values))
        count += len(batch)
    return count


def record_rows(
    event_type: type[EventType],
    *,
    actor: Actor | None,
    model: type[models.Model],
    lines: str,
    parameters: Mapping[str, Any],
    most: int,
    group: UUID,
) -> int:
    """`record_many` of what the database can say by itself, for hundreds of thousands.

    `lines` is a SELECT of `subject_id`, `subject_name` and `changes` (jsonb, as `Event` holds them) with named
    `parameters`, of at most `most` rows.
    """
    common = _event(event_type, actor, model._meta.label_lower, group, is_detail=True)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT subject_id FROM ({lines}) AS line", parameters)
        keys = [key for (key,) in cursor.fetchall()]
        for_whom = stood_in_for_among(actor, model, keys)
        told = {str(key): {"id": str(one.user_id), "name": one.name} for key, one in for_whom.items()}
        values: dict[str, Any] = {f"event_{name}": getattr(common, name) for name in _COMMON}
        values |= {"event_stamp": stamps(most), "event_behalf": json.dumps(told)}
        if keys:
            cursor.execute(_INSERT_ROWS.format(lines=lines), {**parameters, **values})
    return len(keys)


_COMMON = (
    "firm_id", "space_id", "person_id", "owner", "type", "at", "actor_id", "actor_name", "subject_type", "group", "ip",
    "request_id", "is_detail",
)  # fmt: skip
_COLUMNS = f"""{", ".join(f'"{name}"' for name in _COMMON)}, id, subject_id, subject_name, changes, details, behalf_id,
    behalf_name"""
_INSERT_ROWS = f"""
INSERT INTO activity_event ({_COLUMNS})
SELECT {", ".join(f"%(event_{name})s" for name in _COMMON)}, {key_sql("%(event_stamp)s + line.place")},
    line.subject_id, left(line.subject_name, 300), line.changes, '{{{{}}}}'::jsonb,
    (%(event_behalf)s::jsonb -> line.subject_id::text ->> 'id')::uuid,
    coalesce(%(event_behalf)s::jsonb -> line.subject_id::text ->> 'name', '')
FROM (SELECT lines.*, row_number() OVER () - 1 AS place FROM ({{lines}}) AS lines) AS line
"""

# What they have in common and the lines travel as JSON texts: a model instance and its parameters for each would take
# ten times as long, and the server plans one statement, whatever of it is empty.
_INSERT_EVENTS = f"""
INSERT INTO activity_event ({_COLUMNS})
SELECT {", ".join(f'common."{name}"' for name in _COMMON)}, line.id, line.subject_id, line.subject_name, line.changes,
    line.details, line.behalf_id, coalesce(line.behalf_name, '')
FROM json_populate_record(NULL::activity_event, %(common)s::json) AS common,
    json_to_recordset(%(lines)s::json) AS line (id uuid, subject_id uuid, subject_name text, changes jsonb,
        details jsonb, behalf_id uuid, behalf_name text)
"""
# An event, and one notification for each person.
_INSERT = f"""
WITH event AS ({_INSERT_EVENTS} RETURNING id, firm_id, space_id, person_id, owner)
INSERT INTO activity_notification (id, firm_id, space_id, person_id, owner, event_id, recipient_id, address, name,
    language, due_at, daily, outside, composed_at)
SELECT line.id, event.firm_id, event.space_id, event.person_id, event.owner, event.id, line.recipient_id, line.address,
    line.name, line.language, line.due_at, line.daily, line.outside, line.composed_at
FROM event, json_populate_recordset(NULL::activity_notification, %(told)s::json) AS line
"""


def _line(key: UUID, happening: Happening, behalf: Actor | None) -> dict[str, Any]:
    stands_in = {"behalf_id": str(behalf.user_id), "behalf_name": behalf.name} if behalf else {}
    return {
        "id": str(key),
        "subject_id": str(happening.subject_id),
        "subject_name": happening.subject_name[:300],
        "changes": _plain(happening.changes),
        "details": dict(happening.details),
        **stands_in,
    }


def _as_json(common: Event, lines: list[dict[str, Any]]) -> dict[str, str]:
    """The parameters of `_INSERT_EVENTS`."""
    return {"common": json.dumps(_texts(common, _COMMON)), "lines": json.dumps(lines)}


def _insert(event: Event, told: list[dict[str, Any]]) -> None:
    texts = _texts(event, ("id", "subject_id", "subject_name", "behalf_id", "behalf_name"))
    line = {**texts, "changes": event.changes, "details": event.details}
    with cast("DatabaseWrapper", connection).prepared_cursor() as cursor:
        cursor.execute(_INSERT, {**_as_json(event, [line]), "told": json.dumps(told)})
    event._state.adding, event._state.db = False, connection.alias


def _texts(event: Event, names: Iterable[str]) -> dict[str, Any]:
    return {name: _value(getattr(event, name)) for name in names}


def queue_mail(
    kind: str, *, to: str, name: str = "", language: str = "fr", params: Mapping[str, Any] | None = None
) -> OutgoingEmail:
    """Put a mail of this kind into the outbox of the owner in scope; a worker delivers it after the commit.

    `params` holds keys (as text), never a link or a token.
    """
    _overhear(to, name, kind)
    mail = OutgoingEmail.objects.create(
        **OutgoingEmail.ownership(),
        kind=kind,
        to=to,
        to_name=name,
        language=language,
        params=dict(params or {}),
        precedence=_precedence(kind),
    )
    nudge("activity.deliver_mails")
    return mail


def queue_mails(letters: Iterable[Letter], *, batch: UUID | None = None) -> int:
    """Put many mails into the outbox of the owner in scope at once, set-based; returns how many.

    `batch`: the key of what they are a part of, by which `activity.queries.mail_counts` counts them; those that were
    queued for it before stand before these.
    """
    owner = OutgoingEmail.ownership()
    letters = list(letters)
    before = OutgoingEmail.objects.of_scope().filter(batch=batch).count() if batch else 0
    is_one = len(letters) == 1 and batch is None
    for letter in letters:
        _overhear(letter.to, letter.name, letter.kind)
    mails = [
        OutgoingEmail(
            **owner,
            kind=letter.kind,
            to=letter.to,
            to_name=letter.name,
            language=letter.language,
            params=dict(letter.params),
            batch=batch,
            precedence=_precedence(letter.kind, None if is_one else before + place),
        )
        for place, letter in enumerate(letters)
    ]
    OutgoingEmail.objects.bulk_create(mails, batch_size=_BATCH)
    nudge("activity.deliver_mails")
    return len(mails)


def _precedence(kind: str, place: int | None = None) -> int:
    """`place`: among those that leave together, of one of many."""
    if kind in REGISTRY and REGISTRY[kind].urgent:
        return URGENT
    return SINGLE if place is None else among_many(place)


def _event(
    event_type: type[EventType],
    actor: Actor | None,
    label: str,
    group: UUID | None,
    *,
    is_detail: bool = False,
) -> Event:
    source = origin.current()
    return Event(
        **Event.ownership(),
        type=event_type.name,
        actor_id=actor.user_id if actor else None,
        actor_name=actor.name if actor else "",
        subject_type=label,
        group=group,
        is_detail=is_detail,
        ip=source.ip,
        request_id=source.request_id,
    )


def _notifications(
    event_type: type[EventType], people: Mapping[UUID, Recipient], outside: Collection[UUID]
) -> list[dict[str, Any]]:
    """One notification for each: the sweep finds it once the hold is over."""
    leaves, told = leaving(event_type, people.keys(), timezone.now()), []
    for (user_id, person), key in zip(people.items(), uuid7s(len(people)), strict=True):
        when = leaves[user_id]
        if when.composed_at is None:
            _overhear(person.email, person.name, event_type.name)
        told.append(
            {
                "id": str(key),
                "recipient_id": str(user_id),
                "address": person.email,
                "name": person.name,
                "language": person.language,
                "due_at": str(when.due_at),
                "daily": when.daily,
                "outside": user_id in outside,
                "composed_at": _value(when.composed_at),
            }
        )
    return told


def _people(those: Iterable[Recipient]) -> dict[UUID, Recipient]:
    return {person.user_id: person for person in those if person.user_id is not None}


def _label(subject: models.Model | None) -> str:
    return subject._meta.label_lower if subject is not None else ""


def _plain(changes: Changes) -> dict[str, list[Any]]:
    """Values as JSON holds them: keys, dates and choices as text."""
    return {name: [_value(before), _value(after)] for name, (before, after) in changes.items()}


def _value(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
