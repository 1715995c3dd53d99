"""How the firm invites: a colleague, one client, a selection of clients."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.answers import done
from accounts.permissions import Perm, can, permitted, require
from accounts.places import FirmRequest
from clients.imports.reporting import count_anew, with_address, written
from clients.models import Dossier, Import, ImportState
from clients.selection import keys_in, selected_dossiers
from invitations.actions.inviting import (
    AlreadyActive,
    AlreadyInvited,
    AlreadyMember,
    Plan,
    invite_client,
    invite_clients,
    invite_member,
    plan_invitations,
)
from invitations.forms import ClientForm, ClientsForm, MemberForm
from invitations.jobs import order_sending
from invitations.models import Invitation, Sending, SendingKind
from invitations.views.leading import lead_to
from portfolios.models import Portfolio

# Of those who are left out, so many are named; the rest are counted.
NAMED = 5
# So many client files are shown of those that a search finds; a narrower one finds the others.
FOUND = 20


@require_http_methods(["GET", "HEAD", "POST"])
def member(request: FirmRequest) -> HttpResponse:
    """Invite a colleague."""
    if not can(request.member, Perm.MANAGE_MEMBERS):
        raise PermissionDenied(Perm.MANAGE_MEMBERS)
    looking = "look" in request.POST
    form = _member_form(request, looking=looking)
    if request.method == "POST" and form.is_valid() and (made := _invited_member(request, form)):
        messages.success(request, _("The invitation for %(email)s is on its way.") % {"email": made.email})
        return lead_to(request, request.firm.url("invitations:list"))
    context = {"form": form, "looked": looking, "back": request.firm.url("clients:members")}
    return render(request, "invitations/invite_member.html", context, status=422 if form.is_bound else 200)


def _member_form(request: FirmRequest, *, looking: bool) -> MemberForm:
    """With what was filled in so far; looking for dossiers checks nothing yet."""
    asked = request.POST if request.method == "POST" else request.GET
    portfolios = permitted(Portfolio.objects.running(), request.member, Perm.GRANT_PORTFOLIO)
    assignable = permitted(Dossier.objects.clients().active(), request.member, Perm.ASSIGN_DOSSIER)
    dossiers = list(assignable.filter(pk__in=keys_in(asked.getlist("dossiers"))))
    if looking and (sought := asked.get("find", "").strip()):
        found = Dossier.objects.search(sought).filter(pk__in=assignable.values("pk"))
        dossiers += found.exclude(pk__in=[one.pk for one in dossiers])[:FOUND]
    if request.method == "POST" and not looking:
        return MemberForm(request.POST, portfolios=portfolios, dossiers=dossiers)
    initial = {name: asked.getlist(name) for name in ("portfolios", "dossiers")}
    typed = {name: asked[name] for name in (*MemberForm.PERSON, "grant_role", "find") if name in asked}
    return MemberForm(initial={**initial, **typed}, portfolios=portfolios, dossiers=dossiers)


def _invited_member(request: FirmRequest, form: MemberForm) -> Invitation | None:
    try:
        return invite_member(actor=request.member, **form.invited)
    except AlreadyMember:
        form.add_error("email", _("This address already belongs to a member of the firm."))
    except AlreadyInvited:
        form.add_error(
            "email",
            _("This address is already invited. Send the invitation again from the list of invitations."),
        )
    return None


@require_http_methods(["GET", "HEAD", "POST"])
def client(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Invite the client of one dossier, at its address or at another one; a draft is sent, as it was or changed."""
    dossiers = permitted(Dossier.objects.clients(), request.member, Perm.INVITE_CLIENT)
    dossier = get_object_or_404(dossiers, pk=pk)
    known = _known(dossier)
    initial = {
        "email": known.email if known else dossier.email,
        "language": known.language if known else "",
    }
    form = ClientForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and (made := _invited_client(request, dossier, form)):
        messages.success(request, _("The invitation for %(email)s is on its way.") % {"email": made.email})
        return lead_to(request)
    return client_page(request, dossier, form)


def client_page(request: FirmRequest, dossier: Dossier, form: ClientForm) -> HttpResponse:
    """The form, and what is known of the client's invitation already."""
    known = _known(dossier)
    context = {
        "form": form,
        "dossier": dossier,
        "draft": known if known and known.is_draft else None,
        "waiting": known if known and known.is_pending else None,
        "back": request.firm.url("clients:list"),
    }
    return render(request, "invitations/invite_client.html", context, status=422 if form.is_bound else 200)


def _known(dossier: Dossier) -> Invitation | None:
    """The one that waits for its answer, or the draft."""
    return Invitation.objects.unanswered().filter(dossier=dossier).with_names().first()


