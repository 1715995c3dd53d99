"""The races over the journal, and what they come to."""

import argparse
import io
from collections.abc import Callable, Hashable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import openpyxl
import xlsxwriter
from django.db import connection, transaction
from django.db.models import Q
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from activity.actions import record
from activity.models import Event, Seal
from activity.queries import Asked, one_slice
from activity.sealing import seal_journal
from activity.searching import first_key
from activity.telling import lines
from activity.verifying import Owner, verify
from benchmarks._access_world import Office
from benchmarks._activity_world import RARE, World, found_or_made, make_unsealed
from benchmarks._runner import Result, Run, compete, report, timed
from clients.exports.journal import JournalBook
from clients.models import Dossier
from portfolios.events import PortfolioRenamed
from portfolios.models import Portfolio
from tenancy.expressions import among
from tenancy.keys import uuid7
from tenancy.leases import Progress
from tenancy.scopes import scope

SIZE, EXPORTED, FAR, TOLD = 50, 100_000, 50_000, 10
REPEATED, MORE_ROUNDS = 5, 3
Question = Callable[[], Hashable]


def main() -> None:
    options = argparse.ArgumentParser(prog="bench activity")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--events", type=int, default=5_000_000)
    given = options.parse_args()
    world = found_or_made(given.events)
    pages = {name: _page(world, name, given.rounds) for name in _ASKED}
    ratios = {f"{name}_vs_bare": _ratio(result, "ours", "bare") for name, result in pages.items()}
    growth = {f"{name}_growth": _ratio(result, "ours", "ours, small") for name, result in pages.items()}
    ratios |= _rendered(world, given.rounds) | _recorded(world.large, given.rounds)
    ratios |= _exported(world.large, given.rounds)
    ratios |= _proven(make_unsealed(given.events))
    report("activity", ratios, growth)


# --- Pages ---------------------------------------------------------------------------------------------------------


def _page(world: World, name: str, rounds: int) -> dict[str, Result]:
    print(f"\n{name}")
    return compete(
        {
            "bare": _contestant(world.large, name, bare=True),
            "ours": _contestant(world.large, name),
            "ours, small": _contestant(world.small, name),
        },
        rounds=rounds * MORE_ROUNDS,
    )


def _contestant(office: Office, name: str, *, bare: bool = False) -> Callable[[], Run]:
    """Answers again and again in the firm's scope; one run is one answer. It is what the plain query finds, or not."""
    with scope(firm=office.firm):
        asked, condition, before = _ASKED[name](office)
        expected = _bare(condition, before)()
        question = _bare(condition, before) if bare else _ours(asked, before)

    def run() -> Run:
        with scope(firm=office.firm):
            answer = question()
            spent = timed(lambda: [question() for _number in range(REPEATED)])
        return Run(spent.seconds / REPEATED, rows="as the plain query says" if answer == expected else answer)

    return run


def _ours(asked: Asked, before: UUID | None) -> Question:
    return lambda: tuple(line.event.pk for line in one_slice(asked, size=SIZE, before=before).lines)


def _bare(condition: Q, before: UUID | None) -> Question:
    """As models, as ours are; by the owner, so that no policy leads the planner away from the index."""
    further = Q(id__lt=before) if before else Q()

    def answer() -> Hashable:
        here = Event.objects.using("owner").of_scope().select_related("firm").filter(condition, further)
        return tuple(one.pk for one in here.order_by("-id")[:SIZE])

    return answer


def _first(office: Office) -> tuple[Asked, Q, UUID | None]:
    return Asked(), Q(is_detail=False), None


