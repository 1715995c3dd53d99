"""Every write is exactly one event, and every event has its words: what registries and modules hold is walked through.

A new event type, action, scheduled task or page of the login library fails here until something shows it. What the
tests of this file look at was done once (`done.py`), as for `test_audiences.py`.
See docs/decisions/0034-completeness-is-checked-by-machine.md.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from time import time
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.usersessions.models import UserSession
from celery import current_app
from django.apps import apps
from django.conf import settings as ours
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import transaction
from django.urls import get_resolver, reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.actions.journal import order_check
from accounts.concern import shown_to_member
from accounts.models import Passkey, Replacement, User
from accounts.urls import ALLAUTH, OWN
from activity.events import REGISTRY
from clients.actions import files
from clients.fetching import start_fetch
from clients.jobs import confirm_import, start_import, undo_import
from clients.models import ExchangedFile, Fetch, FileState, Import, SupportAuthorisation
from exports.models import Export, ExportState
from invitations.jobs import order_sending
from invitations.models import Invitation, SendingKind
from tenancy import scopes
from tests.activity import test_audiences as rows
from tests.activity.done import Done
from tests.activity.watching import Call, Watch, actions, doors
from tests.clients.lists import plan, run, workbook
from tests.conftest import OutsideClient
from tests.passkeys import Device
from tests.web.test_accounts_entrance import SIGNUP
from tests.web.test_accounts_profile import activate, code_for, protect
from tests.worlds import PASSWORD, World, _hashed, make_dossier

# --- event types -----------------------------------------------------------------------------------------------------

# By the database's owner, beside the application, with its words: tests/activity/test_erasing.py.
BY_THE_OWNER = {"activity.person.erased"}
ALL_TYPES = sorted(set(REGISTRY) - BY_THE_OWNER)


@pytest.mark.parametrize("name", ALL_TYPES)
def test_an_event_is_recorded_with_words_in_both_languages(done: Done, name: str) -> None:
    assert name in done.faults, "nothing records it"
    assert done.faults[name] == ""


def test_whoever_is_told_gets_a_mail_in_their_language(done: Done) -> None:
    """Those who are told by rows; and each person of whose account's security it is."""
    told = {name for name in rows.ROWS if done.told[name]}
    secured = {name for name in ALL_TYPES if name.startswith("accounts.person.") and REGISTRY[name].security}
    assert (told | secured) - done.mailed == set()
    assert len(told) > 80


def test_what_a_mail_leads_to_opens_for_whoever_gets_it(done: Done) -> None:
    """Who lost what it tells of is led to what they still have."""
    assert done.closed == {}
    assert len(done.opened) > 60


def test_what_tells_somebody_is_chosen_by_topic_or_is_security(done: Done) -> None:
    silent = {name for name, told in done.told.items() if told and not REGISTRY[name].topic}
    assert {name for name in silent if not REGISTRY[name].security} == set()


# Of people's places and replacements, which all members see; of many things at once, by numbers; one's own orders.
OPEN_TO_ALL = {
    "accounts.journal.found_intact",
    "accounts.journal.verification_failed",
    "accounts.replacement.arranged",
    "accounts.replacement.cancelled",
    "accounts.replacement.changed",
    "accounts.replacement.ended",
    "accounts.replacement.ended_with_member",
    "accounts.replacement.started",
    "clients.assignments.changed",
    "clients.assignments.given",
    "clients.assignments.taken",
    "clients.dossiers.archived",
    "clients.dossiers.restored",
    "clients.dossiers.taken_out",
    "clients.import.applied",
    "clients.import.undo_failed",
    "clients.import.undone",
    "clients.member.received_handover",
    "exports.export.failed",
    "exports.export.ready",
    "invitations.clients.invited",
    "invitations.invitations.resent",
    "invitations.invitations.revoked",
    "invitations.sending.failed",
    "portfolios.subscriptions.changed",
}


