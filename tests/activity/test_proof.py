"""The journal that proves: what is altered, removed, added or moved in it, wherever, is found, and it is named."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import translation

from activity import chain, heads, sealing
from activity.actions import Happening, record, record_many
from activity.faults import Fault
from activity.models import Event, Head, Journal, Seal, Unsealed
from activity.sealing import seal_due, seal_journal
from activity.verifying import Owner, Report, verify
from portfolios.actions import create_portfolio, rename_portfolio
from portfolios.events import PortfolioRenamed
from portfolios.models import Portfolio
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.database import as_owner
from tests.worlds import World

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = 7
COLUMNS = ", ".join(f'"{field.column}"' for field in Event._meta.concrete_fields if not field.generated)


@pytest.fixture
def written(lemoine: World) -> World:
    """Seven events in the firm's journal, sealed."""
    with scope(firm=lemoine.firm):
        portfolio = create_portfolio(actor=lemoine.admin, name="Nom 1")
        for number in range(2, EVENTS + 1):
            rename_portfolio(actor=lemoine.admin, portfolio=portfolio, name=f"Nom {number}")
    assert seal_due() == EVENTS
    return lemoine


def verified(world: World, **given: Any) -> Report:
    return verify(Owner(firm=world.firm.pk), **given)


def found(world: World, **given: Any) -> list[tuple[str, int]]:
    """Kind and number of each fault."""
    return [(fault.kind, fault.number) for fault in verified(world, **given).faults]


def as_if_by_hand(statement: str, *parameters: Any) -> None:
    """By somebody who has all powers over the database, past every trigger."""
    with as_owner() as owner:
        owner.execute(statement, parameters)


def event_at(world: World, number: int) -> Any:
    with scope(firm=world.firm):
        return Seal.objects.get(number=number, owner=world.firm.pk).event


def given_now(world: World) -> heads.Given:
    with scope(firm=world.firm):
        head = heads.give()
        assert head is not None
        return heads.as_given(head)


# --- what is found ---------------------------------------------------------------------------------------------


def test_a_journal_that_nobody_touched_is_intact(written: World) -> None:
    report = verified(written)
    assert report.is_intact
    assert (report.number, report.events, report.purged) == (EVENTS, EVENTS, 0)


@pytest.mark.parametrize("number", [1, 4, EVENTS])
@pytest.mark.parametrize(
    ("column", "value", "part"),
    [
        ("actor_name", "Paul Martin", "who"),
        ("ip", "192.0.2.9", "who"),
        ("behalf_name", "Paul Martin", "who"),
        ("subject_name", "Autre", "what"),
        ("changes", '{"name": ["Nom 0", "Nom 9"]}', "what"),
        ("details", '{"count": 1.0}', "what"),
        ("type", "portfolios.portfolio.created2", "frame"),
        ("actor_id", None, "frame"),
        ("subject_id", None, "frame"),
        ("request_id", "autre", "frame"),
        ("is_detail", True, "frame"),
    ],
)
def test_an_altered_event_is_found_wherever_it_is(
    written: World, number: int, column: str, value: Any, part: str
) -> None:
    as_if_by_hand(f"UPDATE activity_event SET {column} = %s WHERE id = %s", value, event_at(written, number))
    (fault,) = verified(written).faults
    assert (fault.kind, fault.number, fault.parts) == ("changed", number, (part,))


def test_a_moment_that_was_moved_by_a_microsecond_is_found(written: World) -> None:
    as_if_by_hand(
        "UPDATE activity_event SET at = at + interval '1 microsecond' WHERE id = %s", event_at(written, 3)
    )
    assert found(written) == [("changed", 3)]


def test_the_same_number_written_otherwise_is_an_alteration(written: World) -> None:
    key = event_at(written, 2)
    with scope(firm=written.firm):
        portfolio = Portfolio.objects.get()
        record(
            PortfolioRenamed,
            actor=written.admin,
            subject=portfolio,
            details={"a": 1.5, "b": 10**20, "é": "ü"},
        )
    assert found(written) == []
    as_if_by_hand("""UPDATE activity_event SET details = '{"a": 1.50, "b": 100000000000000000000, "é": "ü"}'
        WHERE details ? 'a'""")
    assert found(written) == [("changed", EVENTS + 1)]
    assert key


