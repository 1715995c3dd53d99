"""How a firm presents itself in its mails: name, sender, address for answers, phone, logo."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from activity.models import OutgoingEmail
from activity.wire import Inline
from tenancy import scopes

# The dots of a logo are half as large as a point of the screen: sharp where the screen is fine.
_DENSITY = 2
_ASKED = (
    "name", "email", "phone", "mail_name", "reply_to", "logo__digest", "logo__content", "logo__width", "logo__height",
)  # fmt: skip


@dataclass(frozen=True)
class Letterhead:
    """All empty outside of firms. `house` is the firm's name; `sender_name` stands before our address."""

    house: str = ""
    sender_name: str = ""
    reply_to: str = ""
    phone: str = ""
    logo: Inline | None = None


_known: ContextVar[dict[UUID, Letterhead] | None] = ContextVar("letterheads", default=None)


@contextmanager
def one_letterhead() -> Generator[None]:
    """Many mails of a firm in a row: how it presents itself is read once."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def letterhead() -> Letterhead:
    """That of the firm in scope."""
    if (firm_id := scopes.current().firm_id) is None:
        return Letterhead()
    known = _known.get()
    if known is None:
        return _read(firm_id)
    if firm_id not in known:
        known[firm_id] = _read(firm_id)
    return known[firm_id]


def _read(firm_id: UUID) -> Letterhead:
    firms: Any = OutgoingEmail._meta.get_field("firm").related_model
    name, email, phone, mail_name, reply_to, *logo = firms.objects.values_list(*_ASKED).get(pk=firm_id)
    return Letterhead(name, mail_name or name, reply_to or email, phone, _inline(*logo))


def _inline(digest: str | None, content: bytes, width: int, height: int) -> Inline | None:
    if not digest:
        return None
    shown = (max(width // _DENSITY, 1), max(height // _DENSITY, 1))
    return Inline(bytes(content), f"logo-{digest}@portal", *shown)
