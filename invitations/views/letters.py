"""The firm's side of letters on paper: printing them, and confirming who has answered."""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.newcomers import languages_at
from accounts.permissions import Perm, can, permitted
from accounts.places import FirmRequest
from clients.models import Dossier
from clients.paging import Order, page_of
from clients.selection import selected_dossiers
from invitations.actions.inviting import AlreadyActive
from invitations.actions.letters import (
    NotToConfirm,
    Writing,
    confirm_letter,
    decline_letter,
    plan_letters,
    print_letters,
    revoke_letter,
)
from invitations.forms import LetterFilter, LetterForm
from invitations.models import Letter, LetterState
from invitations.paper import Sheet, as_pdf
from invitations.views import menus
from invitations.views.leading import lead_to

NEWEST_FIRST = Order("printed_at", descending=True)
# So many letters are one file; more would keep a page waiting.
AT_ONCE = 200
NAMED = 5


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """The letters and where they stand, the newest first."""
    _require(request)
    filters = LetterFilter(request.GET)
    found = Letter.objects.manageable_by(request.member)
    page = page_of(filters.narrow(found).select_related("dossier", "printed_by"), request.GET, NEWEST_FIRST)
    context = {
        "filters": filters,
        "filtered": any(request.GET.get(name) for name in filters.fields),
        "page": page,
        "rows": [{"letter": letter, "menu": _menu(request, letter)} for letter in page.rows],
        "to_confirm": found.to_confirm().count(),
    }
    return render(request, "invitations/letters.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Print the letter to the client of one dossier; first what it is, then the PDF."""
    dossiers = permitted(Dossier.objects.clients(), request.member, Perm.INVITE_CLIENT)
    dossier = get_object_or_404(dossiers, pk=pk)
    action = request.firm.url("invitations:write_letter", pk=pk)
    chosen = Dossier.objects.filter(pk=dossier.pk)
    return _printed(request, chosen, action) if request.method == "POST" else _asked(request, chosen, action)


@require_POST
def write_selected(request: FirmRequest) -> HttpResponse:
    """Print the letters to the clients of a selection; first to whom, then, confirmed, one PDF of them all."""
    _require(request)
    action = request.firm.url("invitations:write_letters")
    chosen = selected_dossiers(request, request.member, Perm.INVITE_CLIENT)
    return (
        _printed(request, chosen, action)
        if request.POST.get("confirmed")
        else _asked(request, chosen, action)
    )


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The firm knows the address as its client's: the usual invitation goes there."""
    letter = _letter(request, pk)
    if request.method != "POST":
        return _shown(request, "confirm_letter", letter) if letter.waits_for_firm else _said(request)
    try:
        confirm_letter(actor=request.member, letter=letter)
    except NotToConfirm:
        messages.info(request, _said_already())
    except AlreadyActive:
        messages.info(request, _("This client already has their space: there is nobody left to invite."))
    else:
        text = _("The invitation for %(email)s is on its way.")
        messages.success(request, text % {"email": letter.email})
    return lead_to(request, request.firm.url("invitations:letters"))


@require_http_methods(["GET", "HEAD", "POST"])
def decline(request: FirmRequest, pk: UUID) -> HttpResponse:
    """It is somebody else: nobody is invited."""
    letter = _letter(request, pk)
    if request.method != "POST":
        return _shown(request, "decline_letter", letter) if letter.waits_for_firm else _said(request)
    try:
        decline_letter(actor=request.member, letter=letter)
    except NotToConfirm:
        messages.info(request, _said_already())
    else:
        messages.success(request, _("Nobody is invited. Print another letter if the right person has none."))
    return lead_to(request, request.firm.url("invitations:letters"))


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Make a letter's code void, after a question."""
    letter = _letter(request, pk)
    if request.method != "POST":
        is_void = not letter.is_open or letter.waits_for_firm
        return _said(request) if is_void else _shown(request, "revoke_letter", letter)
    try:
        revoke_letter(actor=request.member, letter=letter)
    except NotToConfirm:
        messages.info(request, _("This letter has been answered, printed anew or made void meanwhile."))
    else:
        messages.success(request, _("The letter's code opens nothing any more."))
    return lead_to(request, request.firm.url("invitations:letters"))


def _require(request: FirmRequest) -> None:
    if not can(request.member, Perm.INVITE_CLIENTS):
        raise PermissionDenied(Perm.INVITE_CLIENTS)


def _letter(request: FirmRequest, pk: UUID) -> Letter:
    return get_object_or_404(Letter.objects.manageable_by(request.member).select_related("dossier"), pk=pk)


def _shown(request: FirmRequest, page: str, letter: Letter) -> HttpResponse:
    context = {"letter": letter, "back": request.firm.url("invitations:letters")}
    return render(request, f"invitations/{page}.html", context)


def _menu(request: FirmRequest, letter: Letter) -> list[dict[str, Any]]:
    """What may be done with it."""
    here = partial(request.firm.url, pk=letter.pk)
    again = {
        "label": _("Print another one"),
        "icon": "download",
        "url": request.firm.url("invitations:write_letter", pk=letter.dossier_id),
        "dialog": True,
    }
    if letter.waits_for_firm:
        return [
            {
                "label": _("Confirm and invite"),
                "icon": "send",
                "url": here("invitations:confirm_letter"),
                "dialog": True,
            },
            menus.danger(_("Decline"), here("invitations:decline_letter")),
        ]
    if letter.is_open:
        return [again, menus.danger(_("Make void"), here("invitations:revoke_letter"))]
    return [] if letter.state == LetterState.CONFIRMED else [again]


def _said_already() -> str:
    return _("This answer has been dealt with meanwhile.")


def _said(request: FirmRequest) -> HttpResponse:
    """To look at what is over changes nothing, and leads to the list."""
    messages.info(request, _said_already())
    return lead_to(request, request.firm.url("invitations:letters"))


def _asked(request: FirmRequest, chosen: QuerySet[Dossier], action: str) -> HttpResponse:
    """Who would get a letter, and what printing means."""
    writing = plan_letters(actor=request.member, dossiers=chosen)
    context = {
        "form": LetterForm(),
        "writing": writing,
        "skipped": _named(writing),
        "too_many": writing.count > AT_ONCE,
        "most": AT_ONCE,
        "action": action,
        "selection": [
            (name, value)
            for name in ("ids", "all", "query", "portfolio")
            for value in request.POST.getlist(name)
        ],
        "back": request.firm.url("invitations:letters"),
    }
    return render(request, "invitations/write_letters.html", context)


def _named(writing: Writing) -> list[dict[str, Any]]:
    return [
        {"reason": reason.label, "count": len(left), "names": [one.name for one in left[:NAMED]]}
        for reason, left in writing.skipped.items()
    ]


def _printed(request: FirmRequest, chosen: QuerySet[Dossier], action: str) -> HttpResponse:
    """The PDF, which alone holds the codes."""
    form = LetterForm(request.POST)
    if chosen.count() > AT_ONCE or not form.is_valid():
        return _asked(request, chosen, action)
    _writing, drawn = print_letters(actor=request.member, dossiers=chosen)
    if not drawn:
        return _asked(request, chosen, action)
    known = languages_at(letter.dossier.email for letter, _code in drawn if letter.dossier.email)
    sheets = [
        Sheet(
            dossier=letter.dossier,
            code=code,
            until=letter.expires_at,
            language=form.cleaned_data["language"] or known.get(letter.dossier.email.lower(), "fr"),
        )
        for letter, code in drawn
    ]
    response = HttpResponse(as_pdf(firm=request.firm, sheets=sheets), content_type="application/pdf")
    name = f"{slugify(_('letters'))}-{timezone.localdate():%Y-%m-%d}.pdf"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
