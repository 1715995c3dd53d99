"""What may be done to a person's passkeys."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.actions.people import note_security
from accounts.events.people import PasskeyAdded, PasskeyRemoved
from accounts.models import Passkey, User
from accounts.passkeys import MadeKey
from activity.actions import in_one_go, record
from tenancy.scopes import scope


class AlreadyKept(Exception):
    """The key is one of an account already."""


class LastWayIn(Exception):
    """Without this key, and without a password, nothing would open the account."""


@transaction.atomic
def keep_passkey(*, person: User, made: MadeKey, browser: str, tell: bool = True) -> Passkey:
    """Let the key open the person's account, and tell them by mail, unless it is what they open it with.

    Raises AlreadyKept.
    """
    try:
        with transaction.atomic():
            key = Passkey.objects.create(
                user=person, credential_id=made.credential_id, credential=bytes(made.credential), name=browser
            )
    except IntegrityError as error:
        raise AlreadyKept from error
    if tell:
        note_security(person=person, happened=PasskeyAdded, browser=browser, details={"browser": browser})
    else:
        with scope(person=person):
            record(PasskeyAdded, actor=person, subject=person, details={"browser": browser})
    return key


@transaction.atomic
def remove_passkey(*, person: User, key: Passkey, browser: str) -> None:
    """Let the key open nothing any more, and tell the person by mail. Raises LastWayIn."""
    person = User.objects.select_for_update().get(pk=person.pk)
    if not person.has_usable_password() and not person.passkeys.exclude(pk=key.pk).exists():
        raise LastWayIn
    if Passkey.objects.filter(pk=key.pk, user=person).delete()[0]:
        details = {"browser": key.name}
        note_security(person=person, happened=PasskeyRemoved, browser=browser, details=details)


@transaction.atomic
@in_one_go()
def forget_passkeys(*, person: User) -> None:
    """Somebody who has lost their way in has come back by mail: what may be in other hands opens nothing any more.

    The mail about the new password tells them.
    """
    with scope(person=person):
        for key in person.passkeys.select_for_update():
            record(PasskeyRemoved, actor=person, subject=person, details={"browser": key.name})
            key.delete()


def use_passkey(*, key: Passkey) -> None:
    """Keep when it last opened the account."""
    Passkey.objects.filter(pk=key.pk).update(last_used_at=timezone.now())
