"""Writing and reading a row that holds a file: its values go beside the statement."""

from typing import Any, cast

from django.db import connections, models
from django.db.models.sql import InsertQuery
from psycopg.pq import Format

from tenancy.backend.base import DatabaseWrapper

_ALIAS = "default"


def insert_bound(row: models.Model) -> None:
    """As `row.save(force_insert=True)`, without signals.

    Django writes values into the statement: a file as hexadecimal digits, of which there are three copies until they
    are sent. Beside it, there is one of the bytes that they are.
    """
    query = InsertQuery(type(row))
    query.insert_values(row._meta.local_concrete_fields, [row])
    with cast(DatabaseWrapper, connections[_ALIAS]).prepared_cursor() as cursor:
        for sql, values in query.get_compiler(_ALIAS).as_sql():
            cursor.execute(sql, values)
    row._state.adding, row._state.db = False, _ALIAS


def read_bound(rows: "models.QuerySet[Any, Any]", column: str) -> bytes:
    """The bytes in that column of the only row, for the same reason fetched as such. Raises ObjectDoesNotExist."""
    sql, values = rows.order_by().values_list(column).query.sql_with_params()
    with cast(DatabaseWrapper, connections[_ALIAS]).prepared_cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(sql, values)
        found = cursor.fetchone()
    if found is None:
        raise rows.model.DoesNotExist(column)
    return bytes(found[0])
