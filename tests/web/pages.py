"""Comparing answers."""

import re
from typing import Any

# What differs between any two answers: CSRF tokens, CSP nonces.
_CHANGING = re.compile(r"[A-Za-z0-9_\-+/]{20,}={0,2}")


def stable(response: Any, *own: object) -> tuple[int, str]:
    """Status and text of an answer without its random tokens, and without these words of its own request."""
    text = response.content.decode()
    for word in own:
        text = text.replace(str(word), "")
    return response.status_code, _CHANGING.sub("", text)


def said(response: Any) -> str:
    """The text of an answer as a test writes it: no-break spaces, narrow or not, as plain spaces."""
    return plain(str(response.content.decode()))


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")
