"""For statements whose answer an index gives, in order: what the planner guesses can lead it nowhere else."""

from typing import TYPE_CHECKING, Any, cast

from django.db import connections

if TYPE_CHECKING:
    from tenancy.backend.base import DatabaseWrapper

Statement = tuple[str, Any]  # with its values

# The planner's settings for these statements, and what they are elsewhere.
_SET = (
    "SELECT set_config('enable_seqscan', %s, true), set_config('enable_bitmapscan', %s, true),"
    " set_config('enable_sort', %s, true), set_config('plan_cache_mode', %s, true)"
)
_ALONG_INDEXES = (_SET, ("off", "off", "off", "force_generic_plan"))
_AS_BEFORE = (_SET, ("on", "on", "on", "auto"))


def by_index(statements: list[Statement]) -> list[list[Any]]:
    """The rows of each, in one exchange with the server; inside of a scope. Each text is planned once per connection.

    The policy's condition says once more what the firm's key says, but to the planner it is another one that few rows
    meet: it would rather read all events of the firm and sort them than go along an index for fifty.
    """
    if not statements:
        return []
    database = cast("DatabaseWrapper", connections["default"])
    return database.rows_of(statements, before=_ALONG_INDEXES, after=_AS_BEFORE)
