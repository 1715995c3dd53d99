"""Passkeys (WebAuthn): a key that a person's device keeps, and that opens their account in place of a password.

Making a key and showing it are ceremonies of two halves. The server poses a challenge, which waits in the session for
one answer, to the very question that was asked; the device, once it has recognised its owner, signs it for our address
alone. What waits is taken out before the answer is looked at, so nothing can be answered twice.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import salted_hmac
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.models import Passkey, User

# The name by which a form brings a device's answer.
ANSWER = "passkey"
SECONDS = 5 * 60
_WAITING = "passkey"
_LONGEST = 16_384  # characters of an answer: one without attestation has some 800
_ALGORITHM = 3  # where a public key in COSE's form says how it signs


class NotProven(Exception):
    """The answer proves nothing: none was asked for, it is too late, answers something else, or is forged."""


@dataclass(frozen=True)
class MadeKey:
    """A key that a device has just made, for an account that may not be there yet.

    `handle` is what the device keeps beside it to name the account: its key.
    """

    handle: UUID
    credential: AttestedCredentialData

    @property
    def credential_id(self) -> str:
        return websafe_encode(self.credential.credential_id)


def ask_to_make(
    session: SessionBase, purpose: str, *, handle: UUID, name: str, known: Iterable[Passkey] = ()
) -> Mapping[str, Any]:
    """The question by which a browser lets the person's device make a key; one that keeps one of `known` makes none.

    The device replaces what it keeps for the same `handle`, so that a second attempt leaves no orphan on it.
    """
    options, state = _server().register_begin(
        PublicKeyCredentialUserEntity(id=handle.bytes, name=name, display_name=name),
        credentials=[AttestedCredentialData(bytes(key.credential)) for key in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _wait(session, purpose, {**state, "handle": str(handle)})
    return dict(options)


def made_key(session: SessionBase, purpose: str, answer: str) -> MadeKey:
    """The key that the device has made for that purpose. Raises NotProven."""
    state = _taken_out(session, purpose)
    with _distrust():
        credential = _server().register_complete(state, _read(answer)).credential_data
        # Of another kind, it would be kept and never open anything.
        if credential is None or credential.public_key.get(_ALGORITHM) not in CoseKey.supported_algorithms():
            raise NotProven
        return MadeKey(UUID(state["handle"]), credential)


def ask_to_show(session: SessionBase, purpose: str, *, known: Iterable[Passkey] = ()) -> Mapping[str, Any]:
    """The question by which a browser lets a device show a key: one of `known`, or any that it keeps for us."""
    options, state = _server().authenticate_begin(
        [AttestedCredentialData(bytes(key.credential)) for key in known] or None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _wait(session, purpose, state)
    return dict(options)


def shown_key(session: SessionBase, purpose: str, answer: str) -> Passkey:
    """The key that the device has shown for that purpose. Raises NotProven."""
    state = _taken_out(session, purpose)
    with _distrust():
        told = _read(answer)
        key = Passkey.objects.select_related("user").filter(credential_id=told["id"]).first()
        if key is None:
            raise NotProven
        _server().authenticate_complete(state, [AttestedCredentialData(bytes(key.credential))], told)
        # Of a key that stands on the device itself, the device says whose it is.
        handle = told["response"].get("userHandle")
        if handle and websafe_decode(handle) != key.user_id.bytes:
            raise NotProven
        return key


def handle_for(person: User | None, reason: UUID) -> UUID:
    """The key of the person's account, or the one that it will have if it is opened because of `reason` (a UUIDv7)."""
    if person is not None:
        return person.pk
    drawn = salted_hmac("accounts.passkeys", str(reason), algorithm="sha256").digest()
    return UUID(bytes=reason.bytes[:9] + drawn[:7])


def _server() -> Fido2Server:
    """Keys are for the configured address, whatever the request says of its host."""
    address = urlsplit(settings.BASE_URL)
    party = PublicKeyCredentialRpEntity(id=address.hostname or "", name="Firm Portal")
    return Fido2Server(party, verify_origin=lambda origin: origin == f"{address.scheme}://{address.netloc}")


def _wait(session: SessionBase, purpose: str, state: Mapping[str, Any]) -> None:
    session[_WAITING] = {**state, "purpose": purpose, "at": int(time())}


def _taken_out(session: SessionBase, purpose: str) -> dict[str, Any]:
    state: dict[str, Any] = session.pop(_WAITING, None) or {}
    if state.get("purpose") != purpose or time() - state["at"] > SECONDS:
        raise NotProven
    return state


def _read(answer: str) -> Any:
    if len(answer) > _LONGEST:
        raise NotProven
    return json.loads(answer)


@contextmanager
def _distrust() -> Iterator[None]:
    """What a stranger sent may make a parser raise anything."""
    try:
        yield
    except Exception as error:
        raise NotProven from error
