"""Is it Amazon SNS that tells this? What it signs, by which certificate, and where that certificate is fetched.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, build_opener

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from django.utils import timezone

_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
# SHA-1 is what a topic signs with unless its owner chose otherwise.
_HASHES: dict[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
_NAME = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem", re.ASCII)
_PATIENCE_SECONDS = 5
_LARGEST = 64 * 1024


class NotFromAmazon(Exception):
    """The message is not one that Amazon SNS has signed for this topic."""


class CertificateAway(Exception):
    """The certificate could not be fetched just now: whether the message is from Amazon is not known yet."""


class NowhereElse(HTTPRedirectHandler):
    """The certificate is where the message says, or nowhere."""

    def redirect_request(self, *_asked: Any) -> None:
        return None


# What fetches certificates; it checks by TLS that it is Amazon that gives them.
opener = build_opener(NowhereElse)


def verify(told: Mapping[str, Any], *, topic: str) -> None:
    """Raise NotFromAmazon unless SNS itself tells this, of the topic with that ARN. Raises CertificateAway."""
    hashed = _HASHES.get(str(told.get("SignatureVersion")))
    address = str(told.get("SigningCertURL", ""))
    host = _host_of(topic)
    if hashed is None or told.get("TopicArn") != topic or not address.startswith(host):
        raise NotFromAmazon
    if not _NAME.fullmatch(address[len(host) :]):
        raise NotFromAmazon
    certificate = certificate_at(address)
    key = certificate.public_key()
    if not certificate.not_valid_before_utc <= timezone.now() <= certificate.not_valid_after_utc:
        raise NotFromAmazon
    if not isinstance(key, RSAPublicKey):
        raise NotFromAmazon
    try:
        signature = base64.b64decode(str(told.get("Signature", "")), validate=True)
        key.verify(signature, _said(told).encode(), PKCS1v15(), hashed())
    except (InvalidSignature, ValueError) as error:
        raise NotFromAmazon from error


def _host_of(topic: str) -> str:
    """Of SNS in the topic's region: it alone signs what the topic tells, whatever host a message names."""
    _arn, partition, _sns, region, *_rest = topic.split(":")
    return f"https://sns.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"


def _said(told: Mapping[str, Any]) -> str:
    """What is signed: each name and its value on a line of its own; a notification may have no subject."""
    names = _SIGNED.get(str(told.get("Type")))
    if names is None:
        raise NotFromAmazon
    return "".join(f"{name}\n{told[name]}\n" for name in names if told.get(name) is not None)


@lru_cache(maxsize=8)
def certificate_at(address: str) -> x509.Certificate:
    """Fetched once by each process: a new certificate has a new address."""
    try:
        with opener.open(address, timeout=_PATIENCE_SECONDS) as answer:
            content = answer.read(_LARGEST)
    except HTTPError as error:
        if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:  # it is not there, or elsewhere
            raise NotFromAmazon from error
        raise CertificateAway from error
    except (URLError, OSError) as error:
        raise CertificateAway from error
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise NotFromAmazon from error
