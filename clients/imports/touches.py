"""What keeps an import from being taken back: that somebody has built on what it wrote.

The apps above register theirs, as this one does here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from clients.models import (
    Assignment,
    Dossier,
    FormerPlace,
    LinkRight,
    RowOutcome,
    SpaceLink,
    SupportAuthorisation,
)
from portfolios.models import Portfolio, PortfolioGrant

Found = QuerySet[Any, Any]


@dataclass(frozen=True)
class Touch:
    """`since(moment)`: what has come since, whose `path` leads to the dossier or portfolio (`about`) that then counts
    as `outcome`. Whatever model points at a dossier or a portfolio has to be looked at by one of these."""

    about: type[models.Model]
    outcome: RowOutcome
    path: str
    since: Callable[[datetime], Found]

    def of(self, key: OuterRef, moment: datetime) -> Exists:
        """Is there something about the thing of this key?"""
        return Exists(self.since(moment).filter(**{self.path: key}).order_by())


def _links(moment: datetime) -> Found:
    return SpaceLink.objects.filter(Q(since__gt=moment) | Q(until__gt=moment))


def _authorisations(moment: datetime) -> Found:
    return SupportAuthorisation.objects.filter(given_at__gt=moment)


def _read_only(moment: datetime) -> Found:
    """Of which the firm may change nothing any more, nor take anything back. One that has ended since is among the
    links."""
    return SpaceLink.objects.running().filter(right=LinkRight.READ)


def _archived(moment: datetime) -> Found:
    return Dossier.objects.archived()


def _assignments(moment: datetime) -> Found:
    """The import's own bear its moment."""
    return Assignment.objects.filter(granted_at__gt=moment)


def _former_places(moment: datetime) -> Found:
    """In portfolios that were terminated since."""
    return FormerPlace.objects.filter(portfolio__terminated_at__gt=moment)


def _all(model: type[models.Model]) -> Callable[[datetime], Found]:
    return lambda moment: model._default_manager.all()


# In the order in which they are asked within an outcome.
TOUCHES: list[Touch] = [
    Touch(Dossier, RowOutcome.LINKED, "dossier", _links),
    Touch(Dossier, RowOutcome.LINKED, "dossier", _authorisations),
    Touch(Dossier, RowOutcome.LINKED, "dossier", _read_only),
    Touch(Dossier, RowOutcome.ARCHIVED, "pk", _archived),
    Touch(Dossier, RowOutcome.MOVED, "dossier", _former_places),
    Touch(Dossier, RowOutcome.GRANTED, "content_object", _assignments),
    Touch(Portfolio, RowOutcome.GRANTED, "content_object", _all(PortfolioGrant)),
    Touch(Portfolio, RowOutcome.MOVED, "successor", _all(Portfolio)),
    Touch(Portfolio, RowOutcome.MOVED, "portfolio", _all(FormerPlace)),
]


def touches(about: type[models.Model]) -> list[Touch]:
    """Those about dossiers, or about portfolios."""
    return [one for one in TOUCHES if one.about is about]
