"""What happens to portfolios, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.permissions import ObjectRole, Perm, administrators, holders
from activity.events import EventType, Recipient
from portfolios.models import Portfolio


class PortfolioEvent(EventType):
    """Concerns those to whom the portfolio is open."""

    route = "clients:portfolio"
    topic = "access"
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


class PortfolioTakenBack(EventType):
    """The import that had created it was undone, and nobody had made use of it. Told by that event."""

    name = "portfolios.portfolio.taken_back"
    summary = _("A portfolio that an import had created was taken back")
    sentence = _("%(actor)s took back the portfolio %(subject)s, which an import had created.")


class PortfolioRenamed(PortfolioEvent):
    name = "portfolios.portfolio.renamed"
    summary = _("A portfolio was renamed")
    sentence = _("%(actor)s renamed the portfolio %(subject)s.")


class PortfolioGranted(PortfolioEvent):
    """Details: `member`, the person's name; `member_id`; `role`."""

    name = "portfolios.portfolio.granted"
    summary = _("A portfolio was opened to a member")
    sentence = _("%(actor)s opened the portfolio %(subject)s to %(member)s (%(role)s).")
    words = {"role": dict(ObjectRole.choices)}
    concerns = _("Those to whom the portfolio is open, and the person who has it from now on")
    opposite = "portfolios.portfolio.withdrawn"

    @classmethod
    def target(cls, details: Mapping[str, Any]) -> Any:
        return details.get("member_id"), details.get("role")


class PortfolioWithdrawn(PortfolioGranted):
    """Details as `PortfolioGranted`; the person who lost it is told by `also_tell`."""

    name = "portfolios.portfolio.withdrawn"
    summary = _("A member no longer has a portfolio")
    sentence = _("%(actor)s withdrew the portfolio %(subject)s from %(member)s (%(role)s).")
    concerns = _("Those to whom the portfolio is open, and the person who no longer has it")
    opposite = "portfolios.portfolio.granted"


class SubscriberChanged(PortfolioEvent):
    """Changes: `role`. Details: `member`, `member_id`."""

    name = "portfolios.portfolio.subscriber_changed"
    summary = _("A member has another role on a portfolio")
    sentence = _("%(actor)s changed the role of %(member)s on the portfolio %(subject)s.")
    fields = {"role": _("Role")}
    words = {"role": dict(ObjectRole.choices)}


class SubscriptionsChanged(EventType):
    """About one member and several portfolios, each of which has its own line in the journal.

    Details: `given`, `changed` (the role) and `taken`, how many. The portfolios' subscribers are told by `also_tell`.
    """

    name = "portfolios.subscriptions.changed"
    summary = _("A member's portfolios were changed")
    sentence = _(
        "%(actor)s changed the portfolios of %(subject)s"
        " (opened: %(given)s, withdrawn: %(taken)s, other role: %(changed)s)."
    )
    route = "clients:member"
    topic = "access"
    concerns = _("The administrators, the member, and those to whom one of the portfolios is open")

    @classmethod
    def audience(cls, subject: Membership, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return [*administrators(), *([subject] if subject.is_open else [])]


class PortfolioTerminated(PortfolioEvent):
    """Details: `count`, its dossiers; `successor`, where they went, by name ("" for nowhere).

    Administrators alone see it from then on, so the others are told by `also_tell`.
    """

    name = "portfolios.portfolio.terminated"
    summary = _("A portfolio was terminated")
    sentence = _("%(actor)s terminated the portfolio %(subject)s (client files moved: %(count)s).")
    fields = {"portfolio": _("Its client files are now in")}
    concerns = _("Those to whom the portfolio was open, and those who got its client files")


class PortfolioRestored(PortfolioEvent):
    """Details: `count`, the dossiers that went back into it; `kept`, those that stayed where they had gone since."""

    name = "portfolios.portfolio.restored"
    summary = _("A terminated portfolio was restored")
    sentence = _("%(actor)s restored the portfolio %(subject)s (client files put back: %(count)s).")
    fields = {"name": _("Name")}
    concerns = _("Those to whom the portfolio is open again, and those from whom its client files went back")
