"""The export of who has access to what."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Firm, Membership
from accounts.permissions import Perm, granted, permitted
from clients import matrix
from clients.events.access import AccessExported
from clients.exports.access_book import AccessBook
from clients.exports.asking import chosen, in_words, refuse_others
from clients.forms.access import NO_PORTFOLIO, MatrixFilter
from clients.models import Dossier, DossierQuerySet
from exports.kinds import Kind, Parameters
from portfolios.models import Portfolio, PortfolioQuerySet

_FILTERS = ("q", "portfolio", "member")


class AccessExport(Kind):
    """For all members or one of them, of the portfolios and client files that the matrix's filters let through."""

    name = "clients.access"
    label = _("Who has access to what")
    stem = _("accesses")
    perm = Perm.VIEW_ACCESS
    exported = AccessExported

    def book(self, member: Membership, parameters: Parameters) -> AccessBook:
        filters = filters_for(member, parameters)
        refuse_others(filters, parameters)
        return AccessBook(
            by=member,
            portfolios=_portfolios(filters, portfolios_for(member)),
            dossiers=filters.dossiers(clients_for(member)),
            member=filters.person,
            asked=in_words(filters, parameters),
        )

    def page(self, firm: Firm, parameters: Parameters) -> str:
        return f"{firm.url('clients:access_dossiers')}?{urlencode(parameters)}".removesuffix("?")


def asked_for(member: Membership, query: Mapping[str, Any]) -> dict[str, str]:
    """Of what a request says, the filters that there are."""
    return chosen(filters_for(member, query), _FILTERS)


def filters_for(member: Membership, query: Mapping[str, Any]) -> MatrixFilter:
    return MatrixFilter(query, members=people(), portfolios=portfolios_for(member))


def people() -> list[Membership]:
    return matrix.columns_of(list(Membership.objects.open()))


def portfolios_for(member: Membership) -> PortfolioQuerySet:
    found = permitted(Portfolio.objects.running(), member, Perm.VIEW_PORTFOLIO)
    assert isinstance(found, PortfolioQuerySet)
    return found


def clients_for(member: Membership) -> DossierQuerySet:
    found = permitted(Dossier.objects.clients(), member, Perm.VIEW_DOSSIER)
    assert isinstance(found, DossierQuerySet)
    return found


def _portfolios(filters: MatrixFilter, found: PortfolioQuerySet) -> QuerySet[Portfolio]:
    """The search is for client files, so it leaves the portfolios alone."""
    portfolio = filters.chosen("portfolio")
    if portfolio == NO_PORTFOLIO:
        return found.none()
    rows = found.filter(pk=UUID(portfolio)) if portfolio else found
    return granted(rows, filters.person, Perm.VIEW_PORTFOLIO) if filters.person else rows
