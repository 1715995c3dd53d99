"""How many objects each person reaches: what lists of people show, at a cost that does not grow with the people."""

from collections import Counter
from string import Formatter
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Exists, F, OuterRef, QuerySet, UUIDField, Value
from django.db.models.functions import Cast

from accounts.grants import Grant
from accounts.models import MembershipQuerySet, Replacement, Role
from accounts.permissions.deciding import replaced
from accounts.permissions.granting import grant_models
from accounts.permissions.reading import paths, role_ids, running, without_closed, without_reserved
from accounts.permissions.roles import ObjectRole, Perm

M = TypeVar("M", bound=models.Model)
Sql = tuple[str, tuple[Any, ...]]

# Each group is counted once, whoever has it, and what is opened by itself only outside of the groups that the person
# has. The line without a person says how many objects there are.
_COUNTS = """
    WITH objects (id, "group") AS NOT MATERIALIZED ({objects}), groups AS ({groups}), singles AS ({singles}),
    sizes AS (SELECT "group", count(*) AS number FROM objects GROUP BY "group")
    SELECT person, sum(number)::int FROM (
        SELECT person, number FROM groups JOIN sizes ON sizes."group" = object
        UNION ALL
        SELECT person, count(*) FROM singles JOIN objects ON objects.id = object
        WHERE NOT EXISTS (
            SELECT FROM groups WHERE groups.person = singles.person AND groups.object = objects."group"
        ) GROUP BY person
        UNION ALL
        SELECT NULL, number FROM sizes
    ) AS found GROUP BY person
"""
# Who holds what of one kind: by themselves, or in another's stead.
_HELD = """
    SELECT user_id AS person, content_object_id AS object FROM ({running}) AS grants
    UNION
    SELECT cover_id, content_object_id FROM ({running}) AS grants JOIN ({replaced}) AS covers ON absent_id = user_id
    WHERE permission_id IS DISTINCT FROM {support}
"""
_NOTHING: Sql = ("SELECT NULL::uuid AS person, NULL::uuid AS object WHERE false", ())


def reached_counts(objects: QuerySet[M], perm: Perm) -> tuple[Counter[UUID], int]:
    """How many of these objects of the firm in scope grants open to each person, replacements included; and how many
    there are, all of which administrators reach.

    By person's key. One query. The objects hang on one group at most (a dossier on its portfolio); none is reserved
    to administrators.
    """
    ways = dict(paths(objects.model))
    group = next((column for column in ways if column != "pk"), None)
    shown = without_reserved(without_closed(objects, perm)).order_by()
    of_group = F(group) if group else Cast(Value(None), UUIDField())
    sql, params = _put_in(
        _COUNTS,
        objects=shown.values_list(F("pk"), of_group).query.sql_with_params(),
        groups=_held(ways[group], perm) if group else _NOTHING,
        singles=_held(ways["pk"], perm),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        counts = dict(cursor.fetchall())
    total = counts.pop(None, 0)
    return Counter(counts), total


def without_grants(members: MembershipQuerySet) -> MembershipQuerySet:
    """Of these members, those to whom nothing is opened: no administrators, nobody who holds or covers anything."""
    found = members.exclude(role=Role.ADMIN)
    for grants in grant_models():
        rows: Any = grants._default_manager.filter(user_id=OuterRef("user_id"))
        found = found.exclude(Exists(rows.running()))
    return found.exclude(Exists(Replacement.objects.running().filter(cover_id=OuterRef("user_id"))))


def _held(grants: type[Grant], perm: Perm) -> Sql:
    """Who holds which of the things that such grants open, as a query."""
    try:
        of_perm = running(grants, perm).order_by().values("user_id", "content_object_id", "permission_id")
        held = of_perm.query.sql_with_params()
    except EmptyResultSet:  # no grant's role allows it
        return _NOTHING
    covers = replaced(grants).order_by().values("absent_id", "cover_id").query.sql_with_params()
    support = ("%s", (role_ids(grants).get(ObjectRole.SUPPORT),))
    return _put_in(_HELD, running=held, replaced=covers, support=support)


def _put_in(template: str, **parts: Sql) -> Sql:
    """Queries put into a query, with the parameters of all."""
    sql, params = "", list[Any]()
    for text, name, _spec, _conversion in Formatter().parse(template):
        inner, values = parts[name] if name else ("", ())
        sql += text + inner
        params += values
    return sql, tuple(params)
