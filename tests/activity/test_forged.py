"""Whatever is done to a journal, at each place of it; what is made to look as if it had been in order; and what goes on
while it is verified, which is no fault."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from activity import chain, heads, verifying
from activity.erasing import Person, erase_from_journals
from activity.models import Event, Journal
from activity.proofs import JournalPurged, PersonErased
from activity.retention import purge_journal
from activity.sealing import seal_due
from activity.verifying import Owner, verify
from exports.events import ExportAsked
from portfolios.actions import create_portfolio, rename_portfolio
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.activity.test_retention import MONTH, happened
from tests.database import as_owner
from tests.worlds import World

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

EVENTS = 4
NUMBERS = range(1, EVENTS + 1)
# Tables of events and of their seals, and in which column the event's key stands.
EVENT, SEAL = ("activity_event", "id"), ("activity_seal", "event")


@pytest.fixture
def written(lemoine: World, bertrand: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Four sealed events in each of two firms, verified two at a time."""
    monkeypatch.setattr(verifying, "AT_ONCE", 2)
    for firm in (lemoine, bertrand):
        with scope(firm=firm.firm):
            portfolio = create_portfolio(actor=firm.admin, name="Nom 1")
            for number in range(2, EVENTS + 1):
                rename_portfolio(actor=firm.admin, portfolio=portfolio, name=f"Nom {number}")
    assert seal_due() == 2 * EVENTS
    return lemoine


def found(world: World, **given: Any) -> set[tuple[str, int]]:
    faults = verify(Owner(firm=world.firm.pk), **given).faults
    return {(fault.kind, fault.number) for fault in faults}


def key_at(world: World, number: int) -> UUID:
    with scope(firm=world.firm), connection.cursor() as cursor:
        cursor.execute(
            "SELECT event FROM activity_seal WHERE owner = %s AND number = %s", [world.firm.pk, number]
        )
        return UUID(str(cursor.fetchone()[0]))


# --- at each place -----------------------------------------------------------------------------------------------

# By the type of a column: something else, whatever stands there.
OTHERWISE = {
    "uuid": "gen_random_uuid()",
    "boolean": "NOT {column}",
    "timestamp with time zone": "{column} + interval '1 microsecond'",
    "inet": "'192.0.2.77'",
    "jsonb": "{column} || '{{\"more\": 1}}'",
    "bigint": "{column} + 100",
    "smallint": "{column} + 1",
    "bytea": "sha256({column})",
}
# While the event is there, nothing follows from it; once it is not, the removal's sum.
MEANS_NOTHING = {"purge"}


def columns_of(owner: psycopg.Connection, table: str) -> dict[str, str]:
    """Column → its type. Without those that the database makes of others, which nobody can set."""
    rows = owner.execute(
        "SELECT attname, regexp_replace(format_type(atttypid, atttypmod), '\\(.*', '') FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [table],
    ).fetchall()
    return dict(rows)


@contextmanager
def altered(owner: psycopg.Connection, table: str, change: str, where: str, key: UUID) -> Iterator[None]:
    """The row, otherwise for a while."""
    kept = owner.execute(f"SELECT row.*::text FROM {table} AS row WHERE {where} = %s", [key]).fetchone()
    place = owner.execute(
        f"UPDATE {table} SET {change} WHERE {where} = %s RETURNING ctid::text", [key]
    ).fetchone()
    assert kept and place
    try:
        yield
    finally:
        columns = ", ".join(f'"{name}"' for name in columns_of(owner, table))
        owner.execute(
            f"UPDATE {table} SET ({columns}) = (SELECT {columns} FROM (SELECT (%s::text::{table}).*) AS kept)"
            " WHERE ctid = %s::tid",
            [kept[0], place[0]],
        )


@pytest.mark.parametrize(("table", "where"), [EVENT, SEAL])
def test_each_column_of_each_row_is_proven(written: World, bertrand: World, table: str, where: str) -> None:
    keys = {number: key_at(written, number) for number in NUMBERS}
    walked = 0
    with as_owner() as owner:
        owner.autocommit = True
        for column, kind in columns_of(owner, table).items():
            change = f'"{column}" = ' + OTHERWISE.get(kind, "{column} || 'x'").format(column=f'"{column}"')
            if column in {"owner", "firm_id"}:  # which belong together
                change = f"owner = '{bertrand.firm.pk}'" + (
                    f", firm_id = '{bertrand.firm.pk}'" if table == "activity_event" else ", number = 99"
                )
            elif column in {"space_id", "person_id"} | MEANS_NOTHING:  # a constraint keeps these as they are
                continue
            elif column in {"actor_id", "behalf_id"}:
                change = f"{column} = CASE WHEN {column} IS NULL THEN '{bertrand.admin.user_id}'::uuid END"
            for number in NUMBERS:
                with altered(owner, table, change, where, keys[number]):
                    assert found(written), (column, number)
                walked += 1
    assert found(written) == set()
    assert walked >= len(NUMBERS) * 11


