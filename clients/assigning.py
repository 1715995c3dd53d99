"""What the pages of assigning say: the selection, who holds what of it, and what became of a change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Firm, Membership, MembershipQuerySet, Role
from accounts.permissions import ObjectRole, Perm, grants_on, permitted
from clients.actions.bulk import Edited, Into
from clients.assigned import Change, Result, Share
from clients.models import Assignment, Dossier
from clients.selection import keys_in, listed_at
from portfolios.models import Portfolio, PortfolioGrant

FIRST, NAMED, LISTED = 5, 20, 100
_NAMES = ("id", "firm", "kind", "legal_name", "first_name", "last_name")


# --- Before ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Selection:
    """The selected dossiers: how many, the first by name, what a form posts to name them again; where they are from."""

    dossiers: QuerySet[Dossier]
    count: int
    names: list[str]
    again: list[tuple[str, str]]
    back: str

    @classmethod
    def of(cls, dossiers: QuerySet[Dossier], firm: Firm, again: list[tuple[str, str]]) -> Self:
        by_name = dossiers.only(*_NAMES).order_by("name_key", "id")
        return cls(
            dossiers,
            dossiers.count(),
            [one.name for one in by_name[:LISTED]],
            again,
            listed_at(firm, dict(again)),
        )

    @property
    def first(self) -> str:
        return ", ".join(self.names[:FIRST])

    @property
    def more(self) -> int:
        """How many are not among the first."""
        return max(self.count - FIRST, 0)

    @property
    def unlisted(self) -> int:
        return max(self.count - LISTED, 0)


def assignable() -> MembershipQuerySet:
    """Those to whom single dossiers may be assigned; administrators see every one anyway."""
    return Membership.objects.open().exclude(role=Role.ADMIN)


def role_on(dossier: Dossier, member: Membership) -> ObjectRole | None:
    """The member's role by an assignment, now."""
    roles = {grant["user_id"]: grant["role"] for grant in grants_on(Assignment, dossier)}
    return ObjectRole(roles[member.user_id]) if member.user_id in roles else None


def holdings(dossiers: QuerySet[Dossier], total: int) -> tuple[list[Membership], dict[UUID, str]]:
    """The members who may be given or may lose these dossiers, by name, and in words what each of them has of these."""
    single: dict[UUID, dict[ObjectRole, int]] = {}
    rows = Assignment.objects.running().filter(content_object__in=dossiers.order_by().values("pk")).order_by()
    for person, role, count in rows.values_list("user_id", "permission__codename").annotate(n=Count("pk")):
        single.setdefault(person, {})[ObjectRole(role)] = count
    whole = _by_portfolio(dossiers)
    members = list(
        Membership.objects.filter(Q(pk__in=assignable().values("pk")) | Q(user_id__in=list(single)))
    )
    notes = {
        member.pk: _holding(single.get(member.user_id, {}), whole.get(member.user_id, 0), total)
        for member in members
        if member.user_id
    }
    return members, notes


def _by_portfolio(dossiers: QuerySet[Dossier]) -> dict[UUID, int]:
    """How many of these each person has by a portfolio."""
    sizes = dict(dossiers.order_by().exclude(portfolio=None).values_list("portfolio").annotate(n=Count("pk")))
    grants = PortfolioGrant.objects.running().filter(content_object_id__in=list(sizes)).order_by()
    found: dict[UUID, int] = {}
    for person, portfolio in grants.values_list("user_id", "content_object_id"):
        found[person] = found.get(person, 0) + sizes[portfolio]
    return found


def _holding(roles: Mapping[ObjectRole, int], whole: int, total: int) -> str:
    parts = [
        _("%(role)s: %(count)s of %(total)s") % {"role": role.label, "count": count, "total": total}
        for role, count in sorted(roles.items())
    ]
    if whole:
        parts.append(_("by a portfolio: %(count)s of %(total)s") % {"count": whole, "total": total})
    return " · ".join(parts)


