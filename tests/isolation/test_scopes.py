"""The wall between two firms, tried on the real runtime role from every side."""

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import IntegrityError, ProgrammingError, connection, connections, transaction

from accounts.models import Membership
from accounts.permissions import ObjectRole, give, pairs_of
from clients.models import ClientSpace, Dossier, SpaceLink
from portfolios.models import Portfolio, PortfolioGrant
from tenancy import scopes
from tenancy.keys import uuid7
from tenancy.scopes import NoScope, Purpose, WrongScope, crossing, scope
from tenancy.tasks import FirmTask
from tests.worlds import World, make_dossier, make_portfolio


@pytest.fixture
def ours(lemoine: World) -> Portfolio:
    with scope(firm=lemoine.firm):
        return make_portfolio("Le nôtre")


@pytest.fixture
def theirs(bertrand: World) -> Portfolio:
    with scope(firm=bertrand.firm):
        return make_portfolio("Le leur")


def refused() -> "pytest.RaisesExc[ProgrammingError]":
    return pytest.raises(ProgrammingError, match="row-level security")


# --- no scope ---------------------------------------------------------------------------------------------


def test_reading_without_a_scope_is_an_error_not_an_empty_list(ours: Portfolio) -> None:
    with pytest.raises(ProgrammingError, match="no firm in scope"), transaction.atomic():
        list(Portfolio.objects.all())


