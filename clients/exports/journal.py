"""The export of the journal: the events that its filters let through."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Firm, Membership
from accounts.permissions import Perm
from activity.forms import JournalFilter
from activity.queries import Asked, latest_name
from activity.searching import Search
from activity.telling import columns, lines
from clients.events.journal import JournalExported
from clients.exports.asking import chosen, in_words, refuse_others
from clients.journal import asked_of, filters_of
from exports.kinds import Book, Kind, Parameters, counted
from exports.limits import MOST_LINES
from spreadsheets.writing import Target, write_workbook
from tenancy.leases import Progress

_SEEN = ("q", "person", "kind", "portfolio", "since", "until")
_UNSEEN = ("subject", "group")


@dataclass
class JournalBook(Book):
    """The events that are asked for, the newest first."""

    events: Asked
    asked: str = ""

    def expected(self) -> int:
        return self._all if self._some > settings.EXPORTS_AT_ONCE else self._some

    def weight(self) -> int:
        return self._some

    @cached_property
    def _some(self) -> int:
        """Enough to know whether somebody waits for it."""
        return Search(self.events).count(settings.EXPORTS_AT_ONCE)

    @cached_property
    def _all(self) -> int:
        return Search(self.events).count(MOST_LINES)

    def write(self, target: Target, progress: Progress) -> int:
        headers, widths = zip(*columns(), strict=True)
        rows = counted(lines(self.events), progress)
        return write_workbook(target, headers, rows, sheet_name=_("Activity log"), widths=widths)


class JournalExport(Kind):
    """For those who may read it, of all of the firm."""

    name = "clients.journal"
    label = gettext_lazy("Activity log")
    stem = gettext_lazy("activity-log")
    perm = Perm.VIEW_JOURNAL
    exported = JournalExported

    def book(self, member: Membership, parameters: Parameters) -> JournalBook:
        filters = filters_of(parameters)
        refuse_others(filters, parameters)
        return JournalBook(asked_of(filters), asked=_in_words(filters, parameters))

    def page(self, firm: Firm, parameters: Parameters) -> str:
        return f"{firm.url('clients:journal')}?{urlencode(parameters)}".removesuffix("?")


def asked_for(filters: JournalFilter) -> dict[str, str]:
    """What the page's filters say."""
    return chosen(filters, (*_SEEN, *_UNSEEN))


def _in_words(filters: JournalFilter, parameters: Parameters) -> str:
    told = in_words(filters, {name: value for name, value in parameters.items() if name in _SEEN})
    unseen = []
    if subject := filters.cleaned_data.get("subject"):
        unseen.append(_("%(filter)s: %(value)s") % {"filter": _("Object"), "value": latest_name(subject)})
    if "group" in parameters:
        unseen.append(_("What was done in one go"))
    return ", ".join(part for part in (told, *unseen) if part)
