"""What is guessed of a sheet: its header, what its columns hold, and whether a person should look at it first."""

from collections.abc import Sequence

import pytest

from clients.imports.headers import GRAMMAR, Laid, Preview, gathered, guessed, shape, shapes
from clients.resources import TOGETHER, synonyms
from spreadsheets.headers import header_at, match_headers
from spreadsheets.reading import Chunk

SIRETS = ("73282932000074", "55210055400013", "44306184100047")


def laid(*rows: Sequence[str], **known: Sequence[str]) -> Laid:
    found = guessed(
        Preview(range(1, len(rows) + 1), rows), {name: frozenset(words) for name, words in known.items()}
    )
    assert found is not None
    return found


def fields(*rows: Sequence[str], **known: Sequence[str]) -> list[str]:
    """What the columns are taken for, in their order."""
    return [column["field"] for column in laid(*rows, **known).columns]


def hows(*rows: Sequence[str]) -> list[str]:
    return [column["how"] for column in laid(*rows).columns]


def test_a_plainly_headed_list_needs_nobody():
    found = laid(("Code", "Raison sociale", "SIRET"), ("1", "Martin", SIRETS[0]), ("2", "Durand", SIRETS[1]))
    assert (found.header_row, found.fields, found.doubtful) == (
        1, {0: "reference", 1: "legal_name", 2: "siret"}, False,
    )  # fmt: skip


def test_a_title_above_the_header_is_no_reason_to_ask():
    found = laid(
        ("Clients au 31/12", "", ""), ("Code", "Raison sociale", "SIRET"), ("1", "Martin", SIRETS[0])
    )
    assert (found.header_row, found.doubtful) == (2, False)


@pytest.mark.parametrize(
    "rows",
    [
        (("Nom", "Remarque"), ("Martin", "bon client")),  # a column that nobody knows
        (("Nom", "Numéro"), ("Martin", SIRETS[0])),  # one that only its cells tell of
        (
            ("Dossier", "", "Contact", "Lieu"),  # groups of columns
            ("Code", "Nom", "Mél", "Ville"),
            ("1", "Martin", "a@b.fr", "Lyon"),
        ),
    ],
)
def test_what_is_not_certain_is_shown_first(rows):
    assert laid(*rows).doubtful


class TestContents:
    def test_valid_numbers_tell_the_column_whatever_its_header(self):
        rows = (("Mandant", "Tiers"), ("Garage SARL", SIRETS[0]), ("Martin SAS", SIRETS[1]))
        assert fields(*rows) == ["legal_name", "siret"]
        assert hows(*rows) == ["content", "content"]

    @pytest.mark.parametrize(
        ("cells", "field"),
        [
            (("6520086700045", "638015800045"), "siret"),  # without the zeros that Excel removed
            (("732 829 320", "552 100 554"), "siren"),
            (("a@martin.fr", "Durand <b@durand.fr>"), "email"),
            (("06 12 34 56 78", "612345678", "+33 4 56 78 90 12"), "phone"),
            (("FR44732829320", "FR 83 404 833 048"), "vat_number"),
            (("62.01Z", "1071C"), "naf_code"),
            (("SARL", "SAS", "SCI"), "legal_form"),
            (("12 rue de la Paix", "3 av. Foch", "ZA des Prés"), "address"),
            (("31/12", "30/06"), "fiscal_year_end"),
        ],
    )
    def test_each_kind_of_cell_tells_its_field(self, cells, field):
        rows = [("Raison sociale", "xyz"), *((f"Client {i}", cell) for i, cell in enumerate(cells))]
        assert fields(*rows) == ["legal_name", field]

    def test_numbers_of_communes_and_amounts_are_no_postcodes(self):
        assert fields(("Nom", "code_insee"), ("A", "69043"), ("B", "62502")) == ["legal_name", ""]

    def test_members_and_portfolios_of_the_firm_are_known_again(self):
        rows = (("Nom", "Suivi par", "Équipe"), ("A", "Chloé Martin", "Sarah"), ("B", "Paul Martin", "Lyon"))
        known = {"assignee": ("chloe martin", "paul martin"), "portfolio": ("sarah", "lyon")}
        assert fields(*rows, **known) == ["legal_name", "assignee", "portfolio"]

    def test_cells_speak_against_a_header(self):
        rows = (("Nom", "Commune", "Type"), ("A", "01004", "x"), ("B", "01289", "y"), ("C", "69043", "z"))
        assert fields(*rows) == ["legal_name", "", ""]

    def test_the_column_whose_cells_fit_takes_the_field(self):
        rows = (
            ("Nom", "Identifiant", "SIRET"),
            *((name, f"c3d15659-{name}", siret) for name, siret in zip("ABC", SIRETS, strict=True)),
        )
        assert fields(*rows) == ["legal_name", "", "siret"]

    def test_a_list_without_a_header_is_read_from_its_first_row(self):
        rows = [
            (f"C{i}", f"Société {i}", siret, f"a{i}@b.fr", "75002", "Paris") for i, siret in enumerate(SIRETS)
        ]
        found = laid(*rows)
        assert found.header_row == 0
        assert found.doubtful
        assert [column["field"] for column in found.columns] == [
            "reference", "legal_name", "siret", "email", "postcode", "city",
        ]  # fmt: skip


