"""The rows of the table of dossiers as HTML."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from types import SimpleNamespace

from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from accounts.shown import initials, moments
from accounts.stencils import Pattern, Stencil, fill
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


def lines_of(rows: Iterable[Row], look: Look) -> SafeString:
    """The HTML of the rows."""
    said, people = moments(localtime()), _people()
    patterns, lines = dict[tuple[object, ...], Pattern](), list[SafeString]()
    for row in rows:
        texts = {**_texts(row), **people(row), "active": said(row.active_at)}
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


def _texts(row: Row) -> dict[str, str]:
    """What is put in, as HTML."""
    texts = {
        "pk": row.key,
        "url": escape(row.url),
        "name": escape(row.name),
        "reference": escape(row.reference),
        "siren": escape(row.siren),
        "portfolio": escape(row.portfolio),
    }
    if not row.more:
        return texts
    return texts | {f"more{place}": escape(text) for place, (_css, _label, text) in enumerate(row.more)}


def _people() -> Callable[[Row], dict[str, str]]:
    """Makes the texts of those to whom a row is open. Rows of one portfolio mostly share them."""
    known: dict[int, dict[str, str]] = {}

    def texts(row: Row) -> dict[str, str]:
        if id(row.people) not in known:
            first = row.people[0] if row.people else ""
            known[id(row.people)] = {
                "first": escape(first),
                "initials": escape(initials(first)),
                "others": str(row.others) if row.others > 0 else "",
                "everybody": escape(row.everybody),
            }
        return known[id(row.people)]

    return texts


_NAMES = (
    "pk", "url", "name", "reference", "siren", "portfolio", "first", "initials", "others", "everybody", "active",
)  # fmt: skip
