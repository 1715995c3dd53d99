"""Wrong passwords and codes: counted, and told to whose account it is once they keep everybody out for a while.

One failure is no event: nothing has changed, and most are a slip. It is told once a day, for whoever knows an address
could fill its mailbox else.
"""

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest

from accounts.actions.entering import note_failures
from accounts.browsers import browser_name
from accounts.events.people import Way
from accounts.models import User

# The fifth in five minutes is the last that is let through (setting ACCOUNT_RATE_LIMITS).
_BEFORE = "4/5m/key"
_ONCE_IN = 24 * 3600


def failed(request: HttpRequest, *, address: str, way: Way) -> None:
    """A wrong password or code was given for the account with this address, if there is one."""
    address = address.lower()
    key = f"{way.value}:{address}"
    rate = {"entry_failed": _BEFORE}
    if ratelimit.consume(
        request, app="accounts", action="entry_failed", config=rate, key=key, limit_get=True
    ):
        return
    person = User.objects.filter(email=address, is_active=True).first()
    if person is not None and cache.add(f"entry-failed:{key}", True, timeout=_ONCE_IN):
        note_failures(person=person, way=way, browser=browser_name(request.headers.get("User-Agent", "")))
