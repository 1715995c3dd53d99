"""A person who has no place any more is made unknown: their account, their former places, every journal.

Done as the database's owner, for the application may change neither journals nor the rows of all firms at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.db import models, transaction
from django.db.models import Q

from accounts.models import OPEN_STATES, Membership, Passkey, User
from activity.erasing import OWNER, Person, erase_from_journals, forget_addresses

# Where a person may have a place (rows with `user`, `email` and the names), and which of these are still theirs.
PLACES: list[tuple[type[models.Model], Q]] = [(Membership, Q(state__in=OPEN_STATES))]


@dataclass(frozen=True)
class Forgotten:
    """Under what addresses somebody was known, and what stands in their place now."""

    addresses: frozenset[str]
    pseudonym: str
    unreachable: str


# Apps above that keep addresses in rows of their own: each makes them unknown there, as the database's owner.
FORGETTERS: list[Callable[[Forgotten], None]] = []


class StillThere(Exception):
    """The person has places that are not ended: `places`, by name of their kind."""

    def __init__(self, places: list[str]) -> None:
        super().__init__(places)
        self.places = places


def erase_person(user: User) -> int:
    """Returns in how many events. Raises StillThere. Stopped half-way, it goes on when it is called again."""
    places = _places(user)
    addresses = set(EmailAddress.objects.using(OWNER).filter(user_id=user.pk).values_list("email", flat=True))
    addresses |= {user.email, *(place.email for place in places)}
    person = Person(
        user.pk,
        keys=frozenset({user.pk, *(place.pk for place in places)}),
        names=frozenset({user.name, *(place.name for place in places), *addresses}),
    )
    count = erase_from_journals(person)
    with transaction.atomic(using=OWNER):
        forget_addresses(person, addresses, _unreachable(user.pk))
        forgotten = Forgotten(frozenset(addresses), person.pseudonym, _unreachable(user.pk))
        for forget in FORGETTERS:
            forget(forgotten)
        _forget(user, person.pseudonym)
    return count


def _places(user: User) -> list[Any]:
    found, still = [], []
    for model, is_open in PLACES:
        rows = model._base_manager.using(OWNER).filter(user=user.pk)
        found += list(rows)
        if rows.filter(is_open).exists():
            still.append(str(model._meta.verbose_name))
    if still:
        raise StillThere(still)
    return found


def _forget(user: User, pseudonym: str) -> None:
    unknown = {"first_name": "", "last_name": pseudonym, "email": _unreachable(user.pk)}
    for model, _is_open in PLACES:
        model._base_manager.using(OWNER).filter(user=user.pk).update(**unknown)
    for owned in (EmailAddress, Authenticator, UserSession, Passkey):
        owned.objects.using(OWNER).filter(user_id=user.pk).delete()
    User.objects.using(OWNER).filter(pk=user.pk).update(
        **unknown, password=make_password(None), is_active=False
    )


def _unreachable(key: UUID) -> str:
    """An address that no mail ever reaches (RFC 2606)."""
    return f"{key.hex}@efface.invalid"
