"""A browser's long self-description, as a person would name it."""

import re

from django.utils.translation import gettext as _

# The first that fits: most browsers also claim to be those below them.
_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("Mac", r"Mac OS X|Macintosh"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)
_PHONES = ("iPhone", "iPad", "Android")


def browser_name(agent: str) -> str:
    """`Firefox, Linux`; what is known of it."""
    known = [name for name in (_first(_BROWSERS, agent), _first(_SYSTEMS, agent)) if name]
    return ", ".join(known) or _("Unknown browser")


def is_mobile(agent: str) -> bool:
    return _first(_SYSTEMS, agent) in _PHONES


def _first(patterns: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for name, pattern in patterns if re.search(pattern, agent)), "")
