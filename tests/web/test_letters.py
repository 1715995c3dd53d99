"""Letters through the web: the PDF, the pages of whoever holds one, and what the firm confirms."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from invitations.actions.letters import note_returned
from invitations.models import Invitation, Letter, LetterState, grouped
from tests.invitations.test_letters import CLAIRE, printed, proven, texts
from tests.outbox import Outbox
from tests.web.pages import said, stable
from tests.web.test_invitations import everything
from tests.worlds import World, make_dossier

Browse = Callable[..., Client]
HERE, ADDRESS, PROVE = "/lettre/", "/lettre/adresse/", "/lettre/confirmer/"
_CODE = re.compile(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b")


@pytest.fixture(autouse=True)
def _no_tries_yet(db: None) -> None:
    cache.clear()


@pytest.fixture
def code(firm: World) -> str:
    return printed(firm)[1]


def proof_path(outbox: Outbox) -> str:
    found = re.search(r"(/lettre/confirmer/[\w-]{20,}/)", str(outbox.to(CLAIRE).body))
    assert found, "no link in the mail"
    return found[1]


# --- the firm prints


def test_the_firm_prints_a_letter_and_the_pdf_alone_holds_the_code(browse: Browse, firm: World) -> None:
    dossier = make_dossier(address="1 rue Haute", postcode="44000", city="Nantes")
    url = firm.firm.url("invitations:write_letter", pk=dossier.pk)
    assert browse(firm.admin).get(url).status_code == 200
    assert Letter.objects.count() == 0, "looking prints nothing"
    answer = browse(firm.admin).post(url, {"confirmed": "1"})
    assert answer["Content-Type"] == "application/pdf"
    assert "attachment" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    found = _CODE.search(texts(answer.content))
    assert found
    for written in (found[0], found[0].replace("-", "")):
        assert written not in str(everything())
    assert browse().post(HERE, {"code": found[0].lower()})["Location"] == ADDRESS


def test_a_selection_is_one_file(browse: Browse, firm: World) -> None:
    dossiers = [make_dossier(name) for name in ("Un", "Deux", "Trois")]
    url, ids = firm.firm.url("invitations:write_letters"), [str(one.pk) for one in dossiers[:2]]
    asked = browse(firm.admin).post(url, {"ids": ids})
    assert "2 pages" in said(asked)
    answer = browse(firm.admin).post(url, {"ids": ids, "confirmed": "1"})
    assert len(_CODE.findall(texts(answer.content))) == 2
    assert {letter.dossier.name for letter in Letter.objects.all()} == {"Un", "Deux"}


def test_the_list_says_where_each_letter_stands(browse: Browse, firm: World, outbox: Outbox) -> None:
    proven(firm, outbox)
    printed(firm, make_dossier("Autre"))
    page = said(browse(firm.admin).get(firm.firm.url("invitations:letters")))
    for words in ("À confirmer", "Imprimée", CLAIRE, "Autre"):
        assert words in page
    assert "1 lettre a reçu une réponse" in said(browse(firm.admin).get(firm.firm.url("invitations:list")))
    assert browse(firm.collaborator).get(firm.firm.url("invitations:letters")).status_code == 403


def test_a_mail_that_came_back_is_shown_to_the_firm_and_to_whoever_holds_the_letter(
    browse: Browse, firm: World, code: str, outbox: Outbox
) -> None:
    holder = browse()
    holder.post(HERE, {"code": code})
    holder.post(ADDRESS, {"email": CLAIRE})
    assert CLAIRE in said(holder.get(ADDRESS))
    letter = Letter.objects.get()
    note_returned(letter_id=letter.pk, number=1, reason="La boîte est pleine.")
    page = said(holder.get(ADDRESS))
    for words in ("Le courriel n'est pas arrivé", CLAIRE, "La boîte est pleine.", "donnez-en une autre"):
        assert words in page
    letters = firm.firm.url("invitations:letters")
    listed = said(browse(firm.admin).get(letters))
    assert "En échec" in listed
    assert "La boîte est pleine." in listed
    assert CLAIRE in said(browse(firm.admin).get(letters, {"state": "failed"}))
    assert CLAIRE not in said(browse(firm.admin).get(letters, {"state": "addressed"}))
    assert holder.post(ADDRESS, {"email": "juste@boulangerie.test"})["Location"] == ADDRESS
    assert "n'est pas arrivé" not in said(holder.get(ADDRESS))


def test_the_firm_confirms_and_the_invitation_leaves(browse: Browse, firm: World, outbox: Outbox) -> None:
    letter = proven(firm, outbox)
    url = firm.firm.url("invitations:confirm_letter", pk=letter.pk)
    assert CLAIRE in said(browse(firm.admin).get(url))
    assert Invitation.objects.count() == 0
    outbox.clear()
    browse(firm.admin).post(url)
    assert outbox.recipients() == [CLAIRE]


# --- whoever holds it


@pytest.mark.parametrize("route", ["confirm_letter", "decline_letter", "revoke_letter"])
def test_a_look_at_a_letter_that_is_answered_just_then_decides_nothing(
    browse: Browse, firm: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    letter = proven(firm, outbox)
    before = Letter.objects.get(pk=letter.pk)
    before.state = LetterState.ADDRESSED if route != "revoke_letter" else LetterState.REPLACED
    monkeypatch.setattr("invitations.views.letters._letter", lambda *_args: before)
    assert browse(firm.admin).get(firm.firm.url(f"invitations:{route}", pk=letter.pk)).status_code == 302
    assert Letter.objects.get(pk=letter.pk).state == LetterState.PROVEN
    assert not Invitation.objects.exists()


def test_the_whole_way_by_the_square(browse: Browse, firm: World, code: str, outbox: Outbox) -> None:
    client = browse()
    moved = client.get(f"{HERE}{code}/")
    assert (moved.status_code, moved["Location"], moved["Referrer-Policy"]) == (302, ADDRESS, "no-referrer")
    assert code not in str(client.cookies)
    page = client.get(ADDRESS)
    assert "Cabinet Lemoine" in said(page) and "Boulangerie Martin" in said(page)
    assert page["Cache-Control"] == "no-store"
    client.post(ADDRESS, {"email": CLAIRE})
    assert CLAIRE in said(client.get(ADDRESS))
    other = browse()  # the mail is opened on another device
    path = proof_path(outbox)
    assert other.get(path)["Location"] == PROVE
    assert path.split("/")[3] not in str(other.cookies)
    assert CLAIRE in said(other.get(PROVE))
    assert Letter.objects.get().state == LetterState.ADDRESSED, "looking proves nothing"
    assert other.post(PROVE).status_code == 200
    assert Letter.objects.get().state == LetterState.PROVEN
    assert client.get(ADDRESS).status_code == 404


def test_looking_fifty_times_changes_nothing(browse: Browse, firm: World, code: str) -> None:
    before = {name: rows for name, rows in everything().items() if name != "cache"}
    for _time in range(50):
        browse().get(f"{HERE}{code}/", follow=True)
    assert {name: rows for name, rows in everything().items() if name != "cache"} == before


def test_unknown_used_expired_and_replaced_codes_get_one_answer(
    browse: Browse, firm: World, outbox: Outbox
) -> None:
    used, expired, replaced = ((make_dossier(name)) for name in ("Un", "Deux", "Trois"))
    codes = {"unknown": "0" * 16, "empty": ""}
    letter, codes["used"] = printed(firm, used)
    Letter.objects.filter(pk=letter.pk).update(state=LetterState.CONFIRMED)
    letter, codes["expired"] = printed(firm, expired)
    Letter.objects.filter(pk=letter.pk).update(expires_at=timezone.now() - timedelta(days=1))
    codes["replaced"] = printed(firm, replaced)[1]
    printed(firm, replaced)
    own = (ADDRESS, HERE)  # to where the language menu of the page leads back
    answers = {name: stable(browse().post(HERE, {"code": code}), *own) for name, code in codes.items()}
    assert {status for status, _text in answers.values()} == {404}
    assert len({text for _status, text in answers.values()}) == 1
    scanned = [stable(browse().get(f"{HERE}{code}/", follow=True), *own) for code in codes.values() if code]
    assert set(scanned) == {answers["unknown"]}


def test_so_many_wrong_codes_that_begin_alike_and_the_right_one_waits_too(
    browse: Browse, firm: World, code: str
) -> None:
    for number in range(10):
        wrong = code[:4] + f"{number:012d}"
        assert browse().post(HERE, {"code": wrong}, REMOTE_ADDR=f"10.0.0.{number}").status_code == 404
    assert browse().post(HERE, {"code": code}, REMOTE_ADDR="10.0.1.1").status_code == 429
    client = browse()
    client.get(f"{HERE}{code}/")
    assert client.get(ADDRESS).status_code == 429


def test_so_many_wrong_codes_from_one_place(browse: Browse, firm: World, code: str) -> None:
    for number in range(30):
        assert browse().post(HERE, {"code": f"{number:04d}" + "Z" * 12}).status_code == 404
    assert browse().post(HERE, {"code": code}).status_code == 429
    assert browse().post(HERE, {"code": code}, REMOTE_ADDR="10.0.1.1").status_code == 302


def test_a_code_is_no_proof_and_a_proof_is_no_code(
    browse: Browse, firm: World, code: str, outbox: Outbox
) -> None:
    client = browse()
    client.post(HERE, {"code": grouped(code)})
    client.post(ADDRESS, {"email": CLAIRE})
    assert client.post(PROVE).status_code == 404
    other = browse()
    other.get(proof_path(outbox))
    assert other.post(ADDRESS, {"email": "x@y.test"}).status_code == 404
    assert Letter.objects.get().email == CLAIRE


def test_links_lead_to_the_configured_address_whatever_the_host_says(
    browse: Browse, firm: World, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    dossier = make_dossier()
    url = firm.firm.url("invitations:write_letter", pk=dossier.pk)
    answer = browse(firm.admin).post(url, {"confirmed": "1"}, HTTP_HOST="evil.example")
    assert "evil.example" not in texts(answer.content)
    assert "/lettre/" in texts(answer.content)
