"""Saved views of the dossier table: saving, changing, renaming, sharing and deleting them."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import done
from accounts.models import Membership, Role
from accounts.permissions import Perm, allows
from accounts.places import FirmRequest
from activity import queries
from clients.actions.views import (
    ViewChangedMeanwhile,
    ViewGone,
    ViewNameTaken,
    change_view,
    delete_view,
    rename_view,
    save_view,
    share_view,
    unshare_view,
)
from clients.asked import VIEW, Asked, allowed_state, since, state_of
from clients.events.views import ViewDeleted
from clients.forms.views import NewViewForm, ViewNameForm, moment
from clients.models import SavedView


def with_view(act: Callable[[FirmRequest, SavedView], HttpResponse]) -> Callable[..., HttpResponse]:
    """Give the act the view of the address; where somebody deleted that one meanwhile, say so and show the others."""

    @wraps(act)
    def wrapped(request: FirmRequest, pk: UUID) -> HttpResponse:
        try:
            return act(request, _changeable(request, pk))
        except ViewGone:
            text = _("This view no longer exists: it was deleted meanwhile. Nothing was changed.")
            messages.warning(request, text)
            return done(request, request.firm.url("clients:views"))

    return wrapped


def views_of(request: FirmRequest, asked: Asked) -> dict[str, Any]:
    """What the list says of saved views: those to choose from, and the one that is shown or was begun with."""
    names = {one.user_id: one.name for one in asked.filters.members.values()}
    lines = [_line(request, view, names, is_current=view == asked.view) for view in asked.views]
    save_url = f"{request.firm.url('clients:save_view')}?{asked.state.urlencode()}"
    return {
        "all": lines,
        "current": asked.view,
        "is_changed": asked.is_changed,
        "may_change": asked.view is not None and _may_change(request.member, asked.view),
        "query": asked.state.urlencode(),
        "save_url": save_url,
        "dropped": ", ".join(asked.dropped),
        "is_missing": asked.is_missing,
        "menu": {
            "current": asked.view.name if asked.view else "",
            "url": request.firm.url("clients:list"),
            "lines": [_in_menu(line) for line in lines],
            "save_url": save_url,
            "all_url": request.firm.url("clients:views"),
        },
    }


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """One's own views, and those that are shared with the firm."""
    assert request.member.user_id is not None
    names = {one.user_id: one.name for one in Membership.objects.exclude(user=None)}
    rows = [_line(request, view, names) for view in SavedView.objects.of(request.member.user_id)]
    return render(request, "clients/views.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
def save(request: FirmRequest) -> HttpResponse:
    """Keep the state of the list, which the address says, under a name."""
    state = state_of(request.GET).urlencode()
    form = NewViewForm(request.POST or None, initial={"query": state})
    if form.is_valid():
        values = form.cleaned_data
        query = allowed_state(values["query"], request.member).urlencode()
        try:
            view = save_view(
                actor=request.member, name=values["name"], query=query, is_shared=values["is_shared"]
            )
        except ViewNameTaken:
            _say_taken(form)
        else:
            messages.success(request, _("The view %(name)s is saved.") % {"name": view.name})
            return done(request, _shown(request, view))
    return render(request, "clients/save_view.html", {"form": form}, status=422 if form.is_bound else 200)


@require_POST
@with_view
def change(request: FirmRequest, view: SavedView) -> HttpResponse:
    """Let the view hold what the list shows; if somebody changed it meanwhile, first say so."""
    state = allowed_state(request.POST.get("query", ""), request.member)
    try:
        change_view(
            actor=request.member,
            view=view,
            query=state.urlencode(),
            seen=moment(request.POST.get("seen", "")),
        )
    except ViewChangedMeanwhile as refused:
        again = _("Your changes are still on screen: save them again to replace what the view holds now.")
        messages.warning(request, f"{_meanwhile(refused.view)} {again}")
        return done(request, _unsaved(request, refused.view, state))
    messages.success(request, _("The view %(name)s is saved.") % {"name": view.name})
    return done(request, _shown(request, view))


@require_http_methods(["GET", "HEAD", "POST"])
@with_view
def rename(request: FirmRequest, view: SavedView) -> HttpResponse:
    """Another name."""
    seen = view.updated_at.isoformat()
    form = ViewNameForm(request.POST or None, instance=view, initial={"seen": seen})
    if form.is_valid():
        try:
            renamed = rename_view(
                actor=request.member, view=view, name=form.cleaned_data["name"], seen=form.seen_at
            )
        except ViewNameTaken:
            _say_taken(form)
        except ViewChangedMeanwhile as refused:
            now = {"name": form.cleaned_data["name"], "seen": refused.view.updated_at.isoformat()}
            form = ViewNameForm(now, instance=refused.view)
            form.add_error("name", f"{_meanwhile(refused.view)} {_('Send your name again to replace it.')}")
        else:
            messages.success(request, _("The view is now called %(name)s.") % {"name": renamed.name})
            return done(request, request.firm.url("clients:views"))
    context = {"form": form, "pk": view.pk}
    return render(request, "clients/rename_view.html", context, status=422 if form.is_bound else 200)


@require_POST
@with_view
def share(request: FirmRequest, view: SavedView) -> HttpResponse:
    """Offer the view to the whole firm."""
    shared = share_view(actor=request.member, view=view)
    messages.success(request, _("The view %(name)s is shared with the whole firm.") % {"name": shared.name})
    return redirect(request.firm.url("clients:views"))


@require_POST
@with_view
def unshare(request: FirmRequest, view: SavedView) -> HttpResponse:
    """Leave the view to its owner alone."""
    unshared = unshare_view(actor=request.member, view=view)
    messages.success(request, _("The view %(name)s is its owner's alone again.") % {"name": unshared.name})
    return redirect(request.firm.url("clients:views"))


@require_http_methods(["GET", "HEAD", "POST"])
@with_view
def delete(request: FirmRequest, view: SavedView) -> HttpResponse:
    """Delete the view, once confirmed."""
    if request.method == "POST":
        delete_view(actor=request.member, view=view)
        messages.success(request, _("The view %(name)s is deleted.") % {"name": view.name})
        return done(request, request.firm.url("clients:views"))
    return render(request, "clients/delete_view.html", {"view": view})


def _changeable(request: FirmRequest, pk: UUID) -> SavedView:
    """The view; 404 for one that the member does not see, 403 for one that they may only use. Raises ViewGone."""
    assert request.member.user_id is not None
    view = SavedView.objects.of(request.member.user_id).filter(pk=pk).first()
    if view is None:
        raise ViewGone(pk) if queries.latest(ViewDeleted.name, pk) else Http404
    if not _may_change(request.member, view):
        raise PermissionDenied(Perm.CHANGE_SHARED_VIEWS)
    return view


def _may_change(member: Membership, view: SavedView) -> bool:
    """Is it worth offering? The action asks again."""
    return view.owner_id == member.user_id or allows(Role(member.role), Perm.CHANGE_SHARED_VIEWS)


def _line(
    request: FirmRequest, view: SavedView, names: dict[UUID | None, str], *, is_current: bool = False
) -> dict[str, Any]:
    """A view as a menu or a list shows it; `by` is its owner, where that is somebody else."""
    return {
        "view": view,
        "url": _shown(request, view),
        "by": "" if view.owner_id == request.member.user_id else names.get(view.owner_id, ""),
        "is_current": is_current,
        "may_change": _may_change(request.member, view),
    }


def _in_menu(line: dict[str, Any]) -> dict[str, Any]:
    """A line of clients/_views_menu.html."""
    kept = {name: line[name] for name in ("url", "by", "is_current")}
    return {**kept, "name": line["view"].name, "is_shared": line["view"].is_shared}


def _shown(request: FirmRequest, view: SavedView) -> str:
    return f"{request.firm.url('clients:list')}?{VIEW}={view.pk}"


def _unsaved(request: FirmRequest, view: SavedView, state: QueryDict) -> str:
    """The list as the person has it on screen, begun with the view."""
    return f"{request.firm.url('clients:list')}?{since(view, state).urlencode()}"


def _meanwhile(view: SavedView) -> str:
    """Who changed the view meanwhile, in words."""
    last = next(iter(queries.about([view.pk])[:1]), None)
    who = last.actor_name if last else ""
    return _("%(who)s changed the view %(name)s meanwhile.") % {
        "who": who or _("Somebody"),
        "name": view.name,
    }


def _say_taken(form: ViewNameForm) -> None:
    """Asked of the database alone, by the action: case and accents aside, it knows best."""
    form.add_error("name", _("You already have a view of this name. Choose another, or change that view."))
