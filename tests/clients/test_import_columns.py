"""The quick path over columns says what the row check says: never does it accept what the row check refuses."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.imports.folding import fold_column, keys
from clients.imports.planning import _emptied_column
from clients.imports.rows import check_columns, check_row, join_nic, names
from clients.imports.staging import NULL
from clients.models import Dossier
from clients.resources import columns_by_name
from spreadsheets.text import fold
from tenancy.keys import uuid7

TYPICAL = [
    "", " ", "-", "#", "N/A", "néant", "732829320", "73282932000074", "732 829 320 00074",
    "732\u00a0829\u202f320 00074",
    "732-829-320-00074", "732.829.320.00074", "73282932000079", "6520086700045", "638015800045", "73282932000074.0",
    "7,32829E+13", "7.3282932000074E+13", "73282932.0", "732829320,00", "35600000000048", "35600000009075",
    "35600000012345", "00000000000000", "000000000", "W751234567", "FR44732829320", "FR 44 732 829 320",
    "FR73000032871",
    "44732829320", "552100554", "55210055400013", "PAS DE SIRET", "73282932OOOO74",
    "Boulangerie Martin", "  SARL   Dupont\u00a0 Frères ", "Œuvres & Cie – « L’Été » 100 € ; Fils", "E\u0301lodie",
    "=1+1", "a\tb", "a\nb", "a|b", "| a", "back\\slash", "\u200bx", "x" * 31, "x" * 251,
    "marie@exemple.fr", "Marie@Exemple.FR", "marie@gmial.com", "marie,dupont@exemple.fr", "a@x.fr; b@y.fr",
    "Jean Dupont <Jean@Exemple.FR>", "pas d'adresse", "mailto:a@b.fr", "a@b", f"{'a' * 60}@exemple.fr",
    "0123456789", "01 23 45 67 89", "01.23.45.67.89", "123456789", "33123456789", "+33 1 23 45 67 89", "0033123456789",
    "0033123456", "01 23 45 67 89 / 06 12 34 56 78", "n.c.", "75001", "1000", "75001.0", "2A004", "L-1234",
    "62.01Z", "6201Z", "62.01z - Programmation", "Boulangerie", "SAS", "S.A.R.L.", "9220", "9220.0", "Particulier",
    "ENTREPRISE", "société", "Mme", "M. et Mme", "31/12", "2026-12-31", "46387", "31 décembre", "30/2", "3112",
    "Élodie Martin", "MARTIN Elodie", "elodie@lemoine.test", "Belgique", "France", "123456789012345", "1,23456E+14",
    "²", "9" * 5000,
]  # fmt: skip
CELL = st.sampled_from(TYPICAL) | st.text(max_size=20) | st.from_regex(r"[0-9 .E+-]{5,16}", fullmatch=True)
KIND = st.sampled_from("tnde")
ROW = st.fixed_dictionaries(
    {}, optional={name: st.tuples(CELL, KIND) for name in [*columns_by_name(), "nic"]}
)


def by_row(raw, height):
    columns = columns_by_name()
    return [
        check_row(columns, {name: (texts[i], kinds[i]) for name, (texts, kinds) in raw.items()})
        for i in range(height)
    ]


def agree(raw, height):
    chunk = check_columns(columns_by_name(), raw)
    for i, row in enumerate(by_row(raw, height)):
        filled = {name: value for name, value in row.values.items() if value}
        assert {name: column[i] for name, column in chunk.values.items() if column[i]} == filled
        assert chunk.remarks.get(i, []) == row.remarks
        assert (i in chunk.bad) == row.is_bad


@pytest.mark.parametrize("name", list(columns_by_name()))
@pytest.mark.parametrize("kind", "tn")
def test_each_typical_cell_is_judged_alike_alone_and_among_others(name, kind):
    agree({name: (TYPICAL, kind * len(TYPICAL))}, len(TYPICAL))
    on_one_line = [text for text in TYPICAL if "\n" not in text]
    agree({name: (on_one_line, kind * len(on_one_line))}, len(on_one_line))
    for text in TYPICAL:
        agree({name: ([text, ""], kind + "e")}, 2)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=6))
def test_columns_and_rows_agree(rows):
    present = sorted({name for row in rows for name in row} - {"nic"})
    if not present:
        return
    raw: dict[str, tuple[Sequence[str], str]] = {
        name: (
            [row.get(name, ("", "e"))[0] for row in rows],
            "".join(row.get(name, ("", "e"))[1] for row in rows),
        )
        for name in [*present, "nic"]
    }
    agree(join_nic(dict(raw)), len(rows))


GOOD = {
    "reference": "C0000001", "kind": "Entreprise", "legal_name": "Boulangerie Martin", "civility": "Mme",
    "last_name": "Martin", "first_name": "Élodie", "siren": "732829320", "siret": "73282932000074",
    "urssaf_account": "123456789012345", "vat_number": "FR44732829320", "email": "contact@martin.fr",
    "phone": "01 23 45 67 89", "address": "12, rue de la Paix", "postcode": "75002", "city": "Bourg-en-Bresse",
    "country": "France", "naf_code": "10.71C", "legal_form": "5410", "legal_representative": "Élodie Martin",
    "fiscal_year_end": "31/12", "portfolio": "Sarah", "assignee": "elodie@lemoine.test",
}  # fmt: skip


@st.composite
def slip(draw):
    """A good cell, its column, and it with one character more, less or other: what the quick path is tempted by."""
    name = draw(st.sampled_from(sorted(GOOD)))
    text = GOOD[name]
    place = draw(st.integers(0, len(text)))
    end = place + draw(st.integers(0, 1))
    more = draw(
        st.sampled_from([*"0159 aéZ@.,;-+/|\\\"'", "\n", "\t", "\u00a0", "\u200b", "\u0301", "٣", "²", ""])
    )
    return name, text[:place] + more + text[end:]


@settings(max_examples=500, deadline=None)
@given(slips=st.lists(slip(), min_size=1, max_size=5), kind=KIND)
def test_a_slip_in_a_good_row_is_never_accepted_by_columns_alone(slips, kind):
    raw = {name: ([text] * 3, kind * 3) for name, text in GOOD.items()}
    for name, text in slips:
        raw[name] = ([GOOD[name], text, ""], kind * 3)
    agree(raw, 3)


@settings(max_examples=300, deadline=None)
@given(row=ROW)
def test_an_offered_repair_repairs(row):
    """Whoever accepts an offer is not told of an error in that cell again."""
    row.pop("nic", None)
    columns = columns_by_name()
    for remark in check_row(columns, row).remarks:
        if remark.offers:
            again = check_row(columns, row | {name: (text, "t") for name, text in remark.offers.items()})
            assert not [
                one for one in again.remarks if one.field in remark.offers and (one.code == remark.code)
            ]


@pytest.mark.parametrize(
    ("name", "text", "offer"),
    [
        ("siret", "73282932OOOO74", "73282932000074"),
        ("siren", "73282932O", "732829320"),
        ("email", "marie,dupont@exemple.fr", "marie.dupont@exemple.fr"),
        ("email", "marie dupont", None),
        ("email", "marie (at) exemple.fr", "marie@exemple.fr"),
        ("email", "marie@gmial.com", "marie@gmail.com"),
        ("email", "marie@exemple . fr.", "marie@exemple.fr"),
        ("postcode", "F-75001", "75001"),
        ("postcode", "75001 ou 75002", None),
        ("legal_name", "x" * 250, "x" * 200),
        ("siret", "73282932000079", None),
    ],
)
def test_what_is_offered(name, text, offer):
    offers = [one.offers for one in check_row(columns_by_name(), {name: (text, "t")}).remarks]
    assert offers == [{name: offer} if offer else None]


def test_the_rows_siren_tells_the_vat_number_and_the_siret_tells_the_siren():
    row = {"siren": ("732829320", "t"), "vat_number": ("FR12345", "t")}
    assert [one.offers for one in check_row(columns_by_name(), row).remarks] == [
        {"vat_number": "FR44732829320"}
    ]
    row = {"siren": ("552100554", "t"), "siret": ("73282932000074", "t")}
    assert [one.offers for one in check_row(columns_by_name(), row).remarks] == [{"siren": "732829320"}]


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=6), emptying=st.sets(st.sampled_from(sorted(GOOD))))
def test_only_blank_cells_empty(rows, emptying):
    present = sorted({name for row in rows for name in row} - {"nic"})
    raw = {name: ([row.get(name, ("", "e"))[0] for row in rows], "t" * len(rows)) for name in present}
    if not raw:
        return
    values = check_columns(columns_by_name(), raw).values
    column = _emptied_column(raw, values, emptying).get("emptied", [])
    for i, emptied in enumerate(column):
        names_ = set() if emptied == NULL else set(emptied.strip("{}").split(","))
        assert names_ <= emptying
        for name in names_:
            assert (raw[name][0][i].strip(), values[name][i]) == ("", "")


@settings(max_examples=300, deadline=None)
@given(cells=st.lists(CELL, min_size=1, max_size=8))
def test_folding_a_column_folds_each_cell(cells):
    assert fold_column(cells) == [fold(cell) for cell in cells]


def test_keys_are_those_that_the_dossier_derives():
    values = {
        "kind": ["company", "individual", "", "individual", "company"],
        "legal_name": ["Boulangerie d’Été", "", "", "M. et Mme Durand", "SA"],
        "first_name": ["Zoé", "Marie", "Paul", "Anne", ""],
        "last_name": ["Nul", "Du Pont", "Œuvre", "", ""],
        "reference": ["B-01", "", "x", "D", ""],
        "siren": ["732829320", "", "", "", ""],
        "siret": ["73282932000074", "", "", "", ""],
        "urssaf_account": ["", "", "123456789012345", "", ""],
    }
    numbers = [a or b for a, b in zip(values["siret"], values["siren"], strict=True)]
    name_keys, search_keys = keys(names(values, 5), values["reference"], numbers, values["urssaf_account"])
    for i in range(5):
        dossier = Dossier(firm_id=uuid7(), **{name: column[i] for name, column in values.items()})
        dossier.kind = dossier.kind or "individual"
        dossier.derive_keys()
        assert (name_keys[i], search_keys[i]) == (dossier.name_key, dossier.search_key)
