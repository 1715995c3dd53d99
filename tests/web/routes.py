"""All URL patterns of the product, walked from the root."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Pattern:
    """One pattern: its full name (`app:name`), its route, and the names of what the URL holds."""

    name: str
    route: str
    parameters: frozenset[str]


def all_patterns() -> list[Pattern]:
    """Raises AssertionError for a pattern without a name, which nothing could test by name."""
    return list(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns: list[URLPattern | URLResolver], namespace: str, prefix: str) -> Iterator[Pattern]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, inner, route)
        else:
            assert pattern.name, f"{route} has no name"
            parameters = frozenset(pattern.pattern.regex.groupindex) | frozenset(pattern.pattern.converters)
            yield Pattern(namespace + pattern.name, route, parameters)
