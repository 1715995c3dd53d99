"""What tests read out of an invitation's mail."""

import re
from urllib.parse import urlsplit

from tests.outbox import Outbox

_LINK = re.compile(r"https?://\S+/invitation/[\w-]+/(?!refuser)")


def link_to(outbox: Outbox, address: str) -> str:
    """The path of the link in the last mail to that address."""
    return urlsplit(url_to(outbox, address)).path


def url_to(outbox: Outbox, address: str) -> str:
    found = _LINK.search(str(outbox.to(address).body))
    assert found, f"no link in the mail to {address}"
    return found[0]


def token_to(outbox: Outbox, address: str) -> str:
    return link_to(outbox, address).split("/")[2]
