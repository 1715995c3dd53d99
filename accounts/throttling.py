"""Limits on how often something may be asked for, kept in the database's cache: they hold without Redis.

allauth throttles its own pages (setting ACCOUNT_RATE_LIMITS); this is for ours.
"""

from allauth.core.internal import ratelimit
from django.http import HttpRequest, HttpResponse


def throttled(
    request: HttpRequest, *, action: str, rate: str, key: str | None = None, counts: bool = True
) -> HttpResponse | None:
    """The 429 page if this was asked for too often, else None. Counts each call, of a GET too, unless told otherwise.

    `rate` as allauth writes it: `"20/m/ip"`, `"5/h/key"`, several with commas; `key` tells apart what `/key` counts.
    """
    allowed = ratelimit.consume(
        request,
        app="accounts",
        action=action,
        config={action: rate},
        key=key,
        limit_get=True,
        dry_run=not counts,
    )
    if allowed:
        return None
    response: HttpResponse = ratelimit.respond_429(request)
    return response
