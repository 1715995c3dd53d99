"""The races of reading, and how they are put together with those of granting."""

import argparse
import re
from collections.abc import Callable, Hashable
from typing import Any
from uuid import UUID

from django.db import connection, connections
from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Membership
from accounts.permissions import Perm, permitted
from benchmarks._access_grants import race_of_grants
from benchmarks._access_world import Office, World, make, make_others
from benchmarks._runner import Result, Run, compete, report, timed
from clients.forms.dossiers import DossierFilter
from clients.models import Dossier
from clients.paging import DEFAULT_SIZE, first_of
from clients.rows import SHOWN
from clients.selection import filters_of
from tenancy.scopes import scope

# How often a contestant answers in one run. Short answers are asked for in more rounds, so that they take turns often.
REPEATED = 5
MORE_ROUNDS = 6
SEARCHES = ("durand 4217", "garage martin", "300000074", "C0004217")
Question = Callable[[], Hashable]


def main() -> None:
    options = argparse.ArgumentParser(prog="bench access")
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    world = make()
    alone = _blocks_read(world.large)
    make_others()
    beside = _blocks_read(world.large)
    pages = _pages(world, rounds)
    counts, searches = _counts(world.large, rounds), _searches(world.large, rounds)
    grants = race_of_grants(world.large, rounds)
    report(
        "access",
        {
            "page_vs_bare": _ratio(pages, "collaborator", "bare"),
            "count_vs_bare": _ratio(counts, "collaborator", "bare"),
            "search_vs_bare": _ratio(searches, "collaborator", "bare"),
            "rls_cost": _ratio(pages, "collaborator", "collaborator, no RLS"),
            "count_rls_cost": _ratio(counts, "collaborator", "collaborator, no RLS"),
            "admin_page_vs_bare": _ratio(pages, "administrator", "bare"),
            "admin_count_vs_bare": _ratio(counts, "administrator", "bare"),
            "admin_search_vs_bare": _ratio(searches, "administrator", "bare"),
            **grants,
        },
        {
            "page_growth": _ratio(pages, "collaborator", "collaborator, firm of 1,000"),
            "blocks_beside_others": beside / alone,
        },
    )


def _pages(world: World, rounds: int) -> dict[str, Result]:
    """The first page by name."""
    large, small = world.large, world.small
    print("\nFirst page of 50, by name")
    return compete(
        {
            "bare": _contestant(large, lambda: _page(_bare(large)), _expected_page(large)),
            "administrator": _contestant(large, lambda: _page(_all(large)), _expected_page(large)),
            "collaborator": _contestant(
                large, lambda: _page(_mine(large), sparse=True), _expected_mine(large)
            ),
            "collaborator, no RLS": _contestant(
                large, lambda: _page(_mine(large).using("owner"), sparse=True), _expected_mine(large)
            ),
            "collaborator, firm of 1,000": _contestant(
                small, lambda: _page(_mine(small), sparse=True), _expected_mine(small)
            ),
        },
        rounds=rounds * MORE_ROUNDS,
    )


def _counts(office: Office, rounds: int) -> dict[str, Result]:
    print("\nHow many there are")
    everything, mine = len(_keys_in(office)), len(_keys_in(office, _MINE))
    return compete(
        {
            "bare": _contestant(office, lambda: _bare(office).count(), everything),
            "administrator": _contestant(office, lambda: _all(office).count(), everything),
            "collaborator": _contestant(office, lambda: _mine(office).count(), mine),
            "collaborator, no RLS": _contestant(office, lambda: _mine(office).using("owner").count(), mine),
        },
        rounds=rounds,
    )


def _searches(office: Office, rounds: int) -> dict[str, Result]:
    """Page and count of four searches: by name (some, many), by number, by reference."""
    print(f"\nPage and total of the searches for {', '.join(SEARCHES)}")
    everything = _expected_searches(office)
    return compete(
        {
            "bare": _contestant(office, lambda: _answers(lambda q: _bare(office).search(q)), everything, 1),
            "administrator": _contestant(
                office, lambda: _answers(lambda q: _all(office, q=q)), everything, 1
            ),
            "collaborator": _contestant(
                office, lambda: _answers(lambda q: _mine(office, q=q)), _expected_searches(office, _MINE), 1
            ),
        },
        rounds=rounds,
    )


def _answers(found: Callable[[str], QuerySet[Dossier]]) -> Hashable:
    return tuple((_page(found(sought)), found(sought).count()) for sought in SEARCHES)