def _far(office: Office) -> tuple[Asked, Q, UUID | None]:
    """As far back as 1,000 pages, by its key; of a firm that is small, halfway."""
    events = Event.objects.of_scope().filter(is_detail=False).order_by("-id")
    place = min(FAR, events.count() // 2)
    return Asked(), Q(is_detail=False), events.values_list("pk", flat=True)[place]


def _person(office: Office) -> tuple[Asked, Q, UUID | None]:
    key = office.collaborator.user_id
    return Asked(person=key), Q(actor_id=key, is_detail=False), None


def _idle_person(office: Office) -> tuple[Asked, Q, UUID | None]:
    """Who did one thing in 5,000."""
    key = Membership.objects.exclude(user=None).order_by("-last_name").values_list("user_id", flat=True)[0]
    return Asked(person=key), Q(actor_id=key, is_detail=False), None


def _kind(office: Office) -> tuple[Asked, Q, UUID | None]:
    return Asked(kind="clients.dossier.moved"), Q(type="clients.dossier.moved"), None


def _rare_kind(office: Office) -> tuple[Asked, Q, UUID | None]:
    return Asked(kind=RARE), Q(type=RARE), None


def _person_and_kind(office: Office) -> tuple[Asked, Q, UUID | None]:
    key = office.collaborator.user_id
    return Asked(person=key, kind=RARE), Q(actor_id=key, type=RARE), None


def _thing(office: Office) -> tuple[Asked, Q, UUID | None]:
    key = _some_dossier().pk
    return Asked(subject=key), Q(subject_id=key), None


def _portfolio(office: Office) -> tuple[Asked, Q, UUID | None]:
    first = Portfolio.objects.order_by("name_key")[0]
    held = frozenset(Dossier.objects.filter(portfolio=first).values_list("pk", flat=True)) | {first.pk}
    return Asked(among=held), among(held, "subject_id"), None


def _days(office: Office) -> tuple[Asked, Q, UUID | None]:
    day = timezone.localdate() - timedelta(days=700)
    begin = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=700)
    end = begin + timedelta(days=30)
    keys = Q(id__gte=first_key(begin), id__lt=first_key(end))
    asked = Asked(since=day, until=day + timedelta(days=29))
    return asked, Q(is_detail=False, at__gte=begin, at__lt=end) & keys, None


def _words(office: Office) -> tuple[Asked, Q, UUID | None]:
    """One thing's whole name."""
    one = _some_dossier()
    return Asked(text=one.legal_name.upper()), Q(subject_id=one.pk), None


def _common_word(office: Office) -> tuple[Asked, Q, UUID | None]:
    """A word of some 800 names of 20,000."""
    keys = Dossier.objects.filter(legal_name__contains="Durand").values_list("pk", flat=True)
    return Asked(text="durand"), among(list(keys), "subject_id"), None


def _some_dossier() -> Dossier:
    keys = Event.objects.of_scope().order_by("-id").values_list("subject_id", flat=True)[:2_000]
    return Dossier.objects.filter(pk__in=list(keys)).order_by("-legal_name")[0]


_ASKED: dict[str, Callable[[Office], tuple[Asked, Q, UUID | None]]] = {
    "page": _first,
    "page_1000": _far,
    "person": _person,
    "idle_person": _idle_person,
    "kind": _kind,
    "rare_kind": _rare_kind,
    "person_and_kind": _person_and_kind,
    "object": _thing,
    "portfolio": _portfolio,
    "days": _days,
    "name": _words,
    "common_word": _common_word,
}

# --- The whole page ------------------------------------------------------------------------------------------------


def _rendered(world: World, rounds: int) -> dict[str, float]:
    """A request from its first byte to its last, without a server; beside, what of it finds and reads the events."""
    print("\nthe page as HTML")
    found = compete(
        {
            "page, large": partial(_requested, _signed_in(world.large)),
            "page, small": partial(_requested, _signed_in(world.small)),
            "its events": _without_rows(_contestant(world.large, "page")),
        },
        rounds=rounds,
    )
    large = found["page, large"].seconds
    return {
        "request_ms": large * 1000,
        "request_growth": large / found["page, small"].seconds,
        "request_vs_events": large / found["its events"].seconds,
    }


def _signed_in(office: Office) -> Callable[[], Any]:
    client = Client()
    assert office.admin.user is not None
    client.force_login(office.admin.user)
    url = office.firm.url("clients:journal")
    return lambda: client.get(url, headers={"host": "localhost"})


def _requested(ask: Callable[[], Any]) -> Run:
    answer = ask()
    assert answer.status_code == 200, (answer.status_code, answer.headers.get("Location"))
    return timed(ask)


def _without_rows(contestant: Callable[[], Run]) -> Callable[[], Run]:
    return lambda: Run(contestant().seconds)


# --- Recording -----------------------------------------------------------------------------------------------------


