"""What only a whole row tells, and the two roads to it: row by row (`check_row`), or by columns (`check_columns`)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.identifiers import siren_of, vat_number_agrees
from clients.cleaning import clean_postcode, is_france
from clients.imports import offers
from clients.imports.cells import Cell, Rule, fitting, tidy
from clients.imports.columns import Quick
from clients.imports.remarks import Level, Remark, refused, remark
from clients.models import DossierKind

_COMPANY, _INDIVIDUAL = DossierKind.COMPANY.value, DossierKind.INDIVIDUAL.value
_SHORT_POSTCODE = 4


class Column(Protocol):
    """What a field of the resource declares for its column."""

    name: str
    rule: Rule
    quick: Quick
    limit: int


Columns = Mapping[str, Column]
# By field: the texts of a chunk's rows, and how the file held them, one letter each.
Raw = Mapping[str, tuple[Sequence[str], str]]


class Row(NamedTuple):
    """Cleaned values by field; with an ERROR among the remarks, the row is left out."""

    values: dict[str, str]
    remarks: list[Remark]

    @property
    def is_bad(self) -> bool:
        return any(found.level == Level.ERROR for found in self.remarks)


def join_nic(raw: dict[str, tuple[Sequence[str], str]]) -> dict[str, tuple[Sequence[str], str]]:
    """Where SIREN and NIC stand in two columns, they become a SIRET; a SIRET of its own goes before."""
    nics = raw.pop("nic", None)
    if nics is None or "siren" not in raw:
        return raw
    sirens = raw["siren"][0]
    height = len(sirens)
    sirets, kinds = raw.get("siret", ([""] * height, "e" * height))
    joined = [
        siret
        if siret.strip() or not (siren.strip() and nic.strip())
        else f"{siren.strip()}{nic.strip().zfill(5)}"
        for siret, siren, nic in zip(sirets, sirens, nics[0], strict=True)
    ]
    return {**raw, "siret": (joined, kinds)}


# --- Row by row --------------------------------------------------------------------------------------------------


def check_row(columns: Columns, written: Mapping[str, tuple[str, str]]) -> Row:
    """The reference: every cell by its rule, then what the row tells as a whole. `written`: text and kind by field."""
    return _whole({name: _check_cell(columns[name], text, kind) for name, (text, kind) in written.items()})


def _whole(cells: Mapping[str, Cell]) -> Row:
    """What the cells of a row come to together."""
    values = {name: cell.value for name, cell in cells.items()}
    remarks: list[Remark] = []
    for cell in cells.values():
        remarks += cell.remarks
        for name, value in (cell.elsewhere or {}).items():
            values[name] = values.get(name) or value
    for check in (_check_numbers, _check_postcode, _check_name):
        check(values, remarks)
    return Row(values, remarks)


def _check_cell(column: Column, written: str, kind: str) -> Cell:
    text = tidy(written)
    if not text:
        return Cell("")
    cell = column.rule(text, kind)
    fit = fitting(column.name, cell.value, column.limit)
    return cell if fit.value == cell.value else fit


def _check_numbers(values: dict[str, str], remarks: list[Remark]) -> None:
    siren, siret = values.get("siren", ""), values.get("siret", "")
    try:
        siren = siren_of(siren=siren, siret=siret)
    except ValidationError as error:
        remarks.append(refused(Level.ERROR, "siret", siret, error, offers.siren_of_siret(siret)))
    if siren or "siren" in values:
        values["siren"] = siren
    if not vat_number_agrees(values.get("vat_number", ""), siren):
        disagree = ValidationError(
            _("This VAT number belongs to another SIREN than %(siren)s."), "vat", {"siren": siren}
        )
        number = values["vat_number"]
        remarks.append(refused(Level.ERROR, "vat_number", number, disagree, offers.vat_number(siren)))
    remarks[:] = [_with_vat_number(found, siren) for found in remarks]


def _with_vat_number(found: Remark, siren: str) -> Remark:
    """A number that was refused by itself: the row's SIREN tells the likely one."""
    is_refused = found.field == "vat_number" and found.level == Level.ERROR and not found.offers
    return found._replace(offers=offers.vat_number(siren)) if is_refused else found


def _check_postcode(values: dict[str, str], remarks: list[Remark]) -> None:
    if not (code := values.get("postcode", "")):
        return
    country = values.get("country", "")
    whole = code
    if is_france(country) and code.isascii() and code.isdigit() and len(code) == _SHORT_POSTCODE:
        whole = f"0{code}"
        remarks.append(remark(Level.REPAIRED, "postcode", "postcode_zero", code))
    try:
        values["postcode"] = clean_postcode(whole, country)
    except ValidationError as error:
        values["postcode"] = ""
        remarks.append(refused(Level.IGNORED, "postcode", code, error, offers.postcode(code)))


