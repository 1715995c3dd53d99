"""The firm's journal as administrators ask it: its filters, and what a portfolio means in it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from accounts.models import Membership
from activity.forms import JournalFilter
from activity.queries import Asked
from clients.models import Dossier
from portfolios.models import Portfolio


def filters_of(query: Mapping[str, Any]) -> JournalFilter:
    """In the firm's scope."""
    people = Membership.objects.exclude(user=None).values_list("user_id", "first_name", "last_name", "email")
    names = ((key, f"{first} {last}".strip() or email) for key, first, last, email in people)
    portfolios = Portfolio.objects.order_by("name_key").values_list("pk", "name")
    return JournalFilter(query, people=names, portfolios=portfolios)


def asked_of(filters: JournalFilter) -> Asked:
    """What of it can be read."""
    return filters.asked(_portfolio_and_files)


def _portfolio_and_files(portfolio: UUID) -> frozenset[UUID]:
    """The portfolio itself, and the client files that are in it now."""
    held = Dossier.objects.filter(portfolio_id=portfolio).order_by().values_list("pk", flat=True)
    return frozenset({portfolio, *held})
