"""What is left of many changes, against a slow and plain telling of the rules."""

from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activity.digest import net_changes
from activity.events import REGISTRY, EventType
from activity.models import Event
from tenancy.keys import uuid7

SUBJECTS = [uuid7() for _ in range(3)]
GROUPS = [uuid7() for _ in range(2)]


@pytest.fixture(autouse=True, scope="module")
def kinds():
    """Types of events that exist in this module only."""
    before = set(REGISTRY)

    class Born(EventType):
        name = "toys.toy.born"
        summary = sentence = "born"
        opposite = "toys.toy.gone"
        begins: ClassVar[bool] = True

    class Gone(EventType):
        name = "toys.toy.gone"
        summary = sentence = "gone"
        opposite = "toys.toy.born"

    class Lent(EventType):
        name = "toys.toy.lent"
        summary = sentence = "lent"
        opposite = "toys.toy.returned"

    class Returned(EventType):
        name = "toys.toy.returned"
        summary = sentence = "returned"
        opposite = "toys.toy.lent"

    class Painted(EventType):
        name = "toys.toy.painted"
        summary = sentence = "painted"

    class Stolen(EventType):
        name = "toys.toy.stolen"
        summary = sentence = "stolen"
        security: ClassVar[bool] = True

    yield
    for name in set(REGISTRY) - before:
        del REGISTRY[name]


def event(verb: str, subject: UUID = SUBJECTS[0], **fields: Any) -> Event:
    return Event(type=f"toys.toy.{verb}", subject_id=subject, actor_name="Alice", **fields)


def painted(before: str, after: str, subject: UUID = SUBJECTS[0]) -> Event:
    return event("painted", subject, changes={"colour": [before, after]})


def lent(to: str, verb: str = "lent", subject: UUID = SUBJECTS[0]) -> Event:
    return event(verb, subject, details={"member_id": to, "member": f"nom de {to}"})


def verbs(events: list[Event]) -> list[str]:
    return [line.event.type.rpartition(".")[2] for line in net_changes(events)]


def test_edits_of_one_subject_are_one_line_from_first_to_last() -> None:
    (line,) = net_changes([painted("red", "blue"), painted("blue", "green")])
    assert line.changes == {"colour": ["red", "green"]}
    assert len(line.events) == 2


def test_edits_that_lead_back_are_not_told() -> None:
    assert net_changes([painted("red", "blue"), painted("blue", "red")]) == []


def test_what_another_took_back_is_not_told() -> None:
    assert verbs([lent("paul"), lent("paul", "returned")]) == []
    assert verbs([lent("paul"), lent("chloe", "returned")]) == ["lent", "returned"]
    assert verbs([lent("paul"), lent("paul", "returned"), lent("paul")]) == ["lent"]


def test_a_subject_that_came_and_went_leaves_nothing_but_security() -> None:
    story = [event("born"), painted("red", "blue"), lent("paul"), event("stolen"), event("gone")]
    assert verbs(story) == ["stolen"]


def test_what_went_before_it_came_back_is_not_a_birth() -> None:
    assert verbs([event("gone"), painted("red", "blue"), event("born")]) == ["painted"]


def test_security_is_told_each_time() -> None:
    assert verbs([event("stolen"), event("stolen")]) == ["stolen", "stolen"]


def test_everyone_who_had_a_part_is_named_once() -> None:
    first, second, third = painted("a", "b"), painted("b", "c"), painted("c", "d")
    second.actor_name = "Paul"
    (line,) = net_changes([first, second, third])
    assert line.actors == ["Alice", "Paul"]


def test_those_of_a_group_stand_together() -> None:
    group = GROUPS[0]
    a, b, c = (painted("x", "y", subject) for subject in SUBJECTS)
    a.group = c.group = group
    assert [line.event.subject_id for line in net_changes([a, b, c])] == [
        SUBJECTS[0],
        SUBJECTS[2],
        SUBJECTS[1],
    ]


COLOURS = st.sampled_from(["red", "blue", "green"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["painted", "lent", "returned", "stolen"]),
        st.sampled_from(SUBJECTS),
        COLOURS,
        st.sampled_from(["paul", "chloe"]),
        st.sampled_from([None, *GROUPS]),
    ),
    max_size=25,
)


def told(steps: list[Any]) -> tuple[list[Event], dict[UUID, str], dict[UUID, str]]:
    """The events of a possible story: a toy is painted from its colour, lent to one who has it not."""
    colours = dict.fromkeys(SUBJECTS, "white")
    holders: set[tuple[UUID, str]] = set()
    events = []
    for verb, subject, colour, person, group in steps:
        if verb == "painted" and colours[subject] != colour:
            events.append(painted(colours[subject], colour, subject))
            colours[subject] = colour
        elif verb == "lent" and (subject, person) not in holders:
            holders.add((subject, person))
            events.append(lent(person, "lent", subject))
        elif verb == "returned" and (subject, person) in holders:
            holders.remove((subject, person))
            events.append(lent(person, "returned", subject))
        elif verb == "stolen":
            events.append(event("stolen", subject))
        else:
            continue
        events[-1].group = group
    return events, colours, dict(holders)


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_who_reads_the_lines_knows_how_things_stand_and_reads_nothing_else(steps: list[Any]) -> None:
    events, colours, _holders = told(steps)
    lines = net_changes(events)
    paints = [line for line in lines if line.event.type == "toys.toy.painted"]
    assert {line.event.subject_id: line.changes["colour"] for line in paints} == {
        subject: ["white", colour] for subject, colour in colours.items() if colour != "white"
    }
    assert len(paints) == len({line.event.subject_id for line in paints})
    lendings = [line.event for line in lines if line.event.type in ("toys.toy.lent", "toys.toy.returned")]
    net: dict[Any, int] = {}
    for one in events:
        if one.type in ("toys.toy.lent", "toys.toy.returned"):
            key = (one.subject_id, one.details["member_id"])
            net[key] = net.get(key, 0) + (1 if one.type == "toys.toy.lent" else -1)
    assert sorted((e.subject_id, e.details["member_id"]) for e in lendings) == sorted(
        k for k, n in net.items() if n
    )
    assert sum(line.event.type == "toys.toy.stolen" for line in lines) == sum(
        one.type == "toys.toy.stolen" for one in events
    )


ANY = st.lists(
    st.tuples(
        st.sampled_from(["born", "gone", "lent", "returned", "stolen", "painted", "unknown"]),
        st.sampled_from(SUBJECTS),
        st.sampled_from(["paul", "chloe"]),
        st.lists(st.tuples(st.sampled_from(["colour", "size"]), COLOURS, COLOURS), max_size=2),
        st.sampled_from([None, *GROUPS]),
    ),
    max_size=25,
)


@given(ANY)
@settings(max_examples=500, deadline=None)
def test_what_it_keeps_it_keeps_when_asked_again(steps: list[Any]) -> None:
    """The mail is built from what the composer kept, by the same rules: nothing may vanish between the two."""
    events = []
    for verb, subject, person, changes, group in steps:
        pairs = {name: [before, after] for name, before, after in changes}
        events.append(event(verb, subject, details={"member_id": person}, changes=pairs, group=group))
    lines = net_changes(events)
    kept = [one for line in lines for one in line.events]
    assert len(kept) == len({one.pk for one in kept})
    assert [(line.events, line.changes) for line in net_changes(kept)] == [
        (line.events, line.changes) for line in lines
    ]
