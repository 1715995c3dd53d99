"""The rows of the table of dossiers as HTML.

A page has up to a hundred, alike but for their texts. So `clients/_row.html` is rendered once for each kind of row,
with marks where the texts go; the marks then tell where each row's own texts are put in.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from types import SimpleNamespace

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from accounts.shown import initials, when
from clients.rows import Row

# Of Unicode's private use: in no template, and left alone by escaping.
_MARK = re.compile("\ue000(\\w+)\ue001")


@dataclass(frozen=True)
class Look:
    """What all rows of a table have in common: the columns (name and label), and what is offered beside each row."""

    columns: tuple[tuple[str, str], ...]
    has_boxes: bool
    shows_archived: bool
    may_assign: bool
    may_archive: bool


@dataclass(frozen=True)
class _Kind:
    """What the template may ask of a row: its state, what is offered, and which of its texts are not empty."""

    state: str
    may_edit: bool
    may_invite: bool
    more: tuple[tuple[str, str], ...]
    filled: frozenset[str]


def lines_of(rows: Iterable[Row], look: Look) -> list[SafeString]:
    """The HTML of each row."""
    language = get_language() or ""
    return [_line(row, look, language) for row in rows]


def _line(row: Row, look: Look, language: str) -> SafeString:
    texts = _texts(row)
    kind = _Kind(
        state=row.state,
        may_edit=row.may_edit,
        may_invite=row.may_invite,
        more=tuple((css, label) for css, label, _text in row.more),
        filled=frozenset(name for name, text in texts.items() if text),
    )
    pattern = _pattern(look, kind, language) if not settings.DEBUG else _made_pattern(look, kind)
    pieces = list(pattern)
    pieces[1::2] = [texts[name] for name in pattern[1::2]]
    return mark_safe("".join(pieces))  # noqa: S308 - the texts were escaped, the rest is the template's


def _texts(row: Row) -> dict[str, str]:
    """What is put in, as HTML."""
    first = row.people[0] if row.people else ""
    texts = {
        "pk": str(row.pk),
        "url": escape(row.url),
        "name": escape(row.name),
        "reference": escape(row.reference),
        "siren": escape(row.siren),
        "portfolio": escape(row.portfolio),
        "first": escape(first),
        "initials": escape(initials(first)),
        "others": str(row.others) if row.others > 0 else "",
        "everybody": escape(row.everybody),
        "active": str(when(row.active_at)),
    }
    return texts | {f"more{place}": escape(text) for place, (_css, _label, text) in enumerate(row.more)}


@lru_cache(maxsize=512)
def _pattern(look: Look, kind: _Kind, language: str) -> tuple[str, ...]:
    """The template's text and the names of what stands between, in turn; each language has its own."""
    return _made_pattern(look, kind)


def _made_pattern(look: Look, kind: _Kind) -> tuple[str, ...]:
    marks = {name: f"\ue000{name}\ue001" for name in kind.filled}
    more = [(css, label, marks.get(f"more{place}", "")) for place, (css, label) in enumerate(kind.more)]
    row = SimpleNamespace(
        **dict.fromkeys(_NAMES, "") | marks,
        state=kind.state,
        may_edit=kind.may_edit,
        may_invite=kind.may_invite,
    )
    row.more = more
    context: Mapping[str, object] = {"row": row, **vars(look), "columns": dict(look.columns)}
    return tuple(_MARK.split(render_to_string("clients/_row.html", dict(context)).strip()))


_NAMES = (
    "pk", "url", "name", "reference", "siren", "portfolio", "first", "initials", "others", "everybody", "active",
)  # fmt: skip
