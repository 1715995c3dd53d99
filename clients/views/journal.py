"""The firm's journal. It stands here because its filters know portfolios, and `activity` neither these nor members."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.answers import done
from accounts.models import Membership, Role
from accounts.permissions import Perm, allows, require
from accounts.places import FirmRequest
from activity import queries
from clients.exports.journal import JournalExport, asked_for
from clients.journal import asked_of, filters_of
from clients.models import Import
from exports.answers import exported
from exports.kinds import REGISTRY

SIZE = 50


@require_safe
def journal(request: FirmRequest) -> HttpResponse:
    """Who did what, when, and from what to what; for those who may see all of the firm.

    What one action did to many things is told by one event; the lines of each thing are a link away. The address holds
    all that is asked.
    """
    require(request.member, Perm.VIEW_JOURNAL)
    filters = filters_of(request.GET)
    asked = asked_of(filters)
    before, after = _key(request, "before"), _key(request, "after")
    shown = queries.one_slice(asked, size=SIZE, before=before, after=after)
    is_all = not (before or after or shown.older)
    context = {
        "filters": filters,
        "shown": queries.with_details(shown) if asked.folds else shown,
        "count": str(len(shown.lines)) if is_all else "",
        "group": asked.group,
        "subject": queries.latest_name(asked.subject) if asked.subject else "",
        "member": _member(asked),
        "can_keep": allows(Role(request.member.role), Perm.KEEP_JOURNAL),
        "kept": list(asked_for(filters).items()),
        "export_url": request.firm.url("clients:export_journal"),
    }
    return render(request, "clients/journal.html", context)


def _member(asked: queries.Asked) -> Membership | None:
    """Of whom alone the page tells: what they did, or what concerns them."""
    if asked.subject:
        return Membership.objects.filter(pk=asked.subject).first()
    return Membership.objects.filter(user_id=asked.person).first() if asked.person else None


@require_safe
def event(request: FirmRequest, pk: UUID) -> HttpResponse:
    """All that is kept of one event."""
    require(request.member, Perm.VIEW_JOURNAL)
    found = queries.with_key(pk)
    if found is None:
        raise Http404
    context = {
        "line": queries.Line(found),
        "event": found,
        "number": queries.number_of(pk),
        "source": Import.objects.filter(pk=found.group).first() if found.group else None,
        "journal_url": request.firm.url("clients:journal"),
    }
    return render(request, "clients/event.html", context)


@require_POST
def export(request: FirmRequest) -> HttpResponseBase:
    """What the filters let through, as a workbook. A POST: it is recorded."""
    require(request.member, Perm.VIEW_JOURNAL)
    filters = filters_of(request.POST)
    if not filters.is_valid():  # the page shows more than was asked for, and says so; a workbook would not
        messages.error(request, _("A filter cannot be read. Look at the list again, then export it."))
        return done(request, request.firm.url("clients:journal"))
    return exported(request, REGISTRY[JournalExport.name], asked_for(filters))


def _key(request: HttpRequest, name: str) -> UUID | None:
    """A key of the address; none where it is none."""
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        return None
