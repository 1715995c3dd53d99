"""The client's side: their details, the firms that follow them, their people."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from activity import queries
from activity.bell import News
from clients.actions.space import KeptByFirm, edit_space_details
from clients.concern import still_told_of
from clients.forms.space import SpaceDetailsForm
from clients.frame import DETAILS, framed
from clients.locks import by_firm, kept_details, to_take_over
from clients.models import ClientSpace, ConsentRequest, SpaceLink, SpaceMember, SpacePerm
from clients.places import SpaceRequest

# Of the last changes, so many are shown, of as many as may still be read.
SHOWN, LOOKED_AT = 5, 10


@require_safe
def home(request: SpaceRequest) -> HttpResponse:
    """The client's details, who follows them, who else is here."""
    return render(request, "clients/space_home.html", _page(request))


@require_safe
def welcome(request: SpaceRequest) -> HttpResponse:
    """The same, with a word for who has just arrived."""
    return render(request, "clients/space_home.html", _page(request, welcome=True))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SpaceRequest) -> HttpResponse:
    """Change the client's details; the firms that follow them are told."""
    if not request.space_member.may_edit:
        raise PermissionDenied("edit_space_details")
    space = ClientSpace.objects.get(pk=request.space.pk)
    kept = kept_details(space)
    form = SpaceDetailsForm(request.POST or None, instance=space, kept=kept)
    if request.method == "POST" and form.is_valid():
        try:
            edit_space_details(actor=request.space_member, space=request.space, values=form.cleaned_data)
        except KeptByFirm as refused:
            for name in refused.fields:
                form.add_error(
                    name, _("A firm that follows you keeps this detail since: ask it for the change.")
                )
        else:
            messages.success(request, _("Your details are saved."))
            return redirect(request.space.url(DETAILS))
    context = framed(request, DETAILS, form=form, kept=list(kept.values()))
    return render(request, "clients/space_edit.html", context, status=422 if form.is_bound else 200)


@require_POST
def take_over(request: SpaceRequest) -> HttpResponse:
    """Write into the space what the firms' records say of the details that they keep."""
    space = ClientSpace.objects.get(pk=request.space.pk)
    try:
        edit_space_details(actor=request.space_member, space=space, values=to_take_over(space))
    except KeptByFirm:
        messages.info(request, _("The firm has changed something meanwhile. Read it again."))
    else:
        messages.success(request, _("Your details are now as in the firm's records."))
    return redirect(request.space.url(DETAILS))


def _last_changes(request: SpaceRequest) -> list[News]:
    """What others did and told this person of, less what their profile no longer lets them see."""
    lines = queries.concerning(request.space_member.user_id, limit=LOOKED_AT)
    leads = still_told_of(request.space_member.user_id, [line.event for line in lines])
    shown = [line.event for line in lines if line.event.pk in leads][:SHOWN]
    return [News(event, leads=leads[event.pk]) for event in shown]


def _page(request: SpaceRequest, **more: object) -> dict[str, object]:
    kept = list(kept_details(request.space).values())
    asked = ConsentRequest.objects.of_company(space=request.space.pk)
    # What waits for this company's own consent is a request that it answers on another page.
    elsewhere = SpaceLink.objects.filter(space=request.space).exclude(pk__in=asked.values("link"))
    return framed(
        request,
        DETAILS,
        space=request.space,
        kept=by_firm(kept),
        may_take_over=request.space_member.may_edit and any(one.differs for one in kept),
        people=SpaceMember.objects.present().filter(space=request.space),
        waiting_firms=elsewhere.awaiting().order_by("firm_name"),
        refused_firms=elsewhere.refused().order_by("-until"),
        may_choose=request.space_member.may(SpacePerm.CHOOSE_FIRMS),
        lines=_last_changes(request),
        is_asked=request.space_member.may_authorise and asked.waiting().shown().exists(),
        **more,
    )
