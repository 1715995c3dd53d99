"""A person's own pages: profile, address, password, second factor, sessions."""

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    SECRET_SESSION_KEY,
    TOTP,
    format_hotp_value,
    hotp_value,
    validate_totp_code,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Firm, Membership, User
from activity.actions import queue_mail
from activity.models import Event, MailState, OutgoingEmail
from tenancy import keys
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import PASSWORD, World

Browse = Callable[..., Client]
NEW = "quatre chevaux verts galopent"


def person_of(member: Membership) -> User:
    assert member.user is not None
    return member.user


@pytest.fixture(autouse=True)
def _nobody_tried_before(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    # Some move the clock on, and keys never go back: those of the tests that follow are made as if they had not.
    monkeypatch.setattr(keys, "_stamps", keys._Stamps())


@pytest.fixture
def alice(lemoine: World, client: Client) -> Client:
    """The first firm's administrator, signed in and just now asked for their password."""
    return signed_in(client, lemoine.admin.email)


def signed_in(client: Client, email: str) -> Client:
    client.post(reverse("account_login"), {"login": email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def recorded(person: User) -> list[str]:
    """Besides their comings and goings."""
    with scope(person=person):
        events = Event.objects.exclude(type__in=["accounts.person.signed_in", "accounts.person.signed_out"])
        return list(events.order_by("id").values_list("type", flat=True))


def code_for(secret: str, steps: int = 0) -> str:
    """The code that an application shows now, or so many steps later."""
    now = list(yield_hotp_counters_from_time())
    return str(format_hotp_value(hotp_value(secret, now[len(now) // 2] + steps)))


def protect(person: User) -> str:
    """Give the person a second factor; returns its secret."""
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    TOTP.activate(person, secret)
    RecoveryCodes.activate(person)
    return secret


# --- name and language ------------------------------------------------------------------------------------------


def test_a_new_name_shows_in_the_firm(alice: Client, lemoine: World) -> None:
    data = {"first_name": "Aline", "last_name": "Petit", "language": "en"}
    assert alice.post(reverse("accounts:profile"), data).status_code == 302
    with scope(firm=lemoine.firm):
        assert Membership.objects.get(pk=lemoine.admin.pk).name == "Aline Petit"
    assert recorded(person_of(lemoine.admin)) == ["accounts.person.profile_changed"]


def test_the_same_name_again_records_nothing(alice: Client, lemoine: World) -> None:
    person = person_of(lemoine.admin)
    alice.post(
        reverse("accounts:profile"),
        {"first_name": person.first_name, "last_name": person.last_name, "language": person.language},
    )
    assert recorded(person) == []


def test_whose_mails_come_back_reads_it_on_their_own_page_until_one_arrives(
    alice: Client, lemoine: World, outbox: Outbox
) -> None:
    """Nobody else does: it is no firm's business what an account's own mails are about."""
    person = person_of(lemoine.admin)
    assert alice.get(reverse("accounts:profile")).context["missed"] is None
    with scope(person=person):
        lost = queue_mail("accounts.security_notice", to=person.email, name=person.name)
        elsewhere = queue_mail("accounts.security_notice", to="ancienne@adresse.test", name=person.name)
        rows = OutgoingEmail.objects.filter(pk__in=[lost.pk, elsewhere.pk])
        rows.update(state=MailState.FAILED, failure="550 5.1.1 inconnu")
    page = alice.get(reverse("accounts:profile")).content.decode()
    assert "550 5.1.1 inconnu" in page and person.email in page and "ancienne@adresse.test" not in page
    listed = alice.get(lemoine.firm.url("invitations:undelivered")).content.decode()
    assert "550 5.1.1 inconnu" not in listed
    with scope(person=person):
        queue_mail("accounts.password_reset", to=person.email)
        OutgoingEmail.objects.filter(kind="accounts.password_reset").update(state=MailState.SENT)
    assert alice.get(reverse("accounts:profile")).context["missed"] is None


# --- address ------------------------------------------------------------------------------------------------------


def test_an_address_changes_once_the_new_one_confirms_and_both_are_told(
    alice: Client, lemoine: World, outbox: Outbox
) -> None:
    former, new = lemoine.admin.email, "alice@ailleurs.test"
    alice.post(reverse("account_email"), {"email": new, "action_add": "1"})
    assert User.objects.get(pk=person_of(lemoine.admin).pk).email == former
    found = re.search(r"http://\S+confirmer/\S+", str(outbox.to(new).body))
    assert found
    assert outbox.recipients() == sorted(
        [former, new]
    )  # the present one learns at once that it was asked for
    assert new not in str(outbox.to(former).subject)
    outbox.clear()
    page = alice.get(urlsplit(found[0]).path)["Location"]
    assert alice.post(page)["Location"] == reverse("accounts:profile")
    assert User.objects.get(pk=person_of(lemoine.admin).pk).email == new
    assert outbox.recipients() == sorted([former, new])
    with scope(firm=lemoine.firm):
        assert Membership.objects.get(pk=lemoine.admin.pk).email == new


def test_looking_at_anothers_link_ends_no_session(alice: Client, lemoine: World, outbox: Outbox) -> None:
    Client().post(reverse("account_reset_password"), {"email": lemoine.colleague.email})
    found = re.search(r"http://\S+nouveau/\S+", str(outbox.to(lemoine.colleague.email).body))
    assert found
    alice.get(alice.get(urlsplit(found[0]).path)["Location"])
    assert alice.get(reverse("accounts:profile")).status_code == 200


def test_a_change_of_address_needs_the_password_anew(client: Client, lemoine: World) -> None:
    client.post(reverse("account_login"), {"login": lemoine.admin.email, "password": PASSWORD})
    answer = client.post(reverse("account_email"), {"email": "x@ailleurs.test", "action_add": "1"})
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert not EmailAddress.objects.filter(email="x@ailleurs.test").exists()


def test_a_change_of_address_can_be_cancelled(alice: Client, lemoine: World) -> None:
    alice.post(reverse("account_email"), {"email": "x@ailleurs.test", "action_add": "1"})
    alice.post(reverse("account_email"), {"email": "x@ailleurs.test", "action_remove": "1"})
    assert list(
        EmailAddress.objects.filter(user=person_of(lemoine.admin)).values_list("email", flat=True)
    ) == [lemoine.admin.email]
    happened = ["accounts.person.address_change_asked", "accounts.person.address_change_cancelled"]
    assert recorded(person_of(lemoine.admin)) == happened


# --- password ------------------------------------------------------------------------------------------------------


def test_a_new_password_ends_the_other_sessions_and_is_told(
    alice: Client, lemoine: World, outbox: Outbox
) -> None:
    elsewhere = signed_in(Client(), lemoine.admin.email)
    answer = alice.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": NEW})
    assert answer["Location"] == reverse("accounts:profile")
    assert alice.get(reverse("accounts:profile")).status_code == 200
    assert elsewhere.get(reverse("accounts:profile")).status_code == 302
    assert outbox.to(lemoine.admin.email).subject == "Votre mot de passe a été modifié"


def test_a_wrong_current_password_changes_nothing(alice: Client, lemoine: World) -> None:
    answer = alice.post(reverse("account_change_password"), {"oldpassword": "faux", "password1": NEW})
    assert answer.status_code == 422
    assert User.objects.get(pk=person_of(lemoine.admin).pk).check_password(PASSWORD)


# --- sessions ------------------------------------------------------------------------------------------------------


def test_a_session_ended_elsewhere_is_over_at_its_next_request(alice: Client, lemoine: World) -> None:
    elsewhere = signed_in(Client(), lemoine.admin.email)
    rows = alice.get(reverse("usersessions_list")).context["rows"]
    (other,) = [row["session"] for row in rows if not row["current"]]
    alice.post(reverse("accounts:end_session", kwargs={"pk": other.pk}))
    assert elsewhere.get(reverse("accounts:profile")).status_code == 302
    assert alice.get(reverse("accounts:profile")).status_code == 200


def test_all_other_sessions_end_at_once(alice: Client, lemoine: World) -> None:
    others = [signed_in(Client(), lemoine.admin.email) for _ in range(2)]
    alice.post(reverse("accounts:end_other_sessions"))
    assert [client.get(reverse("accounts:profile")).status_code for client in others] == [302, 302]
    assert recorded(person_of(lemoine.admin)) == ["accounts.person.sessions_ended"]


def test_another_persons_session_is_not_there(alice: Client, lemoine: World) -> None:
    theirs = signed_in(Client(), lemoine.colleague.email)
    session = UserSession.objects.get(user=person_of(lemoine.colleague))
    assert alice.post(reverse("accounts:end_session", kwargs={"pk": session.pk})).status_code == 404
    assert theirs.get(reverse("accounts:profile")).status_code == 200


# --- second factor ----------------------------------------------------------------------------------------------------


def activate(client: Client) -> Any:
    client.get(reverse("mfa_activate_totp"))
    secret = client.session[SECRET_SESSION_KEY]
    return client.post(reverse("mfa_activate_totp"), {"code": code_for(secret)})


def test_a_second_factor_is_set_up_and_asked_for(alice: Client, lemoine: World, outbox: Outbox) -> None:
    assert activate(alice)["Location"] == reverse("mfa_view_recovery_codes")
    assert recorded(person_of(lemoine.admin)) == ["accounts.person.second_factor_added"]
    assert len(alice.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]) == 10
    assert recorded(person_of(lemoine.admin))[1:] == ["accounts.person.recovery_codes_shown"]
    assert outbox.recipients() == [lemoine.admin.email]

    again = Client()
    answer = again.post(reverse("account_login"), {"login": lemoine.admin.email, "password": PASSWORD})
    assert answer["Location"] == reverse("mfa_authenticate")
    assert again.get(reverse("accounts:profile")).status_code == 302
    stored = Authenticator.objects.get(type="totp").data["secret"]
    assert again.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 422
    again.post(reverse("mfa_authenticate"), {"code": code_for(get_adapter().decrypt(stored))})
    assert again.get(reverse("accounts:profile")).status_code == 200


def opens(world: World, code: str) -> bool:
    browser = Client()
    browser.post(reverse("account_login"), {"login": world.admin.email, "password": PASSWORD})
    browser.post(reverse("mfa_authenticate"), {"code": code})
    return browser.get(reverse("accounts:profile")).status_code == 200


@pytest.mark.parametrize(("steps", "let_in"), [(-1, True), (1, True), (-2, False), (2, False)])
def test_a_code_typed_while_it_changed_opens_and_an_older_one_does_not(
    lemoine: World, steps: int, let_in: bool
) -> None:
    secret = protect(person_of(lemoine.admin))
    with time_machine.travel(time.time(), tick=False):
        assert opens(lemoine, code_for(secret, steps)) is let_in


def test_a_code_opens_once_for_as_long_as_it_is_valid(lemoine: World) -> None:
    secret = protect(person_of(lemoine.admin))
    with time_machine.travel(time.time(), tick=False) as clock:
        code = code_for(secret, steps=1)
        assert opens(lemoine, code)
        # The library has forgotten the code by now, and would let it in.
        clock.shift(35)
        assert validate_totp_code(secret, code)
        assert not opens(lemoine, f"{code[:3]} {code[3:]}")


def test_a_recovery_code_opens_once(client: Client, lemoine: World) -> None:
    protect(person_of(lemoine.admin))
    code = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()[0]
    opened = []
    for browser in (Client(), Client()):
        browser.post(reverse("account_login"), {"login": lemoine.admin.email, "password": PASSWORD})
        browser.post(reverse("mfa_authenticate"), {"code": code})
        opened.append(browser.get(reverse("accounts:profile")).status_code)
    assert opened == [200, 302]


class Died(BaseException):
    """As a process that is killed: nothing after it runs."""


def test_a_second_factor_and_its_event_stand_or_fall_together(
    alice: Client, lemoine: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library tells of it after its commit: whoever died in between left a change that nobody was told of."""
    alice.get(reverse("mfa_activate_totp"))
    data = {"code": code_for(alice.session[SECRET_SESSION_KEY])}
    with monkeypatch.context() as dying:
        dying.setattr("accounts.views.profile.note_security", dies)
        with pytest.raises(Died):
            alice.post(reverse("mfa_activate_totp"), data)
    assert not Authenticator.objects.exists()
    secret = protect(person_of(lemoine.admin))
    before = [row.data for row in Authenticator.objects.order_by("pk")]
    with monkeypatch.context() as dying:
        dying.setattr("accounts.views.profile.note_security", dies)
        with pytest.raises(Died):
            alice.post(reverse("mfa_generate_recovery_codes"))
    assert [row.data for row in Authenticator.objects.order_by("pk")] == before
    assert secret


def dies(**_told: Any) -> None:
    raise Died


def recovery_codes() -> list[str]:
    kept = Authenticator.objects.get(type="recovery_codes")
    return list(RecoveryCodes(kept).get_unused_codes())


def test_each_use_of_a_recovery_code_is_told_whatever_it_opens(
    alice: Client, lemoine: World, outbox: Outbox
) -> None:
    person = person_of(lemoine.admin)
    protect(person)
    codes = recovery_codes()
    assert opens(lemoine, codes[0])
    assert alice.post(reverse("mfa_reauthenticate"), {"code": codes[1]}).status_code == 302
    assert recorded(person) == ["accounts.person.recovery_code_used"] * 2
    assert [str(mail.subject) for mail in outbox.mails()] == [
        "Un code de secours de votre compte a été utilisé"
    ] * 2
    assert sorted(
        line for mail in outbox.mails() for line in str(mail.body).splitlines() if "restants" in line
    ) == [
        "Codes de secours restants — 8",
        "Codes de secours restants — 9",
    ]


def test_a_recovery_code_is_used_up_together_with_its_event(
    alice: Client, lemoine: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    protect(person_of(lemoine.admin))
    code = recovery_codes()[0]
    with monkeypatch.context() as dying:
        dying.setattr("accounts.forms.note_recovery_code", dies)
        with pytest.raises(Died):
            alice.post(reverse("mfa_reauthenticate"), {"code": code})
    assert code in recovery_codes()


@pytest.mark.parametrize("way", ["password", "second_factor"])
def test_attempts_that_keep_everybody_out_are_told_once_a_day(
    lemoine: World, outbox: Outbox, way: str
) -> None:
    person = person_of(lemoine.admin)
    if way == "second_factor":
        protect(person)
    browser = Client()

    def tries(address: str = person.email) -> Any:
        if way == "password":
            return browser.post(reverse("account_login"), {"login": address, "password": "faux"})
        browser.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
        return browser.post(reverse("mfa_authenticate"), {"code": "000000"})

    for _ in range(4):
        tries()
    assert recorded(person) == [] and outbox.recipients() == []
    tries()
    assert "Trop de tentatives" in tries().content.decode()
    assert recorded(person) == ["accounts.person.entry_failed"]
    assert outbox.recipients() == [person.email]
    with scope(person=person):
        event = Event.objects.get(type="accounts.person.entry_failed")
        assert (event.actor_id, event.details, event.ip) == (None, {"way": way}, "127.0.0.1")
    with time_machine.travel(time.time() + 3600):
        for _ in range(6):
            tries()
    assert len(recorded(person)) == 1


def test_attempts_on_an_address_without_an_account_tell_nobody(db: None, outbox: Outbox) -> None:
    for _ in range(6):
        Client().post(reverse("account_login"), {"login": "personne@ailleurs.test", "password": "faux"})
    assert outbox.recipients() == []


def test_seeds_stand_encrypted_in_the_database(lemoine: World) -> None:
    secret = protect(person_of(lemoine.admin))
    for row in Authenticator.objects.all():
        assert secret not in str(row.data)
        assert any(str(value).startswith("gAAAA") for value in row.data.values())


def test_a_rotated_key_still_reads_what_the_former_one_wrote(settings: Any) -> None:
    settings.SECRET_KEY = "first"
    written = get_adapter().encrypt("seed")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "second", ["first"]
    assert get_adapter().decrypt(written) == "seed"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the library raises: it is not read
        get_adapter().decrypt(written)


def test_a_firm_that_requires_it_sends_its_members_to_set_it_up(alice: Client, lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        Firm.objects.update(second_factor_required=True)
    answer = alice.get(lemoine.firm.url("clients:members"))
    assert answer["Location"] == reverse("mfa_activate_totp")
    assert activate(alice).status_code == 302
    assert alice.get(lemoine.firm.url("clients:members")).status_code == 200


def test_what_a_firm_requires_cannot_be_removed(alice: Client, lemoine: World) -> None:
    protect(person_of(lemoine.admin))
    with scope(firm=lemoine.firm):
        Firm.objects.update(second_factor_required=True)
    assert alice.post(reverse("mfa_deactivate_totp")).status_code == 422
    assert Authenticator.objects.filter(type="totp").exists()


def test_a_second_factor_is_removed_with_its_codes(alice: Client, lemoine: World, outbox: Outbox) -> None:
    protect(person_of(lemoine.admin))
    assert alice.post(reverse("mfa_deactivate_totp"))["Location"] == reverse("mfa_index")
    assert not Authenticator.objects.exists()
    assert "retiré" in outbox.to(lemoine.admin.email).subject


def test_new_recovery_codes_replace_the_old_ones(alice: Client, lemoine: World) -> None:
    protect(person_of(lemoine.admin))
    before = alice.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
    alice.post(reverse("mfa_generate_recovery_codes"))
    after = alice.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
    assert not set(before) & set(after)
    shown, made = "accounts.person.recovery_codes_shown", "accounts.person.recovery_codes_made"
    assert recorded(person_of(lemoine.admin)) == [shown, made, shown]
    assert after[0] in alice.get(reverse("mfa_download_recovery_codes")).content.decode()


@pytest.mark.parametrize(
    "name",
    [
        "accounts:profile",
        "account_email",
        "account_change_password",
        "usersessions_list",
        "mfa_index",
        "mfa_activate_totp",
        "account_reauthenticate",
        "account_logout",
        "accounts:new_firm",
    ],
)
def test_each_page_of_a_person_renders(alice: Client, name: str) -> None:
    assert alice.get(reverse(name)).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "mfa_deactivate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_index",
        "mfa_reauthenticate",
    ],
)
def test_each_page_of_a_protected_person_renders(alice: Client, lemoine: World, name: str) -> None:
    protect(person_of(lemoine.admin))
    assert alice.get(reverse(name)).status_code == 200