@pytest.mark.parametrize("column", ["named", "taker"])
def test_whom_an_event_names_is_what_its_details_say_and_nothing_else(written: World, column: str) -> None:
    """So these columns need no place in the chain."""
    with as_owner() as owner, pytest.raises(psycopg.errors.GeneratedAlways):
        owner.execute(f"UPDATE activity_event SET {column} = gen_random_uuid()")


@contextmanager
def removed(owner: psycopg.Connection, table: str, where: str, keys: list[UUID]) -> Iterator[None]:
    """The rows, gone for a while."""
    kept = owner.execute(
        f"DELETE FROM {table} AS row WHERE {where} = ANY (%s) RETURNING row.*::text", [keys]
    ).fetchall()
    assert len(kept) == len(keys)
    try:
        yield
    finally:
        columns = ", ".join(f'"{name}"' for name in columns_of(owner, table))
        for (row,) in kept:
            owner.execute(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM (SELECT (%s::text::{table}).*) AS kept",
                [row],
            )
        owner.execute("DELETE FROM activity_unsealed")


def given_now(world: World) -> heads.Given:
    with scope(firm=world.firm):
        head = heads.give()
        assert head is not None
        return heads.as_given(head)


def test_what_is_removed_is_missed_at_each_place(written: World) -> None:
    """An event, its seal, or both; only the last of both takes a mailed head to be missed."""
    given = given_now(written)
    with as_owner() as owner:
        owner.autocommit = True
        owner.execute("DELETE FROM activity_head")
        for number in NUMBERS:
            keys = [key_at(written, number)]
            with removed(owner, *EVENT, keys):
                assert found(written) == {("missing", number)}
                with removed(owner, *SEAL, keys):
                    assert found(written, given=[given])
                    assert bool(found(written)) == (number < EVENTS)
            with removed(owner, *SEAL, keys):
                assert ("unsealed", 0) in found(written)
        assert found(written) == set()


def test_an_end_that_is_removed_from_anywhere_is_missed_by_the_mail(written: World) -> None:
    """Also all of it, with its row among the journals."""
    given = given_now(written)
    keys = [key_at(written, number) for number in NUMBERS]
    with as_owner() as owner:
        owner.autocommit = True
        owner.execute("DELETE FROM activity_head")
        owner.execute("DELETE FROM activity_journal")
        for end in (keys[first:] for first in range(EVENTS)):
            with removed(owner, *EVENT, end), removed(owner, *SEAL, end):
                assert found(written, given=[given]) == {("cut", EVENTS)}


EXCHANGE = """
UPDATE activity_event AS event SET changes = other.changes, subject_name = other.subject_name, at = other.at
FROM activity_event AS other
WHERE event.id = ANY (%(both)s) AND other.id = ANY (%(both)s) AND other.id <> event.id
"""


def test_two_events_that_changed_places_are_found(written: World) -> None:
    """What they tell, or their seals."""
    keys = {number: key_at(written, number) for number in NUMBERS}
    with as_owner() as owner:
        owner.autocommit = True
        for number, after in itertools.combinations(NUMBERS, 2):
            both = {"both": [keys[number], keys[after]]}
            owner.execute(EXCHANGE, both)
            assert {("changed", number), ("changed", after)} <= found(written)
            owner.execute(EXCHANGE, both)
            _exchange_numbers(owner, written, number, after)
            assert {("broken", number), ("broken", after)} <= found(written)
            _exchange_numbers(owner, written, number, after)
            assert found(written) == set()


def _exchange_numbers(owner: psycopg.Connection, world: World, one: int, other: int) -> None:
    for new, old in ((-1, one), (one, other), (other, -1)):
        owner.execute(
            "UPDATE activity_seal SET number = %s WHERE number = %s AND owner = %s", [new, old, world.firm.pk]
        )


def test_two_events_that_changed_firms_are_found_in_both(written: World, bertrand: World) -> None:
    """Without their seals, and with them."""
    with as_owner() as owner:
        owner.autocommit = True
        for number in NUMBERS:
            mine, theirs = key_at(written, number), key_at(bertrand, number)
            _give_events(owner, {mine: bertrand, theirs: written})
            assert {("missing", number), ("unsealed", 0)} <= found(written) & found(bertrand)
            _give_seals(owner, number, {mine: bertrand, theirs: written})
            assert ("broken", number) in found(written) & found(bertrand)
            _give_events(owner, {mine: written, theirs: bertrand})
            _give_seals(owner, number, {mine: written, theirs: bertrand})
        assert found(written) | found(bertrand) == set()


def _give_events(owner: psycopg.Connection, to: dict[UUID, World]) -> None:
    for key, world in to.items():
        owner.execute(
            "UPDATE activity_event SET owner = %s, firm_id = %s WHERE id = %s",
            [world.firm.pk, world.firm.pk, key],
        )


def _give_seals(owner: psycopg.Connection, number: int, to: dict[UUID, World]) -> None:
    for place in (-1, 1):  # their places are taken for a moment
        for key, world in to.items():
            owner.execute(
                "UPDATE activity_seal SET owner = %s, number = %s WHERE event = %s",
                [world.firm.pk, place * number, key],
            )


# --- what is made to look as if it had been in order ---------------------------------------------------------------


