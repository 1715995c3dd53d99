from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortfoliosConfig(AppConfig):
    name = "portfolios"
    verbose_name = _("Portfolios")

    def ready(self) -> None:
        from accounts.registration import GRANTS_TAKEN
        from portfolios import events  # noqa: F401 - registers the event types
        from portfolios.actions import note_taken

        GRANTS_TAKEN.append(note_taken)