def test_of_nothing_else_somebody_without_any_right_is_told(done: Done, firm: World) -> None:
    """An event of a thing that not everybody sees: its app says who does (`accounts.concern`)."""
    in_firms = [one.event for one in done.watch.recorded if one.event is not None and one.event.firm_id]
    told = [event for event in in_firms if done.told.get(event.type)]
    shown = shown_to_member(firm.colleague, told)
    assert {event.type for event in told if event.pk in shown} == OPEN_TO_ALL
    assert len({event.type for event in told}) > 70


# --- actions ---------------------------------------------------------------------------------------------------------

LOOKS = "looks, and writes nothing"
PLAN = "says something of a list before it is confirmed: nothing of the firm changes (clients.jobs)"
ORDER = "is an order: who carries it out records it, in the name of whoever gave it"
PORTION = "is a portion of an order: the lines of a group whose one event the order's end records"
PART = "is a part of other actions, which record"
MAIL = "asks for a mail, which changes nothing"
HOLD = "locks"
BOOKS = "keeps when something was last used or is due next: no change that somebody made"
# Why an action that something outside of actions calls has no event of its own.
WITHOUT: dict[str, str] = {
    "accounts.actions.journal.give_head": "proves, and is no event: it would be new the next day (decision 27)",
    "accounts.actions.passkeys.use_passkey": BOOKS,
    "accounts.actions.people.mail_person": MAIL,
    "accounts.actions.replacements.begin_at_once": "rehearses, and is always taken back",
    "clients.actions.accesses.note_access": "is a record itself: of who saw what, grouped",
    "clients.actions.connections.forget_connections": PART,
    "clients.actions.files.categories_of": LOOKS,
    "clients.actions.files.copy_content": LOOKS,
    "clients.actions.files.files_of_member": LOOKS,
    "clients.actions.files.files_of_person": LOOKS,
    "clients.actions.following.linkable": LOOKS,
    "clients.actions.following.siren_of": LOOKS,
    "clients.actions.following.what_ending_means": LOOKS,
    "clients.actions.portfolios.may_be_restored": LOOKS,
    "clients.actions.portfolios.restorable_until": LOOKS,
    "clients.actions.space.tell_clients": PART,
    "clients.jobs.choose_assignees": PLAN,
    "clients.jobs.choose_portfolio": PLAN,
    "clients.jobs.choose_portfolios": PLAN,
    "clients.jobs.choose_rule": PLAN,
    "clients.jobs.choose_sheet": PLAN,
    "clients.jobs.confirm_import": ORDER,
    "clients.jobs.correct": PLAN,
    "clients.jobs.correct_rows": PLAN,
    "clients.jobs.decide": PLAN,
    "clients.jobs.keep_theirs": PLAN,
    "clients.jobs.may_be_chosen": LOOKS,
    "clients.jobs.plan_key": LOOKS,
    "clients.jobs.take_mine": PLAN,
    "clients.jobs.undo_import": ORDER,
    "invitations.actions.answering.fingerprint": LOOKS,
    "invitations.actions.answering.inviter_may": LOOKS,
    "invitations.actions.drafting.prepare_some": PORTION,
    "invitations.actions.drafting.send_some": PORTION,
    "invitations.actions.drafting.tell_of_prepared": PART,
    "invitations.actions.following.asked": LOOKS,
    "invitations.actions.following.may_answer": LOOKS,
    "invitations.actions.handling.resend_some": PORTION,
    "invitations.actions.handling.revoke_sent_by": PART,
    "invitations.actions.handling.take_over_sent_by": PART,
    "invitations.actions.handling.tell_of_resent": PART,
    "invitations.actions.inviting.invite_some": PORTION,
    "invitations.actions.inviting.plan_invitations": LOOKS,
    "invitations.actions.inviting.tell_of_invited": PART,
    "invitations.actions.letters.leads_somewhere": LOOKS,
    "invitations.actions.letters.plan_letters": LOOKS,
    "invitations.actions.reminding.put_off": BOOKS,
    "invitations.actions.texts.mark_of": LOOKS,
    "portfolios.actions.hold_open": HOLD,
    "portfolios.actions.note_taken": PART,
    "portfolios.actions.save_named": PART,
}
# By the task that has a file looked at: see WORK.
SHOWN_BY_TASKS = {"clients.actions.files.announce"}
# Done, and taken back before anybody sees it.
REHEARSED = {
    "accounts.actions.replacements.begin_at_once",
    "clients.actions.following.what_ending_means",
}


