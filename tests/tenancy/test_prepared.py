"""Queries that are put together once: each time with its own values, behind the same wall."""

from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.lookups import firms_of
from accounts.models import Membership, Role
from accounts.permissions import Perm, anybody, keys_of, permitted
from activity.actions import record
from activity.models import Event
from clients.models import Dossier
from portfolios.events import PortfolioCreated
from tenancy.prepared import Prepared, PreparedModels, among_those_of
from tenancy.scopes import scope
from tests.worlds import World, make_dossier

pytestmark = pytest.mark.django_db


def _named() -> QuerySet[Dossier, Any]:
    return Dossier.objects.filter(among_those_of("these")).order_by("name_key").values_list("legal_name")


def test_it_is_put_together_once_and_asked_with_other_values_each_time(firm: World) -> None:
    built = []

    def build() -> QuerySet[Dossier, Any]:
        built.append(1)
        return _named()

    prepared = Prepared(build)
    first, second = make_dossier("Un"), make_dossier("Deux")
    assert prepared.rows(these=[first.pk]) == [("Un",)]
    assert prepared.rows(these=[first.pk, second.pk]) == [("Deux",), ("Un",)]
    assert prepared.rows(these=[]) == []
    assert len(built) == 1


def test_whole_instances_are_what_django_makes_of_the_rows(lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        nobodys = Membership.objects.create(email="a@b.test", role=Role.COLLABORATOR)
        prepared = PreparedModels(Membership, "user", Membership.objects.order_by("pk").all)
        plain = Membership.objects.select_related("user").order_by("pk")
        found = prepared.all()
        assert nobodys.user is None and nobodys in found and lemoine.admin in found
        with CaptureQueriesContext(connection) as asked:
            assert [(seen(one), one.user and seen(one.user)) for one in found] == [
                (seen(one), one.user and seen(one.user)) for one in plain
            ]
        assert len(asked) == 1


def test_what_the_database_gives_as_text_is_read_by_its_field(lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        record(PortfolioCreated, actor=None, subject=None, details={"n": 1}, changes={"name": (None, "é")})
        event = PreparedModels(Event, "firm", Event.objects.order_by("-pk").all).all()[0]
        assert (event.details, event.changes, event.firm) == ({"n": 1}, {"name": [None, "é"]}, lemoine.firm)


def seen(one: Any) -> dict[str, Any]:
    return {field.attname: getattr(one, field.attname) for field in one._meta.concrete_fields}


def test_the_wall_stands_before_it_too(lemoine: World, bertrand: World) -> None:
    prepared = Prepared(_named)
    with scope(firm=lemoine.firm):
        mine = make_dossier("Un")
        assert prepared.rows(these=[mine.pk]) == [("Un",)]
    with scope(firm=bertrand.firm):
        assert prepared.rows(these=[mine.pk]) == []
    with pytest.raises(ProgrammingError, match="no firm in scope"):
        prepared.rows(these=[mine.pk])


def test_a_moment_is_refused_for_it_would_stay_what_it_was() -> None:
    now = timezone.now()
    prepared = Prepared(lambda: Dossier.objects.filter(created_at__lt=now).values_list("pk"))
    with pytest.raises(TypeError, match="what time it is"):
        prepared.rows()


def test_a_key_that_is_no_place_is_refused_for_the_next_one_would_be_asked_for_the_first_ones(
    firm: World,
) -> None:
    prepared = Prepared(lambda: Dossier.objects.filter(firm_id=firm.firm.pk).values_list("pk"))
    with pytest.raises(TypeError, match="Place"):
        prepared.rows()


def test_a_day_is_refused_as_a_moment_is(firm: World) -> None:
    prepared = Prepared(
        lambda: Dossier.objects.filter(archived_at__date=timezone.localdate()).values_list("pk")
    )
    with pytest.raises(TypeError, match="what time it is"):
        prepared.rows()


@pytest.mark.parametrize("role", list(Role))
def test_who_asks_may_be_put_in(firm: World, role: Role) -> None:
    make_dossier("Un")
    seen = Prepared(
        lambda: permitted(Dossier.objects.clients(), anybody(role), Perm.VIEW_DOSSIER).values_list(
            "legal_name"
        )
    )
    member = firm.admin if role == Role.ADMIN else firm.collaborator
    assert seen.rows(**keys_of(member)) == ([("Un",)] if role == Role.ADMIN else [])


def test_the_server_plans_it_once_for_all_scopes(lemoine: World, bertrand: World) -> None:
    """Under a plan that is kept, each scope still sees its own alone."""
    prepared = Prepared(lambda: Dossier.objects.order_by("name_key").values_list("legal_name"))
    for world, name in ((lemoine, "Un"), (bertrand, "Deux")):
        with scope(firm=world.firm):
            make_dossier(name)
    for _time in range(10):  # PostgreSQL decides after five whether one plan serves all
        for world, name in ((lemoine, "Un"), (bertrand, "Deux")):
            with scope(firm=world.firm):
                assert prepared.rows() == [(name,)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(generic_plans) FROM pg_prepared_statements WHERE statement LIKE '%name_key%'"
        )
        assert cursor.fetchone()[0] > 0


def test_a_savepoint_that_is_taken_back_takes_no_plan_with_it(firm: World) -> None:
    """Before many changes, a dialog makes them and takes them back, to say what they would do."""
    prepared = Prepared(_named)
    prepared.rows(these=[])
    before = _kept_plans()
    with transaction.atomic():
        make_dossier("Repris")
        transaction.set_rollback(True)
    prepared.rows(these=[])
    assert before <= _kept_plans()
    assert any("name_key" in statement for _name, _moment, statement in before)


def _kept_plans() -> set[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, prepare_time, statement FROM pg_prepared_statements")
        return set(cursor.fetchall())


@pytest.mark.parametrize("statement", ["SELECT set_config('app.firm'%", "SELECT * FROM app.firms_of(%"])
def test_scope_and_look_ups_are_prepared_too(firm: World, statement: str) -> None:
    with scope(firm=firm.firm):
        assert firm.firm.pk in {place["firm_id"] for place in firms_of(firm.admin.user_id)}
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [statement])
            assert cursor.fetchone()[0] > 0
