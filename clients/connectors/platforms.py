"""Platforms that publish no interface for programs: the installation's settings describe how one signs in there.

FETCH_PLATFORMS is a JSON list; of each platform: `key` (a short word for addresses), `name`, `sign_in` (the address of
the sign-in page), `email_field` and `password_field` (the names of its fields), `export` (the address of the list).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from clients.connectors.web import origin

_KEY = re.compile(r"[a-z0-9-]{1,40}")
_LONGEST = 300


@dataclass(frozen=True)
class Platform:
    """A platform with a sign-in page."""

    key: str
    name: str
    sign_in: str
    email_field: str
    password_field: str
    export: str


def platforms() -> Mapping[str, Platform]:
    """Those that the settings describe, by their keys."""
    return {one["key"]: Platform(**one) for one in settings.FETCH_PLATFORMS}


@register()
def check_settings(**_of: Any) -> list[CheckMessage]:
    """Whatever the settings say wrongly is said at the start, not to the person who wants to fetch."""
    faults = [
        *_faults_of_addresses({name: getattr(settings, name) for name in ("PENNYLANE_URL", "MYUNISOFT_URL")}),
        # Empty: the register is never asked.
        *(_faults_of_addresses({"REGISTER_URL": settings.REGISTER_URL}) if settings.REGISTER_URL else ()),
        *(fault for place, one in enumerate(settings.FETCH_PLATFORMS, 1) for fault in _faults(place, one)),
    ]
    if not _turns_pages(settings.MYUNISOFT_PAGING):
        faults.append("MYUNISOFT_PAGING: it needs {page} or {offset}, and nothing else in braces.")
    keys = [one.get("key") for one in settings.FETCH_PLATFORMS if isinstance(one, dict)]
    if len(keys) != len(set(keys)):
        faults.append("FETCH_PLATFORMS: two platforms have the same key.")
    return [Error(fault, id="clients.E001") for fault in faults]


def _turns_pages(paging: str) -> bool:
    try:
        return paging.format(page=2, offset=50) != paging.format(page=3, offset=100)
    except (KeyError, IndexError, ValueError):
        return False


def _faults(place: int, one: Any) -> list[str]:
    name, wanted = f"FETCH_PLATFORMS, platform {place}", {field.name for field in fields(Platform)}
    if not isinstance(one, dict) or set(one) != wanted:
        return [f"{name}: it needs exactly {', '.join(sorted(wanted))}."]
    if not all(isinstance(value, str) and 0 < len(value) <= _LONGEST for value in one.values()):
        return [f"{name}: every value is a text of 1 to {_LONGEST} characters."]
    faults = _faults_of_addresses({f"{name}, {key}": one[key] for key in ("sign_in", "export")})
    if not _KEY.fullmatch(one["key"]):
        faults.append(f"{name}: the key holds small letters, digits and hyphens only, 40 at most.")
    if not faults and {origin(one["sign_in"]), origin(one["export"])} & _with_tokens():
        faults.append(f"{name}: this platform takes tokens, so nobody is asked for its password.")
    return faults


def _faults_of_addresses(addresses: Mapping[str, str]) -> list[str]:
    return [f"{name}: {url!r} is no https address." for name, url in addresses.items() if not _is_https(url)]


def _is_https(url: str) -> bool:
    try:
        return bool(origin(url))
    except ValueError:
        return False


def _with_tokens() -> set[str]:
    return {origin(url) for url in (settings.PENNYLANE_URL, settings.MYUNISOFT_URL) if _is_https(url)}