def test_raw_sql_without_a_scope_is_an_error(ours: Portfolio) -> None:
    with (
        pytest.raises(ProgrammingError, match="no firm in scope"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT count(*) FROM portfolios_portfolio")


def test_writing_without_a_scope_is_an_error(lemoine: World) -> None:
    with pytest.raises(NoScope):
        Portfolio.objects.create(name="Sans cabinet")
    with pytest.raises(ProgrammingError, match="no firm in scope"), transaction.atomic():
        Portfolio.objects.create(name="Sans cabinet", firm_id=lemoine.firm.pk)


def test_updating_or_deleting_without_a_scope_is_an_error(ours: Portfolio) -> None:
    for change in (lambda q: q.update(name="X"), lambda q: q.delete()):
        with pytest.raises(ProgrammingError, match="no firm in scope"), transaction.atomic():
            change(Portfolio.objects.filter(pk=ours.pk))


def test_a_link_is_an_error_without_any_scope(lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        dossier = make_dossier()
    key = uuid7()
    with scope(space=key):
        ClientSpace.objects.create(id=key, legal_name="Boulangerie Martin")
        SpaceLink.objects.create(firm_id=lemoine.firm.pk, dossier_id=dossier.pk, space_id=key, firm_name="L")
    with pytest.raises(ProgrammingError, match="no scope in scope"), transaction.atomic():
        list(SpaceLink.objects.all())


# --- the wrong scope ---------------------------------------------------------------------------------------


def test_another_firms_rows_do_not_exist(lemoine: World, theirs: Portfolio, ours: Portfolio) -> None:
    with scope(firm=lemoine.firm):
        assert list(Portfolio.objects.all()) == [ours]
        assert not Portfolio.objects.filter(pk=theirs.pk).exists()
        assert Portfolio.objects.filter(pk=theirs.pk).update(name="Volé") == 0
        assert Portfolio.objects.filter(pk=theirs.pk).delete()[0] == 0
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM portfolios_portfolio")
            assert cursor.fetchall() == [(ours.pk,)]


def test_a_row_cannot_be_written_for_another_firm(lemoine: World, bertrand: World) -> None:
    with scope(firm=lemoine.firm):
        with refused(), transaction.atomic():
            Portfolio.objects.create(name="Chez eux", firm_id=bertrand.firm.pk)
        with refused(), transaction.atomic():
            Portfolio.objects.bulk_create(
                [Portfolio(name="Chez eux", firm_id=bertrand.firm.pk, name_key="x")]
            )


def test_a_row_cannot_be_moved_to_another_firm(lemoine: World, bertrand: World, ours: Portfolio) -> None:
    with scope(firm=lemoine.firm):
        with refused(), transaction.atomic():
            Portfolio.objects.update(firm_id=bertrand.firm.pk)
        ours.firm_id = bertrand.firm.pk
        with refused(), transaction.atomic():
            Portfolio.objects.bulk_update([ours], ["firm"])


def test_a_foreign_key_cannot_point_into_another_firm(lemoine: World, theirs: Portfolio) -> None:
    with scope(firm=lemoine.firm):
        with pytest.raises(IntegrityError, match="dossier_portfolio"), transaction.atomic():
            make_dossier(portfolio=theirs)
        dossier = make_dossier()
        with pytest.raises(IntegrityError, match="dossier_portfolio"), transaction.atomic():
            Dossier.objects.filter(pk=dossier.pk).update(portfolio_id=theirs.pk)


def test_a_grant_to_a_stranger_is_impossible(lemoine: World, bertrand: World, ours: Portfolio) -> None:
    stranger = Membership(pk=uuid7(), firm_id=lemoine.firm.pk, user=bertrand.collaborator.user)
    with (
        scope(firm=lemoine.firm),
        pytest.raises(IntegrityError, match="portfoliogrant_member"),
        transaction.atomic(),
    ):
        give(PortfolioGrant, pairs_of([ours], [stranger]), role=ObjectRole.READER, by=None)


def test_a_clients_space_is_not_seen_from_a_firm(lemoine: World) -> None:
    key = uuid7()
    with scope(space=key):
        ClientSpace.objects.create(id=key, legal_name="Boulangerie Martin")
    with (
        scope(firm=lemoine.firm),
        pytest.raises(ProgrammingError, match="no space in scope"),
        transaction.atomic(),
    ):
        list(ClientSpace.objects.all())


# --- nesting and coming back --------------------------------------------------------------------------------


def test_nested_scopes_return_to_the_outer_one(
    lemoine: World, bertrand: World, ours: Portfolio, theirs: Portfolio
) -> None:
    with scope(firm=lemoine.firm):
        with scope(firm=bertrand.firm):
            assert list(Portfolio.objects.all()) == [theirs]
            with scope(firm=lemoine.firm):
                assert list(Portfolio.objects.all()) == [ours]
            assert list(Portfolio.objects.all()) == [theirs]
        assert list(Portfolio.objects.all()) == [ours]
        assert scopes.firm_id() == lemoine.firm.pk


def test_an_exception_in_a_nested_scope_returns_to_the_outer_one(
    lemoine: World, bertrand: World, ours: Portfolio
) -> None:
    with scope(firm=lemoine.firm):
        with pytest.raises(ZeroDivisionError), scope(firm=bertrand.firm):
            make_portfolio("Repris")
            1 / 0  # noqa: B018 - the exception is the point
        assert list(Portfolio.objects.all()) == [ours]
    with scope(firm=bertrand.firm):
        assert not Portfolio.objects.exists()


def test_a_database_error_in_a_nested_scope_returns_to_the_outer_one(
    lemoine: World, bertrand: World, ours: Portfolio
) -> None:
    with scope(firm=lemoine.firm):
        with pytest.raises(IntegrityError), scope(firm=bertrand.firm):
            make_dossier(portfolio=ours)
        assert list(Portfolio.objects.all()) == [ours]


def test_a_scope_names_exactly_one_owner(lemoine: World) -> None:
    with pytest.raises(TypeError), scope():
        pass
    with pytest.raises(TypeError), scope(firm=lemoine.firm, space=uuid7()):
        pass


@pytest.mark.django_db(transaction=True)
def test_an_exception_commits_nothing(lemoine: World) -> None:
    with pytest.raises(ZeroDivisionError), scope(firm=lemoine.firm):
        make_portfolio("Repris")
        1 / 0  # noqa: B018 - the exception is the point
    with scope(firm=lemoine.firm):
        assert not Portfolio.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_of_a_scope_stays_on_the_connection(lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        make_portfolio()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.firm', true)")
        assert cursor.fetchone()[0] in (None, "")
    with pytest.raises(ProgrammingError, match="no firm in scope"):
        list(Portfolio.objects.all())


@pytest.mark.parametrize(
    ("table", "asked"),
    [
        ("portfolios_portfolio", ["app.firm()"]),
        ("clients_spacemember", ["app.space()"]),
        ("activity_event", ["app.any_firm()", "app.any_space()", "app.any_person()"]),
        ("activity_seal", ["app.some_scope()"]),
    ],
)
def test_the_scope_is_asked_once_in_a_query_and_is_not_put_into_it(
    lemoine: World, table: str, asked: list[str]
) -> None:
    """What the planner writes out in the functions' place takes it longer than the rest of the query."""
    with scope(firm=lemoine.firm), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM {table}")
        plan = [line.strip() for (line,) in cursor.fetchall()]
    after = [plan[place + 2] for place, line in enumerate(plan) if line.startswith("InitPlan")]
    assert after == [f"Output: {function}" for function in asked], plan


# --- after the commit, and in the background -------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_on_commit_runs_in_the_scope_where_it_was_registered(lemoine: World) -> None:
    seen: list[object] = []
    with scope(firm=lemoine.firm):
        make_portfolio()
        scopes.on_commit(lambda: seen.append((scopes.firm_id(), Portfolio.objects.count())))
        transaction.on_commit(lambda: seen.append(scopes.current()))
    assert seen == [(lemoine.firm.pk, 1), scopes.NOWHERE]


class CountPortfolios(FirmTask):
    name = "tests.count_portfolios"

    def run(self, firm_id: UUID) -> tuple[UUID, int]:
        return firm_id, Portfolio.objects.count()


@pytest.mark.parametrize("arguments", [(), ("",), ("not a key",), (None,)])
def test_a_task_without_its_firm_refuses(arguments: tuple[object, ...]) -> None:
    with pytest.raises(NoScope):
        CountPortfolios()(*arguments)


def test_a_task_runs_in_its_firms_scope(lemoine: World, ours: Portfolio, theirs: Portfolio) -> None:
    assert CountPortfolios()(str(lemoine.firm.pk)) == (lemoine.firm.pk, 1)


# --- crossing -----------------------------------------------------------------------------------------------------


@pytest.fixture
def link(lemoine: World) -> Iterator[SpaceLink]:
    with scope(firm=lemoine.firm):
        dossier = make_dossier()
    key = uuid7()
    with scope(space=key):
        ClientSpace.objects.create(id=key, legal_name="Boulangerie Martin")
        yield SpaceLink.objects.create(
            firm_id=lemoine.firm.pk, dossier_id=dossier.pk, space_id=key, firm_name="Lemoine"
        )


@pytest.mark.parametrize("purpose", Purpose)
def test_crossing_enters_the_other_side_for_a_named_purpose(link: SpaceLink, purpose: Purpose) -> None:
    with crossing(link, purpose) as there:
        assert there.firm_id == link.firm_id
        assert Dossier.objects.get().pk == link.dossier_id
        with crossing(link, purpose) as back:
            assert back.space_id == link.space_id
    assert scopes.space_id() == link.space_id


def test_crossing_for_no_known_purpose_or_from_elsewhere_is_refused(link: SpaceLink, bertrand: World) -> None:
    with pytest.raises(ValueError, match="curiosity"), crossing(link, "curiosity"):  # type: ignore[arg-type]
        pass
    with scope(firm=bertrand.firm), pytest.raises(WrongScope), crossing(link, Purpose.CLIENT_EDIT):
        pass


def test_an_ended_link_is_not_crossed(link: SpaceLink) -> None:
    link.until = link.since
    with pytest.raises(WrongScope), crossing(link, Purpose.CLIENT_EDIT):
        pass


def test_a_link_is_seen_from_its_two_sides_only(link: SpaceLink, lemoine: World, bertrand: World) -> None:
    assert SpaceLink.objects.count() == 1
    with scope(firm=lemoine.firm):
        assert SpaceLink.objects.count() == 1
    with scope(firm=bertrand.firm):
        assert SpaceLink.objects.count() == 0
    with scope(space=uuid7()):
        assert SpaceLink.objects.count() == 0
    with scope(person=lemoine.admin.user):
        assert SpaceLink.objects.count() == 0


# --- many threads ---------------------------------------------------------------------------------------------------

THREADS, ROUNDS = 8, 1250


@pytest.mark.django_db(transaction=True)
def test_ten_thousand_interleaved_scopes_never_see_the_other_firm(lemoine: World, bertrand: World) -> None:
    keys: dict[UUID, UUID] = {}
    for world in (lemoine, bertrand):
        with scope(firm=world.firm):
            keys[world.firm.pk] = make_portfolio(world.firm.name).pk
    wrong: list[object] = []

    def stand_here_and_there(first: int) -> None:
        firms = list(keys)
        try:
            for turn in range(ROUNDS):
                firm = firms[(first + turn) % 2]
                with scope(firm=firm):
                    seen = list(Portfolio.objects.values_list("pk", flat=True))
                if seen != [keys[firm]]:
                    wrong.append(seen)
        except Exception as error:  # a thread's failure must reach the test
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=stand_here_and_there, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
