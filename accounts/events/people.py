"""What happens to people's accounts."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from activity.events import ACCESSES, EventType, Recipient
from activity.preferences import ZONES
from activity.topics import TOPICS, Timing


class Way(StrEnum):
    """By what a person came in."""

    PASSWORD = "password"  # noqa: S105 - a way, no secret
    SECOND_FACTOR = "second_factor"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"
    LINK = "link"


class PersonEvent(EventType):
    """Concerns the person alone, in their own scope, and nobody by notification.

    Where their security is at stake, the action also queues the mail `accounts.security_notice`: it goes to the person
    although they did it themself (somebody else might have, in their name), and to the former address too.
    """

    fields = {
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "language": _("Language"),
        "email": _("E-mail address"),
    }
    concerns = _("Nobody else: where security is at stake, the person gets a mail of their own")

    @classmethod
    def audience(cls, subject: User, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return ()


class PersonRegistered(PersonEvent):
    name = "accounts.person.registered"
    summary = _("An account was opened")
    sentence = _("%(actor)s opened an account.")


class SignedIn(PersonEvent):
    """Details: `way`, a `Way`; `browser`."""

    name = "accounts.person.signed_in"
    family = ACCESSES
    summary = _("Sign-in")
    sentence = _("%(actor)s signed in: %(way)s (%(browser)s).")
    words = {
        "way": {
            Way.PASSWORD: _("by password"),
            Way.SECOND_FACTOR: _("by password and second factor"),
            Way.RECOVERY_CODE: _("by password and recovery code"),
            Way.PASSKEY: _("by passkey"),
            Way.LINK: _("by the link of a mail"),
        }
    }


class SignedOut(PersonEvent):
    """Details: `browser`."""

    name = "accounts.person.signed_out"
    family = ACCESSES
    summary = _("Sign-out")
    sentence = _("%(actor)s signed out (%(browser)s).")


class TermsAccepted(PersonEvent):
    """Details: `version`."""

    name = "accounts.person.terms_accepted"
    summary = _("Terms of use accepted")
    sentence = _("%(actor)s accepted version %(version)s of the terms of use.")


class ProfileChanged(PersonEvent):
    name = "accounts.person.profile_changed"
    summary = _("Profile changed")
    sentence = _("%(actor)s changed their profile.")


class AddressConfirmed(PersonEvent):
    name = "accounts.person.address_confirmed"
    summary = _("E-mail address confirmed")
    sentence = _("%(actor)s confirmed their e-mail address.")


class AddressChanged(PersonEvent):
    name = "accounts.person.address_changed"
    summary = _("Your e-mail address was changed")
    sentence = _("%(actor)s changed their e-mail address.")
    security = True


class AddressChangeAsked(PersonEvent):
    """The new address has yet to confirm it. Details: `address`."""

    name = "accounts.person.address_change_asked"
    summary = _("A change of your e-mail address was asked for")
    sentence = _("%(actor)s asked to change their e-mail address to %(address)s.")
    security = True


class AddressChangeCancelled(PersonEvent):
    name = "accounts.person.address_change_cancelled"
    summary = _("The change of your e-mail address was cancelled")
    sentence = _("%(actor)s cancelled the change of their e-mail address.")
    security = True


class PasswordChanged(PersonEvent):
    name = "accounts.person.password_changed"
    summary = _("Your password was changed")
    sentence = _("%(actor)s changed their password.")
    security = True


class PasswordReset(PersonEvent):
    name = "accounts.person.password_reset"
    summary = _("Your password was chosen anew")
    sentence = _("%(actor)s chose a new password by the link of a mail.")
    security = True


class SecondFactorAdded(PersonEvent):
    name = "accounts.person.second_factor_added"
    summary = _("A second factor was added to your account")
    sentence = _("%(actor)s added a second factor.")
    security = True


class SecondFactorRemoved(PersonEvent):
    name = "accounts.person.second_factor_removed"
    summary = _("The second factor was removed from your account")
    sentence = _("%(actor)s removed their second factor.")
    security = True


class RecoveryCodesMade(PersonEvent):
    name = "accounts.person.recovery_codes_made"
    summary = _("New recovery codes were made for your account")
    sentence = _("%(actor)s made new recovery codes.")
    security = True


class RecoveryCodeUsed(PersonEvent):
    """To come in, or to show again that it is them. Details: `left`, how many."""

    name = "accounts.person.recovery_code_used"
    summary = _("A recovery code of your account was used")
    sentence = _("%(actor)s used one of their recovery codes (codes left: %(left)s).")
    security = True


class RecoveryCodesShown(PersonEvent):
    """Looked at, or taken along as a file. Details: `browser`."""

    name = "accounts.person.recovery_codes_shown"
    family = ACCESSES
    summary = _("Recovery codes shown")
    sentence = _("%(actor)s had their recovery codes shown (%(browser)s).")


class EntryFailed(PersonEvent):
    """So often that nobody gets in for a while. By nobody knows whom. Details: `way`, a `Way`."""

    name = "accounts.person.entry_failed"
    summary = _("Several attempts to get into your account failed")
    sentence = _("Several attempts to get into the account of %(subject)s failed: %(way)s.")
    words = {
        "way": {
            Way.PASSWORD: _("wrong password"),
            Way.SECOND_FACTOR: _("wrong code, after the right password"),
        }
    }
    security = True


class PasswordChosen(PersonEvent):
    name = "accounts.person.password_chosen"
    summary = _("A password was chosen for your account")
    sentence = _("%(actor)s chose a password, beside their passkeys.")
    security = True


class PasskeyAdded(PersonEvent):
    """Details: `browser`, with which it was made."""

    name = "accounts.person.passkey_added"
    summary = _("A passkey was added to your account")
    sentence = _("%(actor)s added a passkey (%(browser)s).")
    security = True


class PasskeyRemoved(PersonEvent):
    """Details: `browser`, with which it had been made."""

    name = "accounts.person.passkey_removed"
    summary = _("A passkey was removed from your account")
    sentence = _("%(actor)s removed a passkey (%(browser)s).")
    security = True


class SessionsEnded(PersonEvent):
    """Details: `count`."""

    name = "accounts.person.sessions_ended"
    summary = _("Sessions were ended")
    sentence = _("%(actor)s ended sessions on other devices (%(count)s).")


class MailsChosen(PersonEvent):
    """Changes: topics of `activity.topics`, `hour`, `zone`. Details: `place`, its name."""

    name = "accounts.person.mails_chosen"
    summary = _("The choice of e-mails was changed")
    sentence = _("%(actor)s chose when they get e-mails from %(place)s.")
    fields = {
        **{topic.name: topic.label for topic in TOPICS.values()},
        "hour": _("Hour of the daily e-mail"),
        "zone": _("Time zone"),
    }
    words = {**{name: dict(Timing.choices) for name in TOPICS}, "zone": ZONES}


class MailsSwitchedOff(MailsChosen):
    """By the link of a mail, which needs no login: whoever holds the mail."""

    name = "accounts.person.mails_switched_off"
    summary = _("E-mails were switched off by the link of one of them")
    sentence = _("E-mails of %(actor)s from %(place)s were switched off by the link of one of them.")
