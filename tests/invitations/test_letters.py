"""A letter instead of a mail: printed, its code typed, an address given and shown, the firm confirms."""

import re
import zlib
from base64 import a85decode
from dataclasses import replace
from datetime import timedelta
from unicodedata import normalize

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from activity.mails import REGISTRY
from activity.models import Event, OutgoingEmail
from clients.actions.archiving import archive_dossiers
from clients.models import Dossier
from invitations.actions.inviting import Skip
from invitations.actions.letters import (
    CodeOpensNothing,
    NotToConfirm,
    TooManyAddresses,
    confirm_letter,
    decline_letter,
    give_address,
    note_returned,
    plan_letters,
    print_letters,
    prove_address,
    revoke_letter,
)
from invitations.lookups import letter_of
from invitations.models import (
    CODE_LENGTH,
    MOST_ADDRESSES,
    Invitation,
    InvitationState,
    Letter,
    LetterState,
    family,
    grouped,
    hashed_code,
    read_code,
)
from invitations.models.letter import ALPHABET
from invitations.paper import Sheet, address_lines, as_pdf, printable
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_person

CLAIRE = "claire@boulangerie.test"


def printed(firm: World, dossier: Dossier | None = None) -> tuple[Letter, str]:
    """A letter and its code."""
    dossier = dossier or make_dossier()
    _writing, drawn = print_letters(actor=firm.admin, dossiers=Dossier.objects.filter(pk=dossier.pk))
    return drawn[0]


def proven(firm: World, outbox: Outbox, dossier: Dossier | None = None) -> Letter:
    """One whose answer waits for the firm."""
    letter, _code = printed(firm, dossier)
    give_address(letter_id=letter.pk, email=CLAIRE, language="fr")
    outbox.flush()
    letter.refresh_from_db()
    assert letter.proof_hash
    return prove_address(letter_id=letter.pk, proof_hash=letter.proof_hash)


# --- the code


def test_a_code_has_eighty_random_bits_and_is_kept_as_a_keyed_hash(firm: World) -> None:
    letter, code = printed(firm)
    assert len(code) == CODE_LENGTH and set(code) <= set(ALPHABET)
    assert CODE_LENGTH * (len(ALPHABET).bit_length() - 1) >= 60
    row = Letter.objects.values_list().get(pk=letter.pk)
    assert code not in str(row) and grouped(code) not in str(row)
    assert code not in str(list(Event.objects.values()))


def test_codes_are_read_as_people_type_them(settings) -> None:
    code = "0A1B2C3D4E5F6G7V"
    for typed in ("0a1b-2c3d-4e5f-6g7v", " OAIB 2C3D 4E5F 6G7U ", "oalb2c3d4e5f6g7u", "０A1B–2C3D–4E5F–6G7V"):
        assert read_code(typed) == code
    assert grouped(code) == "0A1B-2C3D-4E5F-6G7V"
    assert read_code("") == ""
    assert family(code) == family("0A1B" + "Z" * 12) != family("1A1B" + "Z" * 12)
    before = hashed_code(code)
    settings.SECRET_KEY = "another"
    assert hashed_code(code) != before, "a dump alone is not enough for guessing"


# --- printing


def test_printing_is_an_event_that_says_who_and_for_whom(firm: World) -> None:
    letter, _code = printed(firm)
    event = Event.objects.get(type="invitations.letter.printed")
    assert (event.actor_name, event.subject_id) == (firm.admin.name, letter.dossier_id)
    assert letter.state == LetterState.PRINTED
    assert letter.expires_at - letter.printed_at > timedelta(days=59, hours=23)


def test_many_are_one_event_with_a_line_each(firm: World) -> None:
    for name in ("Un", "Deux", "Trois"):
        make_dossier(name)
    writing, drawn = print_letters(actor=firm.admin, dossiers=Dossier.objects.all())
    assert writing.count == len(drawn) == 3 == len({code for _letter, code in drawn})
    assert Event.objects.get(type="invitations.letters.printed").details["count"] == 3
    assert Event.objects.filter(type="invitations.letter.printed").count() == 3


