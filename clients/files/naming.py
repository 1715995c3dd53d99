"""What a dropped file is called here, and on the other side's computer: safe wherever it is saved, and honest."""

import re
import unicodedata

from django.utils.translation import gettext as _

from clients.files.recognising import SORTS, FileKind

# What no file may be called on Windows, and what separates folders anywhere.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*]')
# Controls, and what is not seen: marks that turn the direction of a text would show “exe.pdf” for “fdp.exe”.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_LONGEST = 150


def safe_name(given: str, kind: FileKind) -> str:
    """The name under which it is kept: the given one without folders and tricks, with an ending of its kind."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    seen = "".join(" " if one.isspace() else one for one in last if _is_seen(one))
    name = " ".join(_FORBIDDEN.sub("_", seen).split()).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if not dot or ending.lower() not in SORTS[kind].endings:
        stem, ending = name, SORTS[kind].endings[0]
    stem = stem[:_LONGEST].strip(" .") or _("file")
    return f"_{stem}.{ending}" if _RESERVED.match(f"{stem}.") else f"{stem}.{ending}"


def _is_seen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in _UNSEEN
