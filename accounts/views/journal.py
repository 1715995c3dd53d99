"""The firm's journal. It stands here because `activity` knows neither members nor permissions."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Membership, Role
from accounts.permissions import Perm, allows, require
from accounts.places import FirmRequest
from activity.forms import JournalFilter
from activity.queries import counted, one_slice, with_details
from activity.queries import journal as events_of

SIZE = 50
COUNTED = 10_000


@require_safe
def journal(request: FirmRequest) -> HttpResponse:
    """Who did what, when, and from what to what; for those who may see all of the firm.

    What one action did to many things is told by one event; the lines of each thing are a link away.
    """
    require(request.member, Perm.VIEW_JOURNAL)
    people = Membership.objects.exclude(user=None).values_list("user_id", "first_name", "last_name", "email")
    names = ((key, f"{first} {last}".strip() or email) for key, first, last, email in people)
    filters = JournalFilter(request.GET, people=names)
    asked = filters.asked()
    events = events_of(asked)
    shown = one_slice(events, size=SIZE, before=_key(request, "before"), after=_key(request, "after"))
    context = {
        "filters": filters,
        "shown": with_details(shown) if asked.folds else shown,
        "count": _count_text(counted(events, most=COUNTED)),
        "group": asked.group,
        "can_keep": allows(Role(request.member.role), Perm.KEEP_JOURNAL),
    }
    return render(request, "accounts/journal.html", context)


def _count_text(count: int) -> str:
    if count > COUNTED:
        return _("more than %(count)s") % {"count": number_format(COUNTED, force_grouping=True)}
    return number_format(count, force_grouping=True)


def _key(request: HttpRequest, name: str) -> UUID | None:
    """A key of the address; none where it is none."""
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        return None
