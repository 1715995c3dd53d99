"""What a plan's filters let through, and what they offer: what was found in which column, and the portfolios."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.core.cache import cache
from django.db import connection
from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from clients.imports.remarks import Level
from clients.models import KEPT, Import, ImportRow, RowAction
from clients.resources import header_of
from portfolios.models import Portfolio
from spreadsheets.text import fold

PASSED_OVER, KEPT_BACK = "passed_over", "kept"
NO_PORTFOLIO = "none"
_LONGEST_ROW_NUMBER = 6
# From so many rows on, a look at all of them is felt.
_LARGE = 10_000
_KEPT_FOR = 24 * 3600
# Of so few rows that a filter lets through, the numbers are told with their count.
_FEW = 1_000
_FEW_KEPT = 200
_LEVELS: Mapping[str, str | Promise] = {
    Level.ERROR: pgettext_lazy("finding", "Error"),
    Level.DOUBT: pgettext_lazy("finding", "To check"),
    Level.IGNORED: pgettext_lazy("finding", "Left out"),
    Level.REPAIRED: pgettext_lazy("finding", "Repaired"),
    Level.CORRECTED: pgettext_lazy("finding", "Corrected"),
}
# What was found in a field may be found there twice in one row.
_FINDINGS = """
SELECT level, field, action, outcome, count(*), sum(times)::int, sum(offers)::int,
    CASE WHEN count(*) <= %(few)s THEN array_agg(number) END
FROM (
    SELECT stage.number, stage.action, stage.outcome, one ->> 'level' AS level, one ->> 'field' AS field,
        count(*) AS times, count(*) FILTER (WHERE one ? 'offers') AS offers
    FROM clients_importrow AS stage, jsonb_array_elements(stage.remarks) AS one
    WHERE stage.source_id = %(source)s AND stage.firm_id = %(firm)s AND stage.remarks IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
) AS found GROUP BY 1, 2, 3, 4
"""
_PORTFOLIOS = """
SELECT portfolio_key, action, outcome, count(*), CASE WHEN count(*) <= %(few)s THEN array_agg(number) END
FROM clients_importrow WHERE source_id = %(source)s AND firm_id = %(firm)s GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Finding:
    """How often something of this level was found in a field, and how often with a repair that waits for a person."""

    level: str
    field: str
    count: int
    offers: int

    @property
    def key(self) -> str:
        return f"{self.level}.{self.field}"

    @property
    def offers_dossiers(self) -> bool:
        """Is it not texts that are offered, but client files that the rows may be about?"""
        return self.key == f"{Level.DOUBT}.siren"

    @property
    def header(self) -> str:
        return header_of(self.field)

    @property
    def word(self) -> str:
        return str(_LEVELS[self.level])

    @property
    def label(self) -> str:
        words = {"level": self.word, "field": self.header, "count": self.count}
        return _("%(level)s: %(field)s (%(count)s)") % words


def findings(source: Import) -> list[Finding]:
    """What was found in the whole plan: errors first, and in the order of the columns."""
    found = _overview(source).findings if _is_large(source) else _found(source)[0]
    levels = list(_LEVELS)
    return sorted(
        (one for one in found if one.level in _LEVELS), key=lambda one: (levels.index(one.level), one.header)
    )


def portfolios(source: Import) -> list[tuple[str, str]]:
    """Key and name of those into which rows may go: the firm's, and those that the confirmation will create."""
    if not any(column["field"] == "portfolio" for column in source.columns):
        return []
    names = dict(Portfolio.objects.running().values_list("id", "name"))
    known = {**{str(key): name for key, name in names.items()}, **source.new_portfolios}
    return sorted(known.items(), key=lambda pair: fold(pair[1]))


@dataclass(frozen=True)
class Narrowing:
    """What is looked for: words (or a row's number), a finding's level and field, a portfolio's key or NO_PORTFOLIO."""

    words: str = ""
    finding: str = ""
    portfolio: str = ""

    def __bool__(self) -> bool:
        return bool(self.words or self.finding or self.portfolio)

    @property
    def single(self) -> str:
        """The one finding or portfolio that alone is looked for."""
        if self.words or bool(self.finding) == bool(self.portfolio):
            return ""
        return f"remark:{self.finding}" if self.finding else f"portfolio:{self.portfolio}"

    def of(self, rows: QuerySet[ImportRow]) -> QuerySet[ImportRow]:
        if self.words:
            rows = rows.filter(_sought(self.words))
        if self.finding:
            level, _dot, name = self.finding.partition(".")
            rows = rows.filter(remarks__contains=[{"level": level, "field": name}])
        if self.portfolio:
            key = None if self.portfolio == NO_PORTFOLIO else UUID(self.portfolio)
            rows = rows.filter(portfolio_key=key)
        return rows