@pytest.mark.parametrize("number", [1, 4, EVENTS])
def test_a_removed_event_is_missed_wherever_it_was(written: World, number: int) -> None:
    as_if_by_hand("DELETE FROM activity_event WHERE id = %s", event_at(written, number))
    assert found(written) == [("missing", number)]


def test_an_event_put_back_out_of_a_backup_has_its_seal_and_holds_up_no_other(written: World) -> None:
    key = event_at(written, 4)
    with as_owner() as owner:
        owner.execute("CREATE TEMP TABLE kept AS SELECT * FROM activity_event WHERE id = %s", [key])
        owner.execute("DELETE FROM activity_event WHERE id = %s", [key])
        owner.execute(f"INSERT INTO activity_event ({COLUMNS}) SELECT {COLUMNS} FROM kept")
    with scope(firm=written.firm):
        rename_portfolio(actor=written.admin, portfolio=Portfolio.objects.get(), name="Nom 8")
    seal_due()
    assert (found(written), verified(written).number) == ([], EVENTS + 1)


@pytest.mark.parametrize("number", [1, 4])
def test_a_seal_that_was_removed_leaves_a_gap_and_an_event_without_seal(written: World, number: int) -> None:
    as_if_by_hand("DELETE FROM activity_seal WHERE event = %s", event_at(written, number))
    assert found(written) == [("gap", number), ("unsealed", 0)]


@pytest.mark.parametrize("number", [1, 4])
def test_an_event_removed_with_its_seal_leaves_a_gap(written: World, number: int) -> None:
    key = event_at(written, number)
    as_if_by_hand("DELETE FROM activity_event WHERE id = %s", key)
    as_if_by_hand("DELETE FROM activity_seal WHERE event = %s", key)
    assert found(written) == [("gap", number)]


def test_the_last_seal_removed_leaves_an_event_without_seal(written: World) -> None:
    as_if_by_hand("DELETE FROM activity_seal WHERE number = %s", EVENTS)
    assert found(written) == [("unsealed", 0)]


@pytest.mark.parametrize("last", [1, 3])
def test_an_end_that_was_removed_is_missed_by_the_head_that_was_given(written: World, last: int) -> None:
    given = given_now(written)
    as_if_by_hand(
        "DELETE FROM activity_event USING activity_seal AS seal WHERE seal.event = id AND number > %s",
        EVENTS - last,
    )
    as_if_by_hand("DELETE FROM activity_seal WHERE number > %s", EVENTS - last)
    assert found(written) == [("cut", EVENTS)]  # by the table of heads
    as_if_by_hand("DELETE FROM activity_head")
    assert found(written) == []  # nothing left to tell by…
    assert found(written, given=[given]) == [("cut", EVENTS)]  # … but the mail


def test_a_journal_written_anew_does_not_fit_the_head_that_was_mailed(written: World) -> None:
    given = given_now(written)
    as_if_by_hand("DELETE FROM activity_head")
    as_if_by_hand("DELETE FROM activity_seal")
    as_if_by_hand("UPDATE activity_event SET actor_name = 'Paul Martin'")
    as_if_by_hand(
        "INSERT INTO activity_unsealed SELECT (array_agg(id ORDER BY id))[1], owner, firm_id, NULL, NULL,"
        " array_agg(id ORDER BY id) FROM activity_event WHERE firm_id IS NOT NULL GROUP BY owner, firm_id"
    )
    assert found(written) == []
    assert found(written, given=[given]) == [("head", EVENTS)]


@pytest.mark.parametrize("number", [1, 4, EVENTS])
@pytest.mark.parametrize("column", ["frame", "who", "what", "chain"])
def test_an_altered_seal_is_found(written: World, number: int, column: str) -> None:
    as_if_by_hand(f"UPDATE activity_seal SET {column} = sha256({column}) WHERE number = %s", number)
    faults = found(written)
    assert ("broken", number) in faults
    assert {at for _kind, at in faults} <= {number, number + 1}


