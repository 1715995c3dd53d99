"""What must never stand in a log: the keys that links carry in their path, and what was searched for (names)."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

# The pages whose path begins so take a key as its next part (an invitation, an address, a new password; the code of
# a letter, which is shorter).
_KEY_IN_PATH = re.compile(
    r"(/(?:invitation|confirmer|mot-de-passe/nouveau|profil/courriels/arreter)/(?=[^/\s?#\"']{20})|/lettre/(?=[^/\s?#\"']{12}))[^/\s?#\"']+"
)
_QUERY_OF_PATH = re.compile(r"((?:^|\s|://[^/\s]+)/[^\s?\"']*)\?[^\s\"']+")


def without_keys(text: str) -> str:
    """The text with each link's key and each query replaced: `/invitation/hc0J…/?q=x` → `/invitation/[…]/?[…]`."""
    return _QUERY_OF_PATH.sub(r"\1?[…]", _KEY_IN_PATH.sub(r"\1[…]", text))


def hide_keys(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog's processor: hides keys in whatever is text."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = without_keys(value)
    return event


def hide_keys_from_sentry(event: Any, _hint: object) -> Any:
    """Sentry's `before_send`: the same, all the way down."""
    return _hidden(event)


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return without_keys(value)
    if isinstance(value, Mapping):
        return {name: "[…]" if name == "query_string" else _hidden(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(inner) for inner in value]
    return value
