"""What happens to firms."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Firm
from accounts.permissions import administrators
from activity.events import EventType, Recipient


class FirmEvent(EventType):
    """Concerns the firm's administrators."""

    route = "accounts:settings"
    topic = "firm"
    fields = {
        "name": _("Firm's name"),
        "phone": _("Phone"),
        "email": _("E-mail address"),
        "second_factor_required": _("Second factor required of everyone"),
        "mail_name": _("Sender's name"),
        "reply_to": _("Address for answers"),
        "logo": _("Logo"),
    }
    concerns = _("The administrators")

    @classmethod
    def audience(cls, subject: Firm, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class FirmRegistered(FirmEvent):
    name = "accounts.firm.registered"
    summary = _("The firm was registered")
    sentence = _("%(actor)s registered the firm %(subject)s.")


class LogoChanged(FirmEvent):
    name = "accounts.logo.changed"
    summary = _("The firm's logo was changed")
    sentence = _("%(actor)s changed the logo that the firm's mails bear.")


class LogoRemoved(FirmEvent):
    name = "accounts.logo.removed"
    summary = _("The firm's logo was removed")
    sentence = _("%(actor)s removed the logo from the firm's mails.")


class FirmChanged(FirmEvent):
    name = "accounts.firm.changed"
    summary = _("The firm's details were changed")
    sentence = _("%(actor)s changed the firm's details.")
