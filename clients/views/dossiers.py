"""The list of dossiers; creating, reading, changing and moving one."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import done
from accounts.holding import Holder, held_by
from accounts.models import Role
from accounts.permissions import Perm, allows, can, permitted, require
from accounts.places import FirmRequest
from activity import queries
from clients.access import access_to
from clients.actions.accesses import note_access
from clients.actions.dossiers import (
    ChangedMeanwhile,
    ReferenceTaken,
    create_dossier,
    update_dossier,
)
from clients.actions.files import files_of_member
from clients.events.files import NAMING_FILES
from clients.exports.dossiers import DossierExport, asked_for
from clients.forms.dossiers import DossierForm, NewDossierForm
from clients.meanwhile import compare
from clients.models import Dossier
from clients.people import client_side
from clients.selection import filters_of
from clients.views.looking_up import look_up_url
from clients.views.moving import targets_of
from clients.views.table import table_of, with_table
from exports.answers import exported
from exports.kinds import REGISTRY
from portfolios.actions import Terminated
from tenancy.patience import HeldElsewhere, patient

HISTORY, HISTORY_SHORT = 30, 4


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """The clients' dossiers that the member sees. The URL holds the whole state."""
    table = table_of(request)
    is_empty = not table["rows"] and not table["filters"].is_narrowing
    context = {
        "table": table,
        "is_empty": is_empty,
        "is_mine": request.member.role != Role.ADMIN,
        "import_url": _import_url(request),
        "actions": {
            "export_url": "" if is_empty else request.firm.url("clients:export"),
            "import_url": _import_url(request),
            "create_url": request.firm.url("clients:create"),
        },
        "kept": list(asked_for(table["filters"]).items()),
    }
    return with_table(request, "clients/list.html", context)


@require_POST
def export(request: FirmRequest) -> HttpResponseBase:
    """The list as a workbook: the files that its filters let through, in its order. A POST: it is recorded."""
    filters = filters_of(request.POST, request.member)
    if (
        not filters.is_valid()
    ):  # the list shows more than was asked for; nobody saw what the workbook would hold
        messages.error(request, _("This list has changed meanwhile. Look at it again, then export it."))
        return done(request, request.firm.url("clients:list"))
    return exported(request, REGISTRY[DossierExport.name], asked_for(filters))


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: FirmRequest) -> HttpResponse:
    """A new dossier, perhaps in the portfolio that `?portefeuille=` names."""
    require(request.member, Perm.CREATE_DOSSIER)
    form = NewDossierForm(
        request.POST or None,
        initial={"portfolio": request.GET.get("portefeuille", "")},
        portfolios=targets_of(request),
        may_accept_siret=can(request.member, Perm.ACCEPT_SIRET),
    )
    if form.is_valid():
        try:
            with patient():
                dossier = create_dossier(
                    actor=request.member, values=form.values, portfolio=form.cleaned_data["portfolio"]
                )
        except HeldElsewhere:
            form.add_error(None, _held_by().title)
        except ReferenceTaken:
            _say_taken(form)
        except Terminated:
            form.add_error(
                "portfolio", _("This portfolio has been terminated meanwhile. Choose another one.")
            )
        else:
            messages.success(request, _("The client file %(name)s is created.") % {"name": dossier.name})
            return done(request, request.firm.url("clients:dossier", pk=dossier.pk))
    form.look_up_url = look_up_url(request)
    context = {"form": form, "is_admin": request.member.role == Role.ADMIN}
    return render(request, "clients/create.html", context, status=422 if form.is_bound else 200)


