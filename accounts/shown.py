"""How people and moments are shown, wherever they are: the filters of the templates, and rows made in Python."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

NO_BREAK_SPACE = "\u00a0"


def initials(name: Any) -> str:
    """Two letters for an avatar: "Camille Le Moine" → "CM"."""
    words = [word for word in str(name or "").replace("-", " ").split() if word[0].isalnum()]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[:2] for word in words]
    return "".join(letters).upper()


def siren(value: Any) -> str:
    """`732829320` → `732 829 320`, with no-break spaces; anything else as it is."""
    digits = str(value or "")
    if len(digits) != 9 or not digits.isdigit():
        return digits
    return NO_BREAK_SPACE.join((digits[:3], digits[3:6], digits[6:]))


def siret(value: Any) -> str:
    """`73282932000074` → `732 829 320 00074`, with no-break spaces; anything else as it is."""
    digits = str(value or "")
    if len(digits) != 14 or not digits.isdigit():
        return digits
    return f"{siren(digits[:9])}{NO_BREAK_SPACE}{digits[9:]}"


_NEAR = timedelta(hours=1)  # minutes are counted


def when(value: datetime | date | None) -> SafeString | str:
    """How long ago, or how soon, with the full date in the title; empty for none."""
    if not value:
        return ""
    now = timezone.localtime()
    if isinstance(value, datetime) and timezone.is_aware(value):
        return moments(now)(value)
    return _all_day(value, now.date(), get_language())


def moments(now: datetime) -> Callable[[datetime | None], SafeString | str]:
    """What `when` says at that local time, for whoever asks of many aware moments."""
    before, after = (now - _NEAR).astimezone(UTC), (now + _NEAR).astimezone(UTC)
    today, language = now.date(), get_language()

    def said(moment: datetime | None) -> SafeString | str:
        if moment is None:
            return ""
        if before < moment < after:
            return _when(local(moment), now)
        return _all_day(moment, today, language)

    return said


@lru_cache(maxsize=8192)
def _all_day(value: datetime | date, today: date, language: str | None) -> SafeString:
    """What is said of a moment all day long: a list shows dozens, and the same ones again and again."""
    return _when(local(value), timezone.localtime())


def _when(moment: datetime | date, now: datetime) -> SafeString:
    is_exact = isinstance(moment, datetime)
    day = moment.date() if isinstance(moment, datetime) else moment
    full = _full(day, get_language())
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        f"{full}, {moment:%H:%M}" if is_exact else full,
        _relative(moment, day, now),
    )


@lru_cache(maxsize=1024)
def _full(day: date, language: str | None) -> str:
    return date_format(day, "l j F Y")


def local(value: datetime | date) -> datetime | date:
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value


def _relative(moment: datetime | date, day: date, now: datetime) -> str:
    if isinstance(moment, datetime):
        seconds = (now - moment).total_seconds() if timezone.is_aware(moment) else 86400
        if 0 <= seconds < 60:
            return _("just now")
        if 0 <= seconds < 3600:
            return _("%(minutes)s min ago") % {"minutes": int(seconds // 60)}
    days = (now.date() - day).days
    return _named_day(days, moment) or _counted_days(days) or date_format(moment, "SHORT_DATE_FORMAT")


def _named_day(days: int, moment: datetime | date) -> str:
    if not -1 <= days <= 1:
        return ""
    if not isinstance(moment, datetime):
        return {0: _("today"), 1: _("yesterday"), -1: _("tomorrow")}[days]
    at = {0: _("today at %(time)s"), 1: _("yesterday at %(time)s"), -1: _("tomorrow at %(time)s")}[days]
    return at % {"time": f"{moment:%H:%M}"}


def _counted_days(days: int) -> str:
    if 1 < days < 7:
        return ngettext("%(days)s day ago", "%(days)s days ago", days) % {"days": days}
    if -15 < days < -1:
        return ngettext("in %(days)s day", "in %(days)s days", -days) % {"days": -days}
    return ""
