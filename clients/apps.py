from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ClientsConfig(AppConfig):
    name = "clients"
    verbose_name = _("Clients")

    def ready(self) -> None:
        from accounts.places import KINDS
        from clients import events, lookups  # noqa: F401 - each registers what it declares
        from clients.places import SpacePlaces

        KINDS.append(SpacePlaces())
