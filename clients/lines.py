"""The rows of the table of dossiers as HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from accounts.shown import initials, moments
from accounts.stencils import Pattern, Stencil, escaped, fill
from clients.rows import Row


@dataclass(frozen=True)
class Look:
    """What all rows of a table have in common: the columns (name and label), and what is offered beside each row."""

    columns: tuple[tuple[str, str], ...]
    has_boxes: bool
    shows_archived: bool
    may_assign: bool
    may_archive: bool


@dataclass(frozen=True)
class _Kind(Stencil):
    """What the template may ask of a row: its state, what is offered, and the columns that are text."""

    template = "clients/_row.html"

    look: Look
    state: str
    may_edit: bool
    may_invite: bool
    more: tuple[tuple[str, str], ...]

    def context(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        more = [(css, label, texts.get(f"more{place}", "")) for place, (css, label) in enumerate(self.more)]
        row = SimpleNamespace(
            state=self.state,
            may_edit=self.may_edit,
            may_invite=self.may_invite,
            more=more,
            **{name: texts.get(name, "") for name in _NAMES},
        )
        return {"row": row, **vars(self.look), "columns": dict(self.look.columns)}


def lines_of(rows: Sequence[Row], look: Look) -> SafeString:
    """The HTML of the rows."""
    said, html = moments(localtime()), iter(escaped([text for row in rows for text in _texts(row)]))
    patterns, lines = dict[tuple[object, ...], Pattern](), list[SafeString]()
    for row in rows:
        more = (f"more{place}" for place in range(len(row.more)))
        texts = dict(zip((*_TEXTS, *more), html, strict=False))  # the rest is of the other rows
        texts["active"] = said(row.active_at)
        # Most rows of a page are of few kinds.
        kind = (row.state, row.may_edit, row.may_invite, *map(bool, texts.values()))
        if kind not in patterns:
            patterns[kind] = _kind(row, look).pattern(texts)
        lines.append(fill(patterns[kind], texts))
    return mark_safe("".join(lines))  # noqa: S308 - each of them is HTML


def _kind(row: Row, look: Look) -> _Kind:
    return _Kind(
        look=look,
        state=row.state,
        may_edit=row.may_edit,
        may_invite=row.may_invite,
        more=tuple((css, label) for css, label, _text in row.more),
    )


def _texts(row: Row) -> list[str]:
    """What is put in: the values of `_TEXTS`, and the cells that are text."""
    first = row.people[0] if row.people else ""
    return [
        row.key,
        row.url,
        row.name,
        row.reference,
        row.siren,
        row.portfolio,
        first,
        initials(first),
        str(row.others) if row.others > 0 else "",
        row.everybody,
        *(text for _css, _label, text in row.more),
    ]


_TEXTS = ("pk", "url", "name", "reference", "siren", "portfolio", "first", "initials", "others", "everybody")
_NAMES = (*_TEXTS, "active")
