"""Passkeys in place of a password: accepting an invitation with one, signing in with it, and a person's own list."""

import json
import re
from collections.abc import Callable
from time import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Membership, Passkey, Role, User
from accounts.passkeys import SECONDS
from activity.models import Event
from clients.actions.space import open_space
from clients.models import SpaceLink, SpaceMember, SpaceProfile
from invitations.actions.handling import resend_invitation
from invitations.actions.inviting import invite_client, invite_member
from invitations.actions.people import invite_person
from invitations.models import Invitation, InvitationState
from tenancy.scopes import scope
from tests.invitations.links import link_to
from tests.outbox import Outbox
from tests.passkeys import FLAGS, Device
from tests.web.test_accounts_profile import protect
from tests.web.test_invitations import shown
from tests.worlds import PASSWORD, World, make_dossier, make_person

Browse = Callable[..., Client]
CLAIRE = "claire@boulangerie.test"
HERE = "/invitation/"
ASKED = "/invitation/defi/"
ABOUT_ME = {"first_name": "Claire", "last_name": "Aubry", "terms": "on"}


@pytest.fixture(autouse=True)
def _nobody_tried_before(db: None) -> None:
    cache.clear()


@pytest.fixture
def invitation(firm: World) -> Invitation:
    return invite_client(actor=firm.admin, dossier=make_dossier(email=CLAIRE))


@pytest.fixture
def visitor(browse: Browse, invitation: Invitation, outbox: Outbox) -> Client:
    """Somebody who has opened the link of Claire's mail."""
    client = browse()
    client.get(link_to(outbox, CLAIRE))
    return client


def question(client: Client, path: str = ASKED) -> Any:
    asked = client.post(path)
    assert asked.status_code == 200, asked
    return json.loads(asked.content)


def accept(client: Client, answer: str, **changes: str) -> Any:
    mark = shown(client.get(HERE))
    return client.post(HERE, {**ABOUT_ME, "shown": mark, "passkey": answer, **changes})


def with_key(client: Client, device: Device) -> Any:
    """Accept with a key that the device makes now."""
    return accept(client, device.make(question(client)))


def sign_in(client: Client, device: Device, **more: str) -> Any:
    answer = device.show(question(client, reverse("accounts:ask_for_passkey")))
    return client.post(reverse("accounts:sign_in_with_passkey"), {"passkey": answer, **more})


def signed_in_as(client: Client) -> str:
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key).email if key else ""


def nobody_came() -> bool:
    return not (
        User.objects.filter(email=CLAIRE).exists() or SpaceLink.objects.exists() or Passkey.objects.exists()
    )


# --- accepting with one


def test_a_client_accepts_with_a_passkey_and_comes_back_with_it(
    browse: Browse, firm: World, visitor: Client
) -> None:
    device = Device()
    landed = with_key(visitor, device)
    link = SpaceLink.objects.get()
    assert landed["Location"] == f"/espace/{link.space_id}/bienvenue/"
    person = User.objects.get(email=CLAIRE)
    assert not person.has_usable_password()
    assert person.terms_accepted.count() == 1
    assert device.handle == person.pk.bytes
    other = browse()
    assert sign_in(other, device)["Location"] == reverse("accounts:places")
    assert signed_in_as(other) == CLAIRE
    assert other.session.get_expire_at_browser_close()
    assert person.passkeys.get().last_used_at is not None
    with scope(person=person):
        kinds = set(Event.objects.values_list("type", flat=True))
    assert "accounts.person.passkey_added" in kinds


def test_a_colleague_accepts_with_a_passkey(browse: Browse, firm: World, outbox: Outbox) -> None:
    invite_member(
        actor=firm.admin, email=CLAIRE, role=Role.COLLABORATOR, first_name="Claire", last_name="Aubry"
    )
    client = browse()
    client.get(link_to(outbox, CLAIRE))
    assert with_key(client, Device())["Location"] == firm.firm.url("dashboard")
    assert Membership.objects.get(email=CLAIRE).is_open


def test_a_clients_own_person_accepts_with_a_passkey(browse: Browse, firm: World, outbox: Outbox) -> None:
    dossier = make_dossier(email="gerante@boulangerie.test")
    manager = make_person("gerante@boulangerie.test")
    link = open_space(
        person=manager,
        firm=firm.firm,
        dossier=dossier,
        email=manager.email,
        space_id=None,
    )
    with scope(space=link.space_id):
        actor = SpaceMember.objects.select_related("user", "space").get(user=manager)
        invite_person(actor=actor, email=CLAIRE, profile=SpaceProfile.READER)
    client = browse()
    client.get(link_to(outbox, CLAIRE))
    assert with_key(client, Device())["Location"] == f"/espace/{link.space_id}/bienvenue/"


