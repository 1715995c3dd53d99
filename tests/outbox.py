"""What leaves by mail, seen from a test: composed and delivered by the real code, into memory."""

from typing import cast

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from activity import delivery
from activity.composing import compose_due
from tenancy import scopes


class Outbox:
    """Nothing is held back: what a test did is due at once, and leaves when the test asks.

    A mail that cannot be built fails the test; in production it waits for a better version.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        not_sent = delivery._not_sent

        def loud(claim: delivery.Claim, error: Exception) -> None:
            if isinstance(error, delivery.Unbuildable):
                raise AssertionError(f"A mail could not be built: {error}") from error.args[0]
            not_sent(claim, error)

        monkeypatch.setattr(delivery, "_not_sent", loud)

    def flush(self) -> None:
        """Compose what is due and deliver it, as the workers do: outside of any scope."""
        with scopes._standing_in(scopes.NOWHERE, "default"):
            compose_due()
            delivery.deliver_due()

    def mails(self) -> list[EmailMultiAlternatives]:
        """All mails that left since the test began, in order."""
        self.flush()
        return cast(list[EmailMultiAlternatives], list(mail.outbox))

    def recipients(self) -> list[str]:
        """The addresses of those mails, sorted, one for each mail."""
        return sorted(address for message in self.mails() for address in _addresses(message))

    def to(self, address: str) -> EmailMultiAlternatives:
        """The last mail to that address."""
        found = [message for message in self.mails() if address in _addresses(message)]
        assert found, f"no mail to {address}, only to {self.recipients()}"
        return found[-1]

    def clear(self) -> None:
        """Send what is due and forget it: what follows is what the test is about."""
        self.flush()
        mail.outbox.clear()


def _addresses(message: EmailMultiAlternatives) -> list[str]:
    return [recipient.rpartition("<")[2].rstrip(">") for recipient in message.recipients()]
