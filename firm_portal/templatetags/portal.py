"""The interface's own tags and filters; docs/interface.md shows each in use."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from html import escape
from typing import Any, Self
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.core.paginator import Page
from django.forms import BaseForm, BoundField, ModelChoiceField
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.choices import flatten_choices
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Role
from accounts.permissions import Perm, allows
from accounts.shown import initials, local, siren, siret, when
from accounts.stencils import Fixed, Stencil, stencilled
from activity.lookups import MOST_UNREAD
from firm_portal.navigation import firm_navigation, firm_search
from firm_portal.states import STATES, UNKNOWN

register = template.Library()

PAGE_SIZES = (20, 50, 100)
LAYOUTS = {"firm", "space", "plain"}


# --- Pages ------------------------------------------------------------------------------------------------


@register.filter
def layout(request: HttpRequest, name: str) -> str:
    """`{% extends request|layout:"firm" %}`: the whole page, or only its content where htmx asks for it."""
    if name not in LAYOUTS:
        raise ValueError(f"unknown layout {name!r}")
    htmx = getattr(request, "htmx", None)
    if htmx and not htmx.history_restore_request:
        return "layouts/fragment.html"
    return f"layouts/{name}.html"


@register.simple_tag(takes_context=True, name="stencilled")
def stencilled_here(context: Mapping[str, Any], template: str, data: Mapping[str, Any]) -> SafeString:
    """A stencil (accounts/stencils.py) with this data; forms in it have the page's token."""
    return stencilled(template, {**data, "csrf_token": context.get("csrf_token")})


@register.simple_tag
def still(template: str) -> SafeString:
    """A part that is the same for everybody: it is rendered without any context."""
    return stencilled(template)


@register.simple_tag(takes_context=True)
def firm_menu(context: Mapping[str, Any]) -> SafeString:
    """The firm's search box and menu: what the view gave as `nav`, else what this request may open."""
    request = context["request"]
    given = context.get("nav")
    items = firm_navigation(request) if given is None else given
    lines = [{**item, "icon": Fixed(item["icon"]), "active": bool(item.get("active"))} for item in items]
    return stencilled("components/firm_menu.html", {"search_url": firm_search(request), "items": lines})


@register.simple_tag(takes_context=True)
def switcher(context: Mapping[str, Any], name: str) -> SafeString:
    """The name of the place, with a menu of the person's other places."""
    request = context["request"]
    here = getattr(getattr(request, "place", None), "url", None)
    places = [
        {
            "name": place.name,
            "initials": initials(place.name),
            "role": place.role,
            "url": place.url,
            "is_here": place.url == here,
            "unread": "" if place.url == here or not place.unread else _unread(place.unread),
        }
        for place in getattr(request, "places", ())
    ]
    data = {"name": name, "initials": initials(name), "places": places, "url": _every_place()}
    return stencilled("components/switcher.html", data)


@register.simple_tag(takes_context=True)
def profile_menu(context: Mapping[str, Any]) -> SafeString:
    """The person: profile, spaces, language, theme, density, sign out."""
    request = context["request"]
    member = getattr(request, "member", None)
    person = member or getattr(request, "space_member", None) or request.user
    name, email = (
        getattr(person, "name", ""),
        getattr(request.user, "email", ""),
    )  # the kit is shown to anybody
    data = {
        "name": name,
        "initials": initials(name),
        "email": "" if email == name else email,
        "profile_url": _address("accounts:profile"),
        "places_url": _every_place(),
        "member_url": request.firm.url("clients:member", pk=member.pk) if member else "",
        "exports_url": request.firm.url("exports:list") if member else "",
        "operators_url": _address("mail_queue") if email.lower() in settings.OPERATORS else "",
        "logout_url": _address("account_logout"),
        "here": request.get_full_path(),
        "csrf_token": context.get("csrf_token"),
    }
    return stencilled("components/profile_menu.html", data)


@cache
def _address(route: str) -> str:
    """Of a page that has no place."""
    return reverse(route)


def _every_place() -> str:
    """The page itself, also for whoever has one place only: they leave it there, or open another."""
    return f"{_address('accounts:places')}?tous=1"


def _unread(count: int) -> str:
    return "99+" if count >= MOST_UNREAD else str(count)


