from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ActivityConfig(AppConfig):
    name = "activity"
    verbose_name = _("Activity")

    def ready(self) -> None:
        from activity import bounces, lookups, notices, proofs  # noqa: F401 - each registers what it declares
