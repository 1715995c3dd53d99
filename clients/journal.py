"""The firm's journal as administrators ask it: its filters, and what a portfolio means in it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Membership, MemberState
from activity.forms import JournalFilter
from activity.queries import Asked, who_acted
from clients.models import Dossier
from portfolios.models import Portfolio


def filters_of(query: Mapping[str, Any]) -> JournalFilter:
    """In the firm's scope."""
    portfolios = Portfolio.objects.order_by("name_key").values_list("pk", "name")
    return JournalFilter(query, people=_people(query.get("person", "")), portfolios=portfolios)


def _people(chosen: str) -> list[tuple[str, list[tuple[UUID, str]]]]:
    """Those who are in the firm, those who have left it, and others who did something in it: people of clients,
    whoever gave support. Of these the last, and the one that is chosen."""
    here: list[tuple[UUID, str]] = []
    gone: list[tuple[UUID, str]] = []
    members = Membership.objects.exclude(user=None).only(
        "user_id", "first_name", "last_name", "email", "state"
    )
    for member in members:
        assert member.user_id is not None
        (gone if member.state == MemberState.TERMINATED else here).append((member.user_id, member.name))
    known = {key for key, _name in (*here, *gone)}
    others = who_acted(known, {key for key in _keys(chosen) if key not in known})
    return [
        (_("Members"), here),
        (_("Have left the firm"), gone),
        (_("People of clients, and others"), others),
    ]


def _keys(text: str) -> list[UUID]:
    """The key that it says; none if it says none."""
    try:
        return [UUID(text)]
    except ValueError:
        return []


def asked_of(filters: JournalFilter) -> Asked:
    """What of it can be read."""
    return filters.asked(_portfolio_and_files)


def _portfolio_and_files(portfolio: UUID) -> frozenset[UUID]:
    """The portfolio itself, and the client files that are in it now."""
    held = Dossier.objects.filter(portfolio_id=portfolio).order_by().values_list("pk", flat=True)
    return frozenset({portfolio, *held})
