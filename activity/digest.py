"""What one person has to be told of many events: what cancels out is dropped, what belongs together is one.

Pure: events in, net changes out. What it keeps, it keeps when asked again, so composer and mail agree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from activity.events import EventType, type_named
from activity.models import Event


@dataclass(frozen=True)
class NetChange:
    """One line of a mail: one event, or several of a kind about the same subject, from the first's before to the
    last's after."""

    events: tuple[Event, ...]
    changes: dict[str, list[Any]]

    @property
    def event(self) -> Event:
        """The latest, whose sentence is shown."""
        return self.events[-1]

    @property
    def type(self) -> type[EventType]:
        return type_named(self.event.type)

    @property
    def actors(self) -> list[str]:
        """Everyone who had a part, in order, each once."""
        return list(dict.fromkeys(event.who for event in self.events))


def net_changes(events: Iterable[Event]) -> list[NetChange]:
    """What is left of these events, oldest first; those of one group stand together."""
    ordered = sorted(events, key=lambda event: event.pk)
    gone = _taken_back(ordered)
    lines = _merged([event for event in ordered if event.pk not in gone])
    return _by_group(lines)


def _taken_back(events: Sequence[Event]) -> set[UUID]:
    """The keys of events that another one took back, and of what happened to a subject that came and went."""
    gone: set[UUID] = set()
    standing: dict[Any, list[Event]] = {}
    for event in events:
        kind = type_named(event.type)
        if not kind.opposite or kind.security:
            continue
        pair = frozenset({event.type, kind.opposite})
        earlier = standing.setdefault((pair, event.subject_id, kind.target(event.details)), [])
        if not earlier or earlier[-1].type != kind.opposite:
            earlier.append(event)
            continue
        first = earlier.pop()
        gone |= {first.pk, event.pk}
        if type_named(first.type).begins:
            gone |= _between(events, first, event)
    return gone


def _between(events: Sequence[Event], first: Event, last: Event) -> set[UUID]:
    """What happened to their subject meanwhile, security aside."""
    return {
        event.pk
        for event in events
        if event.subject_id == first.subject_id
        and first.pk < event.pk < last.pk
        and not type_named(event.type).security
    }


def _merged(events: Sequence[Event]) -> list[NetChange]:
    """Edits of the same subject as one, without fields that are back at their start; none left means no line."""
    edits: dict[Any, list[Event]] = {}
    for event in events:
        edits.setdefault(_edit_of(event), []).append(event)
    lines = []
    for together in edits.values():
        net = _net(together)
        if net or not together[0].changes or type_named(together[0].type).security:
            lines.append(NetChange(tuple(together), net))
    return sorted(lines, key=lambda line: line.event.pk)


def _edit_of(event: Event) -> Any:
    """What makes events one line: kind, subject and target of an edit; any other event is a line of its own."""
    kind = type_named(event.type)
    if not event.changes or kind.security or event.subject_id is None:
        return event.pk
    return event.type, event.subject_id, kind.target(event.details)


def _net(events: Sequence[Event]) -> dict[str, list[Any]]:
    net: dict[str, list[Any]] = {}
    for event in events:
        for name, (before, after) in event.changes.items():
            net[name] = [net[name][0] if name in net else before, after]
    if len(events) == 1:
        return net
    return {name: pair for name, pair in net.items() if pair[0] != pair[1]}


def _by_group(lines: Sequence[NetChange]) -> list[NetChange]:
    """Lines of one group stand together, where the first of them stood."""
    groups: dict[Any, list[NetChange]] = {}
    for line in lines:
        groups.setdefault(line.event.group or line.event.pk, []).append(line)
    return [line for together in groups.values() for line in together]
