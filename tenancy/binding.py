"""Writing a row whose values go beside the statement, for one that holds a file."""

from typing import cast

from django.db import connections, models
from django.db.models.sql import InsertQuery

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
