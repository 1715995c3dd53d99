"""HTML of what is alike but for its texts: the rows of a list, the menu in each of them, the frame of every page.

The template is rendered once for each kind of thing that there is, with marks where the texts go; the marks then tell
where each thing's own texts are put in. A template for a stencil may ask whether a text is there, not what it says.
`stencilled` tells the kind from the data; a `Stencil` of its own serves where a page has dozens of a kind.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

# Of Unicode's private use: in no template, and left alone by escaping.
_MARK = re.compile("\ue000(\\w+)\ue001")
_INDENT = re.compile(r"\s*\n\s*")
# The template's text and the names of what stands between, in turn.
Pattern = tuple[str, ...]


def escaped(texts: Sequence[str]) -> list[str]:
    """Each of the texts as HTML. All of them at once: a page has hundreds. No text of the database holds a NUL."""
    together = escape("\0".join(texts)).split("\0")
    return together if len(together) == len(texts) else [escape(text) for text in texts]


class Stencil(ABC):
    """One kind of thing. A subclass is a frozen dataclass that holds what sets this kind apart."""

    template: str

    @abstractmethod
    def context(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        """What the template is rendered with; `texts` holds a mark for each text that is there."""

    def filled(self, texts: Mapping[str, str]) -> SafeString:
        """The HTML of one thing. Its texts are HTML already; an empty one is not there."""
        return fill(self.pattern(texts), texts)

    def pattern(self, texts: Mapping[str, str]) -> Pattern:
        """What `fill` takes for things of this kind that have the same texts as this one."""
        names = frozenset(name for name, text in texts.items() if text)
        # In development, a changed template shows at once.
        return _made(self, names) if settings.DEBUG else _kept(self, names, get_language() or "")


def fill(pattern: Pattern, texts: Mapping[str, str]) -> SafeString:
    """The HTML of one thing of the kind for which the pattern was made."""
    pieces = list(pattern)
    pieces[1::2] = [texts[name] for name in pattern[1::2]]
    return mark_safe("".join(pieces))  # noqa: S308 - the texts are HTML, the rest is the template's


@lru_cache(maxsize=1024)
def _kept(stencil: Stencil, names: frozenset[str], language: str) -> Pattern:
    """Each language has its own."""
    return _made(stencil, names)


def _made(stencil: Stencil, names: frozenset[str]) -> Pattern:
    marks = {name: f"\ue000{name}\ue001" for name in names}
    html = render_to_string(stencil.template, dict(stencil.context(marks)))
    # How far the template's lines are set in is sent with each of the things, and read by nobody.
    return tuple(_MARK.split(_INDENT.sub("\n", html.strip())))


class Fixed(str):
    """A text that sets a kind apart, and that the template may read: an icon's name, a class."""

    __slots__ = ()


def stencilled(template: str, data: Mapping[str, Any] | None = None) -> SafeString:
    """The template, rendered with dictionaries, lists, truth values and texts: what is none of these is shown as text.

    Its kind is everything but the texts: what is true, how many there are, which texts are there.
    """
    texts: list[str] = []
    shape = _shape(data or {}, texts)
    filled_in = zip(texts, escaped(texts), strict=True)
    html = (text if isinstance(text, SafeString) else safe for text, safe in filled_in)
    return _Blank(template, shape).filled({str(place): text for place, text in enumerate(html)})


@dataclass(frozen=True)
class _Blank(Stencil):
    """Data without its texts."""

    template: str
    shape: Any

    def context(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        marked: Mapping[str, object] = _marked(self.shape, (texts[str(place)] for place in range(len(texts))))
        return marked


_TEXT = object()


def _shape(value: Any, texts: list[str]) -> Any:
    """What remains of the value without its texts; these are added to the list."""
    if value is None or isinstance(value, bool | Fixed):
        return value
    if isinstance(value, Mapping):
        return (dict, *((key, _shape(inner, texts)) for key, inner in value.items()))
    if isinstance(value, list | tuple):
        return (list, *(_shape(inner, texts) for inner in value))
    if not (text := str(value)):
        return text
    texts.append(value if isinstance(value, SafeString) else text)
    return _TEXT


def _marked(shape: Any, marks: Iterator[str]) -> Any:
    """The value again, with a mark for each text."""
    if shape is _TEXT:
        return next(marks)
    if not isinstance(shape, tuple):
        return shape
    kind, *inner = shape
    if kind is dict:
        return {key: _marked(value, marks) for key, value in inner}
    return [_marked(value, marks) for value in inner]
