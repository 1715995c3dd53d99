"""The public register: what it says of a number, and a form that goes on without it. Over real HTTP."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from clients import register
from clients.connectors.troubles import Trouble
from clients.models import Dossier, ImportCorrection
from tests.clients.lists import plan
from tests.connectors.fakes import Answer, Asked, Behaviour, Fake, as_json
from tests.worlds import World, make_dossier

SIREN, OFFICE, BRANCH = "732829320", "73282932000074", "73282932000082"
COMPANY: dict[str, Any] = {
    "siren": SIREN,
    "nom_complet": "BOULANGERIE MARTIN (BM)",
    "nom_raison_sociale": "BOULANGERIE MARTIN",
    "nature_juridique": "5499",
    "statut_diffusion": "O",
    "etat_administratif": "A",
    "siege": {
        "siret": OFFICE,
        "adresse": "12 RUE DE LA PAIX 75002 PARIS",
        "code_postal": "75002",
        "libelle_commune": "PARIS",
        "activite_principale": "10.71C",
    },
    "matching_etablissements": [
        {
            "siret": BRANCH,
            "adresse": "3 AVENUE FOCH 01000 BOURG-EN-BRESSE",
            "code_postal": "01000",
            "libelle_commune": "BOURG-EN-BRESSE",
            "activite_principale": "47.24Z",
        }
    ],
}
Start = Callable[[Behaviour], Fake]


def found(*companies: dict[str, Any]) -> Answer:
    pages = {"page": 1, "per_page": 1, "total_pages": 1}
    return as_json({"results": companies, "total_results": len(companies), **pages})


@pytest.fixture
def registry(db: None, start: Start, settings: Any) -> Fake:
    """Knows one company."""
    cache.clear()

    def usual(asked: Asked) -> Answer:
        return found(COMPANY) if asked.query["q"].startswith(SIREN) else found()

    fake = start(usual)
    settings.REGISTER_URL = fake.url
    return fake


def values(number: str) -> dict[str, str]:
    company = register.look_up(number)
    assert company is not None
    return dict(company.values)


def test_a_siren_gives_name_head_office_and_activity(registry: Fake) -> None:
    assert values(SIREN) == {
        "siren": SIREN,
        "siret": OFFICE,
        "legal_name": "BOULANGERIE MARTIN",
        "address": "12 RUE DE LA PAIX",
        "postcode": "75002",
        "city": "PARIS",
        "naf_code": "10.71C",
        "legal_form": "5499",
    }
    assert (registry.asked[0].path, registry.asked[0].query["q"]) == ("/search", SIREN)


def test_a_siret_gives_that_establishment_and_no_other(registry: Fake) -> None:
    branch = values(BRANCH)
    assert (branch["siret"], branch["address"], branch["naf_code"]) == (BRANCH, "3 AVENUE FOCH", "47.24Z")
    registry.then = [found({**COMPANY, "matching_etablissements": []})]
    unknown = values(BRANCH)
    assert unknown["siret"] == BRANCH and not {"address", "city", "postcode"} & unknown.keys()


def test_what_is_masked_is_never_read(registry: Fake) -> None:
    masked = {
        **COMPANY["siege"],
        "adresse": "[NON-DIFFUSIBLE] 75002 PARIS",
        "libelle_commune": "[NON-DIFFUSIBLE]",
    }
    registry.then = [
        found({**COMPANY, "siege": masked, "statut_diffusion": "P", "nom_raison_sociale": "[NON-DIFFUSIBLE]"})
    ]
    company = register.look_up(SIREN)
    assert company is not None and company.is_masked
    assert not {"address", "city", "legal_name"} & company.values.keys()
    assert "DIFFUSIBLE" not in json.dumps(dict(company.values))


def test_an_unknown_number_is_no_failure(registry: Fake) -> None:
    assert register.look_up("552100554") is None


def test_another_company_in_the_answer_is_not_taken_for_the_one_asked_for(registry: Fake) -> None:
    registry.then = [found({**COMPANY, "siren": "552100554"})]
    assert register.look_up(SIREN) is None


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (as_json({"erreur": "Veuillez indiquer au moins un paramètre"}, 400), "refused"),
        (as_json({}, 503), "down"),
        (Answer(200, b"<html>", {}), "garbled"),
        (as_json({"results": None}), "garbled"),
        (as_json([]), "garbled"),
        (as_json({"results": [{"nom": "sans siren"}]}), "garbled"),
        (Answer(302, b"", {"Location": "https://elsewhere.test/"}), "led_elsewhere"),
    ],
)
def test_whatever_it_answers_it_is_a_trouble_and_nothing_else(
    registry: Fake, answer: Answer, code: str
) -> None:
    registry.then = [answer]
    with pytest.raises(Trouble, match=code):
        register.look_up(SIREN)


def test_a_register_that_keeps_silent_is_not_waited_for(
    registry: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "_STEP", 0.2)
    monkeypatch.setattr(register, "_WHOLE", 0.4)

    def slow() -> Any:
        import time

        for _piece in range(10):
            time.sleep(0.15)
            yield b" "

    registry.then = [Answer(200, slow(), {})]
    with pytest.raises(Trouble, match="timeout"):
        register.look_up(SIREN)


def test_asked_to_wait_it_is_left_alone_for_so_long(registry: Fake) -> None:
    registry.then = [as_json({}, 429, Retry_After="7")]
    with pytest.raises(Trouble) as refused:
        register.look_up(SIREN)
    assert "7 secondes" in register.told(refused.value)
    with pytest.raises(Trouble, match="too_many"):
        register.look_up(SIREN)
    assert len(registry.asked) == 1


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ({"siret": "732 829 320 00074"}, OFFICE),
        ({"siren": "732829320"}, SIREN),
        ({"siret": "73282932000075"}, SIREN),  # mistyped: its SIREN still tells which company
        ({"siret": "123", "siren": "1"}, ""),
        ({}, ""),
    ],
)
def test_the_number_to_ask_for(written: dict[str, str], number: str) -> None:
    assert register.number_in(written) == number


def test_only_what_is_empty_is_filled_and_what_differs_is_told() -> None:
    company = register.Company(
        {"legal_name": "MARTIN", "city": "PARIS", "siret": OFFICE, "postcode": "75002"}
    )
    done = register.complete(
        {"legal_name": "Martin", "city": "Lyon", "siret": "73282932000075", "postcode": ""}, company
    )
    assert dict(done.added) == {"siret": OFFICE, "postcode": "75002"}
    assert dict(done.differing) == {"city": "PARIS"}


# --- In the forms -----------------------------------------------------------------------------------------------

Browse = Callable[..., Client]


def test_a_new_dossier_is_completed_by_its_siren_and_nothing_is_saved(
    registry: Fake, firm: World, browse: Browse
) -> None:
    client = browse(firm.admin)
    typed = {"kind": "company", "siren": "732 829 320", "city": "Lyon", "email": "a@martin.fr"}
    page = client.post(
        firm.firm.url("clients:look_up"), typed, headers={"HX-Request": "true"}
    ).content.decode()
    for filled in (
        'value="BOULANGERIE MARTIN"',
        'value="12 RUE DE LA PAIX"',
        'value="10.71C"',
        'value="Lyon"',
    ):
        assert filled in page
    assert 'value="a@martin.fr"' in page
    assert "Le registre dit autre chose" in page and "<strong>PARIS</strong>" in page
    assert not Dossier.objects.clients().exists()


def test_a_dossier_that_is_edited_keeps_what_the_person_found(
    registry: Fake, firm: World, browse: Browse
) -> None:
    dossier = make_dossier("Martin", siren=SIREN)
    typed = {"kind": "company", "legal_name": "Martin", "siren": SIREN, "base": '{"siren": "before"}'}
    url = firm.firm.url("clients:look_up_dossier", pk=dossier.pk)
    page = browse(firm.admin).post(url, typed, headers={"HX-Request": "true"}).content.decode()
    assert f'value="{OFFICE}"' in page and "&quot;before&quot;" in page
    dossier.refresh_from_db()
    assert dossier.siret == ""


@pytest.mark.parametrize(
    "answer", [as_json({}, 503), as_json({}, 429, Retry_After="3"), Answer(200, b"?", {})]
)
def test_without_the_register_the_form_says_so_and_keeps_what_was_typed(
    registry: Fake, firm: World, browse: Browse, answer: Answer
) -> None:
    registry.then = [answer]
    typed = {"kind": "company", "siren": SIREN, "legal_name": "Martin"}
    answered = browse(firm.admin).post(firm.firm.url("clients:look_up"), typed)
    page = answered.content.decode()
    assert answered.status_code == 200
    assert "Le registre public" in page and 'value="Martin"' in page


def test_an_installation_without_a_register_offers_none(firm: World, browse: Browse, settings: Any) -> None:
    settings.REGISTER_URL = ""
    assert "registre" not in browse(firm.admin).get(firm.firm.url("clients:create")).content.decode()


def test_a_row_in_error_is_offered_what_the_register_knows_and_saving_it_corrects_the_row(
    registry: Fake, firm: World, browse: Browse
) -> None:
    made = plan(firm.admin, [("M1", "", "73282932000075", "", "")])
    client = browse(firm.admin)
    url = firm.firm.url("clients:look_up_row", pk=made.pk, number=2)
    typed = {"cell-siret": "73282932000075", "initial-cell-siret": "73282932000075"}
    page = client.post(url, typed).content.decode()
    assert f'value="{OFFICE}"' in page and 'value="BOULANGERIE MARTIN"' in page
    assert not ImportCorrection.objects.exists()
    saved = {**typed, "cell-siret": OFFICE, "cell-legal_name": "BOULANGERIE MARTIN"}
    client.post(firm.firm.url("clients:correct_row", pk=made.pk, number=2), saved)
    assert dict(ImportCorrection.objects.values_list("field", "text")) == {
        "siret": OFFICE,
        "legal_name": "BOULANGERIE MARTIN",
    }