class TestWords:
    @pytest.mark.parametrize(
        ("header", "field"),
        [
            ("adresse_siege_social", "address"),
            ("Email contact principal", "email"),
            ("numero_siren_siret_uai", "siret"),
            ("codePostalEtablissement", "postcode"),
            ("N° dossier interne", "reference"),
            ("E-mail de l'expert-comptable", ""),
            ("SIRET cuisine centrale", ""),
            ("Nombre de SIRET", ""),
        ],
    )
    def test_a_word_of_a_header_tells_its_field_unless_it_speaks_of_others(self, header, field):
        assert fields(("Raison sociale", header), ("Martin", ""))[1] == field


class TestTwoRows:
    ROWS = (
        ("Dossier", "", "", "Adresse de correspondance", "", "", "Représentant légal", "", ""),
        ("Code", "Nom", "Code postal", "Voie", "Code postal", "Commune", "Civilité", "Nom", "Prénom"),
        ("1", "Club de Lyon", "00000", "3 rue Haute", "69001", "Lyon", "Mme", "Durand", "Zoé"),
    )

    def test_groups_tell_apart_columns_of_one_name(self):
        found = laid(*self.ROWS)
        assert found.header_row == 2
        assert found.fields == {
            0: "reference", 1: "legal_name", 3: "address", 4: "postcode", 5: "city",
            6: "legal_representative", 7: "legal_representative", 8: "legal_representative",
        }  # fmt: skip
        assert found.columns[2]["header"] == "Code postal – Dossier"

    def test_a_last_name_is_the_one_beside_the_first_name(self):
        cells = ("Nom", "Ville", "E-mail", "Nom", "Prénom")
        match = match_headers(cells, synonyms(), together=TOGETHER, grammar=GRAMMAR)
        assert match.fields == {0: "legal_name", 1: "city", 2: "email", 3: "last_name", 4: "first_name"}

    def test_an_empty_column_leaves_its_field_to_a_filled_one(self):
        rows = (("N° dossier interne", "Nom", "Dossier"), ("A1", "Martin", ""), ("A2", "Durand", ""))
        assert fields(*rows) == ["reference", "legal_name", ""]


class TestSeveralColumnsOfOneField:
    def test_further_lines_of_an_address_go_with_it(self):
        rows = (("Nom", "Adresse", "Complément d'adresse"), ("A", "3 rue Haute", "Bât. B"))
        assert fields(*rows) == ["legal_name", "address", "address"]

    def test_texts_are_put_together_and_of_numbers_the_first_is_taken(self):
        rows = Chunk(
            [2, 3],
            [["3 rue Haute", ""], ["Bât. B", "ZA"], ["", "01"], ["02", "03"]],
            ["te", "tt", "et", "tt"],
        )
        raw = gathered(rows, {0: "address", 1: "address", 2: "phone", 3: "phone"})
        assert raw == {"address": (["3 rue Haute Bât. B", "ZA"], "tt"), "phone": (["02", "01"], "tt")}


class TestShape:
    def test_case_accents_and_what_follows_do_not_change_it(self):
        one, other = header_at([("Code", "Société", "")], 0), header_at([("CODE ", "societe")], 0)
        assert shape(one) == shape(other)

    def test_order_does_and_a_row_without_words_has_none(self):
        assert shape(header_at([("Code", "Nom")], 0)) != shape(header_at([("Nom", "Code")], 0))
        assert shape(header_at([("", "–")], 0)) == ""

    def test_it_is_found_in_any_row(self):
        wanted = shape(header_at([("Code", "Nom")], 0))
        assert shapes(Preview([3, 5], [("Titre", ""), ("Code", "Nom")]))[wanted] == 5
