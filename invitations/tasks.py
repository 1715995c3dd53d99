"""Background work on invitations."""

from typing import Any
from uuid import UUID

from celery import shared_task

from invitations import working
from invitations.sweeping import CARRY_OUT, remind_due, resume
from tenancy.tasks import FirmTask


@shared_task(base=FirmTask, bind=True, name=CARRY_OUT, scoped=False)
def carry_out(self: Any, firm_id: UUID, sending_id: str) -> None:
    """Send (or prepare) the many invitations of one order. Opens its own scopes: it takes minutes."""
    working.carry_out(firm_id, UUID(sending_id))


@shared_task(name="invitations.resume_sendings")
def resume_sendings() -> None:
    """Hand orders that nobody works on to a worker."""
    resume()


@shared_task(name="invitations.remind", time_limit=600)
def remind() -> None:
    """Send the reminders whose moment has come."""
    remind_due()