def _recorded(office: Office, rounds: int) -> dict[str, float]:
    """One event with ten people to tell, and the row alone; taken back each time."""
    print("\nrecording an event of which ten people are told")
    with scope(firm=office.firm):
        people = list(Membership.objects.with_person()[: TOLD + 1])
        portfolio = Portfolio.objects.order_by("name_key")[0]
    actor, told = people[0], people[1:]

    def ours() -> None:
        changes = {"name": ("Avant", "Après")}
        record(PortfolioRenamed, actor=actor, subject=portfolio, changes=changes, also_tell=told)

    def insert() -> None:
        Event(**Event.ownership(), id=uuid7(), type=PortfolioRenamed.name).save(force_insert=True)

    def contestant(work: Callable[[], None]) -> Run:
        with scope(firm=office.firm):
            try:
                with transaction.atomic():
                    work()
                    spent = timed(lambda: _again(work))
                    raise _TakenBack
            except _TakenBack:
                return Run(spent.seconds / REPEATED)

    contestants = {"ours": partial(contestant, ours), "insert": partial(contestant, insert)}
    found = compete(contestants, rounds=rounds * MORE_ROUNDS)
    more = found["ours"].seconds - found["insert"].seconds
    return {"record_vs_insert": _ratio(found, "ours", "insert"), "record_more_ms": more * 1000}


def _again(work: Callable[[], None]) -> None:
    for _number in range(REPEATED):
        work()


class _TakenBack(Exception):
    """What was measured is not kept."""


# --- Export --------------------------------------------------------------------------------------------------------


def _exported(office: Office, rounds: int) -> dict[str, float]:
    """The same lines, made beforehand, by the writers alone."""
    print(f"\nthe export of {EXPORTED:,} events")
    with scope(firm=office.firm):
        asked = Asked(kind="clients.dossier.changed", until=_day_with(EXPORTED))
        made = [[str(cell or "") for cell in line] for line in lines(asked)]

    def ours() -> Run:
        with scope(firm=office.firm):
            book = JournalBook(asked)
            return timed(lambda: book.write(io.BytesIO(), Progress()), lambda: len(made))

    contestants = {
        "ours": ours,
        "XlsxWriter": lambda: timed(partial(_by_xlsxwriter, made), lambda: len(made)),
        "openpyxl, write-only": lambda: timed(partial(_by_openpyxl, made), lambda: len(made)),
    }
    found = compete(contestants, rounds=min(rounds, 3))
    return {
        "export_vs_xlsxwriter": _ratio(found, "ours", "XlsxWriter"),
        "export_vs_openpyxl": _ratio(found, "ours", "openpyxl, write-only"),
        "export_rows_per_s": len(made) / found["ours"].seconds,
    }


def _day_with(count: int) -> Any:
    """The day until which about so many events of the usual kind happened, from the oldest on."""
    events = Event.objects.of_scope().filter(type="clients.dossier.changed").order_by("id")
    oldest = events.values_list("at", flat=True)[min(count, events.count()) - 1]
    return timezone.localtime(oldest).date()


def _by_xlsxwriter(made: list[list[str]]) -> None:
    with xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for number, line in enumerate(made):
            for column, cell in enumerate(line):
                if cell:
                    sheet.write_string(number, column, cell)


def _by_openpyxl(made: list[list[str]]) -> None:
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for line in made:
        sheet.append(line)
    workbook.save(io.BytesIO())


# --- Proof ---------------------------------------------------------------------------------------------------------


def _proven(office: Office) -> dict[str, float]:
    """Once: what waits is sealed once. Beside the verification, the reading alone of what it reads."""
    print("\nsealing and verifying")
    sealing = timed(lambda: seal_journal(office.firm.pk))
    owner = Owner(firm=office.firm.pk)
    found = compete(
        {
            "verifying": lambda: timed(lambda: _intact(owner)),
            "reading": lambda: timed(lambda: _read(office)),
        },
        rounds=3,
    )
    with scope(firm=office.firm):
        count = Seal.objects.filter(owner=office.firm.pk).count()
    print(f"  sealing {count:,} events: {sealing.seconds:.1f} s\n")
    return {
        "seal_us_per_event": sealing.seconds / count * 1e6,
        "verify_us_per_event": found["verifying"].seconds / count * 1e6,
        "verify_vs_reading": _ratio(found, "verifying", "reading"),
    }


def _intact(owner: Owner) -> None:
    assert verify(owner).is_intact


def _read(office: Office) -> None:
    with scope(firm=office.firm), connection.cursor() as cursor:
        cursor.execute(
            "SELECT event.*, seal.* FROM activity_seal AS seal JOIN activity_event AS event ON event.id = seal.event"
            " WHERE seal.owner = %s",
            [office.firm.pk],
        )
        cursor.fetchall()


def _ratio(results: dict[str, Result], ours: str, theirs: str) -> float:
    return results[ours].seconds / results[theirs].seconds
