"""What a company's page shows of its switch “open to declarants”, and of the firms that ask."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Firm, Membership, Role
from accounts.permissions import Perm, allows
from clients.models import ClientSpace, ConsentRequest, ConsentRequestQuerySet, SpaceMember

ANSWERS_SHOWN = 5


@dataclass(frozen=True)
class Asking:
    """One firm that asks: by its oldest request, for all of them."""

    firm_name: str
    firm_phone: str
    firm_email: str
    since: datetime
    accept_url: str
    refuse_url: str


@dataclass(frozen=True)
class Answered:
    """What was answered to a firm, when and by whom."""

    firm_name: str
    state: str
    at: datetime
    by: str


@dataclass(frozen=True)
class Declarants:
    """For templates/accounts/_declarants.html. `allowed`: may anybody be linked to the company without being asked."""

    allowed: bool
    may_change: bool
    change_url: str
    asking: list[Asking]
    answered: list[Answered]


def of_space(member: SpaceMember, space: ClientSpace) -> Declarants:
    """In the space's scope."""
    requests = ConsentRequest.objects.of_company(space=space.pk)
    return Declarants(
        allowed=ClientSpace.objects.get(pk=space.pk).open_to_declarants,
        may_change=member.may_authorise,
        change_url=space.url("clients:space_declarants"),
        asking=[
            _asking(
                one,
                space.url("clients:space_accept_request", pk=one.pk),
                space.url("clients:space_refuse_request", pk=one.pk),
            )
            for one in _first_of_each_firm(requests)
        ],
        answered=_answered(requests),
    )


def of_firm(member: Membership) -> Declarants:
    """In the firm's scope; for its administrators."""
    requests, firm = (
        ConsentRequest.objects.of_company(firm=member.firm.pk),
        Firm.objects.get(pk=member.firm.pk),
    )
    return Declarants(
        allowed=firm.open_to_declarants,
        may_change=allows(Role(member.role), Perm.CHANGE_FIRM),
        change_url=firm.url("accounts:declarants"),
        asking=[
            _asking(
                one,
                firm.url("clients:accept_request", pk=one.pk),
                firm.url("clients:refuse_request", pk=one.pk),
            )
            for one in _first_of_each_firm(requests)
        ],
        answered=_answered(requests),
    )


def _first_of_each_firm(requests: ConsentRequestQuerySet) -> Iterable[ConsentRequest]:
    found: dict[UUID, ConsentRequest] = {}
    for one in requests.waiting().shown().order_by("requested_at", "pk"):
        found.setdefault(one.firm_id, one)
    return found.values()


def _asking(one: ConsentRequest, accept_url: str, refuse_url: str) -> Asking:
    return Asking(one.firm_name, one.firm_phone, one.firm_email, one.requested_at, accept_url, refuse_url)


def _answered(requests: ConsentRequestQuerySet) -> list[Answered]:
    """The last answers, one for each firm and moment."""
    rows = requests.filter(answered_at__isnull=False).order_by("-answered_at")[: ANSWERS_SHOWN * 2]
    found = {
        (one.firm_id, one.answered_at): Answered(
            one.firm_name, one.state, one.answered_at, one.answered_by_name
        )
        for one in rows
        if one.answered_at
    }
    return list(found.values())[:ANSWERS_SHOWN]
