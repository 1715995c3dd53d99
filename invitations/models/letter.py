"""A letter on paper, for a client without an e-mail address: its code leads to the page that asks for one.

The code stands on the paper and nowhere else; a keyed hash of it is kept. Whoever types it gives an e-mail address and
shows that it is theirs; the firm then confirms, and the usual invitation goes to that address. A letter by itself opens
nothing.
"""

import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Membership
from accounts.permissions import Perm, permitted
from clients.models import Dossier
from invitations.models.invitation import TOKEN_BYTES
from tenancy import scopes
from tenancy.db import FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7

LETTER_LIFETIME = timedelta(days=60)
# Without I, L, O and U, which people take for 1, 0 and V: five bits each.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 16
_GROUP = 4
_MISREAD = str.maketrans("ILOU", "110V")
# Each address that is given is a mail to whoever it may be.
MOST_ADDRESSES = 5


class LetterState(models.TextChoices):
    """Where a letter stands. Two are never stored: EXPIRED follows from the deadline, FAILED from `failure`."""

    PRINTED = "printed", pgettext_lazy("letter", "Printed")
    # Its code was typed and an address given, which has yet to be shown to be theirs.
    ADDRESSED = "addressed", pgettext_lazy("letter", "Address given")
    # The mail to that address came back; the code takes another address.
    FAILED = "failed", pgettext_lazy("letter", "Failed")
    # It was shown; the firm has to confirm.
    PROVEN = "proven", pgettext_lazy("letter", "To confirm")
    CONFIRMED = "confirmed", pgettext_lazy("letter", "Confirmed")
    DECLINED = "declined", pgettext_lazy("letter", "Declined")
    EXPIRED = "expired", pgettext_lazy("letter", "Expired")
    # Another one was printed since.
    REPLACED = "replaced", pgettext_lazy("letter", "Replaced")
    REVOKED = "revoked", pgettext_lazy("letter", "Revoked")


# Its code leads somewhere, the deadline aside.
READABLE = (LetterState.PRINTED, LetterState.ADDRESSED)
# Not at its end; of a client file at most one.
OPEN = (*READABLE, LetterState.PROVEN)


def _deadline() -> datetime:
    return timezone.now() + LETTER_LIFETIME


class LetterQuerySet(models.QuerySet["Letter"]):
    def open(self) -> Self:
        """Those that are not at their end, expired ones included."""
        return self.filter(state__in=OPEN)

    def to_confirm(self) -> Self:
        return self.filter(state=LetterState.PROVEN)

    def manageable_by(self, member: Membership) -> Self:
        """Those of the clients whom the member may invite."""
        return self.filter(dossier__in=permitted(Dossier.objects.clients(), member, Perm.INVITE_CLIENT))

    def in_state(self, state: str, *, failed: bool = False) -> Self:
        """Those that people see in this state."""
        if state == LetterState.EXPIRED:
            return self.filter(state__in=READABLE, expires_at__lte=timezone.now())
        if state == LetterState.FAILED:
            return self.in_state(LetterState.ADDRESSED, failed=True)
        found = self.filter(state=state)
        if state == LetterState.ADDRESSED:
            found = found.exclude(failure="") if failed else found.filter(failure="")
        return found.filter(expires_at__gt=timezone.now()) if state in READABLE else found

    def search(self, text: str) -> Self:
        """Those whose client or address holds each word."""
        found = self
        for word in text.split():
            found = found.filter(Q(email__icontains=word) | Q(dossier__in=Dossier.objects.search(word)))
        return found


