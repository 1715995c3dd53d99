"""French words that change before a name."""

import re

from django.utils.translation import get_language

# The h of first names from Latin, Greek or German is mute (Hélène, Hugo, Henri); that of Hassan or Harry is not.
# A y before a consonant is a vowel (Yves, Yvonne), before another vowel it is not (Yann, Youssef).
_VOWEL = re.compile(r"[aàâäæeéèêëiîïoôöœuùûü]|h[eéèêiîoôuy]|y[^aàâeéèêiîoôuyœ\W]", re.IGNORECASE)


def elided(sentence: str, name: str) -> str:
    """The sentence with « de » elided before that name where French elides: « d'Alice », « de Paul »."""
    language = get_language() or ""
    if not language.startswith("fr") or not _VOWEL.match(name):
        return sentence
    return re.sub(rf"\b([Dd])e {re.escape(name)}", rf"\1'{_escaped(name)}", sentence)


def _escaped(name: str) -> str:
    return name.replace("\\", r"\\")