@pytest.mark.parametrize("number", [1, 4, EVENTS])
def test_an_event_altered_with_its_own_digest_breaks_the_chain_there(written: World, number: int) -> None:
    with scope(firm=written.firm):
        seal = Seal.objects.get(number=number)
    as_if_by_hand("UPDATE activity_event SET actor_name = 'Paul Martin' WHERE id = %s", seal.event)
    as_if_by_hand(
        "UPDATE activity_seal SET who = %s WHERE number = %s",
        chain.part_digest(
            "who", UUID(str(seal.who_salt)), [None] * 11 + ["Paul Martin", "", None] + [None] * 3
        ),
        number,
    )
    assert found(written) == [("broken", number)]


def test_two_seals_that_changed_places_are_found(written: World) -> None:
    one, other = event_at(written, 3), event_at(written, 4)
    as_if_by_hand("UPDATE activity_seal SET number = -1 WHERE event = %s", one)
    as_if_by_hand("UPDATE activity_seal SET number = 3 WHERE event = %s", other)
    as_if_by_hand("UPDATE activity_seal SET number = 4 WHERE event = %s", one)
    assert ("broken", 3) in found(written) and ("broken", 4) in found(written)


def test_an_event_put_in_beside_the_product_is_found(written: World) -> None:
    key = uuid7()
    as_if_by_hand(
        f"INSERT INTO activity_event ({COLUMNS}) SELECT {COLUMNS} FROM (SELECT (jsonb_populate_record(event,"
        " jsonb_build_object('id', %s::text))).* FROM activity_event AS event WHERE id = %s) AS other",
        str(key),
        event_at(written, 2),
    )
    as_if_by_hand("DELETE FROM activity_unsealed WHERE id = %s", key)
    assert found(written) == [("unsealed", 0)]


def test_a_seal_put_in_is_found(written: World) -> None:
    as_if_by_hand(
        "INSERT INTO activity_seal (event, owner, number, version, frame, who, what, chain)"
        " SELECT %s, owner, number + 1, version, frame, who, what, chain FROM activity_seal WHERE number = %s",
        uuid7(),
        EVENTS,
    )
    assert found(written) == [("broken", EVENTS + 1), ("missing", EVENTS + 1)]


def test_an_event_that_was_gone_before_it_was_sealed_is_missed(written: World) -> None:
    with scope(firm=written.firm):
        rename_portfolio(actor=written.admin, portfolio=Portfolio.objects.get(), name="Nom 8")
        gone = Unsealed.objects.get().keys[0]
    as_if_by_hand("DELETE FROM activity_event WHERE id = %s", gone)
    assert found(written) == [("missing", EVENTS + 1)]


def test_an_event_that_somebody_keeps_from_being_sealed_is_found(written: World) -> None:
    with scope(firm=written.firm):
        rename_portfolio(actor=written.admin, portfolio=Portfolio.objects.get(), name="Nom 8")
        Unsealed.objects.all().delete()
    assert found(written) == [("unsealed", 0)]


def test_a_salt_that_was_destroyed_without_an_erasure_is_told(written: World) -> None:
    as_if_by_hand("UPDATE activity_seal SET who_salt = NULL WHERE number = 2")
    assert found(written) == [("unproven", 2)]


def test_several_faults_are_each_named_and_the_rest_is_still_looked_at(written: World) -> None:
    as_if_by_hand("UPDATE activity_event SET actor_name = 'X' WHERE id = %s", event_at(written, 2))
    as_if_by_hand("DELETE FROM activity_event WHERE id = %s", event_at(written, 5))
    assert found(written) == [("changed", 2), ("missing", 5)]


