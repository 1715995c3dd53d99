"""What a plan's filters let through, and what they offer: what was found in which column, and the portfolios."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.core.cache import cache
from django.db import connection
from django.db.models import Case, Count, Q, QuerySet, When
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
_LEVELS: Mapping[str, str | Promise] = {
    Level.ERROR: pgettext_lazy("finding", "Error"),
    Level.DOUBT: pgettext_lazy("finding", "To check"),
    Level.IGNORED: pgettext_lazy("finding", "Left out"),
    Level.REPAIRED: pgettext_lazy("finding", "Repaired"),
    Level.CORRECTED: pgettext_lazy("finding", "Corrected"),
}
_COUNT = """
SELECT one ->> 'level', one ->> 'field', count(*), count(*) FILTER (WHERE one ? 'offers')
FROM clients_importrow AS stage, jsonb_array_elements(stage.remarks) AS one
WHERE stage.source_id = %s AND stage.firm_id = %s AND stage.remarks IS NOT NULL AND stage.action <> 'skipped'
GROUP BY 1, 2
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
    found = [Finding(*row) for row in _found(source)]
    levels = list(_LEVELS)
    return sorted(
        (one for one in found if one.level in _LEVELS), key=lambda one: (levels.index(one.level), one.header)
    )


def _found(source: Import) -> list[tuple[str, str, int, int]]:
    """Of a large plan it is counted once: it takes a look at every row. No client's name or value is kept."""
    if sum(source.count(action) for action in RowAction) < _LARGE:
        return _counted(source)
    key = f"findings:{source.pk}:{source.planned_at}".replace(" ", "")
    kept: list[tuple[str, str, int, int]] | None = cache.get(key)
    if kept is None:
        kept = _counted(source)
        cache.set(key, kept, _KEPT_FOR)
    return kept


def _counted(source: Import) -> list[tuple[str, str, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [source.pk, source.firm_id])
        return [tuple(row) for row in cursor.fetchall()]


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
    """Rows that hold each of the words, or bear the number."""
    held = Q()
    for word in fold(words).split():
        held &= Q(search_key__contains=word)
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


@dataclass(frozen=True)
class Counted:
    """How many rows there are under each tab; `numbers`: which ones, where they are few."""

    counts: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)


def counted(rows: QuerySet[ImportRow]) -> Counted:
    """One look at each of these rows."""
    found = Counted()
    few = Case(When(count__lte=_FEW, then=ArrayAgg("number")))
    kinds: Iterable[tuple[str, str, int, Sequence[int] | None]] = (
        rows.order_by()
        .values("action", "outcome")
        .annotate(count=Count("id"), few=few)
        .values_list("action", "outcome", "count", "few")
    )
    for action, outcome, count, numbers in kinds:
        tab = KEPT_BACK if outcome in KEPT else PASSED_OVER if outcome else action
        found.counts[tab] = found.counts.get(tab, 0) + count
        found.numbers.setdefault(tab, []).extend(numbers or ())
    for tab, count in found.counts.items():
        if len(found.numbers[tab]) < count:
            del found.numbers[tab]
    return found
