"""The mails of a person's own account. Links are made here, while the mail is sent, and kept nowhere."""

from abc import abstractmethod
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from activity.events import REGISTRY as EVENTS
from activity.heads import head_of, public_keys
from activity.mails import MailKind, Message, Obsolete, OutgoingEmail, choices_url, rendered


class PersonMail(MailKind):
    """A mail to a person about their account. `template` stands under templates/mails/."""

    urgent = True
    template: ClassVar[str]

    def build(self, mail: OutgoingEmail) -> Message:
        person = mail.person
        if person is None or not person.is_active:
            raise Obsolete
        context = self.context(mail, person)
        given = {"person": person, "to": mail.to, "choices_url": choices_url(), **context}
        return rendered(self.template, self.subject(mail), given)

    @abstractmethod
    def subject(self, mail: OutgoingEmail) -> str: ...

    @abstractmethod
    def context(self, mail: OutgoingEmail, person: User) -> dict[str, Any]: ...


class PasswordResetMail(PersonMail):
    """The link by which a person chooses a new password; it ends when used, and after three days."""

    name = "accounts.password_reset"
    template = "account_password_reset"

    def subject(self, mail: OutgoingEmail) -> str:
        return _("Choose a new password")

    def context(self, mail: OutgoingEmail, person: User) -> dict[str, Any]:
        key = default_token_generator.make_token(person)
        route = {"uidb36": user_pk_to_url_str(person), "key": key}
        return {
            "url": _absolute("account_reset_password_from_key", **route),
            "days": settings.PASSWORD_RESET_TIMEOUT // (24 * 3600),
        }


class ConfirmAddressMail(PersonMail):
    """The link that confirms an address: a new account's, or the one that is to replace another.

    Params: `address`, the key of allauth's EmailAddress; `signup`.
    """

    name = "accounts.confirm_address"
    template = "account_confirm_address"

    def subject(self, mail: OutgoingEmail) -> str:
        return _("Confirm your e-mail address")

    def context(self, mail: OutgoingEmail, person: User) -> dict[str, Any]:
        address = EmailAddress.objects.filter(
            pk=mail.params["address"], user=person, email=mail.to, verified=False
        ).first()
        if address is None:
            raise Obsolete
        return {
            "url": _absolute("account_confirm_email", key=EmailConfirmationHMAC(address).key),
            "signup": mail.params["signup"],
        }


class AccountExistsMail(PersonMail):
    """Somebody, most likely the person, wanted to register with an address that has an account."""

    name = "accounts.account_exists"
    template = "account_exists"

    def subject(self, mail: OutgoingEmail) -> str:
        return _("You already have an account")

    def context(self, mail: OutgoingEmail, person: User) -> dict[str, Any]:
        return {
            "login_url": _absolute("account_login"),
            "reset_url": _absolute("account_reset_password"),
        }


class SecurityNotice(PersonMail):
    """What happened to the account, when, and from where. Params: `event` (its type), `at`, `ip`, `browser`;
    `firm` or `space`, its name, where it is about their place there; `left`, how many recovery codes, where one was
    used."""

    name = "accounts.security_notice"
    template = "account_security_notice"

    def subject(self, mail: OutgoingEmail) -> str:
        return str(EVENTS[mail.params["event"]].summary)

    def context(self, mail: OutgoingEmail, person: User) -> dict[str, Any]:
        at = timezone.localtime(datetime.fromisoformat(mail.params["at"]))
        facts = [
            (_("When"), date_format(at, "DATETIME_FORMAT")),
            (_("Firm"), mail.params.get("firm")),
            (_("Client space"), mail.params.get("space")),
            (_("From the address (IP)"), mail.params.get("ip")),
            (_("With"), mail.params.get("browser")),
            (_("Recovery codes left"), mail.params.get("left")),
        ]
        return {
            "facts": [(label, value) for label, value in facts if value not in ("", None)],
            "reset_url": _absolute("account_reset_password"),
            "former_address": mail.to != person.email,
        }


class JournalHeadMail(MailKind):
    """How far the firm's journal reached, signed, for the administrators to keep. Params: `head`, its key."""

    name = "accounts.journal_head"
    what = gettext_lazy("Daily proof of the activity log")

    def build(self, mail: OutgoingEmail) -> Message:
        given = head_of(UUID(mail.params["head"])) if mail.firm else None
        if given is None or mail.firm is None:
            raise Obsolete
        context = {
            "firm": mail.firm.name,
            "given": given,
            "key": public_keys()[given.key_id].hex() if given.key_id in public_keys() else "",
            "url": settings.BASE_URL + mail.firm.url("accounts:proof"),
        }
        subject = _("[%(firm)s] Proof of the activity log, %(date)s") % {
            "firm": mail.firm.name,
            "date": date_format(timezone.localtime(given.at), "DATE_FORMAT"),
        }
        return rendered("journal_head", subject, context)


def _absolute(route: str, **kwargs: str) -> str:
    return f"{settings.BASE_URL}{reverse(route, kwargs=kwargs)}"