def _invited_client(request: FirmRequest, dossier: Dossier, form: ClientForm) -> Invitation | None:
    said = {name: form.cleaned_data[name] for name in ("email", "language")}
    try:
        return invite_client(actor=request.member, dossier=dossier, **said)
    except AlreadyActive:
        form.add_error(None, _("This client already has their space: there is nobody left to invite."))
    return None


@require_POST
def clients(request: FirmRequest) -> HttpResponse:
    """Invite the clients of a selection: first what would happen, then, confirmed, what did."""
    if not can(request.member, Perm.INVITE_CLIENTS):
        raise PermissionDenied(Perm.INVITE_CLIENTS)
    dossiers = selected_dossiers(request, request.member, Perm.INVITE_CLIENT)
    if request.POST.get("confirmed"):
        wanted = ClientsForm(request.POST).wanted
        if sending := order_for(request, SendingKind.INVITE, dossiers, wanted):
            page = request.firm.url("invitations:sending", pk=sending.pk)
            return lead_to(request, page, ends_selection=True)
        _report(request, invite_clients(actor=request.member, dossiers=dossiers, **wanted))
        return lead_to(request, ends_selection=True)
    plan = plan_invitations(actor=request.member, dossiers=dossiers)
    context = {
        "plan": plan,
        "skipped": _named(plan),
        "form": ClientsForm(),
        "selection": _selection(request),
        "back": request.firm.url("clients:list"),
    }
    return render(request, "invitations/invite_clients.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def imported(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Invite the clients that an import has brought in and that have an address: what would happen, then, confirmed,
    what did. Twice invites nobody twice: who was invited already is left out."""
    for perm in (Perm.IMPORT_DOSSIERS, Perm.INVITE_CLIENTS):
        require(request.member, perm)
    source = get_object_or_404(Import, pk=pk)
    page = request.firm.url("clients:import", pk=pk)
    if source.state != ImportState.DONE:
        messages.info(request, _("This import has gone on since: here is where it stands."))
        return done(request, page)
    dossiers = with_address(source)
    if request.method == "POST":
        wanted = ClientsForm(request.POST).wanted
        if sending := order_for(request, SendingKind.INVITE, dossiers, wanted):
            return done(request, request.firm.url("invitations:sending", pk=sending.pk))
        _report(request, invite_clients(actor=request.member, dossiers=dossiers, **wanted))
        count_anew(source)
        return done(request, page)
    plan = plan_invitations(actor=request.member, dossiers=dossiers)
    context = {
        "plan": plan,
        "skipped": _named(plan),
        "form": ClientsForm(),
        "back": page,
        "action": request.firm.url("invitations:invite_imported", pk=pk),
        "source": source,
        "without": written(source).filter(email="").count(),
    }
    return render(request, "invitations/invite_clients.html", context)


def order_for(
    request: FirmRequest, kind: SendingKind, dossiers: QuerySet[Dossier], wanted: dict[str, Any]
) -> Sending | None:
    """Have a worker do it with all of these, where they are many; None where they are few. `wanted`: of the form."""
    most = settings.INVITATIONS_AT_ONCE
    keys = list(dossiers.order_by("pk").values_list("pk", flat=True))
    if len(keys) <= most:
        return None
    return order_sending(actor=request.member, kind=kind, keys=keys, **wanted)


def _report(request: FirmRequest, plan: Plan) -> None:
    """Say how many mails leave, how many were left out and why."""
    count = plan.mail_count
    if count:
        text = ngettext("%(n)s invitation is on its way.", "%(n)s invitations are on their way.", count)
        messages.success(request, text % {"n": count})
    else:
        messages.info(request, _("No invitation leaves."))
    left_out(request, plan)


def left_out(request: FirmRequest, plan: Plan) -> None:
    """Say who was, and why."""
    if plan.skipped_count:
        reasons = ", ".join(f"{reason.label} ({len(left)})" for reason, left in plan.skipped.items())
        text = ngettext(
            "%(n)s client was left out: %(reasons)s.",
            "%(n)s clients were left out: %(reasons)s.",
            plan.skipped_count,
        )
        messages.info(request, text % {"n": plan.skipped_count, "reasons": reasons})


def _named(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "reason": reason.label,
            "count": len(dossiers),
            "names": [dossier.name for dossier in dossiers[:NAMED]],
            "more": max(len(dossiers) - NAMED, 0),
        }
        for reason, dossiers in plan.skipped.items()
    ]


def _selection(request: FirmRequest) -> list[tuple[str, str]]:
    """The posted selection once more, for the form that confirms."""
    return [
        (name, value) for name in ("ids", "all", "query", "portfolio") for value in request.POST.getlist(name)
    ]
