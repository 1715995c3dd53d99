"""The client's side: the files exchanged with their firms, and who at the firm can see the dossier."""

from typing import IO, Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import done
from clients.actions.files import (
    NoRoom,
    NotThere,
    categories_of,
    drop_for_firm,
    files_of_person,
    put_back,
    take_back,
    take_for_client,
)
from clients.actions.support import NotFollowed
from clients.forms.files import DropForm
from clients.frame import FILES, WATCHERS, framed
from clients.models import ExchangedFile, SpaceLink, SpacePerm
from clients.paging import size_of
from clients.places import SpaceRequest
from clients.views.exchanging import PER_PAGE, downloaded, lines_of
from clients.views.files import said_of_dropped, said_of_room
from clients.watchers import watchers_of

_ROUTES = {
    "take": "clients:space_take_file",
    "take_back": "clients:space_take_file_back",
    "put_back": "clients:space_put_file_back",
}


@require_safe
def watchers(request: SpaceRequest) -> HttpResponse:
    """Who at each firm can see the dossier, and when they last did."""
    context = framed(request, WATCHERS)
    links = SpaceLink.objects.running().filter(space=request.space).order_by("firm_name", "pk")
    context["watched"] = [{"link": link, "people": watchers_of(link)} for link in links]
    return render(request, "clients/space_watchers.html", context)


@require_safe
def index(request: SpaceRequest) -> HttpResponse:
    """The files that the person's profile may see, of all firms."""
    return _page(request)


@require_POST
def drop(request: SpaceRequest) -> HttpResponse:
    """Hand files over to a firm."""
    if not request.space_member.may(SpacePerm.ADD_FILES):
        raise PermissionDenied(SpacePerm.ADD_FILES)
    firms = _firms(request)
    form = _form(request, firms, request.POST, request.FILES)
    if not firms:
        messages.warning(request, _("No accounting firm follows this space at present."))
        return redirect(request.space.url(FILES))
    if form.is_valid():
        try:
            dropped = drop_for_firm(
                actor=request.space_member,
                link=form.chosen(firms),
                handed=form.handed,
                category=form.about,
            )
        except NotFollowed:
            form.add_error(None, _("This firm does not follow you any more: nothing was dropped."))
        except NoRoom:
            form.add_error("file", said_of_room())
        else:
            messages.success(request, said_of_dropped(dropped))
            return done(request, request.space.url(FILES))
    return _page(request, form)


@require_POST
def take(request: SpaceRequest, pk: UUID) -> HttpResponseBase:
    """The file itself. A POST: it is recorded."""
    file = _file(request, pk)

    def fetch(target: IO[bytes]) -> ExchangedFile:
        return take_for_client(actor=request.space_member, file=file, target=target)

    try:
        return downloaded(fetch)
    except NotThere:
        messages.error(request, _("This file is not there any more."))
        return redirect(request.space.url(FILES))


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Take a file of the client's back, after a question."""
    file = _file(request, pk, from_client=True)
    if not request.space_member.may(SpacePerm.ADD_FILES):
        raise PermissionDenied(SpacePerm.ADD_FILES)
    if request.method != "POST":
        context = framed(request, FILES, file=file, back=request.space.url(FILES))
        return render(request, "clients/space_file_remove.html", context)
    _tell(request, take_back, file, _("The file is taken back. You can put it back for 30 days."))
    return done(request, request.space.url(FILES))


@require_POST
def restore(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Hand it over again."""
    file = _file(request, pk, from_client=True)
    _tell(request, put_back, file, _("The file is there again."))
    return done(request, request.space.url(FILES))


def _tell(request: SpaceRequest, act: Any, file: ExchangedFile, words: str) -> None:
    try:
        act(actor=request.space_member, file=file)
    except NotThere:
        messages.error(request, _("This file can't be taken back or put back any more."))
    else:
        messages.success(request, words)


def _file(request: SpaceRequest, pk: UUID, **of: bool) -> ExchangedFile:
    return get_object_or_404(files_of_person(request.space_member).select_related("link"), pk=pk, **of)


def _firms(request: SpaceRequest) -> list[SpaceLink]:
    links = SpaceLink.objects.running().filter(space=request.space)
    return list(links.order_by("firm_name", "pk"))


def _form(request: SpaceRequest, firms: list[SpaceLink], *data: Any) -> DropForm:
    return DropForm(*data, categories=categories_of(request.space_member), firms=firms, by_client=True)


def _page(request: SpaceRequest, form: DropForm | None = None) -> HttpResponse:
    firms, member = _firms(request), request.space_member
    may_add = member.may(SpacePerm.ADD_FILES)
    files = files_of_person(member).select_related("link").with_tie()
    page = Paginator(files, size_of(request.GET, PER_PAGE)).get_page(request.GET.get("page"))
    lines = lines_of(
        page.object_list,
        for_client=True,
        may_add=may_add,
        url=lambda what, file: request.space.url(_ROUTES[what], pk=file.pk),
    )
    context = framed(
        request,
        FILES,
        lines=lines,
        may_add=may_add,
        sees_billing_only=not member.may(SpacePerm.SEE_FILES),
        shows_firms=len({line.file.link_id for line in lines}) > 1 or len(firms) > 1,
        form=(form or _form(request, firms)) if firms and may_add else None,
    )
    context["page"] = page
    return render(request, "clients/space_files.html", context, status=422 if form else 200)
