"""HTML of many things that are alike but for their texts: the rows of a list, and the menu in each of them.

The template is rendered once for each kind of thing that there is, with marks where the texts go; the marks then tell
where each thing's own texts are put in. A template for a stencil may ask whether a text is there, not what it says.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

# Of Unicode's private use: in no template, and left alone by escaping.
_MARK = re.compile("\ue000(\\w+)\ue001")


class Stencil(ABC):
    """One kind of thing. A subclass is a frozen dataclass that holds what sets this kind apart."""

    template: ClassVar[str]

    @abstractmethod
    def context(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        """What the template is rendered with; `texts` holds a mark for each text that is there."""

    def filled(self, texts: Mapping[str, str]) -> SafeString:
        """The HTML of one thing. Its texts are HTML already; an empty one is not there."""
        names = frozenset(name for name, text in texts.items() if text)
        # In development, a changed template shows at once.
        pattern = _made(self, names) if settings.DEBUG else _kept(self, names, get_language() or "")
        pieces = list(pattern)
        pieces[1::2] = [texts[name] for name in pattern[1::2]]
        return mark_safe("".join(pieces))  # noqa: S308 - the texts are HTML, the rest is the template's


@lru_cache(maxsize=1024)
def _kept(stencil: Stencil, names: frozenset[str], language: str) -> tuple[str, ...]:
    """The template's text and the names of what stands between, in turn; each language has its own."""
    return _made(stencil, names)


def _made(stencil: Stencil, names: frozenset[str]) -> tuple[str, ...]:
    marks = {name: f"\ue000{name}\ue001" for name in names}
    return tuple(_MARK.split(render_to_string(stencil.template, dict(stencil.context(marks))).strip()))
