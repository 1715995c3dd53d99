"""`manage.py verify_journal`: what operators see, and what a script that calls it can go by."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from activity import heads
from activity.sealing import seal_due
from portfolios.actions import create_portfolio
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.database import as_owner
from tests.worlds import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def head(lemoine: World, tmp_path: Path) -> Path:
    """The proof that was mailed of a journal with two events, in a file."""
    with scope(firm=lemoine.firm):
        create_portfolio(actor=lemoine.admin, name="Sarah")
        create_portfolio(actor=lemoine.admin, name="Paul")
    seal_due()
    with scope(firm=lemoine.firm):
        given = heads.give()
        assert given is not None
        file = tmp_path / "mail.txt"
        file.write_text(f"Bonjour\n\n{heads.as_given(given).text}\n")
    return file


def test_it_goes_through_every_journal_and_says_how_many_events(head: Path, bertrand: World, capsys) -> None:
    with scope(firm=bertrand.firm):
        create_portfolio(actor=bertrand.admin, name="Chez Bertrand")
    call_command("verify_journal")
    told = capsys.readouterr().out
    assert "événements vérifiés 2," in told and "événements vérifiés 1," in told


def test_one_that_is_not_intact_ends_it_with_an_error_and_is_named(
    head: Path, lemoine: World, capsys
) -> None:
    with as_owner() as owner:
        owner.execute("DELETE FROM activity_event WHERE subject_name = 'Paul'")
    with pytest.raises(CommandError, match="ne sont pas intacts"):
        call_command("verify_journal", owner=[lemoine.firm.pk])
    assert "n° 2 manque, et aucune suppression ne dit pourquoi" in capsys.readouterr().out.replace(
        "\xa0", " "
    )


def test_a_mail_tells_what_the_database_hides(head: Path, lemoine: World, capsys) -> None:
    with as_owner() as owner:
        owner.execute("DELETE FROM activity_event WHERE subject_name = 'Paul'")
        owner.execute("DELETE FROM activity_seal WHERE number = 2")
        owner.execute("DELETE FROM activity_head")
    call_command("verify_journal")
    with pytest.raises(CommandError):
        call_command("verify_journal", head=[head])
    assert "La fin manque" in capsys.readouterr().out


def test_a_journal_that_is_gone_as_a_whole_is_missed_by_its_mail(head: Path, lemoine: World) -> None:
    with as_owner() as owner:
        for table in ("notification", "event", "seal", "head", "journal", "unsealed"):
            owner.execute(f"DELETE FROM activity_{table}")
    call_command("verify_journal")
    with pytest.raises(CommandError):
        call_command("verify_journal", head=[head])


def test_a_signature_is_verified_without_a_database(head: Path, capsys) -> None:
    call_command("verify_journal", keys=True)
    public = bytes.fromhex(capsys.readouterr().out.split()[1])
    call_command("verify_journal", head=[head], public_key=[public])
    with pytest.raises(CommandError):
        call_command("verify_journal", head=[head], public_key=[public[::-1]])


def test_a_file_without_a_proof_is_said_to_hold_none(tmp_path: Path) -> None:
    file = tmp_path / "mail.txt"
    file.write_text("Bonjour")
    with pytest.raises(CommandError, match="ne contient pas de preuve"):
        call_command("verify_journal", head=[file])
    with pytest.raises(CommandError):
        call_command("verify_journal", head=[tmp_path / "nowhere"])


def test_an_owner_of_nothing_is_an_error(lemoine: World) -> None:
    with pytest.raises(CommandError):
        call_command("verify_journal", owner=[uuid7()])
