"""Heads of a chain: how far it reached and with what digest, signed, for people to keep where nobody here can reach.

Signed with Ed25519 under keys derived from the setting JOURNAL_KEYS: the first one signs, all of them are known. What
is signed is the text of the five lines `journal head 1` to `at`, so anybody who has the public key can verify it.
"""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils import timezone

from activity.models import Head, Seal
from activity.sealing import owner_key

_PURPOSE = b"firm-portal: heads of journals"
_BEGIN, _END = "-----BEGIN FIRM PORTAL JOURNAL HEAD-----", "-----END FIRM PORTAL JOURNAL HEAD-----"
_LINES = re.compile(
    r"owner: (?P<owner>[0-9a-f-]{36}) number: (?P<number>\d+) digest: (?P<digest>[0-9a-f]{64}) at: (?P<at>\S+)"
    r" key: (?P<key>[0-9a-f]{16}) signature: (?P<signature>[A-Za-z0-9+/= ]+)$"
)


class Unreadable(Exception):
    """The text holds no head, or a damaged one."""


@dataclass(frozen=True)
class Given:
    """A head as it was given: out of a mail, or of the table."""

    owner: UUID
    number: int
    digest: bytes
    at: datetime
    key_id: str
    signature: bytes

    @property
    def signed(self) -> bytes:
        """What the signature is of."""
        told = [
            "journal head 1",
            f"owner: {self.owner}",
            f"number: {self.number}",
            f"digest: {self.digest.hex()}",
        ]
        return "\n".join([*told, f"at: {_stamp(self.at)}", ""]).encode()

    @property
    def text(self) -> str:
        """As it stands in a mail."""
        signature = base64.b64encode(self.signature).decode()
        lines = self.signed.decode().splitlines()[1:]
        return "\n".join(
            [_BEGIN, *lines, f"key: {self.key_id}", "signature:", signature[:44], signature[44:], _END]
        )

    def is_signed_by(self, public: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(self.signature, self.signed)
        except InvalidSignature:
            return False
        return True

    @property
    def is_ours(self) -> bool:
        """Was it signed with one of this installation's keys?"""
        public = public_keys().get(self.key_id)
        return public is not None and self.is_signed_by(public)


def read(text: str) -> Given:
    """The head in this text: a mail, also quoted, or the head alone. Raises Unreadable."""
    between = text.partition(_BEGIN)[2].partition(_END)
    told = " ".join(line.lstrip("> \t").strip() for line in between[0].splitlines())
    found = _LINES.fullmatch(" ".join(told.split())) if between[1] else None
    if found is None:
        raise Unreadable
    try:
        return Given(
            UUID(found["owner"]),
            int(found["number"]),
            bytes.fromhex(found["digest"]),
            datetime.fromisoformat(found["at"]),
            found["key"],
            base64.b64decode(found["signature"].replace(" ", ""), validate=True),
        )
    except ValueError as error:
        raise Unreadable from error


def give() -> Head | None:
    """Sign how far the chain in scope reaches now; None if that was given already, or nothing is sealed."""
    owner = UUID(owner_key())
    last = Seal.objects.filter(owner=owner).order_by("-number").values_list("number", "chain").first()
    if last is None or Head.objects.filter(owner=owner, number__gte=last[0]).exists():
        return None
    private, at = _private(settings.JOURNAL_KEYS[0]), timezone.now().replace(microsecond=0)
    given = Given(owner, last[0], bytes(last[1]), at, _key_id(_public(private)), b"")
    head: Head = Head.objects.create(
        owner=owner,
        number=given.number,
        chain=given.digest,
        at=at,
        key_id=given.key_id,
        signature=private.sign(given.signed),
    )
    return head


def given_heads() -> list[Given]:
    """All heads that were given of the chain in scope, the first one first."""
    return [as_given(head) for head in Head.objects.filter(owner=owner_key()).order_by("number")]


def last_head() -> Given | None:
    """The last one that was given of the chain in scope."""
    head = Head.objects.filter(owner=owner_key()).order_by("-number").first()
    return as_given(head) if head else None


def head_of(key: UUID) -> Given | None:
    """By the key of its row."""
    head = Head.objects.filter(owner=owner_key(), pk=key).first()
    return as_given(head) if head else None


def as_given(head: Head) -> Given:
    return Given(head.owner, head.number, bytes(head.chain), head.at, head.key_id, bytes(head.signature))


def public_keys() -> dict[str, bytes]:
    """The public keys of this installation, by their names; the first one signs now."""
    keys = [_public(_private(secret)) for secret in settings.JOURNAL_KEYS]
    return {_key_id(public): public for public in keys}


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


@cache
def _private(secret: str) -> Ed25519PrivateKey:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return Ed25519PrivateKey.from_private_bytes(derivation.derive(secret.encode()))


def _public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def _key_id(public: bytes) -> str:
    return sha256(public).hexdigest()[:16]
