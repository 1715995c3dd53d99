from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortfoliosConfig(AppConfig):
    name = "portfolios"
    verbose_name = _("Portfolios")

    def ready(self) -> None:
        from accounts.concern import SEEN, Seen
        from accounts.permissions import Perm, permitted
        from accounts.registration import GRANTS_TAKEN
        from portfolios import events  # noqa: F401 - registers the event types
        from portfolios.actions import note_taken
        from portfolios.models import Portfolio

        GRANTS_TAKEN.append(note_taken)
        SEEN.append(Seen(Portfolio, lambda member, these: permitted(these, member, Perm.VIEW_PORTFOLIO)))