@register.simple_tag(takes_context=True)
def bell(context: Mapping[str, Any]) -> SafeString:
    """The bell: how much of what concerns the person here they have not read; it leads to its page."""
    request = context["request"]
    if (place := getattr(request, "place", None)) is None:  # the kit has none
        return SafeString("")
    count = _unread(place.unread) if place.unread else ""
    label = ngettext(
        "What concerns you: %(count)s change not read", "What concerns you: %(count)s changes not read", place.unread
    )  # fmt: skip
    data = {
        "url": request.firm.url("bell") if hasattr(request, "firm") else request.space.url("space_bell"),
        "label": label % {"count": count} if count else _("What concerns you"),
        "count": count,
    }
    return stencilled("components/bell.html", data)


@register.simple_tag(takes_context=True)
def notices(context: Mapping[str, Any]) -> SafeString:
    """What notices were shown to this member."""
    request = context["request"]
    member = getattr(request, "member", None) or getattr(request, "space_member", None)
    return stencilled("components/notices.html", {"member": member.pk if member else ""})


@register.simple_tag(takes_context=True)
def firm_url(context: Mapping[str, Any], name: str, *args: Any, **kwargs: Any) -> str:
    """A URL of the firm in which this page stands: `{% firm_url "portfolios:detail" pk=portfolio.pk %}`."""
    return str(context["request"].firm.url(name, *args, **kwargs))


@register.simple_tag(takes_context=True)
def contact_hint(context: Mapping[str, Any]) -> str:
    """Where an administrator fills in the firm's phone and e-mail; empty where both are known, or for others."""
    request = context["request"]
    if (request.firm.phone and request.firm.email) or not allows(Role(request.member.role), Perm.CHANGE_FIRM):
        return ""
    return str(request.firm.url("accounts:settings"))


@register.simple_tag(takes_context=True)
def query_with(context: Mapping[str, Any], **changes: Any) -> str:
    """This page's query string with some parameters changed; None, an empty text or an empty list removes one."""
    query: dict[str, list[Any]] = dict(context["request"].GET.lists())
    for name, value in changes.items():
        if value is None or value == "" or value == []:
            query.pop(name, None)
        else:
            query[name] = [str(item) for item in (value if isinstance(value, list | tuple) else [value])]
    return f"?{urlencode(query, doseq=True)}"


@register.simple_tag(takes_context=True)
def sort_header(
    context: Mapping[str, Any], field: str, label: str, css: str = "", default: str = ""
) -> SafeString:
    """A sortable column's head: `default` is the order without a parameter."""
    data = {**sort_state(context, field, default), "label": label, "css": Fixed(css)}
    return stencilled("components/sort_header.html", data)


def sort_state(context: Mapping[str, Any], field: str, default: str = "") -> dict[str, str]:
    """What a sortable header shows: its `aria` value and the `url` that sorts the other way (`?sort=-name`)."""
    current = context["request"].GET.get("sort", default)
    aria = {field: "ascending", f"-{field}": "descending"}.get(current, "")
    following = f"-{field}" if aria == "ascending" else field
    url = query_with(context, sort=following, page=None, after=None, before=None)
    return {"aria": Fixed(aria), "url": url}


@register.simple_tag(takes_context=True)
def table_head(
    context: Mapping[str, Any], columns: Sequence[Mapping[str, str]], has_boxes: bool = False
) -> SafeString:
    """The head of a table with many columns: each has label, css, perhaps `sort` (its field) and `default`."""
    data = [
        {
            "label": column["label"],
            "css": Fixed(column["css"]),
            **(sort_state(context, column["sort"], column.get("default", "")) if column.get("sort") else {}),
        }
        for column in columns
    ]
    return stencilled("components/table_head.html", {"columns": data, "has_boxes": has_boxes})


@register.simple_tag(takes_context=True)
def foot(context: Mapping[str, Any]) -> SafeString:
    """The firm's name, phone and e-mail under each of its pages."""
    firm = context["request"].firm
    data = {
        "name": firm.name,
        "phone": firm.phone,
        "dialled": tel(firm.phone),
        "email": firm.email,
        "settings_url": contact_hint(context),
    }
    return stencilled("components/foot.html", data)


@register.simple_tag(takes_context=True)
def pager(context: Mapping[str, Any], **given: Any) -> SafeString:
    """Previous and next, and what is shown: previous_url, next_url, first, last, total, size (the one in force)."""
    return stencilled("components/pager_steps.html", pager_state(context, **given))


