"""What a client allows: technical support for a time, and whether firms may be linked without being asked."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clients.actions.consent import AnsweredMeanwhile, answer_consent, change_declarants
from clients.actions.support import NotFollowed, SupportDuration, authorise_support, withdraw_support
from clients.consents import of_space
from clients.forms.space import SupportForm
from clients.frame import AUTHORISATIONS, framed
from clients.models import ConsentRequest, SpaceLink, SpacePerm, SupportAuthorisation
from clients.people import support_people
from clients.places import SpaceRequest


@dataclass(frozen=True)
class FirmSupport:
    """One firm: what it was allowed, who uses it now, and the form to allow it (again) while it follows the space."""

    link: SpaceLink
    running: SupportAuthorisation | None
    people: list[str]
    form: SupportForm | None


@require_safe
def authorisations(request: SpaceRequest) -> HttpResponse:
    """All that is allowed now. Who may not edit reads it."""
    return _page(request)


@require_POST
def authorise(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Let a firm's technical support in for a time."""
    link = get_object_or_404(SpaceLink.objects.running(), pk=pk, space=request.space)
    if not request.space_member.may_authorise:
        raise PermissionDenied(SpacePerm.AUTHORISE)
    form = SupportForm(request.POST, link=link)
    if not form.is_valid():
        return _page(request, form)
    duration = SupportDuration(form.cleaned_data["duration"])
    try:
        authorise_support(actor=request.space_member, link=link, duration=duration)
    except NotFollowed:
        messages.warning(request, _("%(firm)s does not follow you any more.") % {"firm": link.firm_name})
    else:
        text = _("The technical support of %(firm)s may read your file for %(duration)s.")
        messages.success(request, text % {"firm": link.firm_name, "duration": duration.label})
    return redirect(request.space.url(AUTHORISATIONS))


@require_POST
def withdraw(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Take it back, at once."""
    given = get_object_or_404(SupportAuthorisation, pk=pk, space=request.space)
    withdraw_support(actor=request.space_member, authorisation=given)
    link = SpaceLink.objects.filter(space=request.space, dossier=given.dossier_id).latest("since", "pk")
    text = _("The technical support of %(firm)s has no access to your file any more.")
    messages.success(request, text % {"firm": link.firm_name})
    return redirect(request.space.url(AUTHORISATIONS))


@require_POST
def declarants(request: SpaceRequest) -> HttpResponse:
    """Open or close the company to firms that it has not chosen itself."""
    allowed = request.POST.get("allowed") == "1"
    change_declarants(actor=request.space_member, allowed=allowed)
    messages.success(request, said_of_declarants(allowed))
    return redirect(request.space.url(AUTHORISATIONS))


@require_POST
def accept_request(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """The firm is linked."""
    return _answer(request, pk, agrees=True)


@require_POST
def refuse_request(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """It is not."""
    return _answer(request, pk, agrees=False)


def said_of_declarants(allowed: bool) -> str:
    """What a change of the switch means, in words."""
    if allowed:
        return _("Firms may be linked to your SIREN without asking you.")
    return _("From now on you are asked before a firm is linked to your SIREN.")


def said_of_answer(agrees: bool, firm: str) -> str:
    """What was answered, in words."""
    text = _("%(firm)s is now linked.") if agrees else _("%(firm)s is not linked, and is told.")
    return text % {"firm": firm}


def _answer(request: SpaceRequest, pk: UUID, *, agrees: bool) -> HttpResponse:
    asked = ConsentRequest.objects.of_company(space=request.space.pk).shown()
    one = get_object_or_404(asked, pk=pk)
    try:
        answer_consent(actor=request.space_member, request=one, agrees=agrees)
    except AnsweredMeanwhile:
        messages.warning(request, _("This request has been answered meanwhile, or is no longer made."))
    else:
        messages.success(request, said_of_answer(agrees, one.firm_name))
    return redirect(request.space.url(AUTHORISATIONS))


def _page(request: SpaceRequest, refused: SupportForm | None = None) -> HttpResponse:
    context = framed(request, AUTHORISATIONS, declarants=of_space(request.space_member, request.space))
    context["supports"] = _supports(request, refused)
    context["may_edit"] = request.space_member.may_authorise
    status = 422 if refused else 200
    return render(request, "clients/space_authorisations.html", context, status=status)


def _supports(request: SpaceRequest, refused: SupportForm | None) -> list[FirmSupport]:
    """The firms that follow the space, and any other whose technical support could still be in."""
    held = SupportAuthorisation.objects.withdrawable().filter(space=request.space)
    given = {one.dossier_id: one for one in held}
    links = SpaceLink.objects.filter(space=request.space)
    # Of several links to the same dossier, the one that runs tells, or the last one.
    last = {link.dossier_id: link for link in links.filter(dossier__in=given).order_by("since", "pk")}
    shown = last | {link.dossier_id: link for link in links.running()}
    in_order = sorted(shown.values(), key=lambda link: (link.firm_name, link.pk))
    return [_support(link, given.get(link.dossier_id), refused) for link in in_order]


def _support(
    link: SpaceLink, running: SupportAuthorisation | None, refused: SupportForm | None
) -> FirmSupport:
    people = support_people(running) if running else []
    form = refused if refused and refused.link == link else SupportForm(link=link) if link.is_active else None
    return FirmSupport(link, running, people, form)