def test_another_letter_makes_the_former_code_void(firm: World) -> None:
    former, code = printed(firm)
    assert letter_of(hashed_code(code))
    _letter, other = printed(firm, former.dossier)
    former.refresh_from_db()
    assert former.state == LetterState.REPLACED
    assert letter_of(hashed_code(code)) == []
    assert letter_of(hashed_code(other))


def test_who_may_not_invite_the_client_prints_nothing(firm: World) -> None:
    make_dossier()
    with pytest.raises(PermissionDenied):
        print_letters(actor=firm.collaborator, dossiers=Dossier.objects.all())


def test_an_answer_that_waits_is_not_printed_over(firm: World, outbox: Outbox) -> None:
    letter = proven(firm, outbox)
    writing = plan_letters(actor=firm.admin, dossiers=Dossier.objects.all())
    assert writing.count == 0
    assert writing.skipped == {Skip.TO_CONFIRM: [letter.dossier]}


# --- answering


def test_the_way_from_the_code_to_the_invitation(firm: World, outbox: Outbox) -> None:
    letter = proven(firm, outbox)
    assert Invitation.objects.count() == 0, "nobody is invited before the firm confirms"
    assert firm.admin.email in outbox.recipients()
    outbox.clear()
    invitation = confirm_letter(actor=firm.admin, letter=letter)
    assert (invitation.email, invitation.state) == (CLAIRE, InvitationState.SENT)
    assert outbox.recipients() == [CLAIRE]
    letter.refresh_from_db()
    assert letter.state == LetterState.CONFIRMED
    assert Dossier.objects.get().email == CLAIRE
    with pytest.raises(NotToConfirm):
        confirm_letter(actor=firm.admin, letter=letter)


def test_the_mail_goes_to_the_last_address_and_its_link_alone_proves(firm: World, outbox: Outbox) -> None:
    letter, code = printed(firm)
    give_address(letter_id=letter.pk, email="wrong@client.test", language="fr")
    outbox.flush()
    letter.refresh_from_db()
    former = letter.proof_hash
    assert former is not None
    give_address(letter_id=letter.pk, email=" Claire@Boulangerie.test", language="fr")
    with pytest.raises(CodeOpensNothing):
        prove_address(letter_id=letter.pk, proof_hash=former)
    assert letter_of(former) == []
    assert CLAIRE in outbox.recipients()
    assert code not in str(outbox.to(CLAIRE).message())
    letter.refresh_from_db()
    assert letter_of(str(letter.proof_hash))[0]["proves"]
    prove_address(letter_id=letter.pk, proof_hash=str(letter.proof_hash))
    assert letter_of(hashed_code(code)) == [], "answered once"


def test_a_mail_that_waits_holds_no_usable_link(firm: World) -> None:
    letter, _code = printed(firm)
    give_address(letter_id=letter.pk, email=CLAIRE, language="fr")
    letter.refresh_from_db()
    assert letter.proof_hash is None


def test_a_letter_takes_so_many_addresses_and_no_more(firm: World, outbox: Outbox) -> None:
    letter, _code = printed(firm)
    for number in range(MOST_ADDRESSES):
        give_address(letter_id=letter.pk, email=f"{number}@client.test", language="fr")
    with pytest.raises(TooManyAddresses):
        give_address(letter_id=letter.pk, email=CLAIRE, language="fr")
    assert outbox.recipients() == [f"{MOST_ADDRESSES - 1}@client.test"], "the others have lost their reason"


