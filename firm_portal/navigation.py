"""The firm's menu, declared as data: an item shows where its page exists and the member may open it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Firm, Membership, Role
from accounts.permissions import ROLE_ALLOWS, Perm


@dataclass(frozen=True)
class Item:
    """One line of the menu. `permission` is asked of the firm; None lets every member in."""

    label: Promise
    icon: str
    route: str
    permission: Perm | None = None


FIRM_MENU = (
    Item(_("Dashboard"), "layout-dashboard", "dashboard"),
    Item(_("Client files"), "folders", "clients:list"),
    Item(_("Portfolios"), "briefcase", "portfolios:list"),
    Item(_("Members"), "users", "clients:members", Perm.VIEW_MEMBERS),
    Item(_("Invitations"), "mail-forward", "invitations:list"),
    Item(_("Imports"), "file-spreadsheet", "clients:imports", Perm.IMPORT_DOSSIERS),
    Item(_("Activity log"), "history", "clients:journal", Perm.VIEW_JOURNAL),
    Item(_("Settings"), "settings", "accounts:settings", Perm.CHANGE_FIRM),
)


def firm_navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The items of the menu for this request, each with label, icon, url and active; empty outside a firm."""
    firm: Firm | None = getattr(request, "firm", None)
    member: Membership | None = getattr(request, "member", None)
    if firm is None or member is None:
        return []
    # The request's member was read a moment ago: asking the database again would cost each page a query an item.
    allowed = ROLE_ALLOWS[Role(member.role)]
    found: list[dict[str, Any]] = [
        {"label": item.label, "icon": item.icon, "url": url}
        for item in FIRM_MENU
        if (url := _url(firm, item.route)) and (item.permission is None or item.permission in allowed)
    ]
    # Every page of the firm lies under its first one, which is only itself.
    home = _url(firm, "dashboard")
    addresses: list[str] = [item["url"] for item in found if item["url"] != home or request.path == home]
    current = max((url for url in addresses if request.path.startswith(url)), key=len, default="")
    return [{**item, "active": item["url"] == current} for item in found]


def firm_search(request: HttpRequest) -> str:
    """The list that answers `?q=`; empty outside a firm."""
    firm = getattr(request, "firm", None)
    return _url(firm, "clients:list") if firm is not None else ""


def _url(firm: Firm, route: str) -> str:
    try:
        return firm.url(route)
    except NoReverseMatch:
        return ""
