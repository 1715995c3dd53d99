"""Holding an invitation for an action: after all that it leads to, in one order for everybody.

The order of docs/decisions/0026-the-order-of-locks.md: the client's space; the places of those in whose name it is
written; portfolios; client files; the place in the firm that it offers; letters; the invitation itself. What an
invitation leads to never changes, so it is read without a lock first. Rights and states are asked once all is held.
"""

from collections.abc import Collection, Iterable
from uuid import UUID

from accounts.actions.holding import hold_names
from accounts.models import Membership
from clients.models import ClientSpace, Dossier
from invitations.models import Invitation, InvitationGrant, InvitationKind
from portfolios.models import Portfolio
from tenancy.expressions import among


def held(key: UUID, *, by: Membership | None = None) -> Invitation | None:
    """The invitation, held with what it leads to and read anew, names included; in its sender's scope.

    None if it is gone. `by`: the member of the firm who is to answer for it from now on.
    """
    found = Invitation.objects.filter(pk=key).first()
    if found is None:
        return None
    if found.space_id is not None:
        hold_space(found.space_id)
    else:
        _hold_in_firm(found, by)
    return held_alone(key)


def held_alone(key: UUID) -> Invitation | None:
    """The invitation, for an action that holds already what it leads to, or writes nothing but the invitation.

    Two queries: what is joined to a row that was waited for would be as it was before.
    """
    list(Invitation.objects.select_for_update(no_key=True).filter(pk=key).values_list("pk"))
    return Invitation.objects.with_names().filter(pk=key).first()


def hold_space(key: UUID) -> ClientSpace:
    """In its scope. Without its key, on which each event in the space leans."""
    return ClientSpace.objects.select_for_update(no_key=True).get(pk=key)


def hold_dossiers(keys: Collection[UUID]) -> None:
    """In the order of their keys; without these, on which whoever is given one meanwhile leans."""
    chosen = Dossier.objects.filter(among(keys)).order_by("pk")
    list(chosen.select_for_update(no_key=True).values_list("pk"))


def hold_invitations(keys: Collection[UUID], *, by: Membership | None = None) -> list[UUID]:
    """Many of a firm, in the order of their keys, after the places that they offer; returns which there are still."""
    if by is not None:
        hold_names(by.pk)
    chosen = Invitation.objects.filter(among(keys))
    _hold_places(key for key in chosen.order_by().values_list("membership_id", flat=True) if key)
    rows = chosen.order_by("pk").select_for_update(no_key=True)
    return list(rows.values_list("pk", flat=True))


def _hold_in_firm(invitation: Invitation, by: Membership | None) -> None:
    """A colleague's acceptance gives grants in the inviter's name, so that theirs is held too."""
    hold_names(by.pk if by else None, invitation.invited_by_id)
    if invitation.kind == InvitationKind.MEMBER:
        grants = InvitationGrant.objects.filter(invitation=invitation)
        offered = Portfolio.objects.filter(pk__in=grants.order_by().values("portfolio"))
        list(offered.order_by("pk").select_for_update(no_key=True).values_list("pk"))
        _hold_places([invitation.membership_id])
    elif invitation.dossier_id is not None:
        hold_dossiers([invitation.dossier_id])


def _hold_places(keys: Iterable[UUID | None]) -> None:
    places = Membership.objects.filter(pk__in=[key for key in keys if key]).order_by("pk")
    list(places.select_for_update(no_key=True).values_list("pk"))