def test_a_fault_reads_as_a_french_sentence(written: World) -> None:
    as_if_by_hand("UPDATE activity_event SET actor_name = 'X' WHERE id = %s", event_at(written, 2))
    (fault,) = verified(written).faults
    with translation.override("fr"):
        assert "n° 2 a été modifié" in fault.sentence.replace("\xa0", " ")
        assert "la personne" in fault.sentence
    assert Fault.of_plain(fault.plain()) == fault


# --- sealing -----------------------------------------------------------------------------------------------------


def test_every_column_of_an_event_stands_in_exactly_one_part() -> None:
    """A new column needs a new version of what is sealed."""
    sealed = [name for names in chain.FIELDS.values() for name in names]
    owners = {"firm_id", "space_id", "person_id"}  # `owner` is one of them, says a constraint
    made = {"named", "taker"}  # by the database, out of `details`, and by nobody else
    assert made == {str(field.column) for field in Event._meta.concrete_fields if field.generated}
    own = {str(field.column) for field in Event._meta.concrete_fields} - owners - made
    assert sorted(sealed) == sorted(own)


def test_the_digests_are_those_that_the_decision_describes(written: World) -> None:
    """Worked out here by hand, from the values alone, so that nothing changes unnoticed."""
    from hashlib import sha256

    def field(value: str | None) -> bytes:
        return b"-," if value is None else f"{len(value.encode())}:".encode() + value.encode() + b","

    with scope(firm=written.firm):
        seal = Seal.objects.get(number=1)
        event = Event.objects.get(pk=seal.event)
    who = b"firm-portal journal 1 who\n" + _bytes(seal.who_salt)
    who += field("Alice Martin") + field("") + field(event.ip)
    what = b"firm-portal journal 1 what\n" + _bytes(seal.what_salt)
    what += field("Nom 1") + field(json.dumps(event.changes)) + field(json.dumps(event.details))
    frame = b"firm-portal journal 1 frame\n" + _bytes(seal.frame_salt)
    micros = int((event.at - datetime(1970, 1, 1, tzinfo=event.at.tzinfo)) / timedelta(microseconds=1))
    for value in (
        event.pk, event.owner, event.type, micros, event.actor_id, event.behalf_id, event.subject_type,
        event.subject_id, event.group, "true" if event.is_detail else "false", event.request_id,
    ):  # fmt: skip
        frame += field(None if value is None else str(value))
    parts = [sha256(told).digest() for told in (frame, who, what)]
    assert parts == [bytes(seal.frame), bytes(seal.who), bytes(seal.what)]
    before = sha256(b"firm-portal journal 1\n" + written.firm.pk.bytes).digest()
    leaf = sha256(b"".join(parts)).digest()
    told = sha256(before + (1).to_bytes(8, "big") + event.pk.bytes + leaf).digest()
    assert told == bytes(seal.chain)


def _bytes(salt: UUID | None) -> bytes:
    assert salt is not None
    return salt.bytes


def test_what_is_rolled_back_is_never_sealed(written: World) -> None:
    with pytest.raises(RuntimeError), scope(firm=written.firm):
        rename_portfolio(actor=written.admin, portfolio=Portfolio.objects.get(), name="Jamais")
        raise RuntimeError
    assert seal_due() == 0


def test_events_whose_keys_are_older_and_that_are_committed_later_are_sealed_too(written: World) -> None:
    """Keys are made before their transaction is committed: a watermark over them would pass these by."""
    older = uuid7()
    with scope(firm=written.firm):
        rename_portfolio(actor=written.admin, portfolio=Portfolio.objects.get(), name="Nom 8")
    assert seal_due() == 1
    with scope(firm=written.firm):
        Event.objects.create(**Event.ownership(), id=older, type="portfolios.portfolio.renamed")
    assert seal_due() == 1
    report = verified(written)
    assert report.is_intact and report.number == EVENTS + 2


def test_many_events_at_once_are_one_note_and_are_sealed_in_portions(
    written: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "AT_ONCE", 7)
    with scope(firm=written.firm):
        happenings = [Happening(uuid7(), f"Nom {number}") for number in range(30)]
        record_many(
            PortfolioRenamed, actor=written.admin, model=Portfolio, happenings=happenings, group=uuid7()
        )
        assert Unsealed.objects.count() == 1
    assert seal_due() == 30
    assert verified(written).number == EVENTS + 30


