"""`migrate`, without building models anew for each constraint and index: that was most of a first start."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db.migrations.state import ProjectState


class Command(migrate.Command):
    __doc__ = migrate.Command.__doc__

    def handle(self, *args: Any, **options: Any) -> None:
        with _options_added_in_place():
            super().handle(*args, **options)


@contextmanager
def _options_added_in_place() -> Iterator[None]:
    """What joins a model's state joins its class too.

    Django makes a new class of the model, and of all that point at it. PostgreSQL's schema editor asks a class for its
    fields, and for the names of its constraints and indexes: all that it finds here.
    """
    append = ProjectState._append_option  # type: ignore[attr-defined]  # unknown to the stubs

    def in_place(self: ProjectState, app_label: str, model_name: str, option: str, added: Any) -> None:
        state = self.models[app_label, model_name]
        state.options[option] = [*state.options[option], added]
        if "apps" in self.__dict__:
            meta = self.apps.get_model(app_label, model_name)._meta
            setattr(meta, option, [*getattr(meta, option), added])

    ProjectState._append_option = in_place  # type: ignore[attr-defined]
    try:
        yield
    finally:
        ProjectState._append_option = append  # type: ignore[attr-defined]
