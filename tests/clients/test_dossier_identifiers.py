"""How numbers and fields are cleaned: once, for the form, the import and the client's own page."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from accounts import identifiers
from clients import cleaning


@pytest.mark.parametrize(
    ("cleaner", "written", "stored"),
    [
        (identifiers.clean_siren, "732 829 320", "732829320"),
        (identifiers.clean_siren, " 732\u00a0829\u202f320 ", "732829320"),
        (identifiers.clean_siren, "", ""),
        (identifiers.clean_siret, "732.829.320-00074", "73282932000074"),
        (identifiers.clean_siret, "732 829 320 \u2013 00074", "73282932000074"),
        (identifiers.clean_siret, "35600000049837", "35600000049837"),  # La Poste counts otherwise
        (identifiers.clean_vat_number, "fr 44 732-829-320", "FR44732829320"),
        (identifiers.clean_vat_number, "44732829320", "FR44732829320"),
        (identifiers.clean_vat_number, "BE 0428.759.497", "BE0428759497"),
        (identifiers.clean_naf_code, "1071c", "10.71C"),
        (identifiers.clean_naf_code, "10.71 C", "10.71C"),
        (identifiers.clean_legal_form, "5710", "5710"),
        (identifiers.clean_urssaf_account, "117 000001234567", "117000001234567"),
        (identifiers.clean_urssaf_account, "117000001234567890", "117000001234567890"),
        (identifiers.clean_fiscal_year_end, "31/12/2025", "31/12"),
        (identifiers.clean_fiscal_year_end, "3006", "30/06"),
        (identifiers.clean_fiscal_year_end, "1-3", "01/03"),
        (identifiers.clean_fiscal_year_end, "29/02", "29/02"),
        (cleaning.clean_email, " Marie.Dupont@Gmail.COM ", "marie.dupont@gmail.com"),
        (cleaning.clean_phone, "+33 1 23 45 67 89", "01 23 45 67 89"),
        (cleaning.clean_phone, "0033612345678", "06 12 34 56 78"),
        (cleaning.clean_phone, "01.23.45.67.89", "01 23 45 67 89"),
        (cleaning.clean_phone, "+32 2 123 45 67", "+32 2 123 45 67"),
        (cleaning.clean_postcode, "01 000", "01000"),
        (cleaning.clean_text, "  deux \n mots ", "deux mots"),
    ],
)
def test_what_people_write_becomes_what_is_stored(
    cleaner: Callable[[str], str], written: str, stored: str
) -> None:
    assert cleaner(written) == stored


@pytest.mark.parametrize(
    ("cleaner", "written", "code"),
    [
        (identifiers.clean_siren, "732829321", "checksum"),
        (identifiers.clean_siren, "73282932", "length"),
        (identifiers.clean_siren, "73282932A", "digits"),
        (identifiers.clean_siren, "٧٣٢٨٢٩٣٢٠", "digits"),
        (identifiers.clean_siret, "73282932000075", "checksum"),
        (identifiers.clean_siret, "7,32829E+13", "digits"),
        (identifiers.clean_vat_number, "FR45732829320", "vat"),
        (identifiers.clean_naf_code, "10.71", "naf"),
        (identifiers.clean_legal_form, "571", "length"),
        (identifiers.clean_urssaf_account, "1234567890", "length"),
        (identifiers.clean_fiscal_year_end, "31/02", "fiscal_year_end"),
        (identifiers.clean_fiscal_year_end, "décembre", "fiscal_year_end"),
        (cleaning.clean_email, "marie,dupont@gmail.com", "email"),
        (cleaning.clean_phone, "voir la secrétaire", "phone"),
        (cleaning.clean_postcode, "7500A", "postcode"),
        (cleaning.clean_postcode, "1000", "postcode"),
    ],
)
def test_what_is_wrong_is_refused_for_its_reason(
    cleaner: Callable[[str], str], written: str, code: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        cleaner(written)
    assert refused.value.code == code


def test_a_postcode_from_abroad_may_have_letters() -> None:
    assert cleaning.clean_postcode("ec1a 1bb", "Royaume-Uni") == "EC1A 1BB"


def test_an_odd_siret_passes_as_it_is_but_not_one_of_another_length() -> None:
    assert identifiers.clean_siret("73282932000075", as_is=True) == "73282932000075"
    with pytest.raises(ValidationError):
        identifiers.clean_siret("7328293200007", as_is=True)


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("marie@gmial.com", "marie@gmail.com"),
        ("marie@gmail.con", "marie@gmail.com"),
        ("marie@gmai.com", "marie@gmail.com"),
        ("marie@gmail.fr", "marie@gmail.com"),
        ("marie@ornage.fr", "marie@orange.fr"),
        ("marie@laposte.fr", "marie@laposte.net"),
        ("marie@gmail.com", ""),
        ("marie@ymail.com", ""),
        ("marie@cabinet-martin.fr", ""),
        ("pas une adresse", ""),
    ],
)
def test_a_slip_of_the_finger_is_noticed_and_nothing_else(address: str, meant: str) -> None:
    assert cleaning.likely_email(address) == meant


def test_a_vat_number_is_suggested_and_must_belong_to_the_siren() -> None:
    assert identifiers.suggested_vat_number("732829320") == "FR44732829320"
    assert identifiers.suggested_vat_number("732829321") == ""
    assert identifiers.vat_number_agrees("FR44732829320", "732829320")
    assert not identifiers.vat_number_agrees("FR44732829320", "552100554")
    assert identifiers.vat_number_agrees("BE0428759497", "552100554")


def test_a_siret_tells_its_siren() -> None:
    changed, errors = cleaning.clean_together({"legal_name": "A", "siret": "73282932000074"})
    assert (changed["siren"], errors) == ("732829320", {})
    _changed, errors = cleaning.clean_together(
        {"legal_name": "A", "siret": "73282932000074", "siren": "552100554"}
    )
    assert list(errors) == ["siret"]


@given(st.text(max_size=40))
def test_no_text_breaks_a_cleaner_and_what_is_clean_stays_so(text: str) -> None:
    for cleaner in cleaning.CLEANERS.values():
        try:
            clean = cleaner(text)
        except ValidationError:
            continue
        assert cleaner(clean) == clean
