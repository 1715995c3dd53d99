"""What may be done to portfolios by themselves. What moves their dossiers stands in `clients.actions.portfolios`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from accounts.grants import Grant
from accounts.models import Membership, MemberState
from accounts.permissions import (
    Granted,
    ObjectRole,
    Perm,
    give,
    holders_of_any,
    pairs_of,
    permitted,
    require,
    take,
)
from activity.actions import Happening, record, record_many
from portfolios.events import (
    PortfolioCreated,
    PortfolioEvent,
    PortfolioGranted,
    PortfolioRenamed,
    PortfolioWithdrawn,
    SubscriberChanged,
    SubscriptionsChanged,
)
from portfolios.models import Portfolio, PortfolioGrant
from tenancy.keys import uuid7


class NameTaken(Exception):
    """The firm already has a portfolio of that name, case and accents aside."""


class RenamedMeanwhile(Exception):
    """Somebody gave the portfolio another name since the person began. `portfolio` is as it stands now."""

    def __init__(self, portfolio: Portfolio) -> None:
        super().__init__(str(portfolio.pk))
        self.portfolio = portfolio


class ChangedMeanwhile(Exception):
    """Somebody changed the subscriber's role, or took it, since the person began. `role` is the present one."""

    def __init__(self, role: ObjectRole | None) -> None:
        super().__init__(role)
        self.role = role


class NotAMember(PermissionDenied):
    """Nothing is opened to somebody who has not come yet, or who has left the firm."""


@dataclass(frozen=True)
class Subscriptions:
    """What became of a member's portfolios: how many they got, lost, have in another role; `left_out`: now closed."""

    given: int
    changed: int
    taken: int
    left_out: int

    @property
    def count(self) -> int:
        return self.given + self.changed + self.taken


class Terminated(PermissionDenied):
    """The portfolio was terminated, perhaps a moment ago: nothing enters it and nobody gets it."""


@transaction.atomic
def create_portfolio(*, actor: Membership, name: str) -> Portfolio:
    """Create an empty portfolio. Raises NameTaken."""
    require(actor, Perm.CREATE_PORTFOLIO)
    portfolio = Portfolio(name=name)
    save_named(portfolio, force_insert=True)
    record(PortfolioCreated, actor=actor, subject=portfolio)
    return portfolio


@transaction.atomic
def rename_portfolio(
    *, actor: Membership, portfolio: Portfolio, name: str, seen: str | None = None
) -> Portfolio:
    """Give the portfolio another name. Raises NameTaken. The same name again changes and records nothing.

    `seen` is its name when the person began: raises RenamedMeanwhile if it is neither that nor `name` now.
    """
    portfolio = Portfolio.objects.select_for_update().get(pk=portfolio.pk)
    if portfolio.terminated_at:
        raise Terminated(portfolio.pk)
    require(actor, Perm.CHANGE_PORTFOLIO, portfolio)
    previous, portfolio.name = portfolio.name, name
    if name == previous:
        return portfolio
    if seen is not None and seen != previous:
        portfolio.name = previous
        raise RenamedMeanwhile(portfolio)
    save_named(portfolio, update_fields=["name"])
    record(PortfolioRenamed, actor=actor, subject=portfolio, changes={"name": (previous, name)})
    return portfolio


@transaction.atomic
def grant_portfolio(
    *,
    actor: Membership,
    portfolio: Portfolio,
    member: Membership,
    role: ObjectRole = ObjectRole.ACCOUNTANT,
) -> None:
    """Open the portfolio and its dossiers to the member, or give them another role on it.

    Granting the same again changes and records nothing. Raises Terminated, NotAMember.
    """
    _hold_for_grants(actor, portfolio)
    _require_a_place(member)
    for granted in give(PortfolioGrant, pairs_of([portfolio], [member]), role=role, by=actor):
        _record_grant(actor, portfolio, member, granted)


