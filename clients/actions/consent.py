"""A company that wants to be asked is asked, before a firm is linked to it: who asks, who answers, what follows.

A company is a client's space, or a firm (which is a company too), whose switch “open to declarants” is off. Creating or
importing a dossier with its SIREN is as ever and tells nothing; what waits is the link that the client's acceptance
makes (docs/decisions/0010-consent.md).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Firm, Membership
from accounts.permissions import Perm, require
from activity.actions import in_one_go, record
from activity.origin import Origin, coming_from
from clients.events.consent import (
    ClientConsented,
    ClientDidNotConsent,
    ConsentAsked,
    ConsentRefused,
    DeclarantsChanged,
    FirmConsentAsked,
    FirmConsentGiven,
    FirmConsentRefused,
    FollowAgreed,
    FollowRefused,
)
from clients.events.space import FirmFollows
from clients.lookups import consent_asked
from clients.models import (
    ClientSpace,
    ConsentRequest,
    ConsentState,
    Dossier,
    SpaceLink,
    SpaceMember,
    SpacePerm,
)
from clients.profiles import require_profile
from tenancy.scopes import Purpose, crossing, firm_id

ASKED_AGAIN_AFTER = timedelta(days=90)
MAILS_A_DAY = 10


class AnsweredMeanwhile(Exception):
    """Somebody else of the company has answered, or the firm asks no longer."""


@dataclass(frozen=True)
class Company:
    """Who is asked: one of the two."""

    space: UUID | None = None
    firm: UUID | None = None


@transaction.atomic
def change_declarants(*, actor: SpaceMember, allowed: bool) -> None:
    """Open or close the space to firms that its people have not chosen themselves; in the space's scope."""
    space = ClientSpace.objects.select_for_update(no_key=True).get(pk=actor.space.pk)
    require_profile(actor, SpacePerm.AUTHORISE)
    if space.open_to_declarants == allowed:
        return
    space.open_to_declarants = allowed
    space.save(update_fields=["open_to_declarants"])
    changes = {"open_to_declarants": (not allowed, allowed)}
    record(DeclarantsChanged, actor=actor, subject=space, changes=changes)


def companies_to_ask(siren: str, *, by: Firm) -> list[Company]:
    """The companies of that SIREN that want to be asked before this firm is linked to them, the first one first."""
    found = [Company(row["space_id"], row["firm_id"]) for row in consent_asked(siren)] if siren else []
    return [company for company in found if company.firm != by.pk]


def ask(*, company: Company, link: SpaceLink, siren: str, firm: Firm, since: datetime | None = None) -> None:
    """Ask the company about a link that waits; in the scope of the firm that is to be linked.

    It is told at once, if the firm has not asked already. After a refusal it sees nothing for 90 days: the request is
    dated then. `since`: when the firm asked about an earlier link that this one replaces, of which it was told.
    """
    earlier = ConsentRequest.objects.of_company(space=company.space, firm=company.firm).filter(firm=firm)
    knows = since is not None or earlier.waiting().shown().exists()
    may_ask_from = _may_ask_from(earlier.filter(state=ConsentState.REFUSED).order_by("-answered_at").first())
    now = timezone.now()
    request = ConsentRequest.objects.create(
        firm=firm,
        link=link,
        siren=siren,
        asked_space_id=company.space,
        asked_firm_id=company.firm,
        firm_name=firm.name,
        firm_phone=firm.phone,
        firm_email=firm.email,
        requested_at=since or max(now, may_ask_from or now),
    )
    if not knows and request.requested_at <= now:
        with crossing(request, Purpose.ASK_CONSENT), coming_from(Origin()):
            _tell_company(request)


def drop(link: SpaceLink) -> dict[Company, datetime]:
    """End a link that waits: its client took another way. Returns which companies were asked about it, and when.

    The requests are held before the link, as by whoever answers them; a link that was answered meanwhile stays.
    """
    asked = list(
        ConsentRequest.objects.waiting().filter(link=link).select_for_update(no_key=True, of=("self",))
    )
    if (
        not SpaceLink.objects.awaiting()
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=link.pk)
        .exists()
    ):
        return {}
    ConsentRequest.objects.filter(pk__in=[one.pk for one in asked]).update(state=ConsentState.DROPPED)
    # It has lasted no time, which tells it from a refused one also in its own space, where the other way is not seen.
    link.until = link.since
    link.save(update_fields=["until"])
    return {Company(one.asked_space_id, one.asked_firm_id): one.requested_at for one in asked}


