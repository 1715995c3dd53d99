"""`execute_in`: one statement in a scope of its own, in one exchange with the database."""

from typing import cast

import psycopg
import pytest
from django.db import DataError, connection

from portfolios.models import Portfolio
from tenancy.scopes import NOWHERE, Scope, current, execute_in, scope
from tests.worlds import World, make_portfolio

RENAME = f"UPDATE {Portfolio._meta.db_table} SET name = %s WHERE id = %s"


def name_of(portfolio: Portfolio, world: World) -> str:
    with scope(firm=world.firm):
        return Portfolio.objects.get(pk=portfolio.pk).name


def told() -> str:
    """The firm that PostgreSQL knows of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.firm', true)")
        return cast(str, cursor.fetchone()[0] or "")


@pytest.mark.parametrize("inside", [True, False])
def test_it_writes_in_that_scope_and_leaves_no_trace_of_it(
    transactional_db: None, lemoine: World, bertrand: World, inside: bool
) -> None:
    with scope(firm=lemoine.firm):
        ours = make_portfolio("Avant")
    if inside:
        with scope(firm=bertrand.firm):
            execute_in(Scope(firm_id=lemoine.firm.pk), RENAME, ["Après", ours.pk])
            assert told() == str(bertrand.firm.pk)
            assert current() == Scope(firm_id=bertrand.firm.pk)
    else:
        execute_in(Scope(firm_id=lemoine.firm.pk), RENAME, ["Après", ours.pk])
        assert told() == ""
        assert current() == NOWHERE
        assert connection.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        connection.close()  # what was not committed would be gone
    assert name_of(ours, lemoine) == "Après"


def test_the_wall_stands_in_it(transactional_db: None, lemoine: World, bertrand: World) -> None:
    with scope(firm=lemoine.firm):
        ours = make_portfolio("Avant")
    execute_in(Scope(firm_id=bertrand.firm.pk), RENAME, ["Leurs mains", ours.pk])
    assert name_of(ours, lemoine) == "Avant"


def test_a_refused_statement_raises_djangos_error_and_the_connection_serves_on(
    transactional_db: None, lemoine: World
) -> None:
    with scope(firm=lemoine.firm):
        ours = make_portfolio("Avant")
    with pytest.raises(DataError):
        execute_in(Scope(firm_id=lemoine.firm.pk), RENAME, ["x" * 1_000, ours.pk])
    assert told() == ""
    execute_in(Scope(firm_id=lemoine.firm.pk), RENAME, ["Après", ours.pk])
    assert name_of(ours, lemoine) == "Après"
