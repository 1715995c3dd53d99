"""What may be done to a firm."""

from django.db import IntegrityError, transaction
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from accounts.actions.rows import take_over
from accounts.events.firms import FirmChanged, FirmRegistered
from accounts.models import Firm, Membership, MemberState, Role, User
from accounts.permissions import Perm, require
from accounts.registration import FIRM_CHANGED, FIRM_STARTERS
from activity.actions import in_one_go, record
from tenancy.keys import uuid7
from tenancy.scopes import scope

_SUFFIX = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look like digits
_SLUG_LENGTH = 70
_ATTEMPTS = 5


@transaction.atomic
@in_one_go()
def register_firm(*, user: User, name: str, siren: str, siret: str = "") -> Membership:
    """Register a firm with this person as its first administrator, and start all that a new firm has."""
    with scope(firm=uuid7()) as here:
        firm = _insert_under_a_free_slug(Firm(id=here.firm_id, name=name, siren=siren, siret=siret))
        member = Membership.objects.create(
            firm=firm,
            user=user,
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            role=Role.ADMIN,
            state=MemberState.CREATED,
        )
        for start in FIRM_STARTERS:
            start(member)
        record(FirmRegistered, actor=member, subject=firm)
    return member


@transaction.atomic
def change_firm(
    *, actor: Membership, name: str, phone: str, email: str, second_factor_required: bool
) -> Firm:
    """Change what the firm shows of itself, and whether everyone in it needs a second factor. No change, no event."""
    require(actor, Perm.CHANGE_FIRM)
    firm = Firm.objects.select_for_update(no_key=True).get(pk=actor.firm.pk)
    wanted = {"name": name, "phone": phone, "email": email, "second_factor_required": second_factor_required}
    changes = take_over(firm, wanted)
    if not changes:
        return firm
    if changes.keys() - {"second_factor_required"}:
        for follow in FIRM_CHANGED:
            follow(actor)
    record(FirmChanged, actor=actor, subject=firm, changes=changes)
    return firm


@transaction.atomic
def change_reminders(*, actor: Membership, number: int) -> Firm:
    """How often the firm's invitations are reminded of by themselves. No change, no event."""
    require(actor, Perm.CHANGE_FIRM)
    firm = Firm.objects.select_for_update(no_key=True).get(pk=actor.firm.pk)
    if changes := take_over(firm, {"invitation_reminders": number}):
        record(FirmChanged, actor=actor, subject=firm, changes=changes)
    return firm


def _insert_under_a_free_slug(firm: Firm) -> Firm:
    """Random characters always stand in the address, so that it never tells which names other firms have."""
    stem = slugify(firm.name)[:_SLUG_LENGTH].strip("-") or "cabinet"
    for attempt in range(_ATTEMPTS):
        firm.slug = f"{stem}-{get_random_string(4, _SUFFIX)}"
        try:
            with transaction.atomic():
                firm.save(force_insert=True)
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            break
    return firm
