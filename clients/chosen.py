"""The columns of the list of dossiers: which there are, and which of them a list's address chooses.

The name is always shown. The address says the others as `cols=name.siren.city`, or by one `cols` each, as a form
without scripts sends them; without any, the usual ones are shown.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clients.models import Dossier

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

NAME = "name"


@dataclass(frozen=True)
class Column:
    """`text` makes the cell of a column that shows the dossier's own `fields`; the others have their own markup.

    `sort` is what the list's order is called, where an index bears it.
    """

    label: "str | _StrPromise"
    css: str = ""
    sort: str = ""
    fields: tuple[str, ...] = ()
    text: Callable[[Dossier], str] | None = None


def _own(field: str, css: str, label: "str | _StrPromise" = "") -> Column:
    """A column that shows one field as it is."""
    named = label or Dossier._meta.get_field(field).verbose_name  # type: ignore[union-attr]  # an own column has one
    return Column(named, css, fields=(field,), text=lambda dossier: str(getattr(dossier, field)))


COLUMNS: dict[str, Column] = {
    "reference": Column(pgettext_lazy("column", "Code"), "col-code drop-2", sort="reference"),
    "siren": Column(_("SIREN"), "col-id", sort="siren"),
    "kind": Column(_("Kind"), "col-date", fields=("kind",), text=lambda dossier: dossier.get_kind_display()),
    "legal_form": _own("legal_form", "col-date"),
    "naf_code": _own("naf_code", "col-date"),
    "urssaf_account": _own("urssaf_account", "col-id-long id"),
    "fiscal_year_end": _own("fiscal_year_end", "col-date"),
    "email": _own("email", "col-recipient"),
    "phone": _own("phone", "col-when id"),
    "city": _own("city", "col-mid"),
    "created": Column(
        _("Created on"),
        "col-date",
        sort="created",
        fields=("created_at",),
        text=lambda dossier: date_format(timezone.localtime(dossier.created_at), "SHORT_DATE_FORMAT"),
    ),
    "portfolio": Column(_("Portfolio"), "col-mid drop-2"),
    "people": Column(_("Colleagues with access"), "col-person drop-1"),
    "state": Column(_("Invitation"), "col-state"),
    "activity": Column(_("Last activity"), "col-when drop-3"),
}
USUAL = ("reference", "siren", "portfolio", "people", "state", "activity")


def chosen_columns(texts: Iterable[str]) -> tuple[str, ...]:
    """Those that the values of `cols` name, in the table's own order; the usual ones if they name none."""
    named = {name for text in texts for name in text.split(".")} & {NAME, *COLUMNS}
    return tuple(name for name in COLUMNS if name in named) if named else USUAL


def columns_text(chosen: Iterable[str]) -> str:
    """The value of `cols` for these columns; empty for the usual ones."""
    chosen = tuple(chosen)
    return "" if chosen == USUAL else ".".join((NAME, *chosen))