def test_a_young_event_did_not_go_because_its_time_was_over(written: World) -> None:
    """By somebody with all powers, who has the journal tell of a removal that fits in all but the time."""
    key, group, told = key_at(written, 3), uuid7(), chain.Sum()
    told.add(3, key.bytes)
    with as_owner() as owner:
        owner.execute("DELETE FROM activity_event WHERE id = %s", [key])
        owner.execute("UPDATE activity_seal SET purge = %s WHERE event = %s", [group, key])
    with scope(firm=written.firm):
        Event.objects.create(
            **Event.ownership(), type=JournalPurged.name, group=group, details={"sum": told.hexdigest()}
        )
    assert found(written) == {("purge", 3)}


def test_a_removal_that_is_told_of_twice_is_a_fault(lemoine: World) -> None:
    """One of the two tells of something else, and nobody could say which of them is right."""
    with scope(firm=lemoine.firm):
        happened(ExportAsked, 25 * MONTH)
    seal_due()
    assert purge_journal(firm=lemoine.firm.pk) == 1
    assert found(lemoine) == set()
    with scope(firm=lemoine.firm):
        told = Event.objects.get(type=JournalPurged.name)
        Event.objects.create(
            **Event.ownership(), type=JournalPurged.name, group=told.group, details=told.details
        )
    assert found(lemoine) == {("purge", 1)}


def test_no_erasure_explains_that_something_else_happened_or_to_something_else(written: World) -> None:
    key, group, salt = key_at(written, 3), uuid7(), UUID(int=5)
    with as_owner() as owner:
        owner.execute("UPDATE activity_event SET subject_id = %s WHERE id = %s", [uuid7(), key])
        owner.execute("UPDATE activity_seal SET frame_salt = NULL WHERE event = %s", [key])
        row = owner.execute(
            f"SELECT {chain.columns('event')} FROM activity_event AS event WHERE id = %s", [key]
        ).fetchone()
        assert row is not None
        digest, told = chain.part_digest("frame", salt, row), chain.Sum()
        owner.execute(
            "INSERT INTO activity_redaction (id, owner, erasure, number, part, salt, digest)"
            " VALUES (%s, %s, %s, 3, 'frame', %s, %s)",
            [uuid7(), written.firm.pk, group, salt, digest],
        )
    told.add(3, b"frame", digest)
    with scope(firm=written.firm):
        Event.objects.create(
            **Event.ownership(), type=PersonErased.name, group=group, details={"sum": told.hexdigest()}
        )
    assert found(written) == {("unproven", 3)}


def test_a_journal_whose_row_is_gone_is_verified_with_all_others(written: World) -> None:
    """Its events or its seals alone lead to it; and once something happens, proofs of it are given again."""
    with as_owner() as owner:
        owner.execute("DELETE FROM activity_journal WHERE owner = %s", [written.firm.pk])
        owner.execute("DELETE FROM activity_event WHERE owner = %s", [written.firm.pk])
    with pytest.raises(CommandError):
        call_command("verify_journal")
    with scope(firm=written.firm):
        create_portfolio(actor=written.admin, name="Encore")
    seal_due()
    with scope(firm=written.firm):
        assert Journal.objects.filter(owner=written.firm.pk).exists()


def test_events_alone_lead_to_a_journal_too(written: World) -> None:
    with as_owner() as owner:
        for table in ("journal", "seal"):
            owner.execute(f"DELETE FROM activity_{table} WHERE owner = %s", [written.firm.pk])
    with pytest.raises(CommandError):
        call_command("verify_journal")


# --- what goes on meanwhile ------------------------------------------------------------------------------------------


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Have something happen once the first portion of a verification was read."""
    monkeypatch.setattr(verifying, "AT_ONCE", 2)

    def once(act: Callable[[], Any]) -> None:
        read = verifying._Verification._read
        done: list[Any] = []

        def and_then(self: verifying._Verification) -> Any:
            rows = read(self)
            if not done:
                done.append(act())
            return rows

        monkeypatch.setattr(verifying._Verification, "_read", and_then)

    return once


def test_what_is_removed_while_it_is_verified_is_no_fault(lemoine: World, meanwhile: Any) -> None:
    """Two of its six events were read before, and were there."""
    with scope(firm=lemoine.firm):
        for _event in range(6):
            happened(ExportAsked, 25 * MONTH)
    seal_due()
    removed: list[int] = []
    meanwhile(lambda: removed.append(purge_journal(firm=lemoine.firm.pk)))
    assert found(lemoine) == set()
    assert removed == [6]


def test_whoever_is_made_unknown_while_it_is_verified_is_no_fault(written: World, meanwhile: Any) -> None:
    user = written.admin.user_id
    assert user is not None
    person = Person(user, frozenset({user, written.admin.pk}), frozenset({written.admin.name}))
    erased: list[int] = []
    meanwhile(lambda: erased.append(erase_from_journals(person)))
    assert found(written) == set()
    assert erased and erased[0] >= EVENTS
    assert verify(Owner(firm=written.firm.pk)).redacted >= EVENTS
