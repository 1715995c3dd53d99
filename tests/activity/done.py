"""All rows of `test_audiences.py` and all scenarios, done once, in one world and one transaction that is taken back.

`Done` says what came of each: whom it told, which actions were called, what its events read like.
"""

import copy
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.db import transaction
from django.urls import resolve, reverse
from django.utils import translation

from accounts.models import Membership
from activity.composing import CHANGES
from activity.concern import may_enter, still_concerning
from activity.events import REGISTRY
from activity.mails import REGISTRY as KINDS
from activity.mails import Obsolete
from activity.models import Event, Notification, OutgoingEmail
from activity.sentences import page_of, plain_sentence
from clients.models import SpaceMember
from tenancy.scopes import scope
from tests.activity.scenarios import SCENARIOS
from tests.activity.test_audiences import ROWS, Cast, make_cast
from tests.activity.watching import Watch, all_pages_and_tasks
from tests.conftest import OutsideClient

LANGUAGES = ("fr", "en")
NOTICE = "accounts.security_notice"
OPEN = (200, 302)


@dataclass
class Done:
    """What came of all of it, by the event's name."""

    watch: Watch = field(default_factory=Watch)
    expected: dict[str, set[str]] = field(default_factory=dict)
    told: dict[str, set[str]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)  # what is wrong with its words
    failures: dict[str, str] = field(default_factory=dict)  # of rows and scenarios
    mailed: set[str] = field(default_factory=set)  # a mail tells of it, in each language
    opened: dict[Any, int] = field(default_factory=dict)  # how pages answered: which, to whom
    # (event, who is told) → to what a mail leads them in vain
    closed: dict[tuple[str, str], str] = field(default_factory=dict)


def all_done() -> Done:
    """Nothing of it stays."""
    done = Done()
    all_pages_and_tasks()
    with transaction.atomic():
        cast = make_cast()
        with done.watch.on():
            for row in dict.fromkeys(ROWS.values()):
                names = [name for name, one in ROWS.items() if one is row]
                with _taken_back(cast, done, names[0]) as now:
                    expected = row(now)
                    done.expected |= dict.fromkeys(names, expected)
                    for name in names:
                        _look(done, now, name)
            for scenario in SCENARIOS:
                with _taken_back(cast, done, scenario.__name__) as now:
                    scenario(now)
        transaction.set_rollback(True)
    for recorded in done.watch.recorded:
        if recorded.event is not None and recorded.type not in done.faults:
            done.faults[recorded.type] = fault_of_words(recorded.event)
    return done


@contextmanager
def _taken_back(cast: Cast, done: Done, name: str) -> Iterator[Cast]:
    """What fails in one is kept, and takes nothing from the others."""
    with transaction.atomic():
        try:
            with scope(firm=cast.firm):
                yield copy.deepcopy(cast)
        except Exception:
            done.failures[name] = traceback.format_exc(limit=-4)
        transaction.set_rollback(True)


def _look(done: Done, cast: Cast, name: str) -> None:
    """At the last event of that name, in whichever journal it stands."""
    for owner in ({"firm": cast.firm}, {"space": cast.link.space_id}, {"person": cast.claire}):
        with scope(**owner):
            event = Event.objects.of_scope().filter(type=name).order_by("id").last()
            if event is None:
                continue
            told = list(Notification.objects.filter(event=event))
            done.told[name] = {one.name.partition(" ")[0] for one in told}
            done.faults[name] = fault_of_words(event)
            _open(done, event, told)
            if any(_mails_of(one) for one in told) or _notices_of(name):
                done.mailed.add(name)
            return


def _open(done: Done, event: Event, told: list[Notification]) -> None:
    """What the mail's button leads to, as whoever is told: each page once for each of them, and each time for those who
    are told of themselves or of a loss."""
    for one in told:
        still = still_concerning(one.recipient_id, [one.told])
        if not still or (not (path := page_of(still[0])) and may_enter(one.recipient_id)):
            continue
        path = path or reverse("start")
        page: tuple[Any, ...] = (resolve(urlsplit(path).path).view_name, one.recipient_id)
        page += (event.type,) if one.outside or _names(event, one.recipient_id) else ()
        if page not in done.opened:
            done.opened[page] = _status(path, one.recipient)
            if done.opened[page] not in OPEN:
                done.closed[event.type, one.name] = f"{path}: {done.opened[page]}"


def _names(event: Event, person: UUID) -> bool:
    places: Any = SpaceMember.objects if event.space_id else Membership.objects
    own = {str(key) for key in places.filter(user_id=person).values_list("pk", flat=True)} | {str(person)}
    return not own.isdisjoint({str(event.subject_id), *map(str, event.details.values())})


def _status(path: str, person: Any) -> int:
    with transaction.atomic():
        client = OutsideClient()
        client.force_login(person)
        status: int = client.get(path).status_code
        transaction.set_rollback(True)
    return status


def fault_of_words(event: Event) -> str:
    """Each language has words for it, and the event has all that they name."""
    kind = REGISTRY[event.type]
    known = {"actor", *event.details} | ({"subject"} if event.subject_name else set())
    texts = []
    for language in LANGUAGES:
        with translation.override(language):
            if missing := set(re.findall(r"%\((\w+)\)", str(kind.sentence))) - known:
                return f"{language}: nothing is known of {sorted(missing)}"
            texts.append((str(kind.summary), str(kind.sentence)))
            assert plain_sentence(event)
    same = [text for text, other in zip(*texts, strict=True) if text == other]
    return f"the same in both languages: {same}" if same else ""


def _mails_of(told: Notification) -> bool:
    """Are there a subject, a text and an HTML of it, in each language? Not for one who lost what it is about."""
    mails = []
    for language in LANGUAGES:
        mail = OutgoingEmail.objects.create(
            **OutgoingEmail.ownership(), kind=CHANGES, to=told.address, to_name=told.name, language=language
        )
        Notification.objects.of_scope().filter(pk=told.pk).update(mail=mail)
        mails.append(mail)
        try:
            if not _is_whole(mail):
                return False
        except Obsolete:
            return False
    return True


def _notices_of(name: str) -> bool:
    """The mail to the person themself, where their account is concerned."""
    notices = OutgoingEmail.objects.of_scope().filter(kind=NOTICE, params__event=name)
    found = notices.select_related("person").first()
    if found is None:
        return False
    for language in LANGUAGES:
        found.language = language
        if not _is_whole(found):
            return False
    return True


def _is_whole(mail: OutgoingEmail) -> bool:
    with translation.override(mail.language):
        made = KINDS[mail.kind].build(mail)
    right = f'<html lang="{mail.language}"' in made.html
    return right and bool(made.subject and made.text.strip())


@pytest.fixture(scope="session")
def done(django_db_setup: None, django_db_blocker: Any) -> Done:
    """Once for all tests that look at it."""
    with django_db_blocker.unblock():
        return all_done()
