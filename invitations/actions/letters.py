"""Letters on paper: printed by the firm, answered by whoever holds the code, confirmed by the firm."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.actions.holding import hold_names
from accounts.models import Membership
from accounts.permissions import Perm, permitted, require
from activity.actions import Happening, in_one_go, queue_mails, record, record_many
from activity.actions import Letter as Post
from activity.events import Actor
from clients.models import Dossier, SpaceLink
from invitations.actions.holding import hold_dossiers
from invitations.actions.inviting import Skip, invite_client
from invitations.events import (
    LetterAddressed,
    LetterAnswered,
    LetterConfirmed,
    LetterDeclined,
    LetterFailed,
    LetterPrinted,
    LetterRevoked,
    LettersPrinted,
)
from invitations.models import MOST_ADDRESSES, Invitation, Letter, LetterState, with_codes
from tenancy.expressions import among
from tenancy.keys import uuid7

MAIL = "invitations.letter"
_BATCH = 2_000


class CodeOpensNothing(Exception):
    """The code or the mail's link leads nowhere any more."""


class TooManyAddresses(Exception):
    """So many addresses were given by this code that it takes no other one."""


class NotToConfirm(Exception):
    """The letter's answer does not wait (any more) for the firm."""


@dataclass
class Writing:
    """Letters to print: to whom, who gets one in place of an earlier one, who is left out and why."""

    dossiers: list[Dossier] = field(default_factory=list)
    replaced: list[Letter] = field(default_factory=list)
    skipped: dict[Skip, list[Dossier]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.dossiers)

    @property
    def skipped_count(self) -> int:
        return sum(len(dossiers) for dossiers in self.skipped.values())

    @property
    def without_address(self) -> list[Dossier]:
        """Those whose letter shows a name alone in the envelope's window."""
        return [one for one in self.dossiers if not (one.address and one.postcode and one.city)]


@dataclass(frozen=True)
class Somebody:
    """Whoever holds a letter, as far as one knows them: the address that they gave."""

    name: str
    user_id: None = None


def plan_letters(*, actor: Membership, dossiers: QuerySet[Dossier], lock: bool = False) -> Writing:
    """Whose clients would get a letter now. `lock` holds the dossiers until the transaction ends."""
    chosen = Dossier.objects.filter(pk__in=dossiers.order_by().values("pk"))
    if lock:
        chosen = Dossier.objects.filter(among(_held_dossiers(actor, chosen.values_list("pk", flat=True))))
    require(actor, Perm.INVITE_CLIENTS)
    held = list(permitted(chosen, actor, Perm.INVITE_CLIENT).order_by("name_key", "pk"))
    keys = [dossier.pk for dossier in held]
    links = SpaceLink.objects.current().filter(dossier__in=keys)
    linked = {
        key: Skip.CONSENT if waits else Skip.ACTIVE
        for key, waits in links.values_list("dossier_id", "waiting")
    }
    open_ones = Letter.objects.open().filter(dossier__in=keys).order_by("pk")
    letters = {
        letter.dossier_id: letter
        for letter in (open_ones.select_for_update(no_key=True) if lock else open_ones)
    }
    writing = Writing()
    for dossier in held:
        former = letters.get(dossier.pk)
        if reason := _why_not(dossier, linked.get(dossier.pk), former):
            writing.skipped.setdefault(reason, []).append(dossier)
            continue
        writing.dossiers.append(dossier)
        writing.replaced += [former] if former else []
    return writing


def _held_dossiers(actor: Membership, keys: Iterable[UUID]) -> list[UUID]:
    """Held after the actor's place; rights are asked by the caller."""
    hold_names(actor.pk)
    held = list(keys)
    hold_dossiers(held)
    return held


def _why_not(dossier: Dossier, linked: Skip | None, former: Letter | None) -> Skip | None:
    if dossier.is_own:
        return Skip.OWN
    if linked:
        return linked
    return Skip.TO_CONFIRM if former is not None and former.waits_for_firm else None


@transaction.atomic
def print_letters(
    *, actor: Membership, dossiers: QuerySet[Dossier]
) -> tuple[Writing, list[tuple[Letter, str]]]:
    """Draw a code for the client of each dossier; returns the letters with their codes, which nothing else holds.

    The code of an earlier letter to the same client becomes void.
    """
    writing = plan_letters(actor=actor, dossiers=dossiers, lock=True)
    if not writing.dossiers:
        return writing, []
    _end(writing.replaced, LetterState.REPLACED)
    drawn = with_codes(writing.dossiers, actor)
    Letter.objects.bulk_create([letter for letter, _code in drawn], batch_size=_BATCH)
    _record_printed(actor, writing.dossiers)
    return writing, drawn


def _record_printed(actor: Membership, dossiers: list[Dossier]) -> None:
    if len(dossiers) == 1:
        record(LetterPrinted, actor=actor, subject=dossiers[0])
        return
    group = uuid7()
    happenings = [Happening(dossier.pk, dossier.name) for dossier in dossiers]
    record_many(LetterPrinted, actor=actor, model=Dossier, happenings=happenings, group=group)
    record(LettersPrinted, actor=actor, subject=None, details={"count": len(dossiers)}, group=group)