def _check_name(values: dict[str, str], remarks: list[Remark]) -> None:
    """A company that has but a person's name is called by it."""
    last_name = values.get("last_name", "")
    if values.get("kind") == _COMPANY and last_name and not values.get("legal_name"):
        values["legal_name"] = f"{last_name} {values.get('first_name', '')}".strip()
        remarks.append(remark(Level.REPAIRED, "last_name", "name_from_person", values["legal_name"]))


# --- By columns --------------------------------------------------------------------------------------------------


class Chunk(NamedTuple):
    """The cleaned columns of some rows, and by place the remarks of those that have any, and the bad ones."""

    values: dict[str, list[str]]
    remarks: dict[int, list[Remark]]
    bad: set[int]


def check_columns(columns: Columns, raw: Raw) -> Chunk:
    """The same as `check_row` on each row, for a fraction of the time."""
    height = len(next(iter(raw.values()))[0])
    values: dict[str, list[str]] = {}
    doubtful: dict[str, set[int]] = {}
    for name, (texts, kinds) in raw.items():
        checked = columns[name].quick(texts, kinds)
        values[name], doubtful[name] = list(checked.values), set(checked.doubtful)
    places = set().union(*doubtful.values(), _doubtful_together(values))
    rows = {i: _row_at(i, columns, raw, values, doubtful) for i in sorted(places)}
    if "siret" in values:
        sirens = values.get("siren", [""] * height)
        values["siren"] = [a or b[:9] for a, b in zip(sirens, values["siret"], strict=True)]
    _put_back(rows, values, height)
    return Chunk(
        values,
        {i: row.remarks for i, row in rows.items() if row.remarks},
        {i for i, row in rows.items() if row.is_bad},
    )


def _row_at(
    i: int, columns: Columns, raw: Raw, values: Mapping[str, Sequence[str]], doubtful: Mapping[str, set[int]]
) -> Row:
    """The row at this place; only cells that the quick path does not vouch for are looked at again."""
    return _whole(
        {
            name: _check_cell(columns[name], texts[i], kinds[i])
            if i in doubtful[name]
            else Cell(values[name][i])
            for name, (texts, kinds) in raw.items()
        }
    )


def _put_back(rows: Mapping[int, Row], values: dict[str, list[str]], height: int) -> None:
    """The rows that were looked at, into the columns."""
    for i, row in rows.items():
        for name in row.values.keys() - values.keys():
            values[name] = [""] * height
        for name, column in values.items():
            column[i] = row.values.get(name, "")


def _doubtful_together(values: Mapping[str, Sequence[str]]) -> set[int]:
    """The places at which the row check has something to say beyond single cells."""
    found: set[int] = set()
    nothing = [""] * len(next(iter(values.values())))
    sirets, sirens = values.get("siret", nothing), values.get("siren", nothing)
    if "siren" in values and "siret" in values:
        found |= {
            i for i, (a, b) in enumerate(zip(sirens, sirets, strict=True)) if a and b and not b.startswith(a)
        }
    if "vat_number" in values:
        numbers = zip(values["vat_number"], sirens, sirets, strict=True)
        found |= {
            i for i, (vat, a, b) in enumerate(numbers) if vat and (a or b) and not vat.endswith(a or b[:9])
        }
    if "kind" in values and "last_name" in values:
        names = zip(values["kind"], values.get("legal_name", nothing), values["last_name"], strict=True)
        found |= {i for i, (kind, legal, last) in enumerate(names) if kind == _COMPANY and last and not legal}
    return found


# --- Names, and what lists sort by and search in ----------------------------------------------------------------


def names(values: Mapping[str, Sequence[str]], height: int) -> list[str]:
    """As `ClientDetails.name` will say: the legal name of a company, last and first name of an individual."""
    nothing = [""] * height
    legal, last = values.get("legal_name", nothing), values.get("last_name", nothing)
    if last is nothing:
        return list(legal)
    columns = zip(values.get("kind", nothing), legal, last, values.get("first_name", nothing), strict=True)
    return [client_name(*cells) for cells in columns]


def client_name(kind: str, legal_name: str, last_name: str, first_name: str) -> str:
    """One client's; without a kind, a last name alone says that it is an individual."""
    if last_name and (kind == _INDIVIDUAL or not (kind or legal_name)):
        return f"{last_name} {first_name}".strip()
    return legal_name