def test_all_rows_and_scenarios_were_done(done: Done) -> None:
    assert done.failures == {}


def test_each_action_records_exactly_one_event_or_one_group(done: Done) -> None:
    faults = {
        f"{call.action} {fault}"
        for call in done.watch.calls
        if not call.raised and call.action not in REHEARSED and (fault := call.fault())
    }
    assert faults == set()


def test_no_action_is_without_a_scenario(done: Done) -> None:
    shown = {call.action for call in done.watch.calls if call.recorded and not call.raised}
    assert doors() - shown - WITHOUT.keys() - SHOWN_BY_TASKS == set(), (
        "a row or a scenario has to show what it records"
    )
    assert len(shown) > 120


def test_what_has_no_event_of_its_own_records_none(done: Done) -> None:
    assert WITHOUT.keys() <= doors()
    recorded = {call.action for call in done.watch.calls if call.recorded}
    assert WITHOUT.keys() & recorded <= REHEARSED


def test_what_only_looks_was_looked_at(done: Done) -> None:
    called = {call.action for call in done.watch.calls} | {
        name for call in done.watch.calls for name in call.inner
    }
    assert {name for name, why in WITHOUT.items() if why == LOOKS} - called == set()


def test_an_action_that_writes_in_silence_is_noticed() -> None:
    silent = Call("an.action", written={"clients_dossier"})
    assert silent.fault() == "wrote ['clients_dossier'] and recorded nothing"


def test_an_action_outside_of_all_others_is_found() -> None:
    assert len(actions()) > len(doors()) > 150


# --- scheduled and handed-over work ---------------------------------------------------------------------------------

Work = Callable[[rows.Cast], tuple[Any, ...]]
WORK: dict[str, tuple[Work, set[str]]] = {}


def work(name: str, *recorded: str) -> Callable[[Work], Work]:
    """The function makes something to do for that task, and says with which arguments it is called."""

    def declared(made: Work) -> Work:
        WORK[name] = (made, set(recorded))
        return made

    return declared


for _handed in (
    "activity.compose_notifications",
    "activity.deliver_mails",
    "activity.seal_journals",
    "accounts.give_heads",
    "accounts.resume_journal_checks",
    "clients.resume_fetches",
    "invitations.resume_sendings",
):
    # What follows from events; and what hands work on.
    work(_handed)(lambda cast: ())


@work("activity.purge_journals", "activity.journal.purged")
def _over(cast: rows.Cast) -> tuple[Any, ...]:
    rows.old_event()
    return ()


@work("clients.resume_imports", "clients.import.file_deleted")
def _import_over(cast: rows.Cast) -> tuple[Any, ...]:
    made = run(cast.alice, [("M1", "Garage Petit", "", "", "Sarah")])
    long_ago = timezone.now() - timedelta(days=400)
    Import.objects.filter(pk=made.pk).update(applied_at=long_ago)
    return ()


@work("exports.sweep_exports", "exports.export.expired")
def _export_over(cast: rows.Cast) -> tuple[Any, ...]:
    export = rows._ordered(cast)
    long_ago = timezone.now() - timedelta(days=2)
    Export.objects.filter(pk=export.pk).update(state=ExportState.READY, expires_at=long_ago)
    return ()


@work("clients.sweep_files", "clients.dossier.file_deleted")
def _file_over(cast: rows.Cast) -> tuple[Any, ...]:
    file = files.take_back(actor=cast.alice, file=rows._file_for_client(cast))
    ExchangedFile.objects.filter(pk=file.pk).update(**rows.long_ago())
    return ()


@work("invitations.remind", "invitations.invitation.reminded")
def _due(cast: rows.Cast) -> tuple[Any, ...]:
    cast.invitation()
    Invitation.objects.update(remind_at=timezone.now() - timedelta(hours=1))
    return ()


