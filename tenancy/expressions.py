"""What queries are put together with, beside Django's own: arrays of keys, and SQL that was compiled before."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Expression, F, Field, Func, Q, UUIDField, Value
from django.db.models.sql.compiler import SQLCompiler


class IsAny(Func):
    """`value = ANY(array)`: with an array of a subquery, its cost grows with what a person sees, not with the firm."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


class WithOne(Func):
    """An array and one more value."""

    function = "array_append"


class Compiled(Expression):
    """Part of a query, as SQL. It names no column of the query in which it stands."""

    def __init__(self, sql: str, params: tuple[Any, ...], output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field=output_field)
        self.sql, self.params = sql, params

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return self.sql, self.params


def among(keys: Iterable[UUID], column: str = "pk") -> Q:
    """`column = ANY(keys)`: the keys travel as one text."""
    return Q(IsAny(F(column), Value(as_array(keys), output_field=ArrayField(UUIDField()))))


def as_array(keys: Iterable[UUID]) -> str:
    """As PostgreSQL writes it: thousands of keys, each adapted by itself, would take ten times as long."""
    return f"{{{','.join(key.hex for key in keys)}}}"
