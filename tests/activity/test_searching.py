"""The quick way of finding events finds what the plain one does, page by page, both ways."""

import itertools
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from operator import or_
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import get_language

from activity import names, queries, searching
from activity.models import Event, Name
from activity.planning import Statement, by_index
from activity.sealing import seal_due
from activity.searching import Asked, Search
from spreadsheets.text import fold
from tenancy.expressions import as_array
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.database import as_owner
from tests.worlds import World

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ("portfolios.portfolio.renamed", "portfolios.portfolio.created", "clients.dossier.moved")
THINGS = {UUID(int=number): name for number, name in enumerate(("Élan", "Nord", "Élan Nord", "Sud"), 1)}
SYLLABLES = ("bou", "lan", "ge", "rie", "du", "rand", "12", "345", "œil", "é")
# Whom events name besides.
MEMBERS = {UUID(int=11): "Chloé Nord", UUID(int=12): "Zoé"}


@pytest.fixture
def told(lemoine: World) -> World:
    """300 events of three people, four things and three kinds, some of them lines behind another; most are sealed."""
    chance, of_details = random.Random(6), random.Random(7)
    people = [(one.user_id, one.name) for one in (lemoine.admin, lemoine.collaborator, lemoine.colleague)]

    def event(number: int) -> Event:
        actor, actor_name = chance.choice(people)
        behalf, behalf_name = chance.choice([*people, *[(None, "")] * 12])
        thing = chance.choice(list(THINGS))
        details: dict[str, str] = {}
        beside = of_details.choice(["member", "cover"])  # no kind of event has both
        for key, name in ((f"{beside}_id", beside), ("to_id", "to")):
            if of_details.random() < 0.1:
                member = of_details.choice(list(MEMBERS))
                details |= {key: str(member), name: MEMBERS[member]}
        return Event(
            **Event.ownership(),
            type=chance.choice(KINDS),
            at=timezone.now() - timedelta(days=30 - number // 10),
            id=UUID(
                int=searching.first_key(timezone.now() - timedelta(days=30 - number // 10)).int
                + number
                + (7 << 76)
            ),
            actor_id=actor,
            actor_name=actor_name,
            behalf_id=behalf,
            behalf_name=behalf_name,
            subject_type="portfolios.portfolio",
            subject_id=thing,
            subject_name=THINGS[thing],
            details=details,
            is_detail=chance.random() < 0.3,
            group=UUID(int=number % 7),
        )

    with scope(firm=lemoine.firm):
        Event.objects.bulk_create(event(number) for number in range(280))
    seal_due()
    with scope(firm=lemoine.firm):
        Event.objects.bulk_create(event(number) for number in range(280, 300))
    return lemoine


def asked(world: World, *, paired: bool = True) -> list[Asked]:
    """Each filter, and each pair of them."""
    today = timezone.localdate()
    filters: list[dict[str, Any]] = [
        {"person": world.collaborator.user_id},
        {"kind": KINDS[0]},
        {"kind": "portfolios."},
        {"subject": UUID(int=3)},
        {"subject": UUID(int=11)},
        {"among": frozenset({UUID(int=1), UUID(int=2)})},
        {"among": frozenset()},
        {"since": today - timedelta(days=20)},
        {"until": today - timedelta(days=10)},
        {"text": "elan"},
        {"text": "alice elan"},
        {"text": "Martin"},
        {"text": "renommé chloé"},
        {"text": "nord elan zzz"},
        {"text": "zoe"},
        {"text": "alice zoe sud"},
        {"group": UUID(int=3)},
        {"of_groups": False},
    ]
    pairs = [
        one | other for one, other in itertools.combinations(filters, 2) if not one.keys() & other.keys()
    ]
    return [Asked(**given) for given in ({}, *filters, *(pairs if paired else ()))]


def test_words_find_what_reading_each_event_would(told: World) -> None:
    """Each word stands in a name that whoever acted, or what it was about, has or had, or in what was done."""
    chance = random.Random(8)
    with scope(firm=told.firm):
        renamed = [
            Event(
                **Event.ownership(),
                type=chance.choice(KINDS),
                subject_id=UUID(int=chance.randrange(1, 30)),
                subject_name=" ".join(chance.sample(SYLLABLES, 2)) + chance.choice(SYLLABLES),
            )
            for _number in range(60)
        ]
        Event.objects.bulk_create(renamed[:40])
    seal_due()
    with scope(firm=told.firm):
        Event.objects.bulk_create(renamed[40:])
        plain = list(Event.objects.order_by("-id"))
        called = names_of(plain)
        # Of people, of things, of kinds, of none.
        heard = [
            sorted({word for key, said in called.items() if key[0] == of for word in " ".join(said).split()})
            for of in (True, False, None)
        ] + [["zzz"]]

    def found() -> bool:
        drawn = (chance.choice(chance.choice(heard)) for _word in range(chance.choice((1, 2, 2, 3))))
        words = [cut_out(chance, word) for word in drawn]
        expected = [event.pk for event in plain if tells_of(event, words, called)]
        assert Search(Asked(text=" ".join(words))).keys(400) == expected, words
        return bool(expected)

    with scope(firm=told.firm):
        before = [found() for _number in range(20)]
    seal_due()
    with scope(firm=told.firm):
        assert 10 < sum(before + [found() for _number in range(20)]) < 40


def names_of(events: Iterable[Event]) -> dict[Any, set[str]]:
    """Folded, by the keys of people, things and kinds."""
    called: dict[Any, set[str]] = defaultdict(set)
    for event in events:
        for told_of in names.named({column: text(getattr(event, column)) for column in names.COLUMNS}):
            acts, key, name = told_of
            called[acts, UUID(key)].add(fold(name))
        called[None, event.type].add(searching._said(event.type, get_language() or ""))
    return called


def tells_of(event: Event, words: Iterable[str], called: dict[Any, set[str]]) -> bool:
    """A line behind another event only by what it is about, or what was done: not by who acted alone."""

    def holds(key: Any, word: str) -> bool:
        return any(word in name for name in called.get(key, ()))

    for person in (event.actor_id, event.behalf_id):
        for thing in (event.subject_id, event.named, event.taker):
            by_person = [holds((True, person), word) for word in words]
            beside = [holds((False, thing), word) or holds((None, event.type), word) for word in words]
            if all(map(or_, by_person, beside)) and (any(beside) or not event.is_detail):
                return True
    return False


def text(value: Any) -> str | None:
    return json.dumps(value) if isinstance(value, dict) else None if value is None else str(value)


def cut_out(chance: random.Random, word: str) -> str:
    start = chance.randrange(len(word))
    return word[start : start + chance.randrange(1, 6)]


def test_the_quick_way_finds_what_the_plain_one_does(told: World) -> None:
    with scope(firm=told.firm):
        found = 0
        for one in asked(told):
            search = Search(one)
            plain = list(search.events.values_list("pk", flat=True))
            paged = [key for lot in search.lots(40) for key in lot]
            assert paged == plain, one
            if plain:
                backwards = search.keys(5, after=plain[-1])
                assert backwards == plain[::-1][1:6], one
            assert search.count(10_000) >= len(plain), one
            found += len(plain)
        assert found > 2_000


def test_very_many_things_are_looked_for_along_the_journal(told: World, monkeypatch) -> None:
    with scope(firm=told.firm):
        quick = [Search(one).keys(50) for one in asked(told, paired=False)]
        monkeypatch.setattr(searching, "MOST_THINGS", 1)
        assert [Search(one).keys(50) for one in asked(told, paired=False)] == quick


def test_a_name_is_noted_once_and_goes_with_the_last_event(told: World) -> None:
    with scope(firm=told.firm):
        held = set(Name.objects.filter(acts=False).values_list("name", flat=True))
        assert held == {"elan", "nord", "elan nord", "sud", "chloe nord", "zoe"}
        assert Name.objects.filter(acts=True).count() == 3
        Name.objects.create(acts=False, key=uuid7(), name="of nothing any more")
        Name.objects.create(acts=True, key=uuid7(), name="nobody")
        names.forget_left_over()
        assert Name.objects.count() == 9


def test_an_event_is_about_the_members_whom_it_names(told: World) -> None:
    """As its details say, whatever it is about besides; found by their names, sealed or not."""

    def named(event: Event, member: UUID) -> bool:
        return str(member) in (event.details.get(key) for key in ("member_id", "cover_id", "to_id"))

    with scope(firm=told.firm):
        events = list(Event.objects.order_by("-id"))
        for member, word in ((UUID(int=11), "chloe nord"), (UUID(int=12), "zoé")):
            theirs = [event.pk for event in events if named(event, member)]
            assert 20 < len(theirs) < 80
            assert Search(Asked(subject=member)).keys(300) == theirs
            assert set(theirs) <= set(Search(Asked(text=word)).keys(300))
        Event.objects.create(
            **Event.ownership(),
            type=KINDS[0],
            subject_id=UUID(int=1),
            details={"member_id": str(UUID(int=13)), "member": "Hugo"},
        )
        assert len(Search(Asked(text="hugo")).keys(10)) == 1


def test_what_happened_last_is_found_before_it_is_sealed(told: World) -> None:
    """However much an import left to be sealed just before."""
    with scope(firm=told.firm):
        one = {**Event.ownership(), "type": KINDS[0], "subject_id": UUID(int=1)}
        Event.objects.bulk_create(Event(**one, subject_name="Sud") for _number in range(2_001))
        Event.objects.create(**one, subject_name="Ouest")
        assert Search(Asked(text="ouest")).keys(10)


def test_another_firms_names_are_not_looked_at(told: World, bertrand: World) -> None:
    with scope(firm=bertrand.firm):
        assert by_index([names.holders(["elan"], acts=False)]) == [[]]


def test_each_question_goes_by_the_index_of_what_is_asked(told: World) -> None:
    person = told.collaborator.user_id
    by = {
        ("actor_id", "behalf_id"): Asked(person=person),
        ("type",): Asked(kind=KINDS[0]),
        ("subject_id", "named", "taker"): Asked(subject=UUID(int=3)),
        ("actor_id", "type", "behalf_id"): Asked(person=person, kind=KINDS[0]),
        ("group",): Asked(group=UUID(int=3)),
    }
    with as_owner() as owner:
        owner.execute("ANALYZE activity_event")
    with scope(firm=told.firm):
        for columns, one in by.items():
            found = conditions(Search(one)._queries({}, searching._NEWEST, 50))
            led = {name for name, _sign in re.findall(r"(\w+)\"?\)?(?:::text)? (=|>=) ", found)}
            assert set(columns) <= led, found


def conditions(statements: Iterable[Statement]) -> str:
    """By which each index is entered, as the statements are carried out. No table is read whole."""
    plans = by_index([(f"EXPLAIN {sql}", values) for sql, values in statements])
    lines = [line for plan in plans for (line,) in plan]
    assert not [line for line in lines if "Seq Scan" in line], lines
    return "".join(line for line in lines if "Index Cond" in line)


def test_a_search_looks_at_the_names_of_its_firm_alone(told: World) -> None:
    with as_owner() as owner:
        owner.execute("ANALYZE activity_name")
    with scope(firm=told.firm):
        for statement, count in (
            (names.holders(["nord"], acts=False, all_of=1), 3),
            (names.holders(["nord", "elan"], acts=False), 4),
            (names.holders(["nord", "elan"], acts=False, all_of=3), 1),
            (names.holders(["nord", "elan"], acts=False, all_of=3, or_of=[UUID(int=1)]), 2),
        ):
            found = conditions([statement])
            assert "firm_id = " in found and "acts = " in found, found
            assert len(by_index([statement])[0]) == count


def test_the_names_of_what_one_word_finds_are_read_thing_by_thing(told: World) -> None:
    """Whatever is asked for: planned for values that are not known, a join would go through all names again."""
    with scope(firm=told.firm):
        sql, values = names.holders(["nord", "elan"], acts=False, all_of=3)
    kinds = {"firm": "uuid", "acts": "boolean", "all_of": "smallint", "or_of": "uuid[]"}
    places = {name: f"CAST(${place} AS {kinds.get(name, 'text')})" for place, name in enumerate(values, 1)}
    with as_owner() as owner:
        # Of a thousand firms, taken back before anybody asks whether there are such.
        owner.execute(
            "INSERT INTO activity_name (id, firm_id, acts, key, name) SELECT gen_random_uuid(),"
            " md5((n % 1000)::text)::uuid, false, gen_random_uuid(), 'sud' FROM generate_series(1, 5000) AS n"
        )
        owner.execute("ANALYZE activity_name")
        owner.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
        plan = "\n".join(
            line for (line,) in owner.execute(f"EXPLAIN (GENERIC_PLAN) {sql % places}").fetchall()
        )
        owner.rollback()
    assert len(re.findall("on activity_name", plan)) == 2, plan
    assert re.search(r"Index Cond: .*key = either.key", plan), plan


def test_hundreds_of_things_are_met_along_the_journal_or_looked_up(told: World, monkeypatch) -> None:
    """Whether it meets a page of them at once, late, at the journal's end, or never."""
    with scope(firm=told.firm):
        for steps in (4, 40, 250, 1_000):
            monkeypatch.setattr(searching, "_steps", lambda things, size, steps=steps: steps)
            for one in (Asked(text="nord"), Asked(text="zoe"), Asked(among=frozenset({UUID(int=1)}))):
                plain = list(Search(one).events.values_list("pk", flat=True))
                paged = [key for lot in Search(one).lots(20) for key in lot]
                assert paged == plain, (steps, one)
                assert Search(one).keys(5, after=plain[-1]) == plain[::-1][1:6], (steps, one)
                assert Search(one).count(10_000) >= len(plain)


def test_what_the_journal_meets_soon_is_not_looked_up(told: World, monkeypatch) -> None:
    monkeypatch.setattr(searching, "_steps", lambda things, size: 100)
    with scope(firm=told.firm):
        search = Search(Asked(among=frozenset({UUID(int=1), UUID(int=2)})))
        once = [step for step in looks_at_events(search, 5) if step["Actual Loops"]]
        assert len(once) == 1, once
        assert once[0]["Actual Rows"] < 40
        assert len([step for step in looks_at_events(search, 100) if step["Actual Loops"]]) > 1


@pytest.mark.parametrize(("things", "steps"), [(300, 0), (511, 0), (512, 2_048), (5_000, 16_384)])
def test_few_things_are_looked_up_at_once(things: int, steps: int) -> None:
    assert searching._steps(things, 51) == steps


def test_of_many_things_no_more_is_read_than_can_be_shown(told: World) -> None:
    """From where on the first of each stand; of those alone that may have more."""
    with scope(firm=told.firm):
        search = Search(Asked(among=frozenset(THINGS)))
        assert len(search.keys(8)) == 8
        read = looks_at_events(search, 8)
        assert sum(step["Actual Rows"] * step["Actual Loops"] for step in read) <= 2 * len(THINGS) + 8, read
        # One of each thing is read, and then more of the two whose newest are the first two.
        read = looks_at_events(search, 2)
        assert sum(step["Actual Loops"] for step in read) == len(THINGS) + 2, read


def looks_at_events(search: Search, size: int) -> list[dict[str, Any]]:
    ((sql, values),) = search._queries({}, searching._NEWEST, size)
    ((plan,),) = by_index([(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)])
    return [step for step in steps(plan[0][0]["Plan"]) if step["Node Type"].startswith("Index")]


def steps(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield step
    for inner in step.get("Plans", ()):
        yield from steps(inner)


def test_a_question_is_the_same_text_whatever_is_asked_for(told: World) -> None:
    """So that each connection plans it once."""
    with scope(firm=told.firm):
        for one in asked(told):
            before, later = (
                [sql for sql, _values in Search(one)._queries({"before": UUID(int=n)}, searching._NEWEST, 50)]
                for n in (1, 2)
            )
            assert before == later
        first, second = (
            [sql for sql, _values in Search(Asked(subject=key))._queries({}, searching._NEWEST, 50)]
            for key in THINGS
            if key.int < 3
        )
        assert first == second


def test_when_something_last_happened_is_read_of_one_event_of_each_thing(told: World) -> None:
    with scope(firm=told.firm):
        plain = {
            key: max(Event.objects.filter(subject_id=key).values_list("at", flat=True)) for key in THINGS
        }
        assert queries.latest_at([*THINGS, uuid7()]) == plain
        values = {"firm": told.firm.pk, "subjects": as_array(THINGS)}
        assert "subject_id >= " in conditions([(queries._LATEST_AT, values)])


def test_those_who_acted_are_named_of_one_event_of_each(told: World) -> None:
    """Less those who are known already; with one who is asked for by key, whether they are among the latest or not."""
    with scope(firm=told.firm):
        alice, chloe, paul = told.admin, told.collaborator, told.colleague
        everybody = {(one.user_id, one.name) for one in (alice, chloe, paul)}
        assert set(queries.who_acted([])) == everybody
        known = [one.user_id for one in (alice, chloe) if one.user_id]
        assert queries.who_acted(known) == [(paul.user_id, paul.name)]
        assert queries.who_acted([], [uuid7()]) == sorted(everybody, key=lambda one: one[1])
        firm = {"firm": told.firm.pk, "but": as_array([]), "also": as_array([uuid7()])}
        with as_owner() as owner:
            owner.execute("ANALYZE activity_event, activity_name")
        found = conditions([(queries._WHO_ACTED, firm)])
        assert "actor_id >= " in found
        assert "acts = true" in found


def test_events_are_read_along_the_key_of_their_owner(told: World) -> None:
    """With the firm's own column beside, 150,000 events of one of 51 firms took the planner through all of an index:
    12 ms instead of 1.5. Here there are too few for that, so it is the question that is looked at."""
    sql, _places = queries._WITH_KEYS.prepared.compiled
    condition = sql.split(" WHERE ")[1]
    assert '"activity_event"."owner" = ' in condition
    assert "firm_id" not in condition
    with scope(firm=told.firm):
        keys = Search(Asked()).keys(20)
        assert [event.pk for event in queries.with_keys(keys)] == keys
    with scope(firm=uuid7()):
        assert queries.with_keys(keys) == []


def test_lines_of_detail_are_counted_by_the_index_of_groups(told: World) -> None:
    with scope(firm=told.firm):
        values = {"owner": told.firm.pk, "groups": as_array([UUID(int=3)])}
        assert '"group" >= ' in conditions([(queries._COUNT_DETAILS, values)])
        shown = queries.with_details(queries.one_slice(Asked(), size=100))
        counted = {line.event.group: line.details for line in shown.lines}
        plain = Event.objects.filter(is_detail=True).values_list("group").annotate(number=Count("pk"))
        assert counted == {group: dict(plain).get(group, 0) for group in counted}
        assert sum(counted.values()) > 50
