"""What must not lie readable in the database: tokens of other platforms.

Encrypted with Fernet (AES-128-CBC with HMAC-SHA256) under keys derived from the setting ENCRYPTION_KEYS, for each firm
another one, so that a copied value opens in no other firm's scope. The first key encrypts, all of them decrypt: a
new key is put first, and what is used then goes over to it by itself.
"""

import base64
import json
from collections.abc import Mapping
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tenancy import scopes

_PURPOSE = b"firm-portal: tokens of other platforms, of the firm "
_SHOWN = 4
_LONG_ENOUGH_TO_SHOW = 16


class Unreadable(Exception):
    """None of the keys opens it: they were changed without keeping the former ones."""


def seal(values: Mapping[str, str]) -> bytes:
    """Encrypt, under the first key."""
    return _keys()[0].encrypt(json.dumps(dict(values)).encode())


def unseal(sealed: bytes | memoryview) -> dict[str, str]:
    """Decrypt, under whichever key it is. Raises Unreadable."""
    try:
        opened = MultiFernet(_keys()).decrypt(bytes(sealed))
    except InvalidToken as error:
        raise Unreadable from error
    return {str(name): str(value) for name, value in json.loads(opened).items()}


def is_stale(sealed: bytes | memoryview) -> bool:
    """Is it under another key than the first?"""
    try:
        _keys()[0].decrypt(bytes(sealed))
    except InvalidToken:
        return True
    return False


def hint(secret: str) -> str:
    """The last characters, by which people tell one from another; nothing of a short one."""
    return secret[-_SHOWN:] if len(secret) >= _LONG_ENOUGH_TO_SHOW else ""


def _keys() -> list[Fernet]:
    firm = scopes.firm_id()
    return [Fernet(_derived(key, firm)) for key in settings.ENCRYPTION_KEYS]


def _derived(key: str, firm: UUID) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE + firm.bytes)
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
