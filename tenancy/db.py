"""The wall, declared in the model: constraint classes for `Meta.constraints`, which `makemigrations` writes.

`FirmWall`, `SpaceWall`, `SharedWall`, `OwnerWall`: row-level security, one permissive policy for the runtime role.
`FirmKey`, `SpaceKey`: the unique key that a composite foreign key points at. `SameFirm`, `SameSpace`: that foreign
key, so that a row can't point into another firm (PostgreSQL's foreign keys look past row-level security).
`AppendOnly`: the runtime role may insert and read, not change. `Kept`: it changes these columns alone, and deletes
nothing. `NotedOnInsert`: what is inserted is noted for a sweep.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement


class OwnerField(models.ForeignKey[Any, Any]):
    """A foreign key to the owner, whose default is the owner in scope.

    The scope is no part of the table, so migrations, which run in none, don't see the default.
    """

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("default", None)
        return name, "django.db.models.ForeignKey", args, kwargs


class EitherOwnerField(models.UUIDField):  # type: ignore[type-arg]  # Django's class takes no parameters
    """The owner's key, whichever of these columns of the row holds it: what composite foreign keys compare.

    Set as the row is saved; a check constraint of the model says the same to the database.
    """

    def __init__(self, *columns: str, **options: Any) -> None:
        super().__init__(**{**options, "editable": False})
        self.columns = columns

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        keys = (getattr(model_instance, column) for column in self.columns)
        setattr(model_instance, self.attname, owner := next((key for key in keys if key), None))
        return owner

    def deconstruct(self) -> Any:
        name, _path, _args, _kwargs = super().deconstruct()
        return name, "django.db.models.UUIDField", [], {"editable": False}


class TableRule(models.BaseConstraint):
    """A constraint that stands beside the table: written by its own statements, checked by the database alone."""

    def constraint_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        if model is not None and schema_editor is not None:
            schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def create_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        return self._statement(model, schema_editor, self.create_template)

    def remove_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        return self._statement(model, schema_editor, self.remove_template)

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to ask: the database refuses."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TableRule) and self.deconstruct() == other.deconstruct()

    __hash__ = None  # type: ignore[assignment]  # as Django's own constraints: compared, never hashed

    create_template: ClassVar[str]
    remove_template: ClassVar[str]

    def parameters(self, model: type[models.Model]) -> dict[str, str]:
        """What the templates need besides `table` and `name`."""
        return {}

    def _statement(
        self,
        model: type[models.Model] | None,
        schema_editor: BaseDatabaseSchemaEditor | None,
        template: str,
    ) -> str:
        assert model is not None and schema_editor is not None
        quote = schema_editor.quote_name
        statement = Statement(
            template,
            table=quote(model._meta.db_table),
            name=quote(self.name),
            runtime=quote(settings.RUNTIME_ROLE),
            **self.parameters(model),
        )
        return str(statement)


class Wall(TableRule):
    """Row-level security with one policy for the runtime role; subclasses say whose rows they are."""

    create_template = (
        "ALTER TABLE %(table)s ENABLE ROW LEVEL SECURITY;"
        " ALTER TABLE %(table)s FORCE ROW LEVEL SECURITY;"
        " CREATE POLICY %(name)s ON %(table)s TO %(runtime)s USING (%(rule)s) WITH CHECK (%(rule)s)"
    )
    remove_template = (
        "DROP POLICY %(name)s ON %(table)s; ALTER TABLE %(table)s NO FORCE ROW LEVEL SECURITY;"
        " ALTER TABLE %(table)s DISABLE ROW LEVEL SECURITY"
    )


class _OwnedBy(Wall):
    """Rows of one owner, named by one column."""

    owner: ClassVar[str]
    default_column: ClassVar[str]

    def __init__(self, *, name: str, column: str = "") -> None:
        super().__init__(name=name)
        self.column = column or self.default_column

    def parameters(self, model: type[models.Model]) -> dict[str, str]:
        return {"rule": f"{self.column} = (SELECT {self.owner})"}

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "column": self.column}


class FirmWall(_OwnedBy):
    """A firm's rows: seen and written in that firm's scope only; outside of any firm's scope an error."""

    owner = "app.firm()"
    default_column = "firm_id"


class SpaceWall(_OwnedBy):
    """A client space's rows."""

    owner = "app.space()"
    default_column = "space_id"


class SharedWall(Wall):
    """Rows that belong to whichever of these columns is set, or (a link) are seen from both sides.

    `columns` name a firm, a space or a person: `firm_id`, `asked_firm_id`. Raises when no scope at all is set.
    """

    def __init__(self, *, name: str, columns: list[str]) -> None:
        super().__init__(name=name)
        self.columns = list(columns)

    def parameters(self, model: type[models.Model]) -> dict[str, str]:
        return {
            "rule": " OR ".join(f"{column} = (SELECT app.any_{_kind(column)}())" for column in self.columns)
        }

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "columns": self.columns}


class OwnerWall(Wall):
    """Rows of a firm, a space or a person that name their owner by `owner` alone. Raises without any scope."""

    def parameters(self, model: type[models.Model]) -> dict[str, str]:
        return {"rule": "owner = (SELECT app.some_scope())"}


