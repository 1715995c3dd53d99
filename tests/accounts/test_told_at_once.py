"""What touches an account is told at once, to the address that it has and to one that it had until lately."""

import re
from datetime import timedelta
from pathlib import Path

import allauth
import pytest
from django.utils import timezone

from accounts.actions.members import change_role
from accounts.actions.people import FORMER_TOLD_FOR, follow_confirmed_address, note_security
from accounts.adapter import _TOLD_ELSEWHERE, NOTICES
from accounts.events import people
from accounts.models import Role, User
from activity.events import REGISTRY
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import World, make_person

FORMER, PRESENT = "alice@ancien.test", "alice@nouveau.test"
SECURITY = sorted(
    kind.name for kind in REGISTRY.values() if issubclass(kind, people.PersonEvent) and kind.security
)
# Flows of allauth that we do not offer: passkeys are our own (decision 0024), and nobody signs in by another service.
NOT_OURS = {"mfa/email/webauthn_added", "mfa/email/webauthn_removed"}


@pytest.fixture
def alice(db: None, outbox: Outbox) -> User:
    """Her address was another one until a moment ago."""
    person = make_person(PRESENT, first_name="Alice")
    follow_confirmed_address(person=person, previous=FORMER, browser="Firefox")
    outbox.clear()
    return person


def test_whatever_allauth_would_tell_of_an_account_we_tell() -> None:
    """A new version may tell of more: then this says what has no event yet."""
    told: set[str] = set()
    for app in ("account", "mfa", "usersessions"):
        for file in Path(allauth.__path__[0], app).rglob("*.py"):
            calls = re.findall(r"send_notification_mail\(\s*\"([^\"]+)\"", file.read_text())
            told |= set(calls)
    assert told - NOT_OURS == set(NOTICES) | _TOLD_ELSEWHERE


def test_password_second_factor_and_passkey_are_among_them() -> None:
    verbs = {name.rpartition(".")[2] for name in SECURITY}
    assert verbs == {
        "address_changed", "address_change_asked", "address_change_cancelled", "password_changed",
        "password_chosen", "password_reset", "second_factor_added", "second_factor_removed", "recovery_codes_made",
        "recovery_code_used", "entry_failed", "passkey_added", "passkey_removed",
    }  # fmt: skip


@pytest.mark.parametrize("name", SECURITY)
def test_the_former_address_is_told_too(alice: User, outbox: Outbox, name: str) -> None:
    note_security(person=alice, happened=REGISTRY[name], browser="Firefox")  # type: ignore[arg-type]  # one of them
    assert outbox.recipients() == [FORMER, PRESENT]
    for mail in outbox.mails():
        assert str(REGISTRY[name].summary) == mail.subject
        assert "List-Unsubscribe" not in mail.extra_headers


def test_only_for_some_weeks(alice: User, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.localdate() + FORMER_TOLD_FOR + timedelta(days=1)
    monkeypatch.setattr(timezone, "localdate", lambda: later)
    note_security(person=alice, happened=people.PasswordChanged, browser="Firefox")
    assert outbox.recipients() == [PRESENT]


def test_not_if_it_is_somebody_elses_now(alice: User, outbox: Outbox) -> None:
    make_person(FORMER)
    note_security(person=alice, happened=people.PasswordChanged, browser="Firefox")
    assert outbox.recipients() == [PRESENT]


def test_a_role_is_told_at_once_to_whom_it_is_about_and_to_the_administrators(
    lemoine: World, outbox: Outbox, settings
) -> None:
    settings.NOTIFICATION_HOLD_SECONDS = 60
    with scope(firm=lemoine.firm):
        change_role(actor=lemoine.admin, member=lemoine.collaborator, role=Role.ADMIN)
    assert outbox.recipients() == [lemoine.collaborator.email]
    with scope(firm=lemoine.firm):
        lemoine.collaborator.refresh_from_db()
        change_role(actor=lemoine.collaborator, member=lemoine.colleague, role=Role.ADMIN)
    assert outbox.recipients() == sorted(
        [lemoine.collaborator.email, lemoine.admin.email, lemoine.colleague.email]
    )
