from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts import events, lookups, mails  # noqa: F401 - each registers what it declares
        from accounts.concern import OF_ADMINISTRATORS, may_enter, still_told_of
        from accounts.events.firms import FirmEvent
        from accounts.events.journal import ToAdministrators
        from accounts.events.members import MemberEvent
        from accounts.models import Membership
        from accounts.permissions import stand_ins
        from activity.behalf import STAND_INS
        from activity.concern import MAY_ENTER, STILL_TOLD_OF

        STILL_TOLD_OF.append(still_told_of)
        MAY_ENTER.append(may_enter)
        OF_ADMINISTRATORS.extend([FirmEvent, MemberEvent, ToAdministrators])
        STAND_INS.append(
            lambda actor, model, keys: stand_ins(actor, model, keys) if isinstance(actor, Membership) else {}
        )
