"""The firm's members, and what it shows of itself."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actions.firms import change_firm
from accounts.forms import FirmSettingsForm, MemberSearch
from accounts.models import Firm, Membership, MembershipQuerySet, Role
from accounts.permissions import Perm, can, require
from accounts.second_factor import members_without


@require_safe
def members(request: HttpRequest) -> HttpResponse:
    """Administrators, then the others; `?q=` searches name and address."""
    member: Membership = request.member  # type: ignore[attr-defined]  # set by the middleware
    require(member, Perm.VIEW_MEMBERS)
    search = MemberSearch(request.GET)
    sought = search.cleaned_data["q"].strip() if search.is_valid() else ""
    found = list(_sought(sought))
    context = {
        "search": search,
        "sought": sought,
        "total": len(found),
        "groups": [
            (_("Administrators"), [row for row in found if row.role == Role.ADMIN]),
            (_("Collaborators"), [row for row in found if row.role != Role.ADMIN]),
        ],
        "may_invite": can(member, Perm.MANAGE_MEMBERS),
    }
    return render(request, "accounts/members.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """What the firm shows of itself, and what it requires of its members."""
    member: Membership = request.member  # type: ignore[attr-defined]  # set by the middleware
    require(member, Perm.CHANGE_FIRM)
    firm = Firm.objects.get(pk=member.firm.pk)
    form = FirmSettingsForm(request.POST or None, instance=firm)
    if form.is_valid():
        change_firm(actor=member, **form.cleaned_data)
        messages.success(request, _("The firm's settings are saved."))
        return redirect(firm.url("accounts:settings"))
    unprotected = members_without(list(Membership.objects.open()))
    context = {"form": form, "unprotected": unprotected, "required": request.firm.second_factor_required}  # type: ignore[attr-defined]
    return render(request, "accounts/settings.html", context, status=422 if form.is_bound else 200)


def _sought(text: str) -> MembershipQuerySet:
    """Members whose name or address has every word of the text."""
    rows = Membership.objects.all()
    for word in text.split():
        rows = rows.filter(
            Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
        )
    return rows