@register.simple_tag(takes_context=True)
def filter_bar(context: Mapping[str, Any], form: BaseForm, placeholder: str = "") -> SafeString:
    """Search and filters on one line, of a form bound to the query; the field `q` is the search box."""
    shown = form.visible_fields()
    sought = next((field for field in shown if field.name == "q"), None)
    data = {
        "path": context["request"].path,
        "hidden": SafeString("".join(str(field) for field in form.hidden_fields())),
        "query": sought and _search_box(sought, placeholder),
        "folds": len(shown) > 1,
        "fields": [
            {
                "kind": Fixed(field.widget_type),
                "id": field.id_for_label,
                "label": field.label,
                "control": SafeString(field),
            }
            for field in shown
            if field is not sought
        ],
    }
    return stencilled("components/filter_bar.html", data)


@register.simple_tag(takes_context=True)
def bulk_bar(
    context: Mapping[str, Any],
    actions: Sequence[Mapping[str, Any]],
    total: int,
    hidden: Sequence[tuple[str, str]] = (),
) -> SafeString:
    """What one may do with the ticked rows."""
    data = {
        "first_url": actions[0]["url"],
        "actions": [{**action, "icon": Fixed(action["icon"])} for action in actions],
        "hidden": hidden,
        "total": total,
        "csrf_token": context.get("csrf_token"),
    }
    return stencilled("components/bulk_bar.html", data)


def _search_box(field: BoundField, placeholder: str) -> dict[str, Any]:
    value = field.value()
    return {
        "name": field.html_name,
        "id": field.id_for_label,
        "value": "" if value is None else value,
        "label": placeholder or field.label,
    }


@register.simple_tag(takes_context=True)
def filter_chips(context: Mapping[str, Any], form: BaseForm) -> list[dict[str, str]]:
    """The filters in force of a form bound to the query: what each says, and the URL without it."""
    if not form.is_bound or not form.is_valid():
        return []
    chips = []
    for field in form:
        value = form.cleaned_data.get(field.name)
        if value in (None, "", False, []) or field.is_hidden:
            continue
        url = query_with(context, **{field.html_name: None}, page=None, after=None, before=None)
        chips.append({"label": str(field.label), "value": _chosen(field, value), "url": url})
    return chips


def _pairs(field: BoundField) -> Iterable[tuple[Any, Any]]:
    """The choices of a field, those of its groups among them."""
    choices: Any = getattr(field.field, "choices", ())
    return flatten_choices(choices)


def _chosen(field: BoundField, value: Any) -> str:
    if value is True:
        return _("yes")
    if isinstance(value, date):
        return date_format(value, "SHORT_DATE_FORMAT")
    if isinstance(field.field, ModelChoiceField):
        return str(field.field.label_from_instance(value))
    names = {str(key): str(name) for key, name in _pairs(field)}
    chosen = value if isinstance(value, list | tuple) else [value]
    return ", ".join(names.get(str(item), str(item)) for item in chosen)


@register.simple_tag(takes_context=True)
def pager_state(context: Mapping[str, Any], page: Page[Any] | None = None, **given: Any) -> dict[str, Any]:
    """What the pager shows, from Django's Page or from previous_url, next_url, first, last and total."""
    if page:
        given |= {
            "previous_url": query_with(context, page=page.previous_page_number())
            if page.has_previous()
            else "",
            "next_url": query_with(context, page=page.next_page_number()) if page.has_next() else "",
            "first": page.start_index(),
            "last": page.end_index(),
            "total": page.paginator.count,
            "size": given.get("size") or page.paginator.per_page,
        }
    total = given.get("total")
    shown = ""
    if isinstance(total, int):  # a template gives an empty text for what it has not got
        shown = _("%(first)s–%(last)s of %(total)s") % {
            "first": given.get("first") or 0,
            "last": given.get("last") or 0,
            "total": number_format(total, use_l10n=True, force_grouping=True),
        }
    return {
        "previous": given.get("previous_url"),
        "next": given.get("next_url"),
        "shown": shown,
        "sizes": _page_sizes(context, given.get("size"), total if isinstance(total, int) else None),
    }


def _page_sizes(context: Mapping[str, Any], current: int | None, total: int | None) -> list[dict[str, Any]]:
    if not current or (total is not None and total <= PAGE_SIZES[0]):
        return []
    return [
        {
            "size": size,
            "url": query_with(context, size=size, page=None, after=None, before=None),
            "current": size == current,
        }
        for size in PAGE_SIZES
    ]


# --- Small pieces -------------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """An icon of the sprite; silent for screen readers unless `label` says what it means. size: sm, lg or xl."""
    return _icon(name, str(label), size)


@lru_cache(maxsize=1024)
def _icon(name: str, label: str, size: str) -> SafeString:
    """A page shows dozens, of which most are alike."""
    return format_html(
        '<svg class="icon{}" {}><use href="{}#{}"/></svg>',
        f" icon-{size}" if size else "",
        format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"'),
        static("vendor/tabler-icons/sprite.svg"),
        name,
    )