class Letter(models.Model):
    """One printed letter to the client of one dossier.

    `code_hash` is what is kept of the code, `proof_hash` of the newest link that left for `email`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    dossier = models.ForeignKey(Dossier, models.CASCADE, db_constraint=False, related_name="letters")
    printed_by = models.ForeignKey(
        Membership, models.SET_NULL, null=True, db_constraint=False, related_name="+"
    )
    state = models.CharField(
        _("State"), max_length=10, choices=LetterState.choices, default=LetterState.PRINTED
    )
    code_hash = models.CharField(max_length=64, unique=True)
    email = models.EmailField(_("E-mail address"), blank=True)
    # That of the page on which the address was given.
    language = models.CharField(_("Language"), max_length=7, choices=settings.LANGUAGES, blank=True)
    address_count = models.PositiveSmallIntegerField(default=0)
    proof_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)
    printed_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=_deadline)
    answered_at = models.DateTimeField(null=True)
    # Why the mail to `email` did not arrive, in words for people.
    failure = models.CharField(max_length=500, blank=True)

    objects: ClassVar[LetterQuerySet] = LetterQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("letter")
        ordering = ["-printed_at", "-id"]
        constraints = [
            FirmWall(name="letter_wall"),
            SameFirm(name="letter_dossier", field="dossier", on_delete="CASCADE"),
            SameFirm(name="letter_printer", field="printed_by", on_delete="SET NULL (printed_by_id)"),
            models.CheckConstraint(
                condition=~Q(state__in=[LetterState.EXPIRED, LetterState.FAILED]),
                name="letter_derived_states",
            ),
            models.UniqueConstraint(
                fields=["firm", "dossier"], condition=Q(state__in=OPEN), name="letter_one_open"
            ),
        ]
        indexes = [
            models.Index(fields=["firm", "-printed_at", "-id"], name="letter_by_date"),
            models.Index(fields=["firm", "dossier"], name="letter_by_dossier"),
            models.Index(fields=["firm"], condition=Q(state=LetterState.PROVEN), name="letter_to_confirm"),
        ]

    firm_id: UUID
    dossier_id: UUID

    def __str__(self) -> str:
        return self.dossier.name

    @property
    def has_expired(self) -> bool:
        return self.state in READABLE and self.expires_at <= timezone.now()

    @property
    def shown_state(self) -> LetterState:
        if self.has_expired:
            return LetterState.EXPIRED
        return LetterState.FAILED if self.has_failed else LetterState(self.state)

    @property
    def has_failed(self) -> bool:
        """Has the mail to the last address come back?"""
        return self.state == LetterState.ADDRESSED and bool(self.failure)

    @property
    def is_open(self) -> bool:
        """May it still be withdrawn?"""
        return self.state in OPEN

    @property
    def waits_for_firm(self) -> bool:
        return self.state == LetterState.PROVEN

    @property
    def is_readable(self) -> bool:
        """Does its code lead to the page that asks for an address?"""
        return self.state in READABLE and not self.has_expired


def draw_codes(count: int) -> list[str]:
    """So many new codes of 80 random bits, for the paper alone."""
    return ["".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH)) for _code in range(count)]


def grouped(code: str) -> str:
    """As a person reads it: `7KQM-2XHD-9PTW-4FRV`."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def read_code(typed: str) -> str:
    """The code that somebody meant, whatever case, spaces and dashes, and O for 0 or I for 1."""
    folded = unicodedata.normalize("NFKC", typed).upper()
    return "".join(sign for sign in folded if sign.isalnum()).translate(_MISREAD)


def hashed_code(code: str) -> str:
    """What is kept of a code. Keyed, for 80 bits are fewer than a link's: a dump alone is of no use for guessing."""
    return salted_hmac("invitations.letter", code, algorithm="sha256").hexdigest()


def family(code: str) -> str:
    """The same for all codes that begin alike: tries are counted by it. It tells nothing of them."""
    return salted_hmac("invitations.letter.family", code[:_GROUP], algorithm="sha256").hexdigest()[:16]


def draw_proof() -> str:
    """The token of a mail that asks whether an address is somebody's."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def with_codes(dossiers: Iterable[Dossier], printed_by: Membership) -> list[tuple[Letter, str]]:
    """A new letter for each, to be saved, and its code."""
    chosen = list(dossiers)
    return [
        (Letter(dossier=dossier, printed_by=printed_by, code_hash=hashed_code(code)), code)
        for dossier, code in zip(chosen, draw_codes(len(chosen)), strict=True)
    ]
