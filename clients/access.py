"""Who may see which dossier, and why: by their role in the firm, a portfolio, an assignment, or in another's stead.

What `accounts.permissions` decides is told here with its reasons; the two are held together by a test.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.events.members import MemberRoleChanged
from accounts.grants import Grant
from accounts.models import Membership, Replacement, Role
from accounts.permissions import RANKS, ObjectRole, Perm, allows, permitted
from activity.queries import last_done
from clients.models import Assignment, Dossier
from portfolios.models import Portfolio, PortfolioGrant


class Source(models.TextChoices):
    """By which way an access comes."""

    ROLE = "role", gettext_lazy("Role in the firm")
    PORTFOLIO = "portfolio", gettext_lazy("Portfolio")
    ASSIGNMENT = "assignment", gettext_lazy("Assignment")
    REPLACEMENT = "replacement", gettext_lazy("Replacement")


@dataclass(frozen=True, slots=True)
class Reason:
    """One way by which a member reaches a dossier or a portfolio.

    `by` is who opened it, "" where nobody is known to have. `absent` is who is replaced; `portfolio` is the one that
    opens the dossier, to the member or to whom they replace.
    """

    source: Source
    role: Role | ObjectRole
    since: datetime
    by: str = ""
    until: datetime | None = None
    portfolio: Portfolio | None = None
    absent: str = ""

    @property
    def label(self) -> str:
        """The way in a few words: what a tag shows."""
        match self.source:
            case Source.ROLE:
                return _("Administrator of the firm")
            case Source.REPLACEMENT:
                return _("Replaces %(name)s") % {"name": self.absent}
            case Source.PORTFOLIO if self.portfolio:
                return self.portfolio.name
        return str(self.source.label)

    @property
    def details(self) -> list[str]:
        """What is to be known besides: role, way of the person replaced, since when, by whom, until when."""
        if self.source == Source.ROLE:
            return [self._span(), *self._giver()]
        ways = [self._their_way()] if self.source == Source.REPLACEMENT else []
        return [str(self.role.label), *ways, self._span(), *self._giver()]

    @property
    def text(self) -> str:
        """All of it in one line."""
        return " · ".join([self.label, *self.details])

    def _giver(self) -> list[str]:
        return [_("by %(name)s") % {"name": self.by}] if self.by else []

    def _their_way(self) -> str:
        """How whoever is replaced comes by it."""
        if self.portfolio:
            return _("by the portfolio %(name)s") % {"name": self.portfolio.name}
        return _("by an assignment")

    def _span(self) -> str:
        if self.role == ObjectRole.SUPPORT and self.until:
            # An authorisation runs for a day or a week, so the hour counts.
            until = date_format(timezone.localtime(self.until), "SHORT_DATETIME_FORMAT")
            words = _("since %(day)s, until %(until)s, when the client's authorisation ends")
            return words % {"day": _day(self.since), "until": until}
        if self.until:
            last = _day(
                self.until - timedelta(microseconds=1)
            )  # a replacement ends as the day after its last begins
            return _("from %(day)s to %(until)s") % {"day": _day(self.since), "until": last}
        return _("since %(day)s") % {"day": _day(self.since)}


@dataclass(frozen=True)
class Access:
    """A member who sees the dossier, and every reason for it."""

    member: Membership
    reasons: list[Reason]

    @property
    def role(self) -> Role | ObjectRole:
        """The one of their roles that reaches furthest."""
        return max((reason.role for reason in self.reasons), key=RANKS.__getitem__)

    @property
    def is_assigned(self) -> bool:
        return any(reason.source == Source.ASSIGNMENT for reason in self.reasons)


# An object's key → a member's key → why.
Reasons = dict[UUID, dict[UUID, list[Reason]]]


class _Opened(NamedTuple):
    """A running grant."""

    object_id: UUID
    user_id: UUID
    role: str
    since: datetime
    by: UUID | None
    until: datetime | None


class Openings:
    """What opens the firm's dossiers at this moment: for one page, one answer or one export.

    `only`: the members whose reasons are asked for; of all of them otherwise. Costs two queries, and three for each
    lot of dossiers however many there are; portfolios are asked about once.
    """

    def __init__(self, only: Collection[Membership] | None = None) -> None:
        self.members = {member.user_id: member for member in Membership.objects.exclude(user=None)}
        self._only = None if only is None else {member.user_id for member in only}
        self._covers: dict[UUID, list[Replacement]] = {}
        for replacement in Replacement.objects.running():
            self._covers.setdefault(replacement.absent_id, []).append(replacement)
        self._portfolios: dict[UUID, Portfolio] = {}
        self._of_portfolio: Reasons = {}

    @cached_property
    def people(self) -> list[Membership]:
        """The open members, by name: administrators first."""
        found = [one for one in self.members.values() if one.is_open]
        return sorted(
            found, key=lambda one: (one.role != Role.ADMIN, one.last_name, one.first_name, one.email)
        )

    @property
    def portfolio_names(self) -> dict[UUID, str]:
        """Of the portfolios that were asked about so far."""
        return {key: portfolio.name for key, portfolio in self._portfolios.items()}

    def by_role(self) -> dict[UUID, list[Reason]]:
        """Those who reach all that is the firm's, since they were made administrators. One query."""
        found = [one for one in self.people if one.is_admin and self._asked(one.user_id)]
        made = last_done(MemberRoleChanged.name, [one.pk for one in found]) if found else {}
        reasons = {}
        for member in found:
            invited = (member.invited_at, "")
            # Of somebody who had left and was invited anew, an earlier promotion is another time's.
            since, by = max(invited, made.get(member.pk, invited), key=lambda one: one[0])
            reasons[member.pk] = [Reason(Source.ROLE, Role.ADMIN, since, by)]
        return reasons

    def by_grants(self, dossiers: Iterable[Dossier]) -> Reasons:
        """Whom portfolios, assignments and replacements let see each of the dossiers, and why."""
        clients = [dossier for dossier in dossiers if not dossier.is_own]
        found = self._reasons(Assignment, Source.ASSIGNMENT, [dossier.pk for dossier in clients])
        of_portfolios = self.of_portfolios({one.portfolio_id for one in clients if one.portfolio_id})
        for dossier in clients:
            of_its_portfolio = of_portfolios.get(dossier.portfolio_id, {}) if dossier.portfolio_id else {}
            for member, reasons in of_its_portfolio.items():
                found.setdefault(dossier.pk, {}).setdefault(member, []).extend(reasons)
        return found

    def count_single(self, dossiers: QuerySet[Dossier]) -> int:
        """How many lines, about, single assignments of these dossiers make. One query."""
        of_these = Assignment.objects.running().filter(content_object__in=dossiers.order_by())
        counts = of_these.order_by().values_list("user_id").annotate(count=Count("pk"))
        return sum(count * self._single_ways(user_id) for user_id, count in counts)

    def _single_ways(self, user_id: UUID) -> int:
        covers = (one for one in self._covers.get(user_id, ()) if one.includes_assignments)
        return self._asked(user_id) + sum(self._asked(one.cover_id) for one in covers)

    def of_portfolios(self, keys: Collection[UUID]) -> Reasons:
        """Whom grants and replacements let see each of the portfolios, and why."""
        if unknown := [key for key in keys if key not in self._portfolios]:
            self._portfolios |= Portfolio.objects.in_bulk(unknown)
            self._of_portfolio |= self._reasons(PortfolioGrant, Source.PORTFOLIO, unknown)
        return self._of_portfolio

    def _reasons(self, grants: type[Grant], source: Source, keys: Collection[UUID]) -> Reasons:
        found: Reasons = {}
        for grant in self._running(grants, keys):
            for member, reason in self._opened_by(grant, source):
                if member.is_open and self._asked(member.user_id):
                    found.setdefault(grant.object_id, {}).setdefault(member.pk, []).append(reason)
        return found

    def _running(self, grants: type[Grant], keys: Collection[UUID]) -> Iterator[_Opened]:
        rows = grants.objects.running().filter(content_object_id__in=keys)
        if self._only is not None:
            absent = [
                one for one, covers in self._covers.items() if any(self._asked(c.cover_id) for c in covers)
            ]
            rows = rows.filter(user_id__in=[*self._only, *absent])
        columns = (
            "content_object_id",
            "user_id",
            "permission__codename",
            "granted_at",
            "granted_by_id",
            "expires_at",
        )
        for row in rows.order_by("granted_at", "id").values_list(*columns):
            grant = _Opened(*row)
            if allows(ObjectRole(grant.role), Perm.VIEW_DOSSIER):
                yield grant

    def _opened_by(self, grant: _Opened, source: Source) -> Iterator[tuple[Membership, Reason]]:
        """Whom the grant lets in: its person, and whoever covers them."""
        role, portfolio = ObjectRole(grant.role), self._portfolios.get(grant.object_id)
        if person := self.members.get(grant.user_id):
            yield person, Reason(source, role, grant.since, self._name(grant.by), grant.until, portfolio)
        # What the client has authorised for one person's technical support is nobody else's.
        for cover in self._covers.get(grant.user_id, ()) if role != ObjectRole.SUPPORT else ():
            member = self.members.get(cover.cover_id)
            if member and (source == Source.PORTFOLIO or cover.includes_assignments):
                yield member, self._in_stead(cover, grant, portfolio)

    def _in_stead(self, cover: Replacement, grant: _Opened, portfolio: Portfolio | None) -> Reason:
        return Reason(
            Source.REPLACEMENT,
            ObjectRole(grant.role),
            since=max(cover.starts_at, grant.since),
            by=self._name(cover.arranged_by_id),
            until=min(cover.ends_at, grant.until or cover.ends_at),
            portfolio=portfolio,
            absent=self._name(cover.absent_id),
        )

    def _asked(self, user_id: UUID | None) -> bool:
        return self._only is None or user_id in self._only

    def _name(self, user_id: UUID | None) -> str:
        member = self.members.get(user_id)
        return member.name if member else ""