# --- The contestants --------------------------------------------------------------------------------------------


def _bare(office: Office) -> Any:
    """The firm's client files, without any permission."""
    return Dossier.objects.filter(firm_id=office.firm.pk).clients().active().only(*SHOWN)


def _all(office: Office, **asked: str) -> QuerySet[Dossier]:
    """What the administrator's list shows."""
    return _list(office.admin, asked)


def _mine(office: Office, **asked: str) -> QuerySet[Dossier]:
    """What the collaborator's list shows."""
    return _list(office.collaborator, asked)


def _list(member: Membership, asked: dict[str, str]) -> QuerySet[Dossier]:
    filters = _filters(member, asked.get("q", ""))
    return filters.narrow(permitted(Dossier.objects.clients(), member, Perm.VIEW_DOSSIER)).only(*SHOWN)


_known_filters: dict[tuple[UUID, str], DossierFilter] = {}


def _filters(member: Membership, sought: str) -> DossierFilter:
    """The list's filter form, made once: it asks for the portfolios and members that it offers."""
    key = (member.pk, sought)
    if key not in _known_filters:
        query = QueryDict(mutable=True)
        query["q"] = sought
        _known_filters[key] = filters_of(query, member)
    return _known_filters[key]


def _page(rows: QuerySet[Dossier], *, sparse: bool = False) -> Hashable:
    return tuple(one.pk for one in first_of(rows.order_by("name_key", "id"), DEFAULT_SIZE + 1, sparse=sparse))


def _contestant(
    office: Office, question: Question, expected: Hashable, repeated: int = REPEATED
) -> Callable[[], Run]:
    """Answers again and again in the firm's scope; one run is one answer. Its rows are what plain SQL says, or not."""

    def run() -> Run:
        with scope(firm=office.firm):
            answer = question()
            asked = timed(lambda: [question() for _number in range(repeated)])
        return Run(asked.seconds / repeated, rows="as plain SQL says" if answer == expected else answer)

    return run


# --- What plain SQL says ------------------------------------------------------------------------------------------

_MINE = """ AND (id IN (SELECT content_object_id FROM clients_assignment WHERE user_id = %(me)s AND firm_id = %(firm)s)
    OR portfolio_id IN (SELECT content_object_id FROM portfolios_portfoliogrant
                        WHERE user_id = %(me)s AND firm_id = %(firm)s))"""


def _keys_in(office: Office, condition: str = "", **values: str) -> tuple[UUID, ...]:
    """Asked by the owner, past all policies."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT id FROM clients_dossier WHERE firm_id = %(firm)s AND archived_at IS NULL AND NOT is_own"
            f"{condition} ORDER BY name_key, id",
            {"firm": office.firm.pk, "me": office.collaborator.user_id, **values},
        )
        return tuple(key for (key,) in cursor.fetchall())


def _expected_page(office: Office) -> Hashable:
    return _keys_in(office)[: DEFAULT_SIZE + 1]


def _expected_mine(office: Office) -> Hashable:
    return _keys_in(office, _MINE)[: DEFAULT_SIZE + 1]


def _expected_searches(office: Office, condition: str = "") -> Hashable:
    found = []
    for sought in SEARCHES:
        words = sought.lower().split()
        values = {f"word{number}": f"%{word}%" for number, word in enumerate(words)}
        likes = "".join(f" AND search_key LIKE %({name})s" for name in values)
        keys = _keys_in(office, condition + likes, **values)
        found.append((keys[: DEFAULT_SIZE + 1], len(keys)))
    return tuple(found)


def _blocks_read(office: Office) -> int:
    """How many blocks of the database page, count and searches look at: no noise of the machine is in it."""
    with scope(firm=office.firm):
        page = first_of(_mine(office).order_by("name_key", "id"), DEFAULT_SIZE + 1, sparse=True)
        return sum(map(_blocks, [page, _mine(office), *(_mine(office, q=sought) for sought in SEARCHES)]))


def _blocks(rows: QuerySet[Dossier]) -> int:
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall()).partition("Planning:")[0]
    first = re.search(r"Buffers: shared(.*)", plan)
    return sum(map(int, re.findall(r"(?:hit|read)=(\d+)", first[1] if first else "")))


def _ratio(results: dict[str, Result], ours: str, theirs: str) -> float:
    return results[ours].seconds / results[theirs].seconds
