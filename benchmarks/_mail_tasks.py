"""One task per mail, as most Django projects send them; and the product's own tasks, in the same worker."""

from celery import shared_task
from django.core.mail import EmailMultiAlternatives
from django.utils import translation

from firm_portal.celery import app

__all__ = ["app", "send_invitation"]


@shared_task(name="benchmarks.send_invitation", acks_late=True)
def send_invitation(firm_id: str, invitation_id: str) -> None:
    """Load the row, mint the token, render, connect, send."""
    from uuid import UUID

    from benchmarks._mail_world import invitation_message
    from tenancy.scopes import scope

    with scope(firm=UUID(firm_id)), translation.override("fr"):
        message, address = invitation_message(UUID(invitation_id))
    email = EmailMultiAlternatives(message.subject, message.text, to=[address])
    email.attach_alternative(message.html, "text/html")
    email.send()
