"""The list of dossiers as a request asks for it, and the dossiers that a person has ticked in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import HttpRequest, QueryDict

from accounts.models import Firm, Membership, Role
from accounts.permissions import Perm, anybody, keys_of, permitted
from clients.forms.dossiers import DossierFilter
from clients.models import Dossier, SavedView
from portfolios.models import Portfolio
from tenancy.prepared import Place, Prepared

# In the model's order, as `from_db` takes them.
_MEMBER_FIELDS = [
    field.attname
    for field in Membership._meta.concrete_fields
    if field.attname in {"id", "firm_id", "user_id", "role", "state", "email", "first_name", "last_name"}
]
_VIEW_FIELDS = {name: name for name in ("id", "name", "name_key", "query", "is_shared", "updated_at")}


@dataclass(frozen=True)
class Offers:
    """What the filters offer a member: the portfolios that they see, by name, the firm's people, and the saved views
    that the member may use."""

    portfolios: dict[UUID, str]
    members: list[Membership]
    views: list[SavedView]


def offers_of(member: Membership) -> Offers:
    """Two queries: each of the firm's people brings the saved views of theirs that this member may use."""
    portfolios = _PORTFOLIOS[Role(member.role)].rows(**keys_of(member))
    members, views = [], []
    for *fields, theirs in _PEOPLE.rows(person=member.user_id):
        one = Membership.from_db("default", _MEMBER_FIELDS, fields)
        members.append(one)
        views += [_view(json.loads(text), one) for text in theirs]
    return Offers(dict(portfolios), members, sorted(views, key=lambda view: (view.name_key, view.pk)))


def _view(fields: dict[str, Any], owner: Membership) -> SavedView:
    made = {"id": UUID(fields["id"]), "updated_at": datetime.fromisoformat(fields["updated_at"])}
    return SavedView(**fields | made, owner_id=cast(UUID, owner.user_id))


def _portfolios(role: Role) -> Any:
    return permitted(Portfolio.objects.running(), anybody(role), Perm.VIEW_PORTFOLIO).values_list(
        "pk", "name"
    )


def _people() -> Any:
    views = SavedView.objects.of(Place("person")).filter(owner=OuterRef("user_id")).order_by()
    of_each = ArraySubquery(views.values(view=JSONObject(**_VIEW_FIELDS)))
    return Membership.objects.exclude(user=None).values_list(*_MEMBER_FIELDS, of_each)


_PORTFOLIOS = {role: Prepared(partial(_portfolios, role)) for role in Role}
_PEOPLE = Prepared(_people)


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


def listed_at(firm: Firm, posted: Mapping[str, str]) -> str:
    """The page on which that selection was made, filters and all: the list, or a portfolio's page."""
    try:
        url = firm.url("clients:portfolio", pk=UUID(posted.get("portfolio", "")))
    except ValueError:
        url = firm.url("clients:list")
    query = posted.get("query", "")
    return f"{url}?{query}" if query else url


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
