"""The one connection over which a run of mails leaves, and what its refusals mean."""

from smtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from typing import Any

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.utils.translation import gettext as _

from activity.wire import LetterToOne


class Unreachable(Exception):
    """No mail can leave now: the server does not let us in. It is nobody's address's fault."""


class KeptConnection:
    """Opened at need, kept from mail to mail, and opened anew once where the server has closed it meanwhile."""

    def __init__(self) -> None:
        self._backend: Any = get_connection()
        self._is_open = False
        self._is_used = False

    def open(self) -> None:
        """Reach the server, if that is still to be done. Raises Unreachable."""
        if self._is_open:
            return
        try:
            self._backend.open()
        except (
            OSError,
            SMTPAuthenticationError,
            SMTPConnectError,
            SMTPHeloError,
            SMTPServerDisconnected,
        ) as error:
            self.close()
            raise Unreachable(type(error).__name__) from error
        self._is_open = True

    def send(self, message: EmailMessage) -> str:
        """Hand the message over; returns by what name a mail service knows it now, which servers don't tell.

        Raises Unreachable if there is no connection, else what the server's answer was.
        """
        self.open()
        if hasattr(self._backend, "esp_name"):
            return self._to_service(message)
        was_used = self._is_used
        try:
            self._hand_over(message)
        except SMTPServerDisconnected as error:
            # Closed for idleness, most likely; a server that went silent is not asked twice in a row.
            if not was_used or isinstance(error.__context__, TimeoutError):
                raise
            self.open()
            self._hand_over(message)
        self._is_used = True
        return ""

    def _to_service(self, message: EmailMessage) -> str:
        if isinstance(message, LetterToOne) and self._backend.esp_name not in _TAKE_IT_WRITTEN:
            message.as_fields(shows_pictures=self._backend.esp_name not in _NO_PICTURES)
        try:
            self._hand_over(message)
        except AnymailAPIError as error:
            code, what = _refusal(error)
            if code is None or code in _NOBODYS_FAULT or what in _NOBODYS_FAULT_AT_AMAZON:
                raise Unreachable(f"{type(error).__name__} {what or code or ''}".strip()) from None
            raise
        status: Any = getattr(message, "anymail_status", None)
        return str(status.message_id or "")[:255] if status else ""

    def _hand_over(self, message: EmailMessage) -> None:
        try:
            if isinstance(message, LetterToOne) and isinstance(self._backend, SmtpBackend):
                # The backend would read both addresses anew, at a tenth of the whole work.
                server: Any = self._backend.connection
                server.sendmail(*message.on_the_wire())
            else:
                self._backend.send_messages([message])
        except SMTPResponseException as error:
            if error.smtp_code == _CLOSING:
                self.close()
            raise
        except (SMTPServerDisconnected, OSError):
            self.close()
            raise

    def close(self) -> None:
        self._is_open = self._is_used = False
        try:
            self._backend.close()
        except (OSError, SMTPException):
            self._backend.connection = None


_CLOSING = 421
# The services that take no picture which the HTML shows; the firm's name stands in its place.
_NO_PICTURES = {"Brevo"}
# A mail service that takes no key of ours, or no more mails for now.
_NOBODYS_FAULT = {401, 403, 429}
_NOBODYS_FAULT_AT_AMAZON = {
    "AccountSuspendedException",
    "LimitExceededException",
    "MailFromDomainNotVerifiedException",
    "NotFoundException",
    "SendingPausedException",
    "TooManyRequestsException",
}
# The services that get the message as it stands on the wire.
_TAKE_IT_WRITTEN = {"Amazon SES"}


def _refusal(error: AnymailAPIError) -> tuple[int | None, str]:
    """The status of a service's answer, and what Amazon calls it: boto3 gives both as a dictionary."""
    if isinstance(error.response, dict):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status, str(error.response.get("Error", {}).get("Code", ""))
    return error.status_code, ""


def permanent_refusal(error: Exception) -> str:
    """Why this mail will never arrive, in words for people; empty if a later attempt may succeed."""
    if isinstance(error, SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        if code < 500:
            return ""
        answer = _words(code, said)
        return _("The recipient's mail server refuses this address: %(answer)s") % {"answer": answer}
    if isinstance(error, SMTPDataError) and error.smtp_code >= 500:
        answer = _words(error.smtp_code, error.smtp_error)
        return _("The recipient's mail server refuses the message: %(answer)s") % {"answer": answer}
    if isinstance(error, AnymailRecipientsRefused):
        return _("The mail service refuses this address.")
    # Some of anymail's errors are ValueErrors, whatever they are about.
    is_about_address = isinstance(error, AnymailInvalidAddress) or not isinstance(error, AnymailError)
    if is_about_address and isinstance(error, ValueError | SMTPNotSupportedError):
        return _("This address cannot receive mail: check how it is written.")
    return ""


def _words(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(text.split())}"[:300]
