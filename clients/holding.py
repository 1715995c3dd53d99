"""What may hold client files for longer than a moment."""

from django.utils.translation import gettext as _

from accounts.holding import Holder
from clients.models import Import
from tenancy.scopes import current


def import_at_work() -> Holder | None:
    """The import of this firm that is being written, or undone. A client is not told what a firm is at."""
    if current().firm_id is None or not Import.objects.writing().exists():
        return None
    return Holder(
        _("An import is being written at this very moment"),
        _("It holds the client files that it changes until it ends: a minute at the most."),
    )
