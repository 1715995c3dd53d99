"""The workbook that people fill in."""

import io
from collections import Counter

from django.utils.translation import gettext as _

from clients.models import Dossier, DossierKind
from clients.resources import DossierField, columns_by_name
from spreadsheets.text import fold
from spreadsheets.writing import TemplateColumn, write_template

_REQUIRED = {"legal_name"}


def template(portfolios: list[str], members: list[tuple[str, str]]) -> bytes:
    """The template of this firm: its portfolios and members (names and addresses) stand in drop-down lists."""
    lists = {
        "portfolio": portfolios,
        "assignee": _called(members),
        "kind": [str(kind.label) for kind in DossierKind],
        "civility": [str(label) for _value, label in Dossier._meta.get_field("civility").flatchoices],
    }
    examples = {"portfolio": _examples(portfolios), "kind": _kinds()}
    columns = [
        _column(column, lists.get(name, []), examples.get(name, list(column.examples)))
        for name, column in columns_by_name().items()
    ]
    target = io.BytesIO()
    write_template(
        target,
        columns,
        _notice(),
        sheet_name=_("Clients"),
        notice_name=_("How to fill it in"),
        lists_name=_("Lists"),
    )
    return target.getvalue()


def _column(column: DossierField, choices: list[str], examples: list[str]) -> TemplateColumn:
    return TemplateColumn(
        header=str(column.header),
        examples=examples,
        choices=choices,
        required=column.name in _REQUIRED,
        width=column.width,
        help=str(column.help),
    )


def _called(members: list[tuple[str, str]]) -> list[str]:
    """By name; by address those who share one."""
    names = Counter(fold(name) for name, _email in members)
    return [name if names[fold(name)] == 1 else email for name, email in members]


def _kinds() -> list[str]:
    company, individual = str(DossierKind.COMPANY.label), str(DossierKind.INDIVIDUAL.label)
    return [company, company, individual]


def _examples(portfolios: list[str]) -> list[str]:
    return portfolios[:1] * 3


def _notice() -> list[str]:
    return [
        _("How to fill in the client list"),
        _(
            "One row per client, in the sheet “Clients”. Write over the three example rows: those that are left as "
            "they are will be left out."
        ),
        _(
            "Columns may be left out, moved or left empty; an empty cell changes nothing in a client file that exists."
        ),
        _("A company needs a legal name; an individual a last name."),
        _(
            "A client file that exists is recognised by its client code, else by the SIRET, else by the SIREN: the row "
            "then updates it instead of creating another one."
        ),
        _(
            "SIREN, SIRET, phone and postcode columns are formatted as text, so that Excel keeps their leading zeros."
        ),
        _("A portfolio that does not exist yet is created when you confirm the import; you are told before."),
        _("Nothing is written before you have seen what will happen and confirmed it."),
    ]
