"""The firm's menu, declared as data: an item shows where its page exists and the member may open it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Item:
    """One line of the menu. `permission` names a member of `accounts.permissions.Perm`; None lets every member in."""

    label: Promise
    icon: str
    route: str
    permission: str | None = None


FIRM_MENU = (
    Item(_("Dashboard"), "layout-dashboard", "accounts:dashboard"),
    Item(_("Client files"), "folders", "clients:list"),
    Item(_("Portfolios"), "briefcase", "portfolios:list"),
    Item(_("Members"), "users", "accounts:members"),
    Item(_("Invitations"), "mail-forward", "invitations:list"),
    Item(_("Imports"), "file-spreadsheet", "clients:imports"),
    Item(_("Activity log"), "history", "activity:journal"),
    Item(_("Settings"), "settings", "accounts:settings"),
)


def firm_navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The items of the menu for this request, each with label, icon, url and active; empty outside a firm."""
    firm = getattr(request, "firm", None)
    if firm is None:
        return []
    member = getattr(request, "member", None)
    found = [
        {"label": item.label, "icon": item.icon, "url": url}
        for item in FIRM_MENU
        if (url := _url(firm, item.route)) and _may(member, item.permission, firm)
    ]
    current = max((item["url"] for item in found if request.path.startswith(item["url"])), key=len, default="")
    return [{**item, "active": item["url"] == current} for item in found]


def firm_search(request: HttpRequest) -> str:
    """The list that answers `?q=`; empty outside a firm."""
    firm = getattr(request, "firm", None)
    return _url(firm, "clients:list") if firm is not None else ""


def _url(firm: Any, route: str) -> str:
    try:
        return str(firm.url(route))
    except NoReverseMatch:
        return ""


def _may(member: Any, permission: str | None, firm: Any) -> bool:
    if permission is None:
        return True
    # Template tags load before the apps are ready; the permissions need their models.
    from accounts.permissions import Perm, can

    return can(member, Perm[permission], firm)