@work("clients.end_support", "clients.dossier.support_ended", "clients.space.support_ended")
def _support_over(cast: rows.Cast) -> tuple[Any, ...]:
    given = rows._support(cast, to=cast.paul)
    long_ago = given.given_at - timedelta(days=9)
    until = long_ago + timedelta(days=7)
    SupportAuthorisation.objects.filter(pk=given.pk).update(given_at=long_ago, until=until)
    return ()


@work("accounts.tell_replacements", "accounts.replacement.started")
def _begun(cast: rows.Cast) -> tuple[Any, ...]:
    replacement = rows._replaced(cast, 1, 3)
    earlier = replacement.starts_at - timedelta(days=2)
    Replacement.objects.filter(pk=replacement.pk).update(starts_at=earlier)
    return ()


@work("accounts.check_journal", "accounts.journal.found_intact")
def _to_check(cast: rows.Cast) -> tuple[Any, ...]:
    return cast.firm.pk, str(order_check(actor=cast.alice).pk)


@work("clients.read_import")
def _to_read(cast: rows.Cast) -> tuple[Any, ...]:
    book = workbook([("Nom",), ("Garage Petit",)])
    made = start_import(actor=cast.alice, file_name="clients.xlsx", content=book)
    return cast.firm.pk, str(made.pk)


@work("clients.apply_import", "clients.import.applied")
def _to_apply(cast: rows.Cast) -> tuple[Any, ...]:
    made = plan(cast.alice, [("M1", "Garage Petit", "", "", "Sarah")])
    return cast.firm.pk, str(confirm_import(actor=cast.alice, source=made).pk)


@work("clients.undo_import", "clients.import.undone")
def _to_undo(cast: rows.Cast) -> tuple[Any, ...]:
    made = run(cast.alice, [("M1", "Garage Petit", "", "", "Neuf")])
    return cast.firm.pk, str(undo_import(actor=cast.alice, source=made).pk)


@work("clients.fetch_clients", "clients.fetch.failed")
def _to_fetch(cast: rows.Cast) -> tuple[Any, ...]:
    fetch = start_fetch(actor=cast.alice, connection=rows._connection(cast))
    Fetch.objects.filter(pk=fetch.pk).update(fruitless=99)
    return cast.firm.pk, str(fetch.pk)


@work("clients.scan_file", "clients.space.file_received")
def _to_scan(cast: rows.Cast) -> tuple[Any, ...]:
    file = rows._file_for_client(cast)
    ExchangedFile.objects.filter(pk=file.pk).update(state=FileState.QUARANTINED)
    return cast.firm.pk, str(file.pk)


@work("exports.make_export", "exports.export.ready")
def _to_make(cast: rows.Cast) -> tuple[Any, ...]:
    return cast.firm.pk, str(rows._ordered(cast).pk)


@work("invitations.carry_out", "invitations.clients.invited")
def _to_send(cast: rows.Cast) -> tuple[Any, ...]:
    keys = [cast.elsewhere.pk, make_dossier("Garage Petit", email="garage@client.test").pk]
    return cast.firm.pk, str(order_sending(actor=cast.alice, kind=SendingKind.INVITE, keys=keys).pk)


def _our_tasks() -> dict[str, Any]:
    current_app.loader.import_default_modules()
    return {name: task for name, task in current_app.tasks.items() if not name.startswith("celery.")}


def test_each_task_is_looked_at() -> None:
    assert WORK.keys() == _our_tasks().keys()
    assert {entry["task"] for entry in ours.CELERY_BEAT_SCHEDULE.values()} <= set(WORK)


def test_what_a_task_changes_is_one_event(db: None) -> None:
    wrong: dict[str, str] = {}
    tasks = _our_tasks()
    with Watch().on() as watch:
        for name, (make, expected) in WORK.items():
            with made_once(wrong, name) as cast:
                with scopes.scope(firm=cast.firm):
                    arguments = make(cast)
                with scopes._standing_in(scopes.NOWHERE, "default"), watch.calling(name) as call:
                    tasks[name](*arguments)
                told = {one.type for one in call.recorded if not one.lines}
                assert (call.fault(), told) == ("", expected)
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())


