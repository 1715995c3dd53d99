"""Work that is due in many firms: each piece in its own transaction, in its firm's scope."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError

from tenancy.scopes import scope

log = structlog.get_logger(__name__)
T = TypeVar("T")


def for_each(due: Iterable[Mapping[str, Any]], act: Callable[[UUID], T], *, sweep: str) -> list[T]:
    """Do it for each row's `id`, in the scope of its `firm_id`; returns what came of it.

    A fault is logged under the `sweep`'s name, keeps nobody else's waiting, and is tried again by the next one.
    """
    done = []
    for row in due:
        try:
            with scope(firm=row["firm_id"]):
                done.append(act(row["id"]))
        except (OperationalError, InterfaceError):
            raise  # the database is away: for everyone
        except Exception:
            log.exception("sweep_fault", sweep=sweep)
    return done
