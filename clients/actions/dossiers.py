"""What may be done to dossiers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.identifiers import has_checksum
from accounts.models import Membership, Role
from accounts.permissions import ObjectRole, Perm, give, holders, pairs_of, require
from activity.actions import Changes, record
from activity.behalf import stood_in_for
from clients.actions.space import tell_client
from clients.events.dossiers import DossierChanged, DossierCreated, DossierMoved
from clients.models import Assignment, Dossier
from portfolios.actions import hold_open
from portfolios.models import Portfolio


class ReferenceTaken(Exception):
    """Another dossier of the firm has this reference."""


class ChangedMeanwhile(Exception):
    """Somebody changed the dossier since the person began to edit it. `dossier` is as it stands now."""

    def __init__(self, dossier: Dossier) -> None:
        super().__init__(str(dossier.pk))
        self.dossier = dossier


@transaction.atomic
def create_dossier(
    *, actor: Membership, values: Mapping[str, Any], portfolio: Portfolio | None = None
) -> Dossier:
    """Create a dossier from cleaned values; a collaborator becomes its accountant.

    A SIRET whose check digit fails needs Perm.ACCEPT_SIRET, and the event says so. Raises ReferenceTaken, and
    `portfolios.actions.Terminated`.
    """
    require(actor, Perm.CREATE_DOSSIER)
    if portfolio is not None:
        hold_open([portfolio.pk])
        require(actor, Perm.ADD_TO_PORTFOLIO, portfolio)
    dossier = Dossier(portfolio=portfolio, **values)
    as_is = _siret_as_is(actor, {"siret": ("", dossier.siret)})
    _save(dossier, force_insert=True)
    if actor.role != Role.ADMIN:
        give(Assignment, pairs_of([dossier], [actor]), role=ObjectRole.ACCOUNTANT, by=actor)
    record(DossierCreated, actor=actor, subject=dossier, changes={**_into(portfolio), **as_is})
    return dossier


@transaction.atomic
def create_own_dossier(member: Membership) -> None:
    """The firm's own dossier, which administrators alone see: part of registering a firm."""
    firm = member.firm
    dossier = Dossier(
        is_own=True,
        legal_name=firm.name,
        siren=firm.siren,
        siret=firm.siret,
        email=firm.email,
        phone=firm.phone,
    )
    dossier.save(force_insert=True)
    record(DossierCreated, actor=member, subject=dossier)


@transaction.atomic
def update_dossier(
    *, actor: Membership, dossier: Dossier, values: Mapping[str, Any], seen: datetime | None = None
) -> Dossier:
    """Change the fields that `values` names; the same values again change and record nothing.

    `seen` is the dossier's `updated_at` when the person began: raises ChangedMeanwhile if it is another now. Raises
    ReferenceTaken. For a SIRET whose check digit fails, see `create_dossier`.
    """
    dossier = Dossier.objects.select_for_update(no_key=True).get(pk=dossier.pk)
    require(actor, Perm.CHANGE_DOSSIER, dossier)
    if seen is not None and dossier.updated_at != seen:
        raise ChangedMeanwhile(dossier)
    changes = _apply(dossier, values)
    if not changes:
        return dossier
    as_is = _siret_as_is(actor, changes)
    _save(dossier, update_fields=list(changes))
    record(DossierChanged, actor=actor, subject=dossier, changes={**changes, **as_is})
    tell_client(actor=actor, dossier=dossier, changes=changes)
    return dossier


@transaction.atomic
def move_dossier(*, actor: Membership, dossier: Dossier, portfolio: Portfolio | None) -> Dossier:
    """Put the dossier into another portfolio, or (administrators) into none. Where it is already, nothing happens.

    Those who see it by its former portfolio alone lose it, and are told. Raises `portfolios.actions.Terminated`.
    """
    if portfolio is not None:
        hold_open([portfolio.pk])
        require(actor, Perm.ADD_TO_PORTFOLIO, portfolio)
    held = Dossier.objects.select_for_update(of=("self",), no_key=True)
    dossier = held.select_related("portfolio").get(pk=dossier.pk)
    require(actor, Perm.MOVE_DOSSIER, dossier)
    if portfolio is None:
        require(actor, Perm.ASSIGN_DOSSIER, dossier)
    previous = dossier.portfolio
    if previous == portfolio:
        return dossier
    before, behalf = list(holders(Perm.VIEW_DOSSIER, dossier)), stood_in_for(actor, dossier)
    dossier.portfolio = portfolio
    dossier.save(update_fields=["portfolio"])
    change = (previous.name if previous else "", portfolio.name if portfolio else "")
    record(
        DossierMoved,
        actor=actor,
        subject=dossier,
        changes={"portfolio": change},
        also_tell=before,
        behalf=behalf,
    )
    return dossier


def _apply(dossier: Dossier, values: Mapping[str, Any]) -> Changes:
    """Set the values, and say which of them are new: field → (before, after)."""
    changes = {
        name: (getattr(dossier, name), value)
        for name, value in values.items()
        if getattr(dossier, name) != value
    }
    for name, (_before, after) in changes.items():
        setattr(dossier, name, after)
    return changes


def _siret_as_is(actor: Membership, changes: Changes) -> dict[str, tuple[Any, Any]]:
    """What the event says of a new SIRET whose check digit fails; nothing for any other."""
    siret = changes.get("siret", ("", ""))[1]
    if not siret or has_checksum(siret):
        return {}
    require(actor, Perm.ACCEPT_SIRET)
    return {"siret_as_is": ("", siret)}


def _into(portfolio: Portfolio | None) -> dict[str, tuple[Any, Any]]:
    return {"portfolio": ("", portfolio.name)} if portfolio else {}


def _save(dossier: Dossier, *, force_insert: bool = False, update_fields: list[str] | None = None) -> None:
    """Save, and explain the database's refusal of a second dossier of that reference."""
    try:
        with transaction.atomic():
            dossier.save(force_insert=force_insert, update_fields=update_fields)
    except IntegrityError as error:
        if "dossier_reference" not in str(error):
            raise
        raise ReferenceTaken(dossier.reference) from error
