"""What each action of the product does, watched while it does it: the rows that it writes, the events that it records.

An action is a public function of an `actions` module, or of what starts work (`jobs`); a new one is found by itself.
"""

import importlib
import inspect
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import ModuleType
from typing import Any
from unittest.mock import patch
from uuid import UUID

from celery import current_app
from django.apps import apps
from django.conf import settings
from django.db import connection

from activity import actions as born
from tenancy import scopes

OUR_APPS = ("accounts", "clients", "exports", "invitations", "portfolios")
# What follows from an event, or is kept beside every request: no change that somebody made.
NO_CHANGE = ("activity_", "django_session", "usersessions_", "cache")
# What is said of a list before it is confirmed: nothing of the firm changes, and what does is an event (clients.jobs).
STAGED = ("clients_import", "import_")
# An access is a record already: who saw it, when, grouped (clients.actions.accesses).
ITS_OWN_RECORD = ("clients_access",)
_WRITTEN = """
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
"""


@dataclass(frozen=True)
class Recorded:
    """An event, or `lines` of a kind behind one."""

    type: str
    owner: Any
    group: UUID | None
    lines: int = 0
    event: Any = field(default=None, compare=False)


@dataclass
class Call:
    """One call of an action from outside of all actions."""

    action: str
    written: set[str] = field(default_factory=set)
    recorded: list[Recorded] = field(default_factory=list)
    inner: set[str] = field(default_factory=set)
    raised: bool = False

    def fault(self) -> str:
        """What is wrong with it, in words; nothing where it changed nothing and said nothing."""
        owners: dict[Any, list[Recorded]] = defaultdict(list)
        for one in self.recorded:
            owners[one.owner].append(one)
        if not owners:
            return f"wrote {sorted(self.written)} and recorded nothing" if self.written else ""
        return "; ".join(filter(None, (_fault(some) for some in owners.values())))


def _fault(recorded: list[Recorded]) -> str:
    """Of one owner's journal: one event, or several that one group holds together."""
    told = [one.type for one in recorded if not one.lines]
    if not told:
        return f"lines without their group's event: {[one.type for one in recorded]}"
    if len(recorded) > 1 and len({one.group for one in recorded} - {None}) != 1:
        return f"{len(recorded)} times, in no one group: {[one.type for one in recorded]}"
    if len(recorded) > 1 and any(one.group is None for one in recorded):
        return f"beside its group: {[one.type for one in recorded if one.group is None]}"
    return ""


def actions() -> dict[str, Callable[..., Any]]:
    """By module and name, every public function of the modules that hold actions."""
    found: dict[str, Callable[..., Any]] = {}
    for module in _modules():
        for name, made in vars(module).items():
            if inspect.isfunction(made) and not name.startswith("_") and made.__module__ == module.__name__:
                found[f"{module.__name__}.{name}"] = made
    return found


def _modules() -> Iterator[ModuleType]:
    for app in OUR_APPS:
        package = importlib.import_module(app)
        for info in pkgutil.walk_packages(package.__path__, f"{app}."):
            if info.name.split(".")[1] in ("actions", "jobs"):
                yield importlib.import_module(info.name)


class Watch:
    """`calls`: of the actions, as they were called from outside. `recorded`: by whomever."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.recorded: list[Recorded] = []
        self._now: Call | None = None

    @contextmanager
    def on(self) -> Iterator["Watch"]:
        """While this lasts, in every module that has imported an action stands one that is watched."""
        swaps: dict[int, Callable[..., Any]] = {
            id(action): self._watched(name, action) for name, action in actions().items()
        }
        swaps[id(born.record)] = self._one(born.record)
        for many in (born.record_many, born.record_rows):
            swaps[id(many)] = self._many(many)
        patches = [
            patch.object(module, name, swaps[id(value)])
            for module in list(sys.modules.values())
            if _is_ours(module)
            for name, value in list(vars(module).items())
            if id(value) in swaps
        ]
        with ExitStack() as stack:
            for one in patches:
                stack.enter_context(one)
            for hooks in _hooks():
                stack.callback(hooks.__setitem__, slice(None), list(hooks))
                hooks[:] = [swaps.get(id(hook), hook) for hook in hooks]
            yield self

    @contextmanager
    def calling(self, name: str) -> Iterator[Call]:
        """What is done inside counts as one call of that name."""
        call = self._now = Call(name)
        before = _rows_written()
        try:
            yield call
        except Exception:
            call.raised = True
            raise
        finally:
            self._now = None
            if not call.raised:
                after = _rows_written()
                call.written = {table for table in after if after[table] != before.get(table)}
            self.calls.append(call)

    def _watched(self, name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(action)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if self._now is not None:
                self._now.inner.add(name)
                return action(*args, **kwargs)
            with self.calling(name):
                return action(*args, **kwargs)

        return watched

    def _one(self, record: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            event = record(*args, **kwargs)
            self._keep(Recorded(event.type, event.owner, event.group, event=event))
            return event

        return watched

    def _many(self, record: Callable[..., int]) -> Callable[..., int]:
        def watched(event_type: Any, **kwargs: Any) -> int:
            if lines := record(event_type, **kwargs):
                here = scopes.current()
                owner = here.firm_id or here.space_id or here.person_id
                self._keep(Recorded(event_type.name, owner, kwargs["group"], lines))
            return lines

        return watched

    def _keep(self, recorded: Recorded) -> None:
        self.recorded.append(recorded)
        if self._now is not None:
            self._now.recorded.append(recorded)


def doors() -> set[str]:
    """The actions that something else than actions has imported: views, forms, tasks. The others are parts of them."""
    all_pages_and_tasks()
    ours = {module.__name__ for module in _modules()}
    held: set[int] = set()
    for module in list(sys.modules.values()):
        if _is_ours(module) and module.__name__ not in ours and not module.__name__.startswith("tests"):
            for value in vars(module).values():
                inside = (
                    vars(value).values() if isinstance(value, ModuleType) and value.__name__ in ours else ()
                )
                held |= {id(value), *map(id, inside)}
    return {name for name, action in actions().items() if id(action) in held}


def all_pages_and_tasks() -> None:
    """Imported while the watch is on, they would hold what watches for good."""
    importlib.import_module(settings.ROOT_URLCONF)
    current_app.loader.import_default_modules()


def _hooks() -> list[list[Any]]:
    """Where apps hang what they do when others act (`accounts.registration`, `clients.registration`…)."""
    return [
        value
        for app in OUR_APPS
        for value in vars(sys.modules.get(f"{app}.registration", object)).values()
        if isinstance(value, list)
    ]


def _is_ours(module: Any) -> bool:
    name = getattr(module, "__name__", "").partition(".")[0]
    return name in ("tests", "activity", "firm_portal") or apps.is_installed(name)


def _rows_written() -> dict[str, int]:
    """How many rows of each table this transaction has inserted, changed or deleted so far."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN)
        rows = dict(cursor.fetchall())
    return {
        table: count
        for table, count in rows.items()
        if not table.startswith(NO_CHANGE + STAGED + ITS_OWN_RECORD)
    }