@transaction.atomic
def change_subscriber(
    *, actor: Membership, portfolio: Portfolio, member: Membership, role: ObjectRole, seen: ObjectRole
) -> None:
    """Give a subscriber another role. Raises ChangedMeanwhile if theirs is no longer `seen`, Terminated, NotAMember."""
    _hold_for_grants(actor, portfolio)
    present = _role_of(portfolio, member)
    if present not in (seen, role):
        raise ChangedMeanwhile(present)
    grant_portfolio(actor=actor, portfolio=portfolio, member=member, role=role)


@transaction.atomic
def withdraw_portfolio(*, actor: Membership, portfolio: Portfolio, member: Membership) -> None:
    """Take the portfolio from the member, at their next request. Taking it twice changes and records nothing."""
    require(actor, Perm.GRANT_PORTFOLIO, portfolio)
    for taken in take(PortfolioGrant, pairs_of([portfolio], [member])):
        _record_taking(actor, portfolio, member, taken)


@transaction.atomic
def change_subscriptions(
    *,
    actor: Membership,
    member: Membership,
    add: Collection[UUID] = (),
    remove: Collection[UUID] = (),
    role: ObjectRole = ObjectRole.ACCOUNTANT,
) -> Subscriptions:
    """Open some portfolios to the member in this role and take others, all by key; the rest stays as it is.

    Each portfolio's own history gets its line; one event tells of all, or that of the only one, by its name. No change,
    no event. Raises NotAMember.
    """
    open_ones = _hold_those_open(actor, {*add, *remove})
    _require_a_place(member)
    person = member.user_id
    assert person is not None  # who has a place has an account
    given = give(PortfolioGrant, [(key, person) for key in add if key in open_ones], role=role, by=actor)
    taken = take(PortfolioGrant, [(key, person) for key in remove if key in open_ones])
    new = [one for one in given if one.before is None]
    changed = [one for one in given if one.before not in (None, one.after)]
    done = Subscriptions(len(new), len(changed), len(taken), left_out=len({*add, *remove} - open_ones))
    if done.count == 1:
        _record_one(actor, member, [*new, *changed], taken)
    elif done.count:
        _record_several(actor, member, new, changed, taken)
    return done


def _record_one(
    actor: Membership, member: Membership, given: Sequence[Granted], taken: Sequence[Granted]
) -> None:
    """As if it had been given or taken by itself: it is told by its name, and taken back it cancels out."""
    (one,) = (*given, *taken)
    portfolio = Portfolio.objects.get(pk=one.object_id)
    if given:
        _record_grant(actor, portfolio, member, one)
    else:
        _record_taking(actor, portfolio, member, one)


def _record_several(
    actor: Membership,
    member: Membership,
    new: Sequence[Granted],
    changed: Sequence[Granted],
    taken: Sequence[Granted],
) -> None:
    group = uuid7()
    details = {
        "given": _note(PortfolioGranted, actor, member, new, group),
        "changed": _note(SubscriberChanged, actor, member, changed, group),
        "taken": _note(PortfolioWithdrawn, actor, member, taken, group),
    }
    touched = Portfolio.objects.filter(pk__in=[one.object_id for one in (*new, *changed, *taken)])
    record(
        SubscriptionsChanged,
        actor=actor,
        subject=member,
        details=details,
        also_tell=holders_of_any(Perm.VIEW_PORTFOLIO, touched),
        group=group,
    )


def note_taken(
    actor: Membership, member: Membership, taken: Mapping[type[Grant], Sequence[Granted]], group: UUID
) -> None:
    """The member left the firm: each portfolio that they had says so in its history."""
    _note(PortfolioWithdrawn, actor, member, taken.get(PortfolioGrant, []), group)


_HOLD = """
SELECT id FROM portfolios_portfolio
WHERE firm_id = (SELECT app.firm()) AND id = ANY(%s) AND terminated_at IS NULL ORDER BY id FOR KEY SHARE
"""