@contextmanager
def made_once(wrong: dict[str, str], name: str) -> Iterator[rows.Cast]:
    """A world, that is taken back. What goes wrong in it is kept, and keeps nothing else from being tried."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                yield rows.make_cast()
        except Exception as error:
            wrong[name] = f"{type(error).__name__}: {error}"
        transaction.set_rollback(True)


# --- the login library -----------------------------------------------------------------------------------------------

NEW = "quatre chevaux verts galopent"


class Person:
    """Alice, with her browser."""

    def __init__(self, cast: rows.Cast) -> None:
        assert cast.alice.user is not None
        self.cast, self.user = cast, cast.alice.user
        self.client = OutsideClient()

    def post(self, name: str, data: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        return self.client.post(reverse(name, kwargs=kwargs or None), data or {})

    def signs_in(self) -> Any:
        return self.post("account_login", {"login": self.user.email, "password": PASSWORD})

    def comes(self) -> "Person":
        """Signed in, and just now asked for her password."""
        self.signs_in()
        self.post("account_reauthenticate", {"password": PASSWORD})
        return self

    def asks(self, name: str) -> Any:
        return json.loads(self.post(name).content)


Request = Callable[[], Any]
Step = Callable[[Person], Request]
STEPS: list[tuple[str, Step, set[str]]] = []
PERSON = "accounts.person."


def step(name: str, *recorded: str) -> Callable[[Step], Step]:
    """The function makes all ready and returns the request to that page; then these events are recorded."""

    def declared(made: Step) -> Step:
        STEPS.append((name, made, {PERSON + one if "." not in one else one for one in recorded}))
        return made

    return declared


@step("account_login", "signed_in")
def _signs_in(alice: Person) -> Request:
    return alice.signs_in


@step("account_login")
def _with_a_wrong_password(alice: Person) -> Request:
    return lambda: alice.post("account_login", {"login": alice.user.email, "password": "faux"})


@step("account_logout", "signed_out")
def _signs_out(alice: Person) -> Request:
    alice.comes()
    return lambda: alice.post("account_logout")


@step("account_signup", "registered", "terms_accepted", "accounts.firm.registered", "clients.dossier.created")
def _signs_up(alice: Person) -> Request:
    return lambda: alice.post("account_signup", SIGNUP)


@step("account_reset_password")
def _forgot(alice: Person) -> Request:
    return lambda: alice.post("account_reset_password", {"email": alice.user.email})


@step("account_reset_password_from_key", "password_reset", "passkey_removed")
def _chooses_anew(alice: Person) -> Request:
    _key_of(alice)
    person = User.objects.get(pk=alice.user.pk)  # as they are by now: a sign-in makes older links void
    link = {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}
    page = alice.client.get(reverse("account_reset_password_from_key", kwargs=link))["Location"]
    return lambda: alice.client.post(page, {"password1": NEW})


@step("account_change_password", "password_changed")
def _changes_password(alice: Person) -> Request:
    data = {"oldpassword": PASSWORD, "password1": NEW}
    alice.comes()
    return lambda: alice.post("account_change_password", data)


@step("account_set_password", "password_chosen")
def _first_password(alice: Person) -> Request:
    User.objects.filter(pk=alice.user.pk).update(password=make_password(None))
    alice.client.force_login(User.objects.get(pk=alice.user.pk))
    session = alice.client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time()}]
    session["account_authentication_methods_user"] = str(alice.user.pk)
    session.save()
    return lambda: alice.post("account_set_password", {"password1": NEW})


@step("account_reauthenticate")
def _shows_password_again(alice: Person) -> Request:
    alice.comes()
    return lambda: alice.post("account_reauthenticate", {"password": PASSWORD})


@step("account_email", "address_change_asked")
def _asks_for_another_address(alice: Person) -> Request:
    alice.comes()
    return lambda: alice.post("account_email", {"email": "alice@ailleurs.test", "action_add": "1"})


@step("account_email", "address_change_cancelled")
def _thinks_better_of_it(alice: Person) -> Request:
    _asks_for_another_address(alice)()
    return lambda: alice.post("account_email", {"email": "alice@ailleurs.test", "action_remove": "1"})


@step("account_confirm_email", "address_changed")
def _confirms(alice: Person) -> Request:
    _asks_for_another_address(alice)()
    asked = EmailAddress.objects.get(user=alice.user, verified=False)
    key = EmailConfirmationHMAC(asked).key
    page = alice.client.get(reverse("account_confirm_email", kwargs={"key": key}))["Location"]
    return lambda: alice.client.post(page)


@step("mfa_activate_totp", "second_factor_added")
def _second_factor(alice: Person) -> Request:
    alice.comes()
    return lambda: activate(alice.client)


@step("mfa_deactivate_totp", "second_factor_removed")
def _none_any_more(alice: Person) -> Request:
    _protected(alice)
    return lambda: alice.post("mfa_deactivate_totp")


@step("mfa_generate_recovery_codes", "recovery_codes_made")
def _new_codes(alice: Person) -> Request:
    _protected(alice)
    return lambda: alice.post("mfa_generate_recovery_codes")


@step("mfa_authenticate", "signed_in")
def _by_a_second_factor(alice: Person) -> Request:
    secret = protect(alice.user)
    alice.signs_in()
    return lambda: alice.post("mfa_authenticate", {"code": code_for(secret)})


@step("mfa_authenticate", "signed_in", "recovery_code_used")
def _by_a_recovery_code(alice: Person) -> Request:
    protect(alice.user)
    alice.signs_in()
    return lambda: alice.post("mfa_authenticate", {"code": _recovery_code(alice)})


@step("mfa_reauthenticate")
def _shows_second_factor_again(alice: Person) -> Request:
    secret = _protected(alice)
    return lambda: alice.post("mfa_reauthenticate", {"code": code_for(secret)})


@step("mfa_reauthenticate", "recovery_code_used")
def _shows_a_recovery_code_again(alice: Person) -> Request:
    _protected(alice)
    return lambda: alice.post("mfa_reauthenticate", {"code": _recovery_code(alice)})


@step("account_login", "entry_failed")
def _with_wrong_passwords_until_nobody_gets_in(alice: Person) -> Request:
    wrong = {"login": alice.user.email, "password": "faux"}
    for _ in range(4):
        alice.post("account_login", wrong)
    return lambda: alice.post("account_login", wrong)


@step("mfa_authenticate", "entry_failed")
def _with_wrong_codes_until_nobody_gets_in(alice: Person) -> Request:
    protect(alice.user)
    alice.signs_in()
    for _ in range(4):
        alice.post("mfa_authenticate", {"code": "000000"})
    return lambda: alice.post("mfa_authenticate", {"code": "000000"})


@step("mfa_view_recovery_codes", "recovery_codes_shown")
def _looks_at_codes(alice: Person) -> Request:
    _protected(alice)
    return lambda: alice.client.get(reverse("mfa_view_recovery_codes"))


@step("mfa_download_recovery_codes", "recovery_codes_shown")
def _takes_codes_along(alice: Person) -> Request:
    _protected(alice)
    return lambda: alice.client.get(reverse("mfa_download_recovery_codes"))


def _protected(alice: Person) -> str:
    alice.comes()
    return protect(alice.user)


def _recovery_code(alice: Person) -> str:
    kept = Authenticator.objects.get(user=alice.user, type="recovery_codes")
    return str(RecoveryCodes(kept).get_unused_codes()[0])


def _key_of(alice: Person) -> Device:
    """A passkey that opens her account."""
    alice.comes()
    device = Device()
    answer = device.make(alice.asks("accounts:ask_for_new_passkey"))
    assert alice.post("accounts:add_passkey", {"passkey": answer}).status_code == 302
    return device


@step("accounts:add_passkey", "passkey_added")
def _adds_a_key(alice: Person) -> Request:
    answer = Device().make(alice.comes().asks("accounts:ask_for_new_passkey"))
    return lambda: alice.post("accounts:add_passkey", {"passkey": answer})


@step("accounts:remove_passkey", "passkey_removed")
def _removes_a_key(alice: Person) -> Request:
    _key_of(alice)
    return lambda: alice.post("accounts:remove_passkey", pk=Passkey.objects.get().pk)


@step("accounts:sign_in_with_passkey", "signed_in")
def _by_a_key(alice: Person) -> Request:
    device = _key_of(alice)
    alice.client = OutsideClient()
    answer = device.show(alice.asks("accounts:ask_for_passkey"))
    return lambda: alice.post("accounts:sign_in_with_passkey", {"passkey": answer})


@step("mfa_reauthenticate_webauthn")
def _shows_a_key_again(alice: Person) -> Request:
    device = _key_of(alice)
    answer = device.show(alice.asks("accounts:ask_for_passkey_again"))
    return lambda: alice.post("mfa_reauthenticate_webauthn", {"passkey": answer})


@step("accounts:end_session", "sessions_ended")
def _ends_a_session(alice: Person) -> Request:
    elsewhere = Person(alice.cast).comes()
    alice.comes()
    other = UserSession.objects.get(session_key=elsewhere.client.session.session_key)
    return lambda: alice.post("accounts:end_session", pk=other.pk)


@step("accounts:end_other_sessions", "sessions_ended")
def _ends_all_others(alice: Person) -> Request:
    Person(alice.cast).comes()
    alice.comes()
    return lambda: alice.post("accounts:end_other_sessions")


# They change nothing; a question for a key waits in the session.
ONLY_LOOKED_AT = {
    "account_inactive", "account_email_verification_sent", "account_reset_password_done", "usersessions_list",
    "mfa_index", "accounts:places", "accounts:terms",
    "accounts:passkeys", "accounts:ask_for_passkey", "accounts:ask_for_passkey_again",
    "accounts:ask_for_new_passkey",
}  # fmt: skip
OUR_OWN_ACTIONS = {
    "accounts:new_firm", "accounts:profile", "accounts:notifications", "accounts:switch_off",
    "accounts:unsubscribe",
}  # fmt: skip
# When a key or a second factor was last shown, besides.
LAST_USED = {"mfa_authenticator", "accounts_passkey"}


def test_each_page_of_the_login_library_is_looked_at() -> None:
    persons = [one for one in OWN if not str(one.pattern).startswith("cabinets/<")]
    pages = {str(one.name) for one in ALLAUTH} | {f"accounts:{one.name}" for one in persons}
    assert pages == {name for name, _made, _recorded in STEPS} | ONLY_LOOKED_AT | OUR_OWN_ACTIONS


@pytest.fixture
def _hashed_in_no_time(settings: Settings) -> Iterator[None]:
    """Forty passwords by Argon2 would take most of the test's time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    _hashed.cache_clear()
    yield
    _hashed.cache_clear()


@pytest.mark.usefixtures("db", "_hashed_in_no_time")
def test_what_the_login_library_writes_is_one_event(django_capture_on_commit_callbacks: Any) -> None:
    wrong: dict[str, str] = {}
    with Watch().on() as watch:
        for name, made, expected in STEPS:
            cache.clear()
            with made_once(wrong, made.__name__) as cast:
                request = made(Person(cast))
                with watch.calling(name) as call, django_capture_on_commit_callbacks(execute=True):
                    request()
                call.written -= LAST_USED if name.startswith("mfa_reauthenticate") else set()
                told = {one.type for one in call.recorded if not one.lines}
                assert (call.fault(), told) == ("", expected)
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())


# --- the Django admin ------------------------------------------------------------------------------------------------


def test_there_is_no_django_admin() -> None:
    """Whoever mounts it has to have its writes recorded."""
    assert not apps.is_installed("django.contrib.admin")
    assert "admin" not in get_resolver().namespace_dict