@transaction.atomic
def give_address(*, letter_id: UUID, email: str, language: str) -> Letter:
    """Send a mail there, whose link shows that the address belongs to whoever holds the letter.

    The link of an earlier mail becomes void. Raises CodeOpensNothing, TooManyAddresses.
    """
    letter = _held(letter_id)
    if not leads_somewhere(letter):
        raise CodeOpensNothing
    if letter.address_count >= MOST_ADDRESSES:
        raise TooManyAddresses
    letter.state, letter.email, letter.language = LetterState.ADDRESSED, email.strip().lower(), language
    letter.proof_hash, letter.address_count, letter.failure = None, letter.address_count + 1, ""
    letter.save(update_fields=["state", "email", "language", "proof_hash", "address_count", "failure"])
    params = {"letter": str(letter.pk), "number": letter.address_count}
    queue_mails([Post(kind=MAIL, to=letter.email, language=language, params=params)])
    details = {"email": letter.email}
    record(LetterAddressed, actor=Somebody(letter.email), subject=letter.dossier, details=details)
    return letter


@transaction.atomic
def note_returned(*, letter_id: UUID, number: int, reason: str) -> None:
    """The mail to the letter's how-manieth address did not arrive; one to an earlier address concerns nobody any more.

    Whoever holds the code may give another address, as long as it takes any.
    """
    known = Letter.objects.select_related("dossier").select_for_update(no_key=True, of=("self",))
    letter = known.filter(pk=letter_id).first()
    if letter is None or letter.address_count != number or not leads_somewhere(letter):
        return
    if letter.state != LetterState.ADDRESSED or letter.failure:
        return
    letter.failure = reason
    letter.save(update_fields=["failure"])
    record(
        LetterFailed, actor=None, subject=letter.dossier, details={"email": letter.email, "reason": reason}
    )


@transaction.atomic
def prove_address(*, letter_id: UUID, proof_hash: str) -> Letter:
    """The link of the mail has come back: the firm is asked to confirm. Once. Raises CodeOpensNothing."""
    letter = _held(letter_id)
    if (
        letter.state != LetterState.ADDRESSED
        or letter.proof_hash != proof_hash
        or not leads_somewhere(letter)
    ):
        raise CodeOpensNothing
    letter.state, letter.answered_at = LetterState.PROVEN, timezone.now()
    letter.save(update_fields=["state", "answered_at"])
    details = {"email": letter.email}
    record(LetterAnswered, actor=Somebody(letter.email), subject=letter.dossier, details=details)
    return letter


@transaction.atomic
@in_one_go()
def confirm_letter(*, actor: Membership, letter: Letter) -> Invitation:
    """Yes, that is our client: the usual invitation goes to the address. Raises NotToConfirm, and AlreadyActive as
    `invite_client`."""
    held = _to_confirm(actor, letter)
    invitation = invite_client(
        actor=actor, dossier=held.dossier, email=held.email, language=held.language or None
    )
    _end([held], LetterState.CONFIRMED)
    record(LetterConfirmed, actor=actor, subject=held.dossier, details={"email": held.email})
    return invitation


@transaction.atomic
def decline_letter(*, actor: Membership, letter: Letter) -> None:
    """No: nobody is invited, and the code is used up. Raises NotToConfirm."""
    held = _to_confirm(actor, letter)
    _end([held], LetterState.DECLINED)
    record(LetterDeclined, actor=actor, subject=held.dossier, details={"email": held.email})


@transaction.atomic
def revoke_letter(*, actor: Membership, letter: Letter) -> None:
    """Make its code void. Raises NotToConfirm if it is at its end already, or answered meanwhile."""
    held = _held_for(actor, letter)
    if not held.is_open or held.waits_for_firm:
        raise NotToConfirm
    _end([held], LetterState.REVOKED)
    record(LetterRevoked, actor=actor, subject=held.dossier)


@transaction.atomic
def withdraw_letters(*, actor: Actor, dossier: Dossier) -> None:
    """Make void what was printed for the dossier's client, who has come by another way: a part of the action by which
    they came, which has asked for the right and holds the dossier."""
    open_ones = Letter.objects.open().filter(dossier=dossier).order_by("pk")
    held = list(open_ones.select_for_update(no_key=True))
    _end(held, LetterState.REVOKED)
    for _letter in held:
        record(LetterRevoked, actor=actor, subject=dossier)


def leads_somewhere(letter: Letter) -> bool:
    """Is there still somebody to invite by it?"""
    if not letter.is_readable or letter.dossier.archived_at is not None:
        return False
    return not SpaceLink.objects.current().filter(dossier=letter.dossier_id).exists()


def _to_confirm(actor: Membership, letter: Letter) -> Letter:
    held = _held_for(actor, letter)
    if not held.waits_for_firm:
        raise NotToConfirm
    return held


def _held_for(actor: Membership, letter: Letter) -> Letter:
    """The letter, held after the actor's place and its dossier as by printing, if they may (still) handle it."""
    hold_names(actor.pk)
    hold_dossiers([letter.dossier_id])
    held = _held(letter.pk)
    require(actor, Perm.INVITE_CLIENT, held.dossier)
    return held


def _held(key: UUID) -> Letter:
    """Two queries: the dossier that is joined to a row that was waited for would be as it was before."""
    list(Letter.objects.select_for_update(no_key=True).filter(pk=key).values_list("pk"))
    found = Letter.objects.select_related("dossier").filter(pk=key).first()
    if found is None:
        raise CodeOpensNothing
    return found


def _end(letters: Iterable[Letter], state: LetterState) -> None:
    """Close them; no link of theirs works any more."""
    keys = [letter.pk for letter in letters]
    Letter.objects.filter(pk__in=keys).update(state=state, proof_hash=None)
