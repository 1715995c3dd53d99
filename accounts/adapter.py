"""How allauth does what our house does: mails go through the outbox (links: `mails.py`), seeds are encrypted."""

from base64 import urlsafe_b64encode
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.actions.entering import note_signed_in, note_signed_out
from accounts.actions.people import follow_confirmed_address, mail_person, note_security
from accounts.browsers import browser_name
from accounts.events.people import (
    AddressChangeCancelled,
    PasswordChanged,
    PasswordChosen,
    PasswordReset,
    PersonEvent,
    SecondFactorRemoved,
    Way,
)
from accounts.failures import failed
from accounts.models import Passkey, User
from accounts.second_factor import firms_that_require

# Which event each of allauth's notices is; one that is not here would be a flow that we don't offer.
NOTICES: dict[str, type[PersonEvent]] = {
    "account/email/password_changed": PasswordChanged,
    "account/email/password_set": PasswordChosen,
    "account/email/password_reset": PasswordReset,
    "account/email/email_deleted": AddressChangeCancelled,
    "mfa/email/totp_deactivated": SecondFactorRemoved,
}
WAYS_TO_SHOW = {
    "reauthenticate": _("Use your password instead"),
    "mfa_reauthenticate": _("Use a code of your second factor instead"),
    "mfa_reauthenticate:webauthn": _("Use a passkey instead"),
}
_WAYS = {
    "webauthn": Way.PASSKEY,
    "totp": Way.SECOND_FACTOR,
    "recovery_codes": Way.RECOVERY_CODE,
}
# Told by `confirm_email`, which knows both addresses; and by the pages of the second factor (`accounts.views.profile`):
# allauth tells of these after its commit, and whoever died in between would have left a change without its event.
_TOLD_ELSEWHERE = {
    "account/email/email_changed",
    "mfa/email/totp_activated",
    "mfa/email/recovery_codes_generated",
}


class AccountAdapter(DefaultAccountAdapter):
    """Nothing here sends: a mail is queued with keys only, and its link is made when a worker sends it."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed."),
        "duplicate_email": _("This is already the address of your account."),
        "email_password_mismatch": _(
            "The e-mail address and the password do not go together. Check both; capitals count in the password."
        ),
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("This is not your password."),
        "incorrect_code": _(
            "This code is not right, or has already been used. Wait for the next one, then type it again."
        ),
        "invalid_password_reset": _("This link is no longer valid."),
        "too_many_login_attempts": _("Too many attempts. Wait five minutes, then try again."),
        "rate_limited": _("Too many attempts. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.REGISTRATION_OPEN)

    def new_user(self, request: HttpRequest) -> User:
        """A person who reads on in the language of the page that they signed up on."""
        spoken = (get_language() or settings.LANGUAGE_CODE)[:2]
        return User(language=spoken if spoken in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE)

    # --- coming and going

    @transaction.atomic
    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        note_signed_in(person=user, way=_way(request, user), browser=self._browser())

    @transaction.atomic
    def logout(self, request: HttpRequest) -> None:
        person = request.user
        super().logout(request)
        if isinstance(person, User):
            note_signed_out(person=person, browser=self._browser())

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """At sign-in, and where a signed-in person is asked for the password again."""
        failed(request, address=str(credentials.get("email", "")), way=Way.PASSWORD)

    # --- mails

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """No flow that we offer comes here."""
        raise LookupError(f"No kind of mail is declared for allauth's {template_prefix}.")

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        mail_person(person=user, kind="accounts.password_reset", to=email)

    def send_account_already_exists_mail(self, email: str) -> None:
        for person in filter_users_by_email(email):
            mail_person(person=person, kind="accounts.account_exists", to=email)

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        address = emailconfirmation.email_address
        mail_person(
            person=address.user,
            kind="accounts.confirm_address",
            to=address.email,
            params={"address": address.pk, "signup": signup},
        )

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        if template_prefix in _TOLD_ELSEWHERE:
            return
        note_security(person=user, happened=NOTICES[template_prefix], browser=self._browser())

    @transaction.atomic
    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """The person's row in each firm follows the new address."""
        others = EmailAddress.objects.filter(user=email_address.user, verified=True).exclude(
            pk=email_address.pk
        )
        previous = others.values_list("email", flat=True).first() or ""
        confirmed: bool = super().confirm_email(request, email_address)
        if confirmed:
            follow_confirmed_address(person=email_address.user, previous=previous, browser=self._browser())
        return confirmed

    def _browser(self) -> str:
        return browser_name(self.get_http_user_agent(self.request))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The ways to show again that it is them, in our words."""
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [{**way, "description": WAYS_TO_SHOW[way["id"]]} for way in ways]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:profile")


class SecondFactorAdapter(DefaultMFAAdapter):
    """Seeds and recovery codes stand encrypted in the database, with keys derived from SECRET_KEY.

    A value that an old key encrypted is read as long as that key stands in SECRET_KEY_FALLBACKS.
    """

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
        "cannot_delete_authenticator": _(
            "One of your firms requires a second factor: it can be replaced, not removed."
        ),
        "cannot_generate_recovery_codes": _("Recovery codes need a second factor: set it up first."),
        "unverified_email": _("Confirm your e-mail address first, then set up your second factor."),
    }

    def is_mfa_enabled(self, user: Any, types: Any = None) -> bool:
        """A passkey opens an account by itself, so it is no second step after a password, which may be its spare.

        It does show again that it is them: for that, allauth asks for its type alone.
        """
        if types == [Authenticator.Type.WEBAUTHN]:
            return Passkey.objects.filter(user_id=user.pk).exists()
        enabled: bool = super().is_mfa_enabled(user, types)
        return enabled

    def encrypt(self, text: str) -> str:
        return _keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _keys().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        return not firms_that_require(authenticator.user)


def _way(request: HttpRequest, person: User) -> Way:
    """The last step by which they came in. Without any, a link has shown who they are."""
    steps = get_authentication_records(request, person)
    if not steps:
        return Way.LINK
    return _WAYS.get(steps[-1].get("type", ""), Way.PASSWORD)


def _keys() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"firm-portal second factor").derive(
        secret.encode()
    )
    return Fernet(urlsafe_b64encode(derived))
