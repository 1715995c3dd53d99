"""What happens to portfolios, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Perm, administrators, holders
from activity.events import EventType, Recipient
from portfolios.models import Portfolio


class PortfolioEvent(EventType):
    """Concerns those to whom the portfolio is open."""

    route = "clients:portfolio"
    fields = {"name": _("Name")}
    concerns = _("Those to whom the portfolio is open")

    @classmethod
    def audience(cls, subject: Portfolio, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return holders(Perm.VIEW_PORTFOLIO, subject)


class PortfolioCreated(PortfolioEvent):
    name = "portfolios.portfolio.created"
    summary = _("A portfolio was created")
    sentence = _("%(actor)s created the portfolio %(subject)s.")
    concerns = _("The administrators")

    @classmethod
    def audience(cls, subject: Portfolio, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class PortfolioRenamed(PortfolioEvent):
    name = "portfolios.portfolio.renamed"
    summary = _("A portfolio was renamed")
    sentence = _("%(actor)s renamed the portfolio %(subject)s.")


class PortfolioGranted(PortfolioEvent):
    """Details: `member`, the person's name; `member_id`."""

    name = "portfolios.portfolio.granted"
    summary = _("A portfolio was opened to a member")
    sentence = _("%(actor)s opened the portfolio %(subject)s to %(member)s.")
    concerns = _("Those to whom the portfolio is open, and the person who has it from now on")
    opposite = "portfolios.portfolio.withdrawn"


class PortfolioWithdrawn(PortfolioEvent):
    """Details as `PortfolioGranted`; the person who lost it is told by `also_tell`."""

    name = "portfolios.portfolio.withdrawn"
    summary = _("A member no longer has a portfolio")
    sentence = _("%(actor)s withdrew the portfolio %(subject)s from %(member)s.")
    concerns = _("Those to whom the portfolio is open, and the person who no longer has it")
    opposite = "portfolios.portfolio.granted"
