"""10,000 client files granted to one person: by us, by guardian's bulk, and by its `assign_perm` in a loop."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import connection, connections, transaction
from guardian.managers import UserObjectPermissionManager
from guardian.shortcuts import assign_perm

from accounts.permissions import ObjectRole, give
from benchmarks._access_world import Office
from benchmarks._runner import Result, Run, compete, timed
from clients.models import Assignment, Dossier
from tenancy.scopes import scope

MANY = 10_000
ROLE = ObjectRole.READER
Way = Callable[[Office, list[Dossier]], None]


def race_of_grants(office: Office, rounds: int) -> dict[str, float]:
    """The loop takes so long that it runs in a race of its own, over a tenth."""
    print(f"\n{MANY:,} client files granted to one person")
    bulk = compete(_contestants(office, MANY, {"ours": _ours, "guardian's bulk": _bulk}), rounds=rounds)
    print(f"\n{MANY // 10:,} client files granted to one person")
    loop = compete(
        _contestants(office, MANY // 10, {"ours": _ours, "assign_perm in a loop": _loop}), rounds=rounds
    )
    return {
        "grant_vs_guardian_bulk": _ratio(bulk, "guardian's bulk"),
        "grant_vs_loop": _ratio(loop, "assign_perm in a loop"),
    }


def _contestants(office: Office, many: int, ways: dict[str, Way]) -> dict[str, Callable[[], Run]]:
    return {name: partial(_granted, office, way, many) for name, way in ways.items()}


def _ours(office: Office, dossiers: list[Dossier]) -> None:
    person = cast(UUID, office.collaborator.user_id)
    give(Assignment, [(dossier.pk, person) for dossier in dossiers], role=ROLE, by=office.admin)


def _bulk(office: Office, dossiers: list[Dossier]) -> None:
    with _guardian() as person:
        assign_perm(ROLE, person(office), cast(Any, dossiers))  # its types know no lists, which it takes


def _loop(office: Office, dossiers: list[Dossier]) -> None:
    with _guardian() as person:
        user = person(office)
        for dossier in dossiers:
            assign_perm(ROLE, user, dossier)


def _granted(office: Office, way: Way, many: int) -> Run:
    """The time, and to which client files the person has the role then; taken back.

    Each gets the same client files, read beforehand: to choose 1,000 of 200,000 is no part of granting them.
    """
    with scope(firm=office.firm):
        mine = Assignment.objects.filter(user=office.collaborator.user_id)
        dossiers = Dossier.objects.exclude(pk__in=mine.values("content_object")).order_by("reference")
        chosen = list(dossiers[:many])
        run = timed(lambda: _until_commit(way, office, chosen), lambda: _rows(mine))
        transaction.set_rollback(True)
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM clients_assignment")
    return run


def _until_commit(way: Way, office: Office, dossiers: list[Dossier]) -> None:
    """With what the database would check at the commit, which never comes."""
    way(office, dossiers)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _rows(mine: Any) -> frozenset[Any]:
    return frozenset(mine.values_list("content_object_id", "permission_id", "firm_id"))


@contextmanager
def _guardian() -> Generator[Callable[[Office], Any]]:
    """Guardian's own manager on our table, and a person as guardian wants them."""
    theirs: Any = UserObjectPermissionManager()
    theirs.model = Assignment
    Assignment.objects = theirs
    try:
        yield _person
    finally:
        del Assignment.objects  # ours stands in the class above


def _person(office: Office) -> Any:
    user: Any = office.collaborator.user
    user.is_superuser, user.groups = False, Group.objects.none()
    return user


def _ratio(results: dict[str, Result], theirs: str) -> float:
    return results[theirs].seconds / results["ours"].seconds
