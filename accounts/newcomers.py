"""People who arrive by an invitation: the link came by mail, so whoever holds it owns the address."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from accounts.actions.entering import note_registered
from accounts.actions.passkeys import AlreadyKept, keep_passkey
from accounts.events.people import AddressConfirmed
from accounts.models import User
from accounts.passkeys import MadeKey
from activity.actions import in_one_go, record
from tenancy.scopes import scope


class AddressTaken(Exception):
    """Somebody has an account with this address; they log in instead."""


@dataclass(frozen=True)
class Newcomer:
    """What a person says of themself when they arrive."""

    first_name: str
    last_name: str
    # One of them: what they will sign in with.
    password: str = ""
    key: MadeKey | None = None
    language: str = "fr"
    # With which the key was made.
    browser: str = ""


def person_at(address: str) -> User | None:
    """The person who has shown that the address is theirs."""
    found = EmailAddress.objects.filter(email=address.lower(), verified=True).select_related("user")
    return next((row.user for row in found), None)


def unproven_at(address: str) -> User | None:
    """Whoever opened an account with the address and never confirmed it; `admit` makes it the newcomer's."""
    return User.objects.filter(email=address.lower()).first()


def owns(person: User, address: str) -> bool:
    """Has the person shown that the address is theirs?"""
    return bool(EmailAddress.objects.filter(user=person, email=address.lower(), verified=True).exists())


def languages_at(addresses: Iterable[str]) -> dict[str, str]:
    """In which language the people with these addresses read; others are left out."""
    return dict(User.objects.filter(email__in=list(addresses)).values_list("email", "language"))


@transaction.atomic
@in_one_go()
def admit(*, address: str, newcomer: Newcomer) -> User:
    """Make the account of a person whose address an invitation's link has proven. Raises AddressTaken.

    An account that was opened with this address and never confirmed was perhaps somebody else's doing: it becomes the
    newcomer's, whose new password (or key, which leaves it without any) ends every session that is open in it.
    """
    assert newcomer.password or newcomer.key
    address, key = address.lower(), newcomer.key
    if person_at(address) is not None:
        raise AddressTaken(address)
    opened = User.objects.select_for_update().filter(email=address).first()
    person = opened or _new(address, key)
    if key and key.handle != person.pk:  # made for an account that is another one now: they make it again
        raise AddressTaken(address)
    person.first_name, person.last_name = newcomer.first_name, newcomer.last_name
    person.language = newcomer.language
    person.set_password(newcomer.password or None)
    person.save()
    person.passkeys.all().delete()
    EmailAddress.objects.filter(user=person).exclude(email=address).delete()
    person.terms_accepted.all().delete()  # by whoever opened it: the newcomer accepts for themself
    EmailAddress.objects.update_or_create(
        user=person, email=address, defaults={"verified": True, "primary": True}
    )
    if opened is None:
        note_registered(person=person)
    with scope(person=person):
        record(AddressConfirmed, actor=person, subject=person)
    if key:
        _keep(person, key, newcomer.browser)
    return person


def _keep(person: User, key: MadeKey, browser: str) -> None:
    try:
        keep_passkey(person=person, made=key, browser=browser, tell=False)
    except AlreadyKept as error:
        raise AddressTaken(person.email) from error


def _new(address: str, key: MadeKey | None) -> User:
    chosen: dict[str, Any] = {"id": key.handle} if key else {}
    try:
        with transaction.atomic():
            return User.objects.create_user(address, **chosen)
    except IntegrityError as error:
        raise AddressTaken(address) from error
