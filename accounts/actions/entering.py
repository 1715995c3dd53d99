"""How people come in and go, as their own journal has it."""

from django.db import transaction

from accounts.events.people import PersonRegistered, SignedIn, SignedOut, Way
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
