"""The rows of a plan as HTML. Each of them, and what is said in each, is of few kinds: see `accounts.stencils`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.utils.safestring import SafeString, mark_safe

from accounts.stencils import stencilled

# What is said of a row before its remarks, and after them.
_SAID = ("outcome", "touched", "decision", "duplicate_of", "first", "changes", "corrections")
_ACTS = ("candidates", "may_be_created", "may_be_another", "decision", "is_conflict", "is_mine")


@dataclass(frozen=True)
class Look:
    """What all rows of a list have in common: its columns, and where what is said of a row goes and leads back to."""

    has_portfolio: bool
    tells: bool
    is_ready: bool
    span: int
    back: str
    take_url: str
    keep_url: str
    csrf_token: str
    # The number of the row where the person goes on.
    focus: int = 0


def lines_of(rows: Iterable[Mapping[str, Any]], look: Look) -> SafeString:
    """The HTML of the rows, as `clients.imports.teller` words them."""
    return _joined(_line(row, look) for row in rows)


def _line(row: Mapping[str, Any], look: Look) -> SafeString:
    shown = {
        name: row[name]
        for name in ("number", "url", "title", "reference", "place", "identifier", "portfolio")
    }
    return stencilled(
        "clients/_import_row.html",
        {
            **shown,
            "told": _joined(_told(row, look)) if look.tells else "",
            "has_portfolio": look.has_portfolio,
            "tells": look.tells,
            "form_url": _form_url(row["correct_url"], look) if look.is_ready else "",
            "is_focus": row["number"] == look.focus,
        },
    )


def _told(row: Mapping[str, Any], look: Look) -> Iterator[SafeString]:
    if any(row[name] for name in _SAID):
        yield stencilled("clients/_import_said.html", {name: row[name] for name in _SAID})
    for remark in row["remarks"]:
        yield stencilled("clients/_import_remark.html", remark)
    if row["since"]:
        yield stencilled("clients/_import_since.html", {"since": row["since"]})
    if look.is_ready:
        yield from _acts(row, look)


def _acts(row: Mapping[str, Any], look: Look) -> Iterator[SafeString]:
    """What a person may do about it, one form each."""
    common = {
        "number": row["number"],
        "back": look.back,
        "span": look.span,
        "csrf_token": look.csrf_token,
        "correct_url": row["correct_url"],
        "decide_url": row["decide_url"],
    }
    for remark in row["remarks"]:
        if remark["offers"]:
            yield stencilled("clients/_import_offer.html", {**common, "offers": remark["offers"]})
    if any(row[name] for name in _ACTS):
        yield stencilled(
            "clients/_import_acts.html",
            {
                **common,
                **{name: row[name] for name in _ACTS if name != "decision"},
                "is_decided": bool(row["decision"]),
                "search_url": _form_url(row["decide_url"], look),
                "take_url": look.take_url,
                "keep_url": look.keep_url,
            },
        )


def _form_url(url: str, look: Look) -> str:
    """Of a form that takes the row's place and leads back."""
    return f"{url}?back={quote(look.back, safe='')}&span={look.span}"


def _joined(pieces: Iterable[SafeString]) -> SafeString:
    return mark_safe("".join(pieces))  # noqa: S308 - each of them is HTML
