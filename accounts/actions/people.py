"""What may be done to a person's account."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import lookups
from accounts.actions.rows import take_over
from accounts.events.people import (
    AddressChanged,
    AddressConfirmed,
    PersonEvent,
    ProfileChanged,
    SessionsEnded,
    TermsAccepted,
)
from accounts.models import Membership, Terms, TermsAcceptance, User
from accounts.places import places_of
from accounts.registration import PERSON_CHANGED
from activity.actions import queue_mail, record
from activity.events import EventType
from activity.preferences import readdress
from activity.queries import Asked, journal
from tenancy.scopes import scope

NOTICE = "accounts.security_notice"
FORMER_TOLD_FOR = timedelta(days=30)


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
    # Without the key, on which everything leans that is told to them meanwhile by whoever holds one of their places.
    person = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    changes = take_over(person, {"first_name": first_name, "last_name": last_name, "language": language})
    if not changes:
        return person
    with scope(person=person):
        if changes.keys() - {"language"}:
            _show_everywhere(person)
        _tell_at_present_address(person)
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
        _tell_at_present_address(person)
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
    details: Mapping[str, Any] | None = None,
    addresses: Collection[str] = (),
    by_themself: bool = True,
) -> None:
    """Record what happened to the person's account, and tell them (at `addresses`, or their own) by mail.

    An address that was theirs until lately is told too: whoever gets into an account begins by putting in their own.
    `by_themself`: or by nobody knows whom.
    """
    with scope(person=person):
        former = _lately_theirs(person)
        actor = person if by_themself else None
        event = record(happened, actor=actor, subject=person, changes=changes, details=details)
        for address in dict.fromkeys([*(addresses or [person.email]), *former]):
            queue_mail(
                NOTICE,
                to=address,
                name=person.name,
                language=person.language,
                params={
                    "event": happened.name,
                    "at": event.at.isoformat(),
                    "ip": event.ip or "",
                    "browser": browser,
                    "left": (details or {}).get("left"),
                },
            )


def tell_former_addresses(person: User | None, happened: type[EventType], at: datetime, **where: str) -> None:
    """What touches the person's place is told to the address that their account had until lately, too.

    `where`: the name of their `firm`, or of the client's `space`.
    """
    if person is None:
        return
    with scope(person=person):
        for address in _lately_theirs(person):
            queue_mail(
                NOTICE,
                to=address,
                name=person.name,
                language=person.language,
                params={"event": happened.name, "at": at.isoformat(), **where},
            )


def _lately_theirs(person: User) -> list[str]:
    """Addresses that the account had within FORMER_TOLD_FOR, but for those that are somebody else's now."""
    since = timezone.localdate() - FORMER_TOLD_FOR
    changed = journal(Asked(kind=AddressChanged.name, since=since)).values_list("changes", flat=True)
    former = {str(changes["email"][0]) for changes in changed if changes.get("email")}
    taken = EmailAddress.objects.filter(email__in=former, verified=True).exclude(user=person)
    return sorted(former - set(taken.values_list("email", flat=True)))


def mail_person(*, person: User, kind: str, to: str, params: Mapping[str, Any] | None = None) -> None:
    """Queue a mail of the person's own account: a link to confirm, a link to choose a new password."""
    with scope(person=person):
        queue_mail(kind, to=to, name=person.name, language=person.language, params=params)


@transaction.atomic
def end_sessions(*, person: User, sessions: Collection[UserSession], by_themself: bool = True) -> int:
    """End these sessions of the person at once: their next request is anonymous. Returns how many.

    `by_themself`: or by the product, because their last place has ended; a person's journal names no firm's member.
    """
    for session in sessions:
        session.end()
    if sessions:
        with scope(person=person):
            actor = person if by_themself else None
            record(SessionsEnded, actor=actor, subject=person, details={"count": len(sessions)})
    return len(sessions)


def _show_everywhere(person: User) -> None:
    """Copy name and address to the person's row in each firm, be it closed to them: its pages can't read their own."""
    for place in lookups.places_named_for(person.pk):
        with scope(firm=place["firm_id"]):
            _copy_to_member(person, Membership.objects.filter(pk=place["member_id"]))
    for follow in PERSON_CHANGED:
        follow(person)


def _tell_at_present_address(person: User) -> None:
    """What waits to be told, for a day perhaps, reaches them where they are now, in the language that they read now."""
    for place in places_of(person.pk):
        with place.kind.scope(place):
            readdress(person.pk, address=person.email, name=person.name, language=person.language)


def _copy_to_member(person: User, member: Any) -> None:
    names = {"first_name": person.first_name, "last_name": person.last_name}
    try:
        with transaction.atomic():
            member.update(**names, email=person.email)
    except IntegrityError:
        # The firm has just invited that very address: its row keeps it, and this member the former one.
        member.update(**names)
