"""What the questions are asked with: arrays instead of joins, and SQL that is put together once."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Func
from django.db.models.sql.compiler import SQLCompiler


class IsAny(Func):
    """`value = ANY(array)`: with an array of a subquery, its cost grows with what a person sees, not with the firm."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


class WithOne(Func):
    """An array and one more value."""

    function = "array_append"


class Compiled(Expression):
    """Part of a query, as SQL. It names no column of the query in which it stands."""

    def __init__(self, sql: str, params: tuple[Any, ...], output_field: "models.Field[Any, Any]") -> None:
        super().__init__(output_field=output_field)
        self.sql, self.params = sql, params

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return self.sql, self.params