@require_safe
def detail(request: FirmRequest, pk: UUID) -> HttpResponse:
    """All about one dossier; in the drawer, the same parts in short."""
    try:
        with patient():  # who looks is kept, and the undo of an import holds its client files until it ends
            dossier = _seen(request, pk)
    except HeldElsewhere:
        messages.warning(request, _held_by().title)
        return done(request, request.firm.url("clients:list"))
    in_drawer = getattr(request, "htmx", None) and request.htmx.target == "drawer-body"  # type: ignore[attr-defined]
    may_assign = not dossier.is_own and can(request.member, Perm.ASSIGN_DOSSIER, dossier)
    may_see_files = not dossier.is_own and can(request.member, Perm.SEE_FILES, dossier)
    history = queries.about([pk]) if may_see_files else queries.about([pk]).exclude(type__in=NAMING_FILES)
    return render(
        request,
        "clients/dossier_drawer.html" if in_drawer else "clients/dossier.html",
        {
            "dossier": dossier,
            "facts": facts_of(dossier),
            "access": access_to(dossier),
            "client": client_side(dossier),
            "history": queries.described(history[: HISTORY_SHORT if in_drawer else HISTORY]),
            "files": files_of_member(request.member).filter(link__dossier=dossier).available().count(),
            "may_see_files": may_see_files,
            "may_see_journal": allows(Role(request.member.role), Perm.VIEW_JOURNAL),
            "may_edit": can(request.member, Perm.CHANGE_DOSSIER, dossier),
            "may_archive": not dossier.is_own and allows(Role(request.member.role), Perm.ARCHIVE_DOSSIER),
            "may_move": not dossier.is_own and can(request.member, Perm.MOVE_DOSSIER, dossier),
            "may_invite": not dossier.is_own and can(request.member, Perm.INVITE_CLIENT, dossier),
            "may_assign": may_assign,
            "may_give": may_assign and not dossier.archived_at,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Change a dossier; whoever changed it meanwhile is named, and nothing that was typed is lost."""
    dossier = _seen(request, pk)
    require(request.member, Perm.CHANGE_DOSSIER, dossier)
    may_accept = can(request.member, Perm.ACCEPT_SIRET)
    form = DossierForm(request.POST or None, instance=dossier, may_accept_siret=may_accept)
    context: dict[str, Any] = {"pk": pk, "name": str(dossier)}
    if form.is_valid():
        try:
            with patient():
                update_dossier(actor=request.member, dossier=dossier, values=form.values, seen=form.seen)
        except HeldElsewhere:
            context["held"] = _held_by()
        except ReferenceTaken:
            _say_taken(form)
        except ChangedMeanwhile as refused:
            meanwhile = compare(form, refused.dossier)
            form = DossierForm(meanwhile.data, instance=refused.dossier, may_accept_siret=may_accept)
            context["meanwhile"] = meanwhile
        else:
            messages.success(request, _("The client file is saved."))
            return done(request, request.firm.url("clients:dossier", pk=pk))
    form.look_up_url = look_up_url(request, pk)
    status = 422 if form.is_bound else 200
    return render(request, "clients/edit.html", {"form": form, **context}, status=status)


def _held_by() -> Holder:
    """Whom a person has waited for in vain."""
    return held_by(_("Somebody is changing this client file at this very moment"))


def _import_url(request: FirmRequest) -> str:
    return (
        request.firm.url("clients:imports") if allows(Role(request.member.role), Perm.IMPORT_DOSSIERS) else ""
    )


def facts_of(dossier: Dossier) -> dict[str, list[tuple[str, str]]]:
    """What is known of the dossier, by group, as labels and values; what is empty is left out."""
    return {
        name: [(str(_label(field)), value) for field in fields if (value := _shown(dossier, field))]
        for name, fields in {
            "identity": ("kind", "civility", "siren", "siret", "reference"),
            "contact": DossierForm.CONTACT,
            "more": DossierForm.MORE,
        }.items()
    }


def _label(field: str) -> object:
    return Dossier._meta.get_field(field).verbose_name  # type: ignore[union-attr]  # an own column has one


def _shown(dossier: Dossier, field: str) -> str:
    shown: Mapping[str, str] = {
        "kind": dossier.get_kind_display(),
        "civility": dossier.get_civility_display(),
    }
    return str(shown.get(field, getattr(dossier, field)))


def _seen(request: FirmRequest, pk: UUID) -> Dossier:
    """The dossier; 404 for one that the member does not see. That it is shown is kept: the client may ask."""
    seen = permitted(Dossier.objects.select_related("portfolio"), request.member, Perm.VIEW_DOSSIER)
    dossier = get_object_or_404(seen, pk=pk)
    if request.method == "GET":
        note_access(request.member, dossier)
    return dossier


def _say_taken(form: DossierForm) -> None:
    """The form has asked before the action did; this is for the moment between the two."""
    form.add_error("reference", _("Another dossier of the firm already has this reference."))