def access_to(dossier: Dossier) -> list[Access]:
    """Those who may see the dossier now, administrators first, then by name. Six queries at most."""
    openings = Openings()
    by_role, by_grants = openings.by_role(), openings.by_grants([dossier]).get(dossier.pk, {})
    found = [
        Access(member, [*by_role.get(member.pk, ()), *by_grants.get(member.pk, ())])
        for member in openings.people
    ]
    return [access for access in found if access.reasons]


def reached_by(member: Membership) -> QuerySet[Dossier]:
    """The clients' dossiers, those archived aside, that the member sees; none for one who may not enter."""
    return permitted(Dossier.objects.clients().active(), member, Perm.VIEW_DOSSIER)


def opened_by(dossiers: QuerySet[Dossier], member: Membership, source: Source) -> QuerySet[Dossier]:
    """Of these dossiers, those to which the member comes by such a source, whatever others they have."""
    if source == Source.ROLE:
        return dossiers if member.is_admin else dossiers.none()
    if source == Source.REPLACEMENT:
        now = Replacement.objects.running().filter(cover=member.user_id)
        with_single = now.filter(includes_assignments=True)
        whole = _objects(PortfolioGrant, user_id__in=now.values("absent_id"))
        single = _objects(Assignment, user_id__in=with_single.values("absent_id"))
        return dossiers.filter(
            Q(portfolio_id__in=whole) | Q(pk__in=single.exclude(permission__codename=ObjectRole.SUPPORT))
        )
    if source == Source.PORTFOLIO:
        return dossiers.filter(portfolio_id__in=_objects(PortfolioGrant, user_id=member.user_id))
    return dossiers.filter(pk__in=_objects(Assignment, user_id=member.user_id))


def sources_of(member: Membership, dossiers: Sequence[Dossier]) -> dict[UUID, list[Reason]]:
    """Why the member sees each of these dossiers, which are among those that they reach. Six queries at most."""
    openings = Openings(only=[member])
    by_role, by_grants = openings.by_role().get(member.pk, []), openings.by_grants(dossiers)
    return {one.pk: [*by_role, *by_grants.get(one.pk, {}).get(member.pk, ())] for one in dossiers}


def _objects(grants: type[Grant], **of: Any) -> QuerySet[Any]:
    return grants.objects.running().filter(**of).order_by().values("content_object_id")


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATE_FORMAT")