def hold_open(portfolios: Iterable[UUID]) -> None:
    """Keep these portfolios from being terminated until the transaction ends; raises Terminated if one is already.

    Those who put something in do not wait for each other: the lock is the weakest one, which conflicts with the
    termination's alone. It is taken before any dossier is locked, there as here.
    """
    keys = set(portfolios)
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [list(keys)])
        if cursor.rowcount < len(keys):
            raise Terminated


def save_named(
    portfolio: Portfolio, *, force_insert: bool = False, update_fields: list[str] | None = None
) -> None:
    """Save, and explain the database's refusal of a second portfolio of that name: raises NameTaken."""
    try:
        with transaction.atomic():
            portfolio.save(force_insert=force_insert, update_fields=update_fields)
    except IntegrityError as error:
        if "portfolio_name" not in str(error):
            raise
        raise NameTaken(portfolio.name) from error


def _hold_for_grants(actor: Membership, portfolio: Portfolio) -> None:
    """Two at once grant it once, and none to whom it is granted is passed over by a termination.

    Whether the actor may is asked once it is held: their own place may have changed while this waited.
    """
    held = Portfolio.objects.select_for_update(no_key=True).get(pk=portfolio.pk)
    if held.terminated_at:
        raise Terminated(portfolio.pk)
    require(actor, Perm.GRANT_PORTFOLIO, portfolio)


def _role_of(portfolio: Portfolio, member: Membership) -> ObjectRole | None:
    grants = PortfolioGrant.objects.running().filter(content_object=portfolio, user_id=member.user_id)
    role = grants.values_list("permission__codename", flat=True).first()
    return ObjectRole(role) if role else None


def _record_grant(actor: Membership, portfolio: Portfolio, member: Membership, granted: Granted) -> None:
    """Nothing for who had that role already, until another moment."""
    if granted.before is None:
        details = {**_named(member), "role": granted.after}
        record(PortfolioGranted, actor=actor, subject=portfolio, details=details)
    elif granted.before != granted.after:
        changes = {"role": (granted.before, granted.after)}
        record(SubscriberChanged, actor=actor, subject=portfolio, changes=changes, details=_named(member))


def _record_taking(actor: Membership, portfolio: Portfolio, member: Membership, taken: Granted) -> None:
    details = {**_named(member), "role": taken.before}
    record(PortfolioWithdrawn, actor=actor, subject=portfolio, details=details, also_tell=[member])


def _hold_those_open(actor: Membership, keys: Collection[UUID]) -> set[UUID]:
    """Of these, the portfolios that the actor may grant; held, so that two at once come one after the other."""
    these = Portfolio.objects.filter(pk__in=keys)
    list(these.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    return set(permitted(these, actor, Perm.GRANT_PORTFOLIO).values_list("pk", flat=True))


def _require_a_place(member: Membership) -> None:
    """Their place is held, so that it does not end meanwhile."""
    held = Membership.objects.select_for_update(no_key=True).get(pk=member.pk)
    if held.state in (MemberState.INVITED, MemberState.TERMINATED):
        raise NotAMember(member.pk)


def _note(
    event_type: type[PortfolioEvent],
    actor: Membership,
    member: Membership,
    grants: Sequence[Granted],
    group: UUID,
) -> int:
    """A line for each portfolio; nobody is told by it. Returns how many."""
    names = dict(Portfolio.objects.filter(pk__in=[one.object_id for one in grants]).values_list("pk", "name"))
    return record_many(
        event_type,
        actor=actor,
        model=Portfolio,
        happenings=[
            Happening(
                one.object_id,
                names[one.object_id],
                changes={"role": (one.before, one.after)} if one.before and one.after else {},
                details={**_named(member), "role": one.after or one.before},
            )
            for one in grants
        ],
        group=group,
    )


def _named(member: Membership) -> dict[str, str]:
    return {"member": member.name, "member_id": str(member.pk)}
