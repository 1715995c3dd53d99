"""What may be done to firms and to people's accounts."""

from collections.abc import Collection, Mapping
from typing import Any

from allauth.usersessions.models import UserSession
from django.db import IntegrityError, transaction
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from accounts import lookups
from accounts.events import (
    AddressChanged,
    AddressConfirmed,
    FirmChanged,
    FirmRegistered,
    PersonEvent,
    ProfileChanged,
    SessionsEnded,
    TermsAccepted,
)
from accounts.models import Firm, Membership, MemberState, Role, Terms, TermsAcceptance, User
from accounts.permissions import Perm, require
from accounts.registration import FIRM_CHANGED, FIRM_STARTERS, PERSON_CHANGED
from activity.actions import queue_mail, record
from tenancy.keys import uuid7
from tenancy.scopes import scope

_SUFFIX = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look like digits
_SLUG_LENGTH = 70
_ATTEMPTS = 5

# --- firms ----------------------------------------------------------------------------------------------------


@transaction.atomic
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
    firm = Firm.objects.select_for_update().get(pk=actor.firm.pk)
    wanted = {"name": name, "phone": phone, "email": email, "second_factor_required": second_factor_required}
    changes = _take_over(firm, wanted)
    if not changes:
        return firm
    if changes.keys() - {"second_factor_required"}:
        for follow in FIRM_CHANGED:
            follow(actor)
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


# --- people -----------------------------------------------------------------------------------------------------


@transaction.atomic
def accept_terms(*, person: User, terms: Terms) -> TermsAcceptance:
    """Keep that the person accepted this version, and when. A second time changes and records nothing."""
    acceptance, new = TermsAcceptance.objects.get_or_create(user=person, terms=terms)
    if new:
        with scope(person=person):
            record(TermsAccepted, actor=person, subject=person, details={"version": terms.version})
    return acceptance


@transaction.atomic
def change_profile(*, person: User, first_name: str, last_name: str, language: str) -> User:
    """Change the person's name and language; their firms and client spaces show the new name."""
    person = User.objects.select_for_update().get(pk=person.pk)
    changes = _take_over(person, {"first_name": first_name, "last_name": last_name, "language": language})
    if not changes:
        return person
    with scope(person=person):
        if changes.keys() - {"language"}:
            _show_everywhere(person)
        record(ProfileChanged, actor=person, subject=person, changes=changes)
    return person


def change_language(*, person: User, language: str) -> User:
    """Let the person read, and get mails, in that language."""
    return change_profile(
        person=person, first_name=person.first_name, last_name=person.last_name, language=language
    )


@transaction.atomic
def follow_confirmed_address(*, person: User, previous: str, browser: str) -> None:
    """The person has confirmed the address that now stands in their account; `previous` is the one before, or empty.

    Both addresses are told of a change.
    """
    with scope(person=person):
        if not previous:
            record(AddressConfirmed, actor=person, subject=person)
            return
        _show_everywhere(person)
        note_security(
            person=person,
            happened=AddressChanged,
            browser=browser,
            changes={"email": (previous, person.email)},
            addresses=[previous, person.email],
        )


@transaction.atomic
def note_security(
    *,
    person: User,
    happened: type[PersonEvent],
    browser: str,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    addresses: Collection[str] = (),
) -> None:
    """Record what happened to the person's account, and tell them (at `addresses`, or their own) by mail."""
    with scope(person=person):
        event = record(happened, actor=person, subject=person, changes=changes)
        for address in addresses or [person.email]:
            queue_mail(
                "accounts.security_notice",
                to=address,
                name=person.name,
                language=person.language,
                params={
                    "event": happened.name,
                    "at": event.at.isoformat(),
                    "ip": event.ip or "",
                    "browser": browser,
                },
            )


def mail_person(*, person: User, kind: str, to: str, params: Mapping[str, Any] | None = None) -> None:
    """Queue a mail of the person's own account: a link to confirm, a link to choose a new password."""
    with scope(person=person):
        queue_mail(kind, to=to, name=person.name, language=person.language, params=params)


@transaction.atomic
def end_sessions(*, person: User, sessions: Collection[UserSession]) -> int:
    """End these sessions of the person at once: their next request is anonymous. Returns how many."""
    for session in sessions:
        session.end()
    if sessions:
        with scope(person=person):
            record(SessionsEnded, actor=person, subject=person, details={"count": len(sessions)})
    return len(sessions)


def _show_everywhere(person: User) -> None:
    """Copy name and address to the person's row in each firm, whose pages can't read the person's own."""
    for firm in lookups.firms_of(person.pk):
        with scope(firm=firm["firm_id"]):
            _copy_to_member(person, Membership.objects.filter(pk=firm["member_id"]))
    for follow in PERSON_CHANGED:
        follow(person)


def _copy_to_member(person: User, member: Any) -> None:
    names = {"first_name": person.first_name, "last_name": person.last_name}
    try:
        with transaction.atomic():
            member.update(**names, email=person.email)
    except IntegrityError:
        # The firm has just invited that very address: its row keeps it, and this member the former one.
        member.update(**names)


def _take_over(row: Firm | User, wanted: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Give the row the wanted values and save those that differ; returns field → (before, after)."""
    changes = {
        name: (getattr(row, name), value) for name, value in wanted.items() if getattr(row, name) != value
    }
    for name, (_before, after) in changes.items():
        setattr(row, name, after)
    if changes:
        row.save(update_fields=list(changes))
    return changes
