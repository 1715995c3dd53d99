"""The client's side: their details, the firms that follow them, their people."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.actions.space import edit_space_details
from clients.forms.space import SpaceDetailsForm
from clients.models import ClientSpace, SpaceLink, SpaceMember
from clients.places import SpaceRequest


@require_safe
def home(request: SpaceRequest) -> HttpResponse:
    """The client's details, who follows them, who else is here."""
    return render(request, "clients/space_home.html", _page(request))


@require_safe
def welcome(request: SpaceRequest) -> HttpResponse:
    """The same, with a word for who has just arrived."""
    return render(request, "clients/space_home.html", {**_page(request), "welcome": True})


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SpaceRequest) -> HttpResponse:
    """Change the client's details; the firms that follow them are told."""
    if not request.space_member.may_edit:
        raise PermissionDenied("edit_space_details")
    space = ClientSpace.objects.get(pk=request.space.pk)
    form = SpaceDetailsForm(request.POST or None, instance=space)
    if request.method == "POST" and form.is_valid():
        edit_space_details(actor=request.space_member, space=request.space, values=form.cleaned_data)
        messages.success(request, _("Your details are saved."))
        return redirect(request.space.url("clients:space_home"))
    context = {"form": form, "firms": _firms(request), **_navigation(request)}
    return render(request, "clients/space_edit.html", context, status=422 if form.is_bound else 200)


def _page(request: SpaceRequest) -> dict[str, object]:
    people = SpaceMember.objects.present().filter(space=request.space)
    return {"space": request.space, "people": people, "firms": _firms(request), **_navigation(request)}


def _firms(request: SpaceRequest) -> list[SpaceLink]:
    return list(SpaceLink.objects.running().filter(space=request.space).order_by("firm_name"))


def _navigation(request: SpaceRequest) -> dict[str, object]:
    """The menu across the top, and the firm named in the foot."""
    home_url = request.space.url("clients:space_home")
    items = [{"label": _("My details"), "url": home_url, "active": True}]
    link = SpaceLink.objects.running().filter(space=request.space).order_by("since").first()
    contact = link and {"name": link.firm_name, "phone": link.firm_phone, "email": link.firm_email}
    return {"nav": items, "space_firm": contact}