def test_the_page_offers_a_passkey_to_whoever_has_no_account_only(
    browse: Browse, firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    path = link_to(outbox, CLAIRE)
    assert b"data-passkey" in browse().get(path, follow=True).content
    make_person(CLAIRE)
    known = browse()
    assert b"data-passkey" not in known.get(path, follow=True).content
    assert known.post(ASKED).status_code == 404


def test_looking_asks_no_device_anything_and_leaves_no_session(visitor: Client) -> None:
    for _ in range(3):
        assert visitor.get(HERE).status_code == 200
    assert "sessionid" not in visitor.cookies
    assert visitor.get(ASKED).status_code == 405


def test_an_answer_to_nothing_accepts_nothing(visitor: Client) -> None:
    made = Device().make({"publicKey": {"user": {"id": "AAAA"}, "challenge": "AAAA"}})
    refused = accept(visitor, made)
    assert refused.status_code == 422
    assert "Créez-la de nouveau" in refused.content.decode()
    assert nobody_came()
    assert Invitation.objects.get().is_pending


def test_an_answer_is_taken_once(browse: Browse, firm: World, visitor: Client) -> None:
    """The form was refused for something that came after the key: its answer proves nothing any more."""
    answer = Device().make(question(visitor))
    mark = shown(visitor.get(HERE))
    refused = visitor.post(HERE, {**ABOUT_ME, "shown": "0" * 64, "passkey": answer})
    assert refused.status_code == 302, "what was shown is something else"
    again = visitor.post(HERE, {**ABOUT_ME, "shown": mark, "passkey": answer})
    assert again.status_code == 422
    assert nobody_came()


def test_what_is_missing_is_asked_for_and_the_key_is_not_used_up(visitor: Client) -> None:
    answer = Device().make(question(visitor))
    assert accept(visitor, answer, terms="").status_code == 422
    assert nobody_came()
    assert accept(visitor, answer).status_code == 302


def test_another_browsers_answer_accepts_nothing(browse: Browse, visitor: Client, outbox: Outbox) -> None:
    answer = Device().make(question(visitor))
    other = browse()
    other.get(link_to(outbox, CLAIRE))
    question(other)
    assert accept(other, answer).status_code == 422
    assert nobody_came()


def test_a_key_made_for_a_link_that_was_replaced_accepts_nothing(
    firm: World, invitation: Invitation, visitor: Client, outbox: Outbox
) -> None:
    answer = Device().make(question(visitor))
    outbox.clear()
    resend_invitation(actor=firm.admin, invitation=invitation)
    visitor.get(link_to(outbox, CLAIRE))
    assert accept(visitor, answer).status_code == 422
    assert nobody_came()


@pytest.mark.parametrize(
    ("device", "changes"),
    [
        pytest.param(Device(origin="https://portail-firm.test"), {}, id="another site's page"),
        pytest.param(Device(origin="http://sub.localhost:8000"), {}, id="a page of a site below ours"),
        pytest.param(Device(site="portail-firm.test"), {}, id="a key for another site"),
        pytest.param(Device(flags=FLAGS.UP), {}, id="its owner was not recognised"),
        pytest.param(Device(flags=FLAGS.UV), {}, id="nobody was there"),
        pytest.param(Device(), {"challenge": "A" * 43}, id="another challenge"),
        pytest.param(Device(), {"type": "webauthn.get"}, id="another ceremony"),
    ],
)
def test_a_forged_key_accepts_nothing(visitor: Client, device: Device, changes: dict[str, str]) -> None:
    assert accept(visitor, device.make(question(visitor), **changes)).status_code == 422
    assert nobody_came()


@pytest.mark.parametrize(
    "answer",
    [
        "x",
        "[]",
        "null",
        "{}",
        '{"id": 1}',
        '{"id": "A", "rawId": "A", "response": []}',
        "[" * 9000,
        "{" + "x" * 20000,
    ],
)
def test_nonsense_accepts_nothing(visitor: Client, answer: str) -> None:
    question(visitor)
    assert accept(visitor, answer).status_code == 422
    assert nobody_came()


def test_a_challenge_lasts_five_minutes(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Device().make(question(visitor))
    monkeypatch.setattr("accounts.passkeys.time", lambda: time() + SECONDS + 2)
    assert accept(visitor, answer).status_code == 422
    assert nobody_came()


def test_keys_are_for_the_configured_address_whatever_the_host(visitor: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.BASE_URL = ["evil.test", "testserver"], "https://portail.test"
    asked = json.loads(visitor.post(ASKED, HTTP_HOST="evil.test").content)
    assert asked["publicKey"]["rp"]["id"] == "portail.test"


def test_a_second_attempt_is_for_the_same_account(visitor: Client) -> None:
    """So a phone replaces what it kept at the first."""
    ids = {question(visitor)["publicKey"]["user"]["id"] for _ in range(2)}
    assert len(ids) == 1


def test_an_account_that_was_never_confirmed_becomes_the_newcomers_with_their_key_alone(
    browse: Browse, visitor: Client
) -> None:
    squatter = User.objects.create_user(CLAIRE, PASSWORD)
    EmailAddress.objects.create(user=squatter, email=CLAIRE, verified=False, primary=True)
    theirs = Passkey.objects.create(user=squatter, credential_id="theirs", credential=b"x", name="Theirs")
    assert with_key(visitor, Device()).status_code == 302
    squatter.refresh_from_db()
    assert not squatter.has_usable_password()
    assert not Passkey.objects.filter(pk=theirs.pk).exists()
    assert squatter.passkeys.count() == 1


def test_an_account_opened_while_the_key_was_made_asks_for_another(visitor: Client) -> None:
    answer = Device().make(question(visitor))
    User.objects.create_user(CLAIRE, PASSWORD)
    assert accept(visitor, answer)["Location"] == HERE
    assert not Passkey.objects.exists()
    assert Invitation.objects.get().state == InvitationState.OPENED
    assert with_key(visitor, Device()).status_code == 302


def test_one_key_opens_one_account(browse: Browse, firm: World, visitor: Client, outbox: Outbox) -> None:
    device = Device()
    with_key(visitor, device)
    invite_client(actor=firm.admin, dossier=make_dossier("Une autre", email="b@client.test"))
    other = browse()
    other.get(link_to(outbox, "b@client.test"))
    assert with_key(other, device)["Location"] == HERE
    assert not User.objects.filter(email="b@client.test").exists()


# --- signing in


@pytest.fixture
def device(visitor: Client) -> Device:
    """Claire's, with which she has accepted."""
    device = Device()
    with_key(visitor, device)
    return device


def test_a_sign_in_goes_on_to_where_the_person_wanted(browse: Browse, device: Device) -> None:
    path = reverse("accounts:profile")
    assert sign_in(browse(), device, next=path)["Location"] == path
    assert sign_in(browse(), device, next="https://evil.test/")["Location"] == reverse("accounts:places")


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        ({"origin": "https://portail-firm.test"}, {}),
        ({"site": "portail-firm.test"}, {}),
        ({"flags": FLAGS.UP}, {}),
        ({"key": Device().key}, {}),
        ({"credential_id": b"another"}, {}),
        ({"handle": b"0123456789abcdef"}, {}),
        ({}, {"challenge": "A" * 43}),
        ({}, {"type": "webauthn.create"}),
    ],
)
def test_a_forged_sign_in_opens_nothing(
    browse: Browse, device: Device, change: dict[str, Any], changes: dict[str, str]
) -> None:
    for name, value in change.items():
        setattr(device, name, value)
    client = browse()
    answer = device.show(question(client, reverse("accounts:ask_for_passkey")), **changes)
    refused = client.post(reverse("accounts:sign_in_with_passkey"), {"passkey": answer}, follow=True)
    assert "n'ouvre aucun compte" in refused.content.decode().replace("&#x27;", "'")
    assert signed_in_as(client) == ""


def test_a_sign_in_that_was_overheard_opens_nothing(browse: Browse, device: Device) -> None:
    client = browse()
    answer = device.show(question(client, reverse("accounts:ask_for_passkey")))
    path = reverse("accounts:sign_in_with_passkey")
    client.post(path, {"passkey": answer})
    client.post(reverse("account_logout"))
    for thief in (client, browse()):
        thief.post(path, {"passkey": answer})
        assert signed_in_as(thief) == ""


def test_a_closed_account_stays_closed(browse: Browse, device: Device) -> None:
    User.objects.filter(email=CLAIRE).update(is_active=False)
    client = browse()
    assert sign_in(client, device)["Location"] == reverse("account_inactive")
    assert signed_in_as(client) == ""


def test_a_key_is_two_factors_and_no_second_step_after_a_password(browse: Browse, device: Device) -> None:
    person = User.objects.get(email=CLAIRE)
    person.set_password(PASSWORD)
    person.save()
    client = browse()
    client.post(reverse("account_login"), {"login": CLAIRE, "password": PASSWORD})
    assert signed_in_as(client) == CLAIRE, "the password opens the account without the key"
    protect(person)
    client = browse()
    client.post(reverse("account_login"), {"login": CLAIRE, "password": PASSWORD})
    assert signed_in_as(client) == "", "a code is asked for"
    client = browse()
    sign_in(client, device)
    assert signed_in_as(client) == CLAIRE


# --- coming back without it


def test_who_has_lost_the_device_comes_back_by_mail_and_the_key_opens_nothing(
    browse: Browse, device: Device, outbox: Outbox
) -> None:
    client = browse()
    outbox.clear()
    client.post(reverse("account_reset_password"), {"email": CLAIRE})
    found = re.search(r"http://\S+nouveau/\S+", str(outbox.to(CLAIRE).body))
    assert found
    page = client.get(urlsplit(found[0]).path)["Location"]
    assert "Vos clés d" in client.get(page).content.decode()
    assert Passkey.objects.count() == 1, "looking removes nothing"
    assert client.post(page, {"password1": "quatre chevaux verts galopent"}).status_code == 302
    assert not Passkey.objects.exists()
    sign_in(client, device)
    assert signed_in_as(client) == ""
    client.post(reverse("account_login"), {"login": CLAIRE, "password": "quatre chevaux verts galopent"})
    assert signed_in_as(client) == CLAIRE


# --- a person's own list


def again(client: Client, device: Device) -> Any:
    """Show once more that it is them."""
    answer = device.show(question(client, reverse("accounts:ask_for_passkey_again")))
    return client.post(reverse("mfa_reauthenticate_webauthn"), {"passkey": answer})


@pytest.fixture
def claire(browse: Browse, device: Device) -> Client:
    client = browse()
    sign_in(client, device)
    return client


def test_without_a_password_the_key_shows_again_that_it_is_them(claire: Client, device: Device) -> None:
    path = reverse("accounts:add_passkey")
    asked = claire.get(path)
    assert urlsplit(asked["Location"]).path == reverse("mfa_reauthenticate_webauthn")
    assert claire.get(asked["Location"]).status_code == 200
    answer = device.show(question(claire, reverse("accounts:ask_for_passkey_again")))
    assert claire.post(asked["Location"], {"passkey": answer})["Location"] == path
    assert claire.get(path).status_code == 200


def test_another_persons_key_does_not_show_that_it_is_them(
    browse: Browse, firm: World, claire: Client, outbox: Outbox
) -> None:
    invite_client(actor=firm.admin, dossier=make_dossier("Une autre", email="b@client.test"))
    other, theirs = browse(), Device()
    other.get(link_to(outbox, "b@client.test"))
    with_key(other, theirs)
    assert again(claire, theirs).status_code == 422
    assert claire.get(reverse("accounts:add_passkey")).status_code == 302


def test_a_second_key_is_added_and_the_person_is_told(claire: Client, device: Device, outbox: Outbox) -> None:
    again(claire, device)
    outbox.clear()
    asked = question(claire, reverse("accounts:ask_for_new_passkey"))
    assert len(asked["publicKey"]["excludeCredentials"]) == 1
    spare = Device()
    added = claire.post(reverse("accounts:add_passkey"), {"passkey": spare.make(asked)})
    assert added["Location"] == reverse("accounts:passkeys")
    assert outbox.recipients() == [CLAIRE]
    claire.post(reverse("account_logout"))
    sign_in(claire, spare)
    assert signed_in_as(claire) == CLAIRE


def test_a_key_is_not_added_without_asking_again(claire: Client) -> None:
    for name in ("accounts:add_passkey", "accounts:ask_for_new_passkey"):
        assert claire.post(reverse(name)).status_code == 302
    assert Passkey.objects.count() == 1


def test_the_last_way_in_is_not_removed(claire: Client, device: Device) -> None:
    again(claire, device)
    path = reverse("accounts:remove_passkey", args=[Passkey.objects.get().pk])
    assert claire.get(path).status_code == 200
    claire.post(path)
    assert Passkey.objects.count() == 1
    chosen = claire.post(reverse("account_set_password"), {"password1": "quatre chevaux verts galopent"})
    assert chosen["Location"] == reverse("accounts:profile")
    claire.post(path)
    assert not Passkey.objects.exists()
    assert claire.get(reverse("account_change_password")).status_code == 200


def test_without_a_password_one_is_chosen_not_changed(claire: Client, device: Device) -> None:
    chosen = claire.get(reverse("account_change_password"))
    assert chosen["Location"] == reverse("account_set_password")
    assert urlsplit(claire.get(chosen["Location"])["Location"]).path == reverse("mfa_reauthenticate_webauthn")


def test_anothers_key_is_not_found(browse: Browse, firm: World, device: Device) -> None:
    path = reverse("accounts:remove_passkey", args=[Passkey.objects.get().pk])
    alice = browse(firm.admin)
    alice.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert alice.post(path).status_code == 404
    assert Passkey.objects.count() == 1


def test_the_list_says_when_a_key_was_last_used(claire: Client) -> None:
    page = claire.get(reverse("accounts:passkeys")).content.decode()
    assert "dernière utilisation" in page


def test_who_has_no_key_is_led_to_add_one(browse: Browse, firm: World) -> None:
    page = browse(firm.admin).get(reverse("accounts:passkeys")).content.decode()
    assert reverse("accounts:add_passkey") in page