# --- After -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a change means or has meant, as a page says it; by keys, so that a session that keeps it names nobody.

    `lines`: a member and, in words, what becomes of them. `left`: reason, member (or ""), how many, the first ones.
    `into`: the portfolio where dossiers are put, or "" for none.
    """

    total: int
    count: int
    moved: int
    mails: int
    back: str
    lines: list[tuple[str, list[str]]]
    left: list[tuple[str, str, int, list[str]]]
    into: str = ""

    @property
    def left_count(self) -> int:
        return sum(count for _reason, _member, count, _keys in self.left)

    @property
    def path(self) -> str:
        """Of the list, without its filters."""
        return self.back.partition("?")[0]

    def named(self, member: Membership) -> dict[str, Any]:
        """Lines, the portfolio and what was left, with the names that the member may read. Three queries."""
        people = {str(one.pk): one.name for one in Membership.objects.all()}
        keys = [key for *_rest, some in self.left for key in some]
        seen = permitted(Dossier.objects.filter(pk__in=keys).only(*_NAMES), member, Perm.VIEW_DOSSIER)
        names = {str(one.pk): one.name for one in seen}
        portfolios = permitted(
            Portfolio.objects.filter(pk__in=keys_in([self.into])), member, Perm.VIEW_PORTFOLIO
        )
        return {
            "into": portfolios.first(),
            "lines": [{"name": people.get(key, ""), "texts": texts} for key, texts in self.lines],
            "left": [
                {
                    "reason": reason,
                    "name": people.get(person, ""),
                    "count": count,
                    "names": ", ".join(names[key] for key in some if key in names),
                    "more": count - len(some),
                }
                for reason, person, count, some in self.left
            ],
        }


def outcome_of(edited: Edited, mails: int, selection: Selection, into: Into | None = None) -> Outcome:
    moves = edited.moves.skipped if edited.moves else {}
    return Outcome(
        total=selection.count,
        count=edited.assignments.count,
        moved=edited.moved,
        into=str(into.portfolio.pk) if into and into.portfolio else "",
        mails=mails,
        back=selection.back,
        lines=[(str(share.member.pk), _words(share)) for share in edited.assignments.shares],
        left=[
            *(_left(str(one.reason.label), one.member, one.dossiers) for one in edited.assignments.skipped),
            *(
                _left(_("not moved: %(reason)s") % {"reason": reason.label}, None, [one.pk for one in some])
                for reason, some in moves.items()
            ),
        ],
    )


def before_and_after(made: Result, dossier: Dossier) -> str:
    """What became of one assignment, in a sentence."""
    (share,) = made.shares
    (change,) = share.changes
    assert change.after is not None
    words = {"name": dossier.name, "member": share.member.name, "role": change.after.label}
    if change.before and change.before != change.after:
        text = _("%(name)s is assigned to %(member)s: %(role)s (before: %(before)s).")
        return text % {**words, "before": change.before.label}
    return _("%(name)s is assigned to %(member)s: %(role)s.") % words


def _left(reason: str, member: Membership | None, keys: Sequence[UUID]) -> tuple[str, str, int, list[str]]:
    return reason, str(member.pk) if member else "", len(keys), [str(key) for key in keys[:NAMED]]


def _words(share: Share) -> list[str]:
    texts = [_change(change) for change in share.changes]
    if share.stays:
        text = ngettext(
            "%(n)s of the withdrawn files stays open to them, by a portfolio or by their role",
            "%(n)s of the withdrawn files stay open to them, by a portfolio or by their role",
            share.stays,
        )
        texts.append(text % {"n": share.stays})
    return texts


def _change(change: Change) -> str:
    words = {
        "n": change.count,
        "role": change.after.label if change.after else "",
        "before": change.before.label if change.before else "",
    }
    if change.before is None:
        text = ngettext("%(role)s on %(n)s client file", "%(role)s on %(n)s client files", change.count)
    elif change.after is None:
        text = ngettext(
            "no longer %(before)s on %(n)s client file",
            "no longer %(before)s on %(n)s client files",
            change.count,
        )
    elif change.before == change.after:
        text = ngettext(
            "%(role)s prolonged on %(n)s client file",
            "%(role)s prolonged on %(n)s client files",
            change.count,
        )
    else:
        text = ngettext(
            "%(before)s → %(role)s on %(n)s client file",
            "%(before)s → %(role)s on %(n)s client files",
            change.count,
        )
    if change.narrows:
        return _("%(change)s (a lesser role)") % {"change": text % words}
    return text % words
