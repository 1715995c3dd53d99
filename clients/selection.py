"""The list of dossiers as a request asks for it, and the dossiers that a person has ticked in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import HttpRequest, QueryDict

from accounts.models import Membership
from accounts.permissions import Perm, permitted
from clients.forms.dossiers import DossierFilter
from clients.models import Dossier, SavedView
from portfolios.models import Portfolio

_VIEW_FIELDS = {name: name for name in ("id", "name", "name_key", "query", "is_shared", "updated_at")}


@dataclass(frozen=True)
class Offers:
    """What the filters offer a member: the portfolios that they see, and the firm's people."""

    portfolios: list[Portfolio]
    members: list[Membership]


def offers_of(member: Membership, *, views_too: bool = False) -> Offers:
    """Two queries, also where each of the firm's people brings the saved views of theirs that this member may use."""
    portfolios = permitted(Portfolio.objects.running(), member, Perm.VIEW_PORTFOLIO)
    members = Membership.objects.exclude(user=None)
    if views_too and member.user_id is not None:
        theirs = SavedView.objects.of(member.user_id).filter(owner=OuterRef("user_id")).order_by()
        members = members.annotate(views=ArraySubquery(theirs.values(view=JSONObject(**_VIEW_FIELDS))))
    return Offers(list(portfolios), list(members))


def views_among(members: Iterable[Membership]) -> list[SavedView]:
    """The saved views that came with these people, by name."""
    views = [
        SavedView(
            **fields | {"id": UUID(fields["id"]), "updated_at": datetime.fromisoformat(fields["updated_at"])},
            owner_id=member.user_id,
        )
        for member in members
        if member.user_id is not None
        for fields in getattr(member, "views", ())
    ]
    return sorted(views, key=lambda view: (view.name_key, view.pk))


def filters_of(
    query: Mapping[str, Any],
    member: Membership,
    *,
    without: tuple[str, ...] = (),
    offers: Offers | None = None,
) -> DossierFilter:
    """The filters of the list, offering what the member may see."""
    offers = offers or offers_of(member)
    return DossierFilter(
        query, member=member, portfolios=offers.portfolios, members=offers.members, without=without
    )


def selected_dossiers(request: HttpRequest, member: Membership, perm: Perm) -> QuerySet[Dossier]:
    """The clients' dossiers that the posted selection names, of those to which the member may do this.

    The bulk bar posts `ids`; or, for “all that match”, `all=1` and `query`, the list's query string (on a portfolio's
    page, the page's own portfolio is posted as `portfolio`). A link may say the same in its address.
    """
    said = _said(request)
    allowed = permitted(Dossier.objects.clients(), member, perm)
    if not said.get("all"):
        return allowed.filter(pk__in=keys_in(said.getlist("ids")))
    query = QueryDict(said.get("query", ""), mutable=True)
    if portfolio := said.get("portfolio"):
        query["portfolio"] = portfolio
    filters = filters_of(query, member)
    if "vue" in query:  # the list tells what it shows, not by which name
        return allowed.none()
    # A list shows more than was asked for where a filter makes no sense; nothing is done to what nobody saw.
    return filters.narrow(allowed) if filters.is_valid() else allowed.none()


def selection_again(request: HttpRequest) -> list[tuple[str, str]]:
    """The selection for a form that posts it once more: all the ticked ones in one field, however many they are."""
    said = _said(request)
    if said.get("all"):
        return [(name, str(said[name])) for name in ("all", "query", "portfolio") if name in said]
    keys = ",".join(str(key) for key in keys_in(said.getlist("ids")))
    return [("ids", keys), *((name, str(said[name])) for name in ("query", "portfolio") if name in said)]


def _said(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


def keys_in(texts: list[str]) -> list[UUID]:
    """The keys of ticked rows: each field holds one, or many with commas between them; what is none is left out."""
    keys = []
    for text in ",".join(texts).split(","):
        try:
            keys.append(UUID(text))
        except ValueError:
            continue
    return keys
