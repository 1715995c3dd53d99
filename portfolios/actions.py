"""What may be done to portfolios."""

from django.db import IntegrityError, transaction

from accounts.models import Membership
from accounts.permissions import ObjectRole, Perm, give, pairs_of, require, take
from activity.actions import record
from portfolios.events import PortfolioCreated, PortfolioGranted, PortfolioRenamed, PortfolioWithdrawn
from portfolios.models import Portfolio, PortfolioGrant


class NameTaken(Exception):
    """The firm already has a portfolio of that name, case and accents aside."""


@transaction.atomic
def create_portfolio(*, actor: Membership, name: str) -> Portfolio:
    """Create an empty portfolio. Raises NameTaken."""
    require(actor, Perm.CREATE_PORTFOLIO)
    portfolio = Portfolio(name=name)
    _save(portfolio, force_insert=True)
    record(PortfolioCreated, actor=actor, subject=portfolio)
    return portfolio


@transaction.atomic
def rename_portfolio(*, actor: Membership, portfolio: Portfolio, name: str) -> Portfolio:
    """Give the portfolio another name. Raises NameTaken. The same name again changes and records nothing."""
    require(actor, Perm.CHANGE_PORTFOLIO, portfolio)
    portfolio = Portfolio.objects.select_for_update().get(pk=portfolio.pk)
    previous, portfolio.name = portfolio.name, name
    if name == previous:
        return portfolio
    _save(portfolio, update_fields=["name"])
    record(PortfolioRenamed, actor=actor, subject=portfolio, changes={"name": (previous, name)})
    return portfolio


@transaction.atomic
def grant_portfolio(
    *,
    actor: Membership,
    portfolio: Portfolio,
    member: Membership,
    role: ObjectRole = ObjectRole.ACCOUNTANT,
) -> None:
    """Open the portfolio and its dossiers to the member. Granting it again changes and records nothing."""
    require(actor, Perm.GRANT_PORTFOLIO, portfolio)
    Portfolio.objects.select_for_update(no_key=True).get(pk=portfolio.pk)  # two at once grant it once
    if not give(PortfolioGrant, pairs_of([portfolio], [member]), role=role, by=actor):
        return
    record(PortfolioGranted, actor=actor, subject=portfolio, details=_named(member))


@transaction.atomic
def withdraw_portfolio(*, actor: Membership, portfolio: Portfolio, member: Membership) -> None:
    """Take the portfolio from the member, at their next request. Taking it twice changes and records nothing."""
    require(actor, Perm.GRANT_PORTFOLIO, portfolio)
    if not take(PortfolioGrant, pairs_of([portfolio], [member])):
        return
    record(PortfolioWithdrawn, actor=actor, subject=portfolio, details=_named(member), also_tell=[member])


def _save(
    portfolio: Portfolio, *, force_insert: bool = False, update_fields: list[str] | None = None
) -> None:
    """Save, and explain the database's refusal of a second portfolio of that name."""
    try:
        with transaction.atomic():
            portfolio.save(force_insert=force_insert, update_fields=update_fields)
    except IntegrityError as error:
        if "portfolio_name" not in str(error):
            raise
        raise NameTaken(portfolio.name) from error


def _named(member: Membership) -> dict[str, str]:
    return {"member": member.name, "member_id": str(member.pk)}