def _kind(column: str) -> str:
    """What the column names: `asked_firm_id` names a firm."""
    return column.removesuffix("_id").rpartition("_")[2]


class AppendOnly(TableRule):
    """The runtime role reads and inserts; it neither changes nor deletes."""

    create_template = "REVOKE UPDATE, DELETE, TRUNCATE ON %(table)s FROM %(runtime)s"
    remove_template = "GRANT UPDATE, DELETE ON %(table)s TO %(runtime)s"


class Kept(TableRule):
    """The runtime role reads and inserts, changes these columns and no other, and deletes nothing."""

    create_template = (
        "REVOKE UPDATE, DELETE, TRUNCATE ON %(table)s FROM %(runtime)s;"
        " GRANT UPDATE (%(changes)s) ON %(table)s TO %(runtime)s"
    )
    remove_template = (
        "REVOKE UPDATE (%(changes)s) ON %(table)s FROM %(runtime)s;"
        " GRANT UPDATE, DELETE ON %(table)s TO %(runtime)s"
    )

    def __init__(self, *, name: str, changes: list[str]) -> None:
        super().__init__(name=name)
        self.changes = list(changes)

    def parameters(self, model: type[models.Model]) -> dict[str, str]:
        return {"changes": ", ".join(f'"{column}"' for column in self.changes)}

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "changes": self.changes}


class NotedOnInsert(TableRule):
    """Each statement that inserts, whoever writes it, leaves one row for each owner in the table of `notes`, with the
    keys that it inserted (5,000 at most in a row): in the same transaction, so that nothing is forgotten and nothing
    told too early.
    """

    create_template = (
        "CREATE FUNCTION %(name)s() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $noted$ BEGIN"
        " INSERT INTO %(notes)s (id, owner, firm_id, space_id, person_id, keys)"
        " SELECT (array_agg(id ORDER BY id))[1], owner, firm_id, space_id, person_id, array_agg(id ORDER BY id)"
        " FROM (SELECT id, owner, firm_id, space_id, person_id,"
        " (row_number() OVER (PARTITION BY owner ORDER BY id) - 1) / 5000 AS portion FROM fresh) AS line"
        " GROUP BY owner, firm_id, space_id, person_id, portion; RETURN NULL; END $noted$;"
        " CREATE TRIGGER %(name)s AFTER INSERT ON %(table)s REFERENCING NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION %(name)s()"
    )
    remove_template = "DROP TRIGGER %(name)s ON %(table)s; DROP FUNCTION %(name)s()"

    def __init__(self, *, name: str, notes: str) -> None:
        super().__init__(name=name)
        self.notes = notes

    def parameters(self, model: type[models.Model]) -> dict[str, str]:
        return {"notes": f'"{self.notes}"'}

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "notes": self.notes}


class _OwnerKey(models.UniqueConstraint):
    """`UNIQUE (owner, id)`: the key that composite foreign keys point at."""

    owner: ClassVar[str]

    def __init__(self, *, name: str, fields: list[str] | None = None) -> None:
        super().__init__(name=name, fields=fields or [self.owner, "id"])

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to ask: the key is unique already."""


class FirmKey(_OwnerKey):
    owner = "firm"


class SpaceKey(_OwnerKey):
    owner = "space"


class OwnerKey(_OwnerKey):
    """For rows that belong to a firm, a space or a person: `owner` is generated from those three."""

    owner = "owner"


class _SameOwner(TableRule):
    """A composite foreign key of this model's foreign key `field`: (owner, field) → (owner, key) of the other table.

    `key` is the column pointed at. `on_delete` is PostgreSQL's own clause: `CASCADE`, `RESTRICT`,
    `SET NULL (column)`. The model keeps an ordinary `ForeignKey(db_constraint=False)`.
    """

    owner: ClassVar[str]
    create_template = (
        "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(owner)s, %(column)s)"
        " REFERENCES %(parent)s (%(owner)s, %(key)s) ON DELETE %(on_delete)s"
    )
    remove_template = "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s"

    def __init__(
        self, *, name: str, field: str, to: str = "", key: str = "id", on_delete: str = "RESTRICT"
    ) -> None:
        super().__init__(name=name)
        self.field, self.to, self.key, self.on_delete = field, to, key, on_delete

    def parameters(self, model: type[models.Model]) -> dict[str, str]:
        field = model._meta.get_field(self.field)
        parent = model._meta.apps.get_model(self.to) if self.to else field.related_model
        assert isinstance(parent, type) and issubclass(parent, models.Model)
        return {
            "owner": self.owner,
            "column": str(field.column),  # type: ignore[union-attr]  # a foreign key always has a column
            "parent": f'"{parent._meta.db_table}"',
            "key": self.key,
            "on_delete": self.on_delete,
        }

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        declared = {"field": self.field, "to": self.to, "key": self.key, "on_delete": self.on_delete}
        return path, args, {**kwargs, **declared}


class SameFirm(_SameOwner):
    owner = "firm_id"


class SameSpace(_SameOwner):
    owner = "space_id"


class SameOwner(_SameOwner):
    owner = "owner"
