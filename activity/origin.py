"""From where a change comes: the request's address and id, set by the middleware, read by `record`."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    ip: str | None = None
    request_id: str = ""


_current: ContextVar[Origin] = ContextVar("origin", default=Origin())


def current() -> Origin:
    return _current.get()


@contextmanager
def coming_from(origin: Origin) -> Generator[None]:
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)
