"""Queries that are put together once per process, for what every page asks, and planned once per connection.

Django takes longer to compile such a query than PostgreSQL to answer it, and PostgreSQL longer to plan it than to carry
it out. So what varies stands in it as a `Place`, and is put in when it is asked. The wall holds as for any other query:
it stands in the database, which asks for the scope whenever the plan is carried out.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, Model, Q, QuerySet, UUIDField
from django.db.models.sql.compiler import SQLCompiler

from tenancy.expressions import IsAny, as_array

if TYPE_CHECKING:
    from tenancy.backend.base import DatabaseWrapper


class Place(Expression):
    """Where a value is put in: a key, or with `many` an array of keys."""

    def __init__(self, name: str, *, many: bool = False) -> None:
        super().__init__(output_field=ArrayField(UUIDField()) if many else UUIDField())
        self.name, self.many = name, many

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return ("%s::uuid[]" if self.many else "%s"), (self,)


class Prepared:
    """A query with places. `build` is called once, when it is first asked, and gives a `values_list`."""

    def __init__(self, build: Callable[[], "QuerySet[Any, Any]"]) -> None:
        self.build = build

    @cached_property
    def compiled(self) -> tuple[str, tuple[Any, ...]]:
        return compiled_once(self.build())

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows, with a value in each place: a key, or keys."""
        return self._asked(*self.compiled, values)

    def count(self, **values: Any) -> int:
        """How many rows there are."""
        sql, params = self.compiled
        return int(self._asked(f"SELECT count(*) FROM ({sql}) AS found", params, values)[0][0])

    @staticmethod
    def _asked(sql: str, params: tuple[Any, ...], values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with cast("DatabaseWrapper", connections["default"]).prepared_cursor() as cursor:
            cursor.execute(sql, put_in(params, values))
            return list(cursor.fetchall())


class PreparedModels:
    """The same for whole instances of a model, each with what its foreign key `one` leads to."""

    def __init__(self, model: type[Model], one: str, build: Callable[[], "QuerySet[Any, Any]"]) -> None:
        self.model, self.one = model, one
        self.prepared = Prepared(lambda: build().values_list(*self.names))

    @cached_property
    def related(self) -> type[Model]:
        return cast("type[Model]", self.model._meta.get_field(self.one).related_model)

    @cached_property
    def columns(self) -> tuple[list[str], list[str]]:
        """Those of the model, and of the one beside it."""
        own, others = (
            [field.attname for field in one._meta.concrete_fields] for one in (self.model, self.related)
        )
        return own, others

    @property
    def names(self) -> list[str]:
        own, others = self.columns
        return [*own, *(f"{self.one}__{name}" for name in others)]

    @cached_property
    def converted(self) -> list[tuple[int, Callable[..., Any]]]:
        """Where values stand that a field reads from what the database gives."""
        fields = [*self.model._meta.concrete_fields, *self.related._meta.concrete_fields]
        connection = connections["default"]
        return [
            (place, one) for place, field in enumerate(fields) for one in field.get_db_converters(connection)
        ]

    def all(self, **values: Any) -> list[Any]:
        """The instances, with a value in each place; what several of them lead to is one."""
        beside: dict[Any, Model] = {}
        return [self._made(list(row), beside) for row in self.prepared.rows(**values)]

    def _made(self, row: list[Any], beside: dict[Any, Model]) -> Model:
        for place, convert in self.converted:
            row[place] = convert(row[place], None, connections["default"])
        own, others = self.columns
        made = self.model.from_db("default", own, row[: len(own)])
        key = getattr(made, f"{self.one}_id")
        if key is not None and key not in beside:
            beside[key] = self.related.from_db("default", others, row[len(own) :])
        setattr(made, self.one, beside.get(key))
        return made


def compiled_once(query: "QuerySet[Any, Any]") -> tuple[str, tuple[Any, ...]]:
    """SQL and parameters that may be kept. Raises TypeError where they hold what is so this time alone: a moment, or
    the key of somebody's own thing."""
    sql, params = query.query.sql_with_params()
    if any(isinstance(param, date | UUID) for param in params):  # a datetime is a date too
        raise TypeError(
            "It would stay what it was at the first time: let the database say what time it is, and give a key a Place."
        )
    return sql, params


def among_those_of(place: str, column: str = "pk") -> Q:
    """That the column is one of the keys that are put in there."""
    return Q(IsAny(F(column), Place(place, many=True)))


def put_in(params: Iterable[Any], values: Mapping[str, Any]) -> tuple[Any, ...]:
    """The parameters with a value in each place."""
    return tuple(_value(param, values[param.name]) if isinstance(param, Place) else param for param in params)


def _value(place: Place, value: Any) -> Any:
    return as_array(value) if place.many and not isinstance(value, Place) else value