@register.simple_tag
def state(value: Any, word: str = "") -> SafeString:
    """A state as dot and word. The word: the one given, else the choice's own label, else the one of `STATES`."""
    key = str(getattr(value, "value", value) or "none").lower()
    known = STATES.get(key, UNKNOWN)
    return format_html(
        '<span class="state state-{}{}">{}</span>',
        known.tone,
        " state-hollow" if known.hollow else "",
        word or getattr(value, "label", "") or known.word,
    )


@register.filter
def message_tone(message: Any) -> str:
    """The tone of one of Django's messages."""
    tones = {"success": "ok", "warning": "wait", "error": "bad"}
    return tones.get(getattr(message, "level_tag", ""), "info")


@register.filter
def fields_with_errors(form: BaseForm) -> list[BoundField]:
    """The visible fields that a person has to mend, in the form's order."""
    return [field for field in form.visible_fields() if field.errors]


register.filter(initials)


# --- Identifiers, dates, numbers ------------------------------------------------------------------------------


register.filter(siren)
register.filter(siret)


@register.filter
def tel(value: Any) -> str:
    """What a `tel:` link dials: the number without the spaces and dots that people write."""
    return re.sub(r"[^\d+*#]", "", str(value or ""))


@register.filter
def day(value: date | datetime | None) -> str:
    """A date as `31/12/2026`; empty for none."""
    return date_format(local(value), "SHORT_DATE_FORMAT") if value else ""


register.filter(when)


# --- Components that hold other content -------------------------------------------------------------------------


@register.simple_block_tag
def menu(content: str, id: str, **options: Any) -> str:
    """A button that opens a menu of `{% menu_item %}`s. Options: label (read aloud), icon, text, button (classes)."""
    defaults = {"label": "", "text": "", "icon": "dots-vertical", "button": "btn-icon"}
    return render_to_string("components/menu.html", {**defaults, "id": id, "content": content, **options})


@register.inclusion_tag("components/menu_item.html", takes_context=True)
def menu_item(
    context: Mapping[str, Any], label: str, url: str = "", icon: str = "", **options: Any
) -> dict[str, Any]:
    """A line of a menu: a link, or with `post=True` a button that posts to `url`.

    Options: dialog=True opens the page in a dialog, drawer=True in the drawer, opens="#id" a dialog of this page;
    danger=True marks what ends something, split=True draws a line above.
    """
    return {"csrf_token": context.get("csrf_token"), "label": label, "url": url, "icon": icon, **options}


@register.simple_tag(takes_context=True)
def row_menu(
    context: Mapping[str, Any], items: Sequence[Mapping[str, Any]], id: str, label: str
) -> SafeString:
    """The ⋮ menu of a row, from data: each item has label, url and icon, and perhaps what `menu_item` knows besides.

    `label` is read aloud ("Actions for Menuiserie Béranger").
    """
    urls = {f"url{place}": escape(item["url"]) for place, item in enumerate(items)}
    token = str(context.get("csrf_token", ""))
    return _RowMenu.of(items).filled({"id": escape(id), "label": escape(label), "token": token, **urls})


@dataclass(frozen=True)
class _RowMenu(Stencil):
    """A kind of menu: what it offers, whatever the row."""

    template = "components/row_menu.html"

    items: tuple[tuple[tuple[str, Any], ...], ...]

    @classmethod
    def of(cls, items: Sequence[Mapping[str, Any]]) -> Self:
        kinds = ({**item, "url": "", "label": str(item["label"])} for item in items)
        return cls(tuple(tuple(kind.items()) for kind in kinds))

    def context(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        items = [{**dict(item), "url": texts.get(f"url{place}", "")} for place, item in enumerate(self.items)]
        return {"items": items, "id": texts["id"], "label": texts["label"], "csrf_token": texts.get("token")}


@register.simple_block_tag
def dialog(content: str, id: str, title: str, **options: Any) -> str:
    """A dialog on the page, opened by `data-dialog-open="#id"`. Options: size (sm, lg), note (under the title)."""
    return render_to_string(
        "components/dialog.html", {"id": id, "title": title, "content": content, **options}
    )


@register.simple_block_tag
def callout(content: str, tone: str = "info", title: str = "", **options: Any) -> str:
    """A quiet notice inside a page. tone: info, ok, wait or bad; icon replaces the tone's own."""
    return render_to_string(
        "components/callout.html", {"content": content, "tone": tone, "title": title, **options}
    )
