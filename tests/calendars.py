"""Days that stay what they are as long as a test takes: what begins “today” must not begin yesterday a moment later."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from unittest.mock import patch
from zoneinfo import ZoneInfo

from django.utils import timezone

PARIS = ZoneInfo("Europe/Paris")
# It is afternoon there when Paris goes to bed, and its clocks never change.
FAR_FROM_PARIS = ZoneInfo("America/Martinique")


def zone_far_from_midnight(now: datetime) -> tzinfo:
    """The product's own, but for the last two hours of its day."""
    own = timezone.get_default_timezone()
    return FAR_FROM_PARIS if timezone.localtime(now, own).hour >= 22 else own


@contextmanager
def days_of(zone: tzinfo) -> Iterator[None]:
    """As if the product were made for that place."""
    with patch.object(timezone, "get_default_timezone", lambda: zone):
        yield


@contextmanager
def far_from_midnight() -> Iterator[None]:
    """No day ends for an hour."""
    with days_of(zone_far_from_midnight(timezone.now())):
        yield