def test_after_sixty_days_and_once_archived_it_opens_nothing(firm: World) -> None:
    letter, code = printed(firm)
    Letter.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert letter_of(hashed_code(code)) == []
    with pytest.raises(CodeOpensNothing):
        give_address(letter_id=letter.pk, email=CLAIRE, language="fr")
    assert Letter.objects.get().shown_state == LetterState.EXPIRED
    assert list(Letter.objects.in_state(LetterState.EXPIRED)) == [letter]
    Letter.objects.update(expires_at=timezone.now() + timedelta(days=1))
    archive_dossiers(actor=firm.admin, dossiers=Dossier.objects.all())
    with pytest.raises(CodeOpensNothing):
        give_address(letter_id=letter.pk, email=CLAIRE, language="fr")


def test_a_declined_or_revoked_one_opens_nothing_and_invites_nobody(firm: World, outbox: Outbox) -> None:
    letter = proven(firm, outbox)
    with pytest.raises(NotToConfirm):
        revoke_letter(actor=firm.admin, letter=letter)
    decline_letter(actor=firm.admin, letter=letter)
    with pytest.raises(NotToConfirm):
        confirm_letter(actor=firm.admin, letter=letter)
    other, code = printed(firm, make_dossier("Autre"))
    revoke_letter(actor=firm.admin, letter=other)
    assert letter_of(hashed_code(code)) == []
    assert Invitation.objects.count() == 0


def test_a_collaborator_confirms_and_declines_nothing(firm: World, outbox: Outbox) -> None:
    letter = proven(firm, outbox)
    for action in (confirm_letter, decline_letter, revoke_letter):
        with pytest.raises(PermissionDenied):
            action(actor=firm.collaborator, letter=letter)


# --- a mail that comes back


def bounce(letter: Letter, number: int = 1) -> None:
    note_returned(letter_id=letter.pk, number=number, reason="Cette adresse n'existe pas.")
    letter.refresh_from_db()


def test_a_mail_that_came_back_is_shown_told_and_corrected_by_the_code(firm: World, outbox: Outbox) -> None:
    letter, code = printed(firm)
    give_address(letter_id=letter.pk, email="clare@boulangerie.test", language="fr")
    outbox.clear()
    mail = OutgoingEmail.objects.get(kind="invitations.letter")
    REGISTRY[mail.kind].failed(mail, "Cette adresse n'existe pas.")
    letter.refresh_from_db()
    assert (letter.shown_state, letter.failure) == (LetterState.FAILED, "Cette adresse n'existe pas.")
    assert list(Letter.objects.in_state(LetterState.FAILED)) == [letter]
    assert not Letter.objects.in_state(LetterState.ADDRESSED).exists()
    told = str(outbox.to(firm.admin.email).body)
    assert "clare@boulangerie.test" in told
    assert "Cette adresse n'existe pas." in told
    assert letter_of(hashed_code(code)), "the code takes another address"
    give_address(letter_id=letter.pk, email=CLAIRE, language="fr")
    letter.refresh_from_db()
    assert (letter.shown_state, letter.failure) == (LetterState.ADDRESSED, "")
    assert list(Letter.objects.in_state(LetterState.ADDRESSED)) == [letter]
    assert CLAIRE in outbox.recipients()


def test_the_return_of_an_earlier_mail_is_not_that_of_the_newest_address(firm: World) -> None:
    letter, _code = printed(firm)
    give_address(letter_id=letter.pk, email="clare@boulangerie.test", language="fr")
    give_address(letter_id=letter.pk, email=CLAIRE, language="fr")
    bounce(letter, number=1)
    assert (letter.shown_state, letter.failure) == (LetterState.ADDRESSED, "")
    bounce(letter, number=2)
    bounce(letter, number=2)
    assert letter.shown_state == LetterState.FAILED
    assert Event.objects.filter(type="invitations.letter.failed").count() == 1


