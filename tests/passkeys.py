"""A device that makes and shows passkeys, as a phone does: what a test's browser would ask of it."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestedCredentialData, AuthenticatorData

FLAGS = AuthenticatorData.FLAG
OWNER_THERE = FLAGS.UP | FLAGS.UV


@dataclass
class Device:
    """Signs for `origin`; `flags` tell whether somebody was there (UP) and was recognised (UV)."""

    origin: str = "http://localhost:8000"
    site: str = "localhost"
    flags: FLAGS = OWNER_THERE
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    handle: bytes = b""

    def make(self, question: Any, **changes: str) -> str:
        """The answer to a question for a new key; `changes` to what the browser says of the ceremony."""
        self.handle = websafe_decode(question["publicKey"]["user"]["id"])
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(Aaguid.NONE, self.credential_id, public)
        told = AuthenticatorData.create(self._site(), self.flags | FLAGS.AT, 0, credential)
        response = {
            "clientDataJSON": self._client("webauthn.create", question, changes),
            "attestationObject": websafe_encode(
                cbor.encode({"fmt": "none", "attStmt": {}, "authData": bytes(told)})
            ),
        }
        return self._answer(response)

    def show(self, question: Any, **changes: str) -> str:
        """The answer to a question for a key that the device keeps."""
        told = bytes(AuthenticatorData.create(self._site(), self.flags, 0))
        client = self._client("webauthn.get", question, changes)
        signed = told + hashlib.sha256(websafe_decode(client)).digest()
        response = {
            "clientDataJSON": client,
            "authenticatorData": websafe_encode(told),
            "signature": websafe_encode(self.key.sign(signed, ec.ECDSA(SHA256()))),
            "userHandle": websafe_encode(self.handle),
        }
        return self._answer(response)

    def _site(self) -> bytes:
        return hashlib.sha256(self.site.encode()).digest()

    def _client(self, kind: str, question: Any, changes: dict[str, str]) -> str:
        said = {
            "type": kind,
            "challenge": question["publicKey"]["challenge"],
            "origin": self.origin,
            **changes,
        }
        return websafe_encode(json.dumps(said).encode())

    def _answer(self, response: dict[str, str]) -> str:
        name = websafe_encode(self.credential_id)
        answer = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps({**answer, "clientExtensionResults": {}})
