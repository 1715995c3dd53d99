"""Writing grants, set-based: called by the actions of the apps that own them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import product
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.apps import apps
from django.db import connection, models

from accounts.grants import Grant
from accounts.models import Membership
from accounts.permissions.reading import role_id, roles_by_id, rows
from accounts.permissions.roles import ObjectRole
from tenancy.expressions import as_array
from tenancy.keys import uuid7s

# An object's key and a person's key.
Pair = tuple[UUID, UUID]


class Granted(NamedTuple):
    """What became of one person's grant on one object; None where there is no running one."""

    object_id: UUID
    user_id: UUID
    before: ObjectRole | None
    after: ObjectRole | None


def pairs_of(objects: Iterable[models.Model], members: Iterable[Membership]) -> list[Pair]:
    """Each object with each member."""
    return [(obj.pk, cast(UUID, member.user_id)) for obj, member in product(objects, members)]


def give(
    grants: type[Grant],
    pairs: Collection[Pair],
    *,
    role: ObjectRole,
    by: Membership | None,
    until: datetime | None = None,
    at: datetime | None = None,
) -> list[Granted]:
    """Make this role each person's role on the object, whatever it was: one statement, however many pairs there are.

    An expired grant is revived. Returns those that changed: who had that very role until that very moment is left as
    they are, with who gave it and when. The database refuses a stranger to the firm. `at` is the moment that they are
    to bear, where it is not this one.
    """
    if not pairs:
        return []
    objects, people = zip(*pairs, strict=True)
    table = connection.ops.quote_name(grants._meta.db_table)
    values: dict[str, Any] = {
        "ids": as_array(uuid7s(len(pairs))),
        "objects": as_array(objects),
        "people": as_array(people),
        "among": as_array({*people}),
        "role": role_id(grants, role),
        "by": by.user_id if by else None,
        "until": until,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH wanted AS MATERIALIZED (
                SELECT * FROM unnest(%(ids)s::uuid[], %(objects)s::uuid[], %(people)s::uuid[])
                    WITH ORDINALITY AS pair (id, object, person, number)
            ), had AS (
                SELECT number, permission_id
                FROM {table} JOIN wanted ON content_object_id = object AND user_id = person
                WHERE user_id = ANY(%(among)s::uuid[]) AND firm_id = (SELECT app.firm())
                  AND (expires_at IS NULL OR expires_at > now())
            ), changed AS (
                INSERT INTO {table} AS grants (id, firm_id, user_id, content_object_id, permission_id, granted_by_id,
                    granted_at, expires_at)
                SELECT id, (SELECT app.firm()), person, object, %(role)s, %(by)s,
                    coalesce(%(at)s::timestamptz, now()), %(until)s FROM wanted
                ON CONFLICT (firm_id, user_id, content_object_id) DO UPDATE
                SET permission_id = excluded.permission_id, granted_by_id = excluded.granted_by_id,
                    granted_at = excluded.granted_at, expires_at = excluded.expires_at
                WHERE (grants.permission_id, grants.expires_at)
                    IS DISTINCT FROM (excluded.permission_id, excluded.expires_at)
                RETURNING content_object_id AS object, user_id AS person
            )
            SELECT number - 1, had.permission_id
            FROM changed JOIN wanted USING (object, person) LEFT JOIN had USING (number)
            """,
            values,
        )
        roles = roles_by_id(grants)
        return [
            Granted(objects[place], people[place], roles.get(before) if before else None, role)
            for place, before in cursor.fetchall()
        ]


def take(grants: type[Grant], pairs: Collection[Pair]) -> list[Granted]:
    """Take each person's grant on the object; returns those that were running."""
    if not pairs:
        return []
    objects, people = zip(*pairs, strict=True)
    return _taken(
        grants,
        "(content_object_id, user_id) IN (SELECT * FROM unnest(%(objects)s::uuid[], %(people)s::uuid[]))",
        {"objects": as_array(objects), "people": as_array(people)},
    )


def take_all(member: Membership) -> dict[type[Grant], list[Granted]]:
    """Take whatever was granted to the member in the firm in scope; returns, by kind, what was running."""
    mine = {"person": member.user_id}
    return {grants: _taken(grants, "user_id = %(person)s", mine) for grants in grant_models()}


def take_role(grants: type[Grant], obj: models.Model, role: ObjectRole) -> list[Granted]:
    """Take everybody's grant of this role on the object; returns those that were running."""
    of_role = rows(grants).filter(content_object_id=obj.pk, permission_id=role_id(grants, role))
    return take(grants, list(of_role.values_list("content_object_id", "user_id")))


def people_of_role(grants: type[Grant], obj: models.Model, role: ObjectRole) -> set[UUID]:
    """The keys of the people who have this role on the object, those whose grant has just run out included."""
    of_role = rows(grants).filter(content_object_id=obj.pk, permission_id=role_id(grants, role))
    return set(of_role.values_list("user_id", flat=True))


def end_role(grants: type[Grant], obj: models.Model, role: ObjectRole, until: datetime) -> int:
    """Let everybody's running grant of this role on the object end then, sooner or later than it would have."""
    of_role = cast(Any, rows(grants)).filter(content_object_id=obj.pk, permission_id=role_id(grants, role))
    return int(of_role.running().update(expires_at=until))


def grant_models() -> list[type[Grant]]:
    """The kinds of grants that the apps above declare."""
    return [model for model in apps.get_models() if issubclass(model, Grant)]


def _taken(grants: type[Grant], condition: str, values: dict[str, Any]) -> list[Granted]:
    table, roles = connection.ops.quote_name(grants._meta.db_table), roles_by_id(grants)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DELETE FROM {table} WHERE firm_id = (SELECT app.firm()) AND {condition}
            RETURNING content_object_id, user_id, permission_id, (expires_at IS NULL OR expires_at > now())
            """,
            values,
        )
        return [
            Granted(obj, person, roles[role], None) for obj, person, role, runs in cursor.fetchall() if runs
        ]
