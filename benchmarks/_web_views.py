"""The contestants: a view that says who is signed in, and the list of client files as a stock project would show it.

Stock means: generic pagination, related rows by `select_related` and `prefetch_related`, and a template that walks
from the models to what it shows, with `{% url %}`, `{% include %}`, `{% static %}` and `|date`.
"""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Max, OuterRef, Prefetch, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import Perm, permitted
from accounts.places import FirmRequest
from activity.models import Event
from clients.models import Assignment, Dossier, SpaceLink
from clients.selection import filters_of
from invitations.models import Invitation
from portfolios.models import PortfolioGrant


@require_safe
def signed_in(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user))


@require_safe
def stock_list(request: FirmRequest) -> HttpResponse:
    filters = filters_of(request.GET, request.member)
    events = Event.objects.of_scope().filter(subject_id=OuterRef("pk")).order_by().values("subject_id")
    dossiers = (
        filters.narrow(permitted(Dossier.objects.clients(), request.member, Perm.VIEW_DOSSIER))
        .select_related("portfolio")
        .prefetch_related(
            Prefetch("assignments", Assignment.objects.running().select_related("user")),
            Prefetch("portfolio__grants", PortfolioGrant.objects.running().select_related("user")),
            Prefetch("invitations", Invitation.objects.order_by("-sent_at", "-id")),
            Prefetch("links", SpaceLink.objects.running()),
        )
        .annotate(latest=Subquery(events.annotate(latest=Max("at")).values("latest")))
        .order_by("name_key", "id")
    )
    page = Paginator(dossiers, 50).get_page(request.GET.get("page"))
    dossier: Any
    for dossier in page:
        grants = [*dossier.assignments.all(), *(dossier.portfolio.grants.all() if dossier.portfolio else [])]
        dossier.people = sorted({grant.user.name for grant in grants})
    return render(request, "bench/list.html", {"page": page, "filters": filters})