@transaction.atomic
@in_one_go()
def answer_consent(*, actor: SpaceMember | Membership, request: ConsentRequest, agrees: bool) -> None:
    """Answer for the company, on all that this firm has asked of it; in the company's scope.

    For a space, whoever may edit in it; for a firm, whoever may change it. Raises AnsweredMeanwhile.
    """
    company = _company_of(actor)
    waiting = ConsentRequest.objects.waiting().of_company(space=company.space, firm=company.firm)
    held = list(
        waiting.filter(firm=request.firm_id).select_for_update(no_key=True, of=("self",)).order_by("pk")
    )
    _company_of(actor)  # once they are held: while this waited, the actor may have lost the right
    now = timezone.now()
    if not any(one.requested_at <= now for one in held):
        raise AnsweredMeanwhile(request.pk)
    for one in held:
        with crossing(one, Purpose.ANSWER_CONSENT), coming_from(Origin()):
            _settle(one, agrees, now)
        one.state = ConsentState.GIVEN if agrees else ConsentState.REFUSED
        one.answered_at, one.answered_by_name = now, actor.name
        one.save(update_fields=["state", "answered_at", "answered_by_name"])
    _record_answer(actor, held[0].firm_name, agrees)


def _company_of(actor: SpaceMember | Membership) -> Company:
    if isinstance(actor, SpaceMember):
        require_profile(actor, SpacePerm.AUTHORISE)
        return Company(space=actor.space.pk)
    require(actor, Perm.CHANGE_FIRM)
    return Company(firm=actor.firm.pk)


def _may_ask_from(refused: ConsentRequest | None) -> datetime | None:
    return refused.answered_at + ASKED_AGAIN_AFTER if refused and refused.answered_at else None


def _tell_company(request: ConsentRequest) -> None:
    """In the company's scope. Of more than ten new requests in a day, the others stand in the list without a mail."""
    asked = ConsentRequest.objects.of_company(space=request.asked_space_id, firm=request.asked_firm_id)
    now = timezone.now()
    today = asked.filter(requested_at__gt=now - timedelta(days=1), requested_at__lte=now)
    firms = today.order_by().values("firm").distinct().count()
    details = {"firm": request.firm_name, "quiet": firms > MAILS_A_DAY}
    if request.asked_space_id:
        space = ClientSpace.objects.get(pk=request.asked_space_id)
        record(ConsentAsked, actor=None, subject=space, details=details)
    else:
        firm = Firm.objects.get(pk=firm_id())
        record(FirmConsentAsked, actor=None, subject=firm, details=details)


def _settle(request: ConsentRequest, agrees: bool, now: datetime) -> None:
    """What the answer means for the link; in the scope of the firm that asked."""
    link = SpaceLink.objects.awaiting().select_for_update(no_key=True).filter(pk=request.link_id).first()
    if link is None:
        return
    link.waiting = False  # the space is told below, where it is not the company itself
    if agrees:
        link.since = now
        link.save(update_fields=["waiting", "since"])
    dossier = Dossier.objects.get(pk=link.dossier_id)
    record(ClientConsented if agrees else ClientDidNotConsent, actor=None, subject=dossier)
    if request.asked_firm_id:
        with crossing(link, Purpose.TELL_CLIENT):
            space = ClientSpace.objects.get(pk=link.space_id)
            told = FollowAgreed if agrees else FollowRefused
            record(told, actor=None, subject=space, details=link.by_firm)
    if not agrees:  # the row goes on waiting for what will not come: that tells it from a link that once ran
        link.until = now
        link.save(update_fields=["until"])


def _record_answer(actor: SpaceMember | Membership, firm: str, agrees: bool) -> None:
    """On the company's own side, with who it was."""
    details = {"firm": firm}
    if isinstance(actor, SpaceMember):
        space = ClientSpace.objects.get(pk=actor.space.pk)
        record(FirmFollows if agrees else ConsentRefused, actor=actor, subject=space, details=details)
    else:
        event = FirmConsentGiven if agrees else FirmConsentRefused
        record(event, actor=actor, subject=Firm.objects.get(pk=actor.firm.pk), details=details)
