"""What moves the dossiers of portfolios: many to another one, all of one that is terminated, and back again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Membership, Role
from accounts.permissions import Perm, granted, holders, holders_of_any, require
from activity.actions import Happening, new_group, record, record_many
from activity.behalf import stood_in_for_among
from activity.events import Actor
from clients.actions.dossiers import move_dossier
from clients.events.dossiers import DossierMoved, DossiersMoved, DossiersTakenOut
from clients.models import Dossier, FormerPlace
from clients.results import Result, Skip
from clients.sets import allowed, key_of, locked, these, update_all
from portfolios.actions import Terminated, hold_open, save_named
from portfolios.events import PortfolioRestored, PortfolioTerminated
from portfolios.models import Portfolio

UNDO_DAYS = 30
_BATCH = 5_000


class TooLate(Exception):
    """The portfolio was terminated more than UNDO_DAYS days ago."""


@dataclass(frozen=True)
class Termination:
    """What terminating a portfolio did."""

    portfolio: Portfolio
    moved: list[Dossier]

    @property
    def meaning(self) -> str:
        """The same for the same dossiers."""
        return key_of(self.moved)


@dataclass(frozen=True)
class Restoration:
    """What restoring a portfolio did: the dossiers that are `back`, and those `kept` where somebody put them since."""

    portfolio: Portfolio
    back: list[Dossier]
    kept: list[Dossier]

    @property
    def meaning(self) -> str:
        """The same for the same dossiers."""
        return f"{key_of(self.back)} {key_of(self.kept)}"


# --- Moving many --------------------------------------------------------------------------------------------------


@transaction.atomic
def move_dossiers(*, actor: Membership, dossiers: QuerySet[Dossier], portfolio: Portfolio | None) -> Result:
    """Put these, of those that the actor sees, into another portfolio, or (administrators) into none.

    Those who see them by their former portfolio alone lose them, and are told. Raises Terminated.
    """
    if portfolio is not None:
        hold_open([portfolio.pk])
        require(actor, Perm.ADD_TO_PORTFOLIO, portfolio)
    chosen = locked(actor, dossiers)
    result = Result.sorted_out(chosen, _why_not_moved(actor, chosen, portfolio))
    if result.count == 1:
        move_dossier(actor=actor, dossier=result.done[0], portfolio=portfolio)
    elif result.done:
        _move(actor, result.done, portfolio)
    return result


def _why_not_moved(
    actor: Membership, chosen: Sequence[Dossier], portfolio: Portfolio | None
) -> dict[UUID, Skip | None]:
    may = allowed(actor, Perm.MOVE_DOSSIER, chosen)
    may_leave = may if portfolio else allowed(actor, Perm.ASSIGN_DOSSIER, chosen)
    theirs = _theirs(actor, chosen)
    target = portfolio.pk if portfolio else None
    return {one.pk: _reason(one, target, may, may_leave, theirs) for one in chosen}


def _reason(
    dossier: Dossier, target: UUID | None, may: set[UUID], may_leave: set[UUID], theirs: set[UUID]
) -> Skip | None:
    if dossier.is_own:
        return Skip.OWN
    if dossier.archived_at:
        return Skip.ARCHIVED
    if dossier.pk not in may:
        return Skip.READ_ONLY if dossier.pk in theirs else Skip.NOT_ALLOWED
    if dossier.portfolio_id == target:
        return Skip.ALREADY_THERE
    return None if dossier.pk in may_leave else Skip.NOT_ALLOWED


def _theirs(actor: Membership, chosen: Sequence[Dossier]) -> set[UUID]:
    """Those that the actor's role would let them move; if they may not, the client's right stands against it."""
    if actor.role == Role.ADMIN:
        return {one.pk for one in chosen}
    return set(granted(these(chosen), actor, Perm.MOVE_DOSSIER).order_by().values_list("pk", flat=True))


def _move(actor: Membership, dossiers: Sequence[Dossier], portfolio: Portfolio | None) -> None:
    before = list(holders_of_any(Perm.VIEW_DOSSIER, these(dossiers)))
    group, behalf = new_group(), stood_in_for_among(actor, Dossier, [one.pk for one in dossiers])
    _carry(actor, dossiers, portfolio, group, behalf)
    after = holders_of_any(Perm.VIEW_DOSSIER, these(dossiers))
    record(
        DossiersMoved if portfolio else DossiersTakenOut,
        actor=actor,
        subject=portfolio,
        details={"count": len(dossiers), "dossiers_id": key_of(dossiers)},
        also_tell=[*before, *after],
        group=group,
        behalf=_one_for_all(behalf, dossiers),
    )


def _one_for_all(behalf: Mapping[UUID, Actor], dossiers: Sequence[Dossier]) -> Actor | None:
    """For whom the actor stands in, if it is the same one with each of the dossiers."""
    people = {one.user_id: one for one in behalf.values()}
    return next(iter(people.values())) if len(people) == 1 and len(behalf) == len(dossiers) else None


def _carry(
    actor: Membership,
    dossiers: Sequence[Dossier],
    portfolio: Portfolio | None,
    group: UUID,
    behalf: Mapping[UUID, Actor] | None = None,
) -> None:
    """Put them there, each with its line in the journal; `behalf`: for whom the actor stood in as they were."""
    former = dict(
        Portfolio.objects.filter(pk__in={one.portfolio_id for one in dossiers}).values_list("pk", "name")
    )
    name = portfolio.name if portfolio else ""
    lines = [
        Happening(
            one.pk,
            str(one),
            {"portfolio": (former.get(one.portfolio_id, "") if one.portfolio_id else "", name)},
        )
        for one in dossiers
    ]
    update_all(dossiers, portfolio_id=portfolio.pk if portfolio else None)
    record_many(DossierMoved, actor=actor, model=Dossier, happenings=lines, group=group, behalf=behalf)


# --- Ending one, and taking it back -------------------------------------------------------------------------------


@transaction.atomic
def terminate_portfolio(
    *, actor: Membership, portfolio: Portfolio, successor: Portfolio | None = None
) -> Termination:
    """End a portfolio. All its dossiers, archived ones too, go to the successor, or are left without a portfolio.

    Its grants stay with it, for `restore_portfolio`. Raises Terminated if it, or the successor, has ended already.
    """
    portfolio, successor = _locked_both(portfolio, successor)
    require(actor, Perm.CHANGE_PORTFOLIO, portfolio)
    if successor is not None:
        require(actor, Perm.ADD_TO_PORTFOLIO, successor)
    subscribers = list(holders(Perm.VIEW_PORTFOLIO, portfolio))
    dossiers = _dossiers(Dossier.objects.in_portfolio(portfolio))
    group = new_group()
    _carry(actor, dossiers, successor, group)
    _remember(portfolio, dossiers)
    portfolio.terminated_at, portfolio.successor = timezone.now(), successor
    portfolio.save(update_fields=["terminated_at", "successor"])
    there = successor.name if successor else ""
    record(
        PortfolioTerminated,
        actor=actor,
        subject=portfolio,
        changes={"portfolio": (portfolio.name, there)} if dossiers else {},
        details={"count": len(dossiers), "successor": there},
        also_tell=[*subscribers, *holders_of_any(Perm.VIEW_DOSSIER, these(dossiers))],
        group=group,
    )
    return Termination(portfolio, dossiers)


@transaction.atomic
def restore_portfolio(*, actor: Membership, portfolio: Portfolio, name: str = "") -> Restoration:
    """Take a termination back: the portfolio runs again, with its subscribers, under `name` (its own if empty).

    Its dossiers go back where termination put them; what somebody has moved since stays where it is. Raises TooLate;
    NameTaken if another portfolio bears the name now. One that runs already is left as it is.
    """
    portfolio = Portfolio.objects.select_for_update().get(pk=portfolio.pk)
    require(actor, Perm.CREATE_PORTFOLIO)
    require(actor, Perm.VIEW_PORTFOLIO, portfolio)
    if portfolio.terminated_at is None:
        return Restoration(portfolio, [], [])
    if not may_be_restored(portfolio):
        raise TooLate(portfolio.pk)
    successor_id, group = portfolio.successor_id, new_group()
    changes = _revive(portfolio, name)
    back, kept = _back_and_kept(portfolio, successor_id)
    before = list(holders_of_any(Perm.VIEW_DOSSIER, these(back)))
    _carry(actor, back, portfolio, group)
    FormerPlace.objects.filter(portfolio=portfolio).delete()
    record(
        PortfolioRestored,
        actor=actor,
        subject=portfolio,
        changes=changes,
        details={"count": len(back), "kept": len(kept)},
        also_tell=[*before, *holders_of_any(Perm.VIEW_DOSSIER, these(back))],
        group=group,
    )
    return Restoration(portfolio, back, kept)


def may_be_restored(portfolio: Portfolio) -> bool:
    """Is there still time to?"""
    return portfolio.terminated_at is not None and timezone.now() <= restorable_until(portfolio)


def restorable_until(portfolio: Portfolio) -> datetime:
    """Of a terminated one."""
    assert portfolio.terminated_at is not None
    return portfolio.terminated_at + timedelta(days=UNDO_DAYS)


def _locked_both(portfolio: Portfolio, successor: Portfolio | None) -> tuple[Portfolio, Portfolio | None]:
    """Both held against whatever enters or ends them, in one order for everybody."""
    keys = [portfolio.pk, *([successor.pk] if successor else [])]
    held = {one.pk: one for one in Portfolio.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
    if len(held) < len(keys) or any(one.terminated_at for one in held.values()):
        raise Terminated
    return held[portfolio.pk], held[successor.pk] if successor else None


def _dossiers(dossiers: QuerySet[Dossier]) -> list[Dossier]:
    return list(dossiers.order_by("pk").select_for_update(of=("self",), no_key=True))


def _remember(portfolio: Portfolio, dossiers: Sequence[Dossier]) -> None:
    FormerPlace.objects.bulk_create(
        [FormerPlace(portfolio=portfolio, dossier=dossier) for dossier in dossiers], batch_size=_BATCH
    )


def _revive(portfolio: Portfolio, name: str) -> dict[str, tuple[str, str]]:
    """It runs again; returns the change of its name."""
    previous, portfolio.name = portfolio.name, name or portfolio.name
    portfolio.terminated_at = portfolio.successor = None
    save_named(portfolio, update_fields=["name", "terminated_at", "successor"])
    return {"name": (previous, portfolio.name)} if portfolio.name != previous else {}


def _back_and_kept(portfolio: Portfolio, successor_id: UUID | None) -> tuple[list[Dossier], list[Dossier]]:
    dossiers = _dossiers(Dossier.objects.filter(former_places__portfolio=portfolio))
    back = [one for one in dossiers if one.portfolio_id == successor_id]
    return back, [one for one in dossiers if one.portfolio_id != successor_id]