def test_what_comes_back_after_the_answer_changes_nothing(firm: World, outbox: Outbox) -> None:
    letter = proven(firm, outbox)
    bounce(letter)
    assert (letter.state, letter.failure) == (LetterState.PROVEN, "")
    revoked, _code = printed(firm, make_dossier("Autre"))
    give_address(letter_id=revoked.pk, email="autre@client.test", language="fr")
    revoke_letter(actor=firm.admin, letter=revoked)
    bounce(revoked)
    assert revoked.failure == ""


def test_a_link_that_arrived_all_the_same_still_proves(firm: World, outbox: Outbox) -> None:
    """Somebody marked the mail as unwanted, and thought better of it."""
    letter, _code = printed(firm)
    give_address(letter_id=letter.pk, email=CLAIRE, language="fr")
    outbox.flush()
    bounce(letter)
    assert prove_address(letter_id=letter.pk, proof_hash=str(letter.proof_hash)).state == LetterState.PROVEN


# --- the paper


def texts(pdf: bytes) -> str:
    """What stands on the pages, in the order in which it was drawn."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    pages = [zlib.decompress(a85decode(one.strip().removesuffix(b"~>"))) for one in streams]
    shown = re.findall(rb"\((.*?)(?<!\\)\) Tj", b"\n".join(pages), re.DOTALL)
    return "\n".join(_plain(part) for part in shown)


def _plain(part: bytes) -> str:
    found = re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), part)
    return normalize("NFC", re.sub(r"\\(.)", r"\1", found.decode("cp1252"))).replace("\u00a0", " ")


def test_each_client_has_one_page_with_their_code(firm: World) -> None:
    firm.firm.phone = "01 42 00 00 00"
    make_dossier("Crème & Œuvrard", address="12 rue de l'Église", postcode="44000", city="Nantes")
    make_dossier("S" * 200, address="Une longue rue " * 16, legal_representative="R" * 160)
    _writing, drawn = print_letters(actor=firm.admin, dossiers=Dossier.objects.all())
    until = timezone.now() + timedelta(days=60)
    pdf = as_pdf(firm=firm.firm, sheets=[Sheet(letter.dossier, code, until) for letter, code in drawn])
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 2
    shown = texts(pdf)
    for _letter, code in drawn:
        assert shown.count(grouped(code)) == 1
    for words in ("Cabinet Lemoine", "01 42 00 00 00", "Crème & Œuvrard", "44000 NANTES", "Votre code"):
        assert words in shown


def test_a_letter_is_in_the_language_asked_for(firm: World) -> None:
    sheet = Sheet(make_dossier(), "0" * CODE_LENGTH, timezone.now(), language="en")
    english = as_pdf(firm=firm.firm, sheets=[sheet])
    assert "Your code" in texts(english)
    assert b"/Lang (en)" in english, "whoever has it read aloud hears English"
    assert b"/Lang" not in as_pdf(firm=firm.firm, sheets=[sheet, replace(sheet, language="fr")])


def test_the_address_has_six_lines_at_most(firm: World) -> None:
    crowded = Dossier(
        firm_id=firm.firm.pk,
        legal_name="Boulangerie",
        legal_representative="Françoise Œuvrard",
        address="\n".join(f"Ligne {number}" for number in range(6)),
        postcode="1000",
        city="Bruxelles",
        country="Belgique",
    )
    lines = address_lines(crowded)
    assert len(lines) == 6
    assert lines[-2:] == ["1000 BRUXELLES", "BELGIQUE"]
    assert "Ligne 5" in lines[3]


def test_letters_that_the_font_lacks_lose_their_accents_only() -> None:
    assert printable("Œuvrard, Éloïse – 12 €") == "Œuvrard, Éloïse – 12 €"
    assert printable("Łukasz Kovač") == "Lukasz Kovac"
    assert printable("東") == "?"


def test_somebody_who_has_an_account_is_told_nothing_different(firm: World, outbox: Outbox) -> None:
    make_person(CLAIRE)
    letter = proven(firm, outbox)
    assert letter.state == LetterState.PROVEN