def _sought(words: str) -> Q:
    """Rows that hold each of the words, or bear the number.

    Not by LIKE, for which the planner expects next to no rows, and would sort all of them where a word is in each.
    """
    held = Q()
    for word in fold(words).split():
        held &= Q(GreaterThan(StrIndex("search_key", Value(word)), 0))
    text = words.strip()
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ROW_NUMBER:
        held |= Q(number=int(text))
    return held


def under(rows: QuerySet[ImportRow], tab: str) -> QuerySet[ImportRow]:
    """Of these rows, those of a tab."""
    if tab == KEPT_BACK:
        return rows.filter(outcome__in=KEPT)
    if tab == PASSED_OVER:
        return rows.exclude(outcome="").exclude(outcome__in=KEPT)
    return rows.filter(action=tab, outcome="")


# --- Counting ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """How many rows there are under each tab; `numbers`: which ones, where they are few."""

    counts: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)

    def add(self, action: str, outcome: str, count: int, numbers: Iterable[int] | None) -> None:
        """These many more. Without the numbers of some, those of their tab are not known."""
        tab = KEPT_BACK if outcome in KEPT else PASSED_OVER if outcome else action
        before = self.counts.get(tab, 0)
        self.counts[tab] = before + count
        if numbers is None:
            self.numbers.pop(tab, None)
        elif not before or tab in self.numbers:
            self.numbers.setdefault(tab, []).extend(numbers)


@dataclass(frozen=True)
class Overview:
    """Of a large plan, what its filters find: counted once, for it takes a look at every row. It holds no client's
    name or value. `hits`: by what `Narrowing.single` says."""

    findings: list[Finding]
    hits: dict[str, Counted]


def prepare(source: Import) -> None:
    """Have a large plan's overview ready, for whoever opens it."""
    if _is_large(source):
        _overview(source)


def counted(source: Import, narrowing: Narrowing, rows: QuerySet[ImportRow]) -> Counted:
    """The rows that the narrowing lets through."""
    single = narrowing.single
    if single and _is_large(source):
        return _overview(source).hits.get(single, Counted())
    found = Counted()
    few = Case(When(count__lte=_FEW, then=ArrayAgg("number")))
    kinds = rows.order_by().values("action", "outcome").annotate(count=Count("id"), few=few)
    for action, outcome, count, numbers in kinds.values_list("action", "outcome", "count", "few"):
        found.add(action, outcome, count, numbers)
    return found


def _is_large(source: Import) -> bool:
    return sum(source.count(action) for action in RowAction) >= _LARGE


def _overview(source: Import) -> Overview:
    """Another one once the plan was made anew, applied or undone."""
    moments = "".join(f":{moment}" for moment in (source.planned_at, source.applied_at, source.undone_at))
    key = f"overview:{source.pk}{moments}".replace(" ", "")
    kept: Overview | None = cache.get(key)
    if kept is None:
        found, hits = _found(source)
        kept = Overview(found, {**hits, **_in_portfolios(source)})
        cache.set(key, kept, _KEPT_FOR)
    return kept


def _found(source: Import) -> tuple[list[Finding], dict[str, Counted]]:
    """What was found, and in which rows. Of those that a person left out, nothing is told."""
    told: dict[tuple[str, str], tuple[int, int]] = {}
    hits: dict[str, Counted] = {}
    for level, name, action, outcome, count, times, offers, numbers in _asked(_FINDINGS, source):
        hits.setdefault(f"remark:{level}.{name}", Counted()).add(action, outcome, count, numbers)
        if action != RowAction.SKIPPED:
            before = told.get((level, name), (0, 0))
            told[level, name] = before[0] + times, before[1] + offers
    return [Finding(*pair, *counts) for pair, counts in told.items()], hits


def _in_portfolios(source: Import) -> dict[str, Counted]:
    hits: dict[str, Counted] = {}
    for key, *rest in _asked(_PORTFOLIOS, source):
        hits.setdefault(f"portfolio:{key or NO_PORTFOLIO}", Counted()).add(*rest)
    return hits


def _asked(statement: str, source: Import) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"source": source.pk, "firm": source.firm_id, "few": _FEW_KEPT})
        return list(cursor.fetchall())
