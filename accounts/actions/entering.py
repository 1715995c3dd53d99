"""How people come in and go, or try to, as their own journal has it."""

from django.db import transaction

from accounts.actions.people import note_security
from accounts.events.people import (
    EntryFailed,
    PersonRegistered,
    RecoveryCodesShown,
    RecoveryCodeUsed,
    SignedIn,
    SignedOut,
    Way,
)
from accounts.models import User
from activity.actions import record
from tenancy.scopes import scope


@transaction.atomic
def note_registered(*, person: User) -> None:
    """Their account was just opened."""
    with scope(person=person):
        record(PersonRegistered, actor=person, subject=person)


@transaction.atomic
def note_signed_in(*, person: User, way: Way, browser: str) -> None:
    """A session of theirs has begun."""
    with scope(person=person):
        record(SignedIn, actor=person, subject=person, details={"way": way.value, "browser": browser})


@transaction.atomic
def note_signed_out(*, person: User, browser: str) -> None:
    """They have ended the session that they were using."""
    with scope(person=person):
        record(SignedOut, actor=person, subject=person, details={"browser": browser})


def note_failures(*, person: User, way: Way, browser: str) -> None:
    """Somebody tried so often to get into the account that nobody gets in for a while."""
    details = {"way": way.value}
    note_security(person=person, happened=EntryFailed, browser=browser, details=details, by_themself=False)


def note_recovery_code(*, person: User, left: int, browser: str) -> None:
    """One of their recovery codes was used: to come in, or to show again that it is them. So many are `left`."""
    note_security(person=person, happened=RecoveryCodeUsed, browser=browser, details={"left": left})


@transaction.atomic
def note_codes_shown(*, person: User, browser: str) -> None:
    """They looked at their recovery codes, or took them along."""
    with scope(person=person):
        record(RecoveryCodesShown, actor=person, subject=person, details={"browser": browser})
