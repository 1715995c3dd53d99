"""When a reminder of an invitation leaves: spread over the days until the deadline, at the hour of the first mail."""

from datetime import datetime, timedelta

from accounts.models import Firm
from invitations.models import LIFETIME
from tenancy import scopes

# How often a client's own invitations are reminded of; a firm sets it.
OF_CLIENTS = 2


def wanted() -> int:
    """How many reminders the sender in scope wants."""
    firm_id = scopes.current().firm_id
    if firm_id is None:
        return OF_CLIENTS
    return int(Firm.objects.values_list("invitation_reminders", flat=True).get(pk=firm_id))


def days(count: int) -> list[int]:
    """On which days after the mail so many leave: of 2, on the second and the fifth of seven."""
    return [round(LIFETIME.days * number / (count + 1)) for number in range(1, count + 1)]


def first(sent_at: datetime) -> datetime | None:
    """Of an invitation that leaves then, in its sender's scope; None where there is none."""
    return following(sent_at, after=sent_at, count=wanted())


def following(sent_at: datetime, *, after: datetime, count: int) -> datetime | None:
    """The next one after that moment, of so many."""
    moments = (sent_at + timedelta(days=day) for day in days(count))
    return next((moment for moment in moments if moment > after), None)
