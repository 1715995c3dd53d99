"""The firm's side of the exchange of files: those of one dossier."""

from typing import IO, Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import done
from accounts.permissions import Perm, can, permitted, require
from accounts.places import FirmRequest
from clients.actions.accesses import note_access
from clients.actions.files import (
    NoRoom,
    NotThere,
    drop_for_client,
    files_of_member,
    put_back,
    take_back,
    take_for_firm,
)
from clients.actions.support import NotFollowed
from clients.forms.files import DropForm
from clients.models import Dossier, ExchangedFile, SpaceLink
from clients.paging import size_of
from clients.views.exchanging import PER_PAGE, downloaded, lines_of

_ROUTES = {
    "take": "clients:take_file",
    "take_back": "clients:take_file_back",
    "put_back": "clients:put_file_back",
}


@require_safe
def index(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The files exchanged with the dossier's client. Who looks is kept, as for the dossier's own page."""
    dossier = _seen(request, pk)
    if request.method == "GET":
        note_access(request.member, dossier)
    return _page(request, dossier)


@require_POST
def drop(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Hand files over to the client."""
    dossier = _seen(request, pk)
    require(request.member, Perm.ADD_FILES, dossier)
    form = DropForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            dropped = drop_for_client(
                actor=request.member, dossier=dossier, handed=form.handed, category=form.about
            )
        except NotFollowed:  # the page has no form any more in which it could be said
            messages.warning(request, _("This client is no longer linked to your firm: nothing was dropped."))
            return done(request, request.firm.url("clients:files", pk=pk))
        except NoRoom:
            form.add_error("file", said_of_room())
        else:
            messages.success(request, said_of_dropped(dropped))
            return done(request, request.firm.url("clients:files", pk=pk))
    return _page(request, dossier, form)


@require_POST
def take(request: FirmRequest, pk: UUID) -> HttpResponseBase:
    """The file itself. A POST: it is recorded."""
    file = _file(request, pk)

    def fetch(target: IO[bytes]) -> ExchangedFile:
        return take_for_firm(actor=request.member, file=file, target=target)

    try:
        return downloaded(fetch)
    except NotThere:
        messages.error(request, _("This file is not there any more."))
        return redirect(_list_of(request, file))


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Take a file of the firm's back, after a question."""
    file = _file(request, pk, from_client=False)
    require(request.member, Perm.ADD_FILES, Dossier.objects.get(pk=file.link.dossier_id))
    if request.method != "POST":
        return render(request, "clients/file_remove.html", {"file": file, "back": _list_of(request, file)})
    _tell(request, take_back, file, _("The file is taken back. You can put it back for 30 days."))
    return done(request, _list_of(request, file))


@require_POST
def restore(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Hand it over again."""
    file = _file(request, pk, from_client=False)
    _tell(request, put_back, file, _("The file is there again."))
    return done(request, _list_of(request, file))


def said_of_dropped(dropped: list[ExchangedFile]) -> str:
    """What was dropped, and what follows."""
    if any(file.is_quarantined for file in dropped):
        words = ngettext(
            "%(count)s file is dropped. It arrives as soon as it has been checked for viruses.",
            "%(count)s files are dropped. They arrive as soon as they have been checked for viruses.",
            len(dropped),
        )
    else:
        words = ngettext(
            "%(count)s file is dropped. The other side is told by e-mail.",
            "%(count)s files are dropped. The other side is told by e-mail.",
            len(dropped),
        )
    return words % {"count": len(dropped)}


def said_of_room() -> str:
    return _("There is no room for more. Files that you take back make room once their 30 days are over.")


def _tell(request: FirmRequest, act: Any, file: ExchangedFile, words: str) -> None:
    try:
        act(actor=request.member, file=file)
    except NotThere:
        messages.error(request, _("This file can't be taken back or put back any more."))
    else:
        messages.success(request, words)


def _seen(request: FirmRequest, pk: UUID) -> Dossier:
    """The dossier; 404 for one whose files the member may not see."""
    return get_object_or_404(permitted(Dossier.objects.clients(), request.member, Perm.SEE_FILES), pk=pk)


def _file(request: FirmRequest, pk: UUID, **of: bool) -> ExchangedFile:
    return get_object_or_404(files_of_member(request.member).select_related("link"), pk=pk, **of)


def _list_of(request: FirmRequest, file: ExchangedFile) -> str:
    return request.firm.url("clients:files", pk=file.link.dossier_id)


def _page(request: FirmRequest, dossier: Dossier, form: DropForm | None = None) -> HttpResponse:
    link = SpaceLink.objects.running().filter(dossier=dossier).first()
    may_add = can(request.member, Perm.ADD_FILES, dossier)
    files = files_of_member(request.member).filter(link__dossier=dossier).select_related("link").with_tie()
    page = Paginator(files, size_of(request.GET, PER_PAGE)).get_page(request.GET.get("page"))
    lines = lines_of(
        page.object_list,
        for_client=False,
        may_add=may_add,
        url=lambda what, file: request.firm.url(_ROUTES[what], pk=file.pk),
    )
    context = {
        "dossier": dossier,
        "link": link,
        "page": page,
        "lines": lines,
        "form": (form or DropForm()) if link and may_add else None,
    }
    return render(request, "clients/files.html", context, status=422 if form else 200)