def test_while_another_sealer_is_at_it_nothing_is_sealed_twice(written: World) -> None:
    with scope(firm=written.firm):
        rename_portfolio(actor=written.admin, portfolio=Portfolio.objects.get(), name="Nom 8")
    with as_owner() as other:
        key = _lock_key(written)
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        assert seal_journal(firm=written.firm.pk) == 0
        other.execute("SELECT pg_advisory_unlock(%s)", [key])
    assert seal_journal(firm=written.firm.pk) == 1


def _lock_key(world: World) -> int:
    import hashlib

    digest = hashlib.blake2b(b"seal " + world.firm.pk.bytes, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def test_recording_waits_for_no_sealer(written: World) -> None:
    with as_owner() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [_lock_key(written)])
        with scope(firm=written.firm):
            connection.cursor().execute("SET LOCAL lock_timeout = '100ms'")
            rename_portfolio(actor=written.admin, portfolio=Portfolio.objects.get(), name="Nom 8")


def test_the_chains_of_two_firms_know_nothing_of_each_other(written: World, bertrand: World) -> None:
    with scope(firm=bertrand.firm):
        create_portfolio(actor=bertrand.admin, name="Chez Bertrand")
    seal_due()
    assert verified(written).number == EVENTS
    assert verified(bertrand).number == 1
    with scope(firm=bertrand.firm):
        assert Seal.objects.count() == Journal.objects.count() == 1


STATEMENTS: list[tuple[str, Callable[[], Any]]] = [
    ("change a seal", lambda: Seal.objects.update(number=99)),
    ("delete a seal", lambda: Seal.objects.all().delete()),
    ("change a head", lambda: Head.objects.update(number=99)),
    ("delete a head", lambda: Head.objects.all().delete()),
]


@pytest.mark.parametrize("name", [name for name, _act in STATEMENTS])
def test_the_application_itself_may_not(written: World, name: str) -> None:
    given_now(written)
    with (
        scope(firm=written.firm),
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
    ):
        dict(STATEMENTS)[name]()


# --- heads -------------------------------------------------------------------------------------------------------


def test_a_head_is_read_back_out_of_a_mail_that_was_answered(written: World) -> None:
    given = given_now(written)
    quoted = "Bonjour,\n" + "\n".join(f"> {line}" for line in given.text.splitlines()) + "\n-- \nAlice"
    assert heads.read(quoted) == given
    assert heads.read(quoted).is_ours


@pytest.mark.parametrize("what", ["number: 7", "digest: "])
def test_a_head_that_was_altered_does_not_bear_our_signature(written: World, what: str) -> None:
    text = given_now(written).text
    altered = text.replace(what, "number: 6") if "number" in what else _other_digest(text)
    assert not heads.read(altered).is_ours
    assert ("forged", heads.read(altered).number) in found(written, given=[heads.read(altered)])


def _other_digest(text: str) -> str:
    digest = text.partition("digest: ")[2][:64]
    return text.replace(digest, digest[::-1])


@pytest.mark.parametrize("text", ["", "Bonjour", "-----BEGIN FIRM PORTAL JOURNAL HEAD-----\nowner: x"])
def test_what_is_no_head_is_said_to_be_none(text: str) -> None:
    with pytest.raises(heads.Unreadable):
        heads.read(text)


def test_a_former_key_is_still_known(written: World, settings: Any) -> None:
    given = given_now(written)
    settings.JOURNAL_KEYS = ["une nouvelle clé", *settings.JOURNAL_KEYS]
    assert given.is_ours
    assert found(written) == []
    settings.JOURNAL_KEYS = ["une nouvelle clé"]
    assert found(written) == [("forged", EVENTS)]


def test_the_same_head_is_given_once(written: World) -> None:
    given_now(written)
    with scope(firm=written.firm):
        assert heads.give() is None
