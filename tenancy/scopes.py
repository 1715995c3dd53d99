"""The scope: on whose side of the wall the code stands now.

A scope names one firm, one client's space or one person, opens a transaction, and tells PostgreSQL (the
transaction-local settings `app.firm`, `app.space`, `app.person`), whose policies then show that owner's rows and
no others. Without a scope, the policies raise.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from uuid import UUID

from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from tenancy.backend.base import DatabaseWrapper

T = TypeVar("T")


class NoScope(RuntimeError):
    """Business data was asked for outside of any scope, or in one of another kind."""


class WrongScope(RuntimeError):
    """The wall was to be crossed from a side on which the code does not stand, or over an ended link."""


class Keyed(Protocol):
    """Anything with a key: a `Firm`, a `ClientSpace`, a `User`."""

    pk: UUID


@dataclass(frozen=True)
class Scope:
    """One owner: exactly one of the three is set."""

    firm_id: UUID | None = None
    space_id: UUID | None = None
    person_id: UUID | None = None

    def settings(self) -> list[str]:
        return [str(key or "") for key in (self.firm_id, self.space_id, self.person_id)]


NOWHERE = Scope()
_current: ContextVar[Scope] = ContextVar("scope", default=NOWHERE)


def current() -> Scope:
    """The scope in which the code stands; `NOWHERE` outside of any."""
    return _current.get()


def firm_id() -> UUID:
    """The firm in scope: the default of each model's `firm`. Raises NoScope outside of a firm's scope."""
    if (key := current().firm_id) is None:
        raise NoScope("No firm is in scope.")
    return key


def space_id() -> UUID:
    """The client's space in scope: the default of each model's `space`. Raises NoScope elsewhere."""
    if (key := current().space_id) is None:
        raise NoScope("No client's space is in scope.")
    return key


def apply(connection: BaseDatabaseWrapper, wanted: Scope) -> None:
    """Tell PostgreSQL the scope, until the transaction ends."""
    cast("DatabaseWrapper", connection).set_scope(wanted.settings())


@contextmanager
def scope(
    *,
    firm: Keyed | UUID | None = None,
    space: Keyed | UUID | None = None,
    person: Keyed | UUID | None = None,
    using: str = "default",
) -> Generator[Scope]:
    """Stand on one owner's side, in a transaction (a savepoint inside another one). Exactly one owner is named.

    Nested scopes return to the outer one; an exception takes back what was written inside.
    """
    wanted = Scope(firm_id=_key(firm), space_id=_key(space), person_id=_key(person))
    if sum(bool(value) for value in wanted.settings()) != 1:
        raise TypeError("A scope names exactly one of firm, space and person.")
    with _standing_in(wanted, using):
        yield wanted


@contextmanager
def _standing_in(wanted: Scope, using: str) -> Generator[None]:
    outer, connection = _current.get(), connections[using]
    inside_transaction = connection.in_atomic_block
    token = _current.set(wanted)
    try:
        with transaction.atomic(using=using):
            if inside_transaction:  # a new transaction was told by the database wrapper
                apply(connection, wanted)
            yield
    finally:
        _current.reset(token)
        # A rolled back savepoint has already put the former setting back; a released one has not.
        if inside_transaction and not connection.needs_rollback:
            apply(connection, outer)


def execute_in(wanted: Scope, statement: str, parameters: Sequence[Any]) -> None:
    """One statement that returns nothing, in that scope, committed by itself unless a transaction is open already.

    In one exchange with the server, where a scope that opens and closes takes four: for what is written often.
    """
    outer, connection = _current.get(), cast("DatabaseWrapper", connections["default"])
    connection.execute_in_scope(wanted.settings(), outer.settings(), statement, parameters)


@contextmanager
def nowhere() -> Generator[None]:
    """Leave the scope without opening another: what runs after a commit enters anew."""
    token = _current.set(NOWHERE)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def reenter(wanted: Scope, using: str = "default") -> Generator[None]:
    """Stand again where `current()` once said one stood."""
    if wanted == NOWHERE:
        yield
    else:
        with _standing_in(wanted, using):
            yield


def on_commit(callback: Callable[[], object]) -> None:
    """Run the callback after the commit, in the scope in which it was registered."""
    wanted = current()

    def run() -> None:
        with reenter(wanted):
            callback()

    transaction.on_commit(run)


def streamed(items: Iterable[T]) -> Iterator[T]:
    """The items, each one drawn in the scope in which this was called: for streaming responses.

    The response is sent after the request's scope has closed, so one is opened again for the whole stream.
    """
    wanted = current()

    def stream() -> Iterator[T]:
        with reenter(wanted):
            yield from items

    return stream()


def _key(owner: Keyed | UUID | None) -> UUID | None:
    return owner.pk if owner is not None and not isinstance(owner, UUID) else owner


class Purpose(models.TextChoices):
    """Why the wall between two owners that a tie joins may be crossed; each has its own test."""

    ACCEPT_INVITATION = "accept_invitation", _("A client accepts the invitation of a firm")
    CLIENT_EDIT = "client_edit", _("A client's edit of their details reaches the firm's dossier")
    TELL_CLIENT = "tell_client", _("A client is told of a change that the firm made")
    SHOW_PEOPLE = "show_people", _("A firm's dossier shows who the client's own people are")
    SHOW_KEPT = "show_kept", _("A client sees what a firm's record says of the details that the firm keeps")
    GIVE_SUPPORT = "give_support", _("A client authorises a firm's technical support, or withdraws it")
    SHOW_SUPPORT = "show_support", _("A client sees which people of the firm's technical support have access")
    END_SUPPORT = "end_support", _("A client is told that the access of technical support has ended")
    SHOW_REQUEST = "show_request", _("A firm that a client asks to follow them sees who asks")
    ANSWER_REQUEST = "answer_request", _("A firm's answer reaches the client who asked it to follow them")
    END_FOLLOWING = "end_following", _("A client ends a firm's access, and the firm is told")
    ASK_CONSENT = "ask_consent", _("A company is asked whether a firm may be linked to it")
    ANSWER_CONSENT = "answer_consent", _("A company's answer reaches the firm that asked")
    SHOW_WHO = (
        "show_who",
        _("A client sees who at the firm has access to the dossier, and when they last used it"),
    )
    EXCHANGE_FILES = "exchange_files", _("What one side drops, or takes back, is told to the other")


class Tie(Protocol):
    """A row that two owners see, and that joins them: a firm's dossier and a client's space, or two firms."""

    @property
    def sides(self) -> tuple[Scope, Scope]: ...

    @property
    def is_active(self) -> bool: ...


@contextmanager
def crossing(tie: Tie, purpose: Purpose) -> Generator[Scope]:
    """Stand on the tie's other side for one named purpose.

    Raises WrongScope if the code stands on neither of its sides, or if it joins them no longer (or not yet).
    """
    here, sides = current(), tie.sides
    Purpose(purpose)
    if not tie.is_active:
        raise WrongScope("What tied the two sides together has ended.")
    if here not in sides:
        raise WrongScope("The code stands on neither side of this tie.")
    there = sides[1] if here == sides[0] else sides[0]
    with _standing_in(there, "default"):
        yield there
