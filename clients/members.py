"""The firm's members as its pages show them: what each reaches, and what may be done about them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Firm, Membership, MemberState, Role
from accounts.permissions import ObjectRole, Perm, allows, reached_counts
from clients.models import Dossier
from portfolios.models import Portfolio, PortfolioGrant


@dataclass(frozen=True)
class Row:
    """One line of the list. The numbers are for those who manage members; None where there is nothing to count."""

    member: Membership
    url: str
    menu: list[dict[str, Any]]
    dossiers: int | None = None
    portfolios: int | None = None
    dossiers_url: str = ""


@dataclass(frozen=True)
class Subscription:
    """One portfolio that a member has."""

    portfolio: Portfolio
    role: ObjectRole
    since: Any
    by: str


def rows_of(members: Iterable[Membership], *, viewer: Membership, firm: Firm) -> list[Row]:
    """The lines of these members, as the viewer sees them. The number of queries does not depend on theirs."""
    if not allows(Role(viewer.role), Perm.MANAGE_MEMBERS):
        mine = firm.url("clients:member", pk=viewer.pk)
        return [Row(member, mine if member.pk == viewer.pk else "", []) for member in members]
    files, groups = Dossier.objects.clients().active(), Portfolio.objects.running()
    of_dossiers, all_dossiers = reached_counts(files, Perm.VIEW_DOSSIER)
    of_portfolios, all_portfolios = reached_counts(groups, Perm.VIEW_PORTFOLIO)
    all_of_them = (all_dossiers, all_portfolios)
    listed = firm.url("clients:list")

    def row(member: Membership) -> Row:
        dossiers, portfolios = _numbers(member, of_dossiers, of_portfolios, all_of_them)
        return Row(
            member,
            firm.url("clients:member", pk=member.pk),
            acts_on(member, viewer=viewer, firm=firm),
            dossiers,
            portfolios,
            dossiers_url=f"{listed}?member={member.pk}" if member.user_id and not member.is_admin else listed,
        )

    return [row(member) for member in members]


def _numbers(
    member: Membership, dossiers: Counter[UUID], portfolios: Counter[UUID], all_of_them: tuple[int, int]
) -> tuple[int, int] | tuple[None, None]:
    if member.user_id is None or member.state == MemberState.TERMINATED:
        return None, None
    if member.role == Role.ADMIN:
        return all_of_them
    return dossiers[member.user_id], portfolios[member.user_id]


def acts_on(member: Membership, *, viewer: Membership, firm: Firm) -> list[dict[str, Any]]:
    """What who manages members may do about this one, as items of a menu: it follows from the state."""
    if member.state == MemberState.INVITED:
        return [_item(_("See the invitation"), f"{firm.url('invitations:list')}?q={member.email}", "mail")]
    if member.state == MemberState.TERMINATED:
        url = f"{firm.url('invitations:invite_member')}?email={member.email}"
        return [_item(_("Invite anew"), url, "user-plus", dialog=True)]
    to = {"pk": member.pk}
    items = [_role_item(member, firm.url("clients:member_role", **to))]
    items.append(_item(_("Change the portfolios"), firm.url("clients:member_portfolios", **to), "briefcase"))
    if member.pk == viewer.pk:
        leave = _item(_("Leave the firm"), firm.url("clients:leave_firm"), "logout")
        return [*items, {**leave, "dialog": True, "danger": True, "split": True}]
    if member.state == MemberState.SUSPENDED:
        restore = firm.url("clients:restore_member", **to)
        items.append(_item(_("Restore the access"), restore, "arrow-back-up", dialog=True))
    else:
        items.append(_item(_("Suspend"), firm.url("clients:suspend_member", **to), "lock", dialog=True))
        replace = firm.url("clients:replace", **to)
        items.append(_item(_("Arrange a replacement"), replace, "calendar-event", dialog=True))
    items.append(_item(_("Prepare the departure"), firm.url("clients:departure", **to), "door-exit"))
    end = _item(
        _("Terminate the access"), firm.url("clients:terminate_member", **to), "user-minus", dialog=True
    )
    return [*items, {**end, "danger": True, "split": True}]


def subscriptions_of(member: Membership) -> list[Subscription]:
    """The running portfolios that are granted to the member themself, by name. Two queries."""
    if member.user_id is None:
        return []
    grants = PortfolioGrant.objects.running().filter(
        user_id=member.user_id, content_object__terminated_at=None
    )
    rows = list(
        grants.order_by("content_object_id").values_list(
            "content_object_id", "permission__codename", "granted_at", "granted_by_id"
        )
    )
    portfolios = Portfolio.objects.with_counts().in_bulk([key for key, *_rest in rows])
    givers = Membership.objects.filter(user_id__in={by for *_rest, by in rows if by})
    names = {giver.user_id: giver.name for giver in givers}
    found = [
        Subscription(portfolios[key], ObjectRole(role), since, names.get(by, ""))
        for key, role, since, by in rows
    ]
    return sorted(found, key=lambda one: one.portfolio.name_key)


def _role_item(member: Membership, url: str) -> dict[str, Any]:
    if member.role == Role.ADMIN:
        return _item(_("Make a collaborator"), url, "user", dialog=True)
    return _item(_("Make an administrator"), url, "shield-check", dialog=True)


def _item(label: str, url: str, icon: str, *, dialog: bool = False) -> dict[str, Any]:
    return {"label": label, "url": url, "icon": icon, "dialog": dialog}
