"""The way in: signing in, a forgotten password, a firm that registers itself."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Membership, MemberState, Role, TermsAcceptance, User
from tenancy import tasks
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import PASSWORD, World, make_person

NEW = "quatre chevaux verts galopent"
SIGNUP = {
    "firm_name": "Cabinet Roussel",
    "number": "732 829 320 00074",
    "first_name": "Léa",
    "last_name": "Roussel",
    "email": "lea@roussel.test",
    "password1": NEW,
    "terms": "on",
}


def person_of(member: Membership) -> User:
    assert member.user is not None
    return member.user


@pytest.fixture(autouse=True)
def _nobody_tried_before(db: None) -> None:
    cache.clear()


def link_in(text: object) -> str:
    """The path of the mail's link that holds a key."""
    found = re.search(r"http://\S+(?:confirmer|nouveau)/\S+", str(text))
    assert found, text
    return urlsplit(found[0]).path


def sign_in(client: Client, email: str, password: str) -> Any:
    return client.post(reverse("account_login"), {"login": email, "password": password})


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(client: Client) -> None:
    make_person("alice@lemoine.test")
    wrong = client.post(reverse("account_login"), {"login": "alice@lemoine.test", "password": "faux"})
    unknown = client.post(reverse("account_login"), {"login": "zoe@lemoine.test", "password": "faux"})
    assert wrong.status_code == unknown.status_code == 422
    masked = re.compile(r'alice|zoe|csrf[^>]*|value="[^"]{64}"|content="[^"]{64}"')
    assert masked.sub("", wrong.content.decode()) == masked.sub("", unknown.content.decode())


def test_signing_in_leads_into_the_only_firm(client: Client, lemoine: World) -> None:
    assert sign_in(client, lemoine.admin.email.upper(), PASSWORD)["Location"] == reverse("accounts:places")
    assert client.get(reverse("accounts:places"))["Location"] == lemoine.firm.url("dashboard")


def test_the_password_is_hashed_by_argon2(db: None) -> None:
    assert make_person("alice@lemoine.test").password.startswith("argon2")


@pytest.mark.parametrize("weak", ["onze lettre", "telechargement", "qwertyqwerty", "lea@roussel.test"])
def test_a_weak_password_is_refused(client: Client, weak: str) -> None:
    answer = client.post(reverse("account_signup"), {**SIGNUP, "password1": weak})
    assert answer.status_code == 422
    assert answer.context["form"].errors["password1"]


def test_a_forgotten_password_is_chosen_anew_by_a_link(
    client: Client, outbox: Outbox, lemoine: World
) -> None:
    email = lemoine.admin.email
    assert client.post(reverse("account_reset_password"), {"email": email}).status_code == 302
    moved = client.get(link_in(outbox.to(email).body))
    assert moved.status_code == 302
    assert moved["Referrer-Policy"] == "no-referrer"
    page = client.get(moved["Location"])
    assert "no-store" in page["Cache-Control"]
    done = client.post(moved["Location"], {"password1": NEW})
    assert done["Location"] == reverse("account_login")
    assert client.login(email=email, password=NEW)
    assert "mot de passe" in outbox.to(email).subject


def test_a_reset_link_works_once(client: Client, outbox: Outbox, lemoine: World) -> None:
    client.post(reverse("account_reset_password"), {"email": lemoine.admin.email})
    path = link_in(outbox.to(lemoine.admin.email).body)
    client.post(client.get(path)["Location"], {"password1": NEW})
    assert client.get(path).context["token_fail"]


def test_a_reset_for_an_unknown_address_says_the_same_and_sends_nothing(
    client: Client, outbox: Outbox
) -> None:
    answer = client.post(reverse("account_reset_password"), {"email": "zoe@lemoine.test"})
    assert answer["Location"] == reverse("account_reset_password_done")
    assert outbox.mails() == []


def test_no_row_holds_a_usable_link(client: Client, lemoine: World) -> None:
    from activity.models import OutgoingEmail

    client.post(reverse("account_reset_password"), {"email": lemoine.admin.email})
    with scope(person=person_of(lemoine.admin)):
        assert list(OutgoingEmail.objects.values_list("params", flat=True)) == [{}]


def test_links_come_from_the_setting_and_not_from_the_host(
    client: Client, outbox: Outbox, lemoine: World, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS, settings.BASE_URL = ["evil.test"], "https://portail.test"
    client.post(reverse("account_reset_password"), {"email": lemoine.admin.email}, HTTP_HOST="evil.test")
    body = str(outbox.to(lemoine.admin.email).body)
    assert "https://portail.test/mot-de-passe/" in body
    assert "evil" not in body


def test_a_firm_registers_itself_and_its_administrator_confirms_the_address(
    client: Client, outbox: Outbox
) -> None:
    answer = client.post(reverse("account_signup"), SIGNUP)
    assert answer["Location"] == reverse("account_email_verification_sent")
    assert sign_in(client, SIGNUP["email"], NEW).status_code == 302  # but only to “look into your mailbox”
    assert client.get(reverse("accounts:places")).status_code == 302

    moved = client.get(link_in(outbox.to(SIGNUP["email"]).body))
    asked = client.get(moved["Location"])
    assert not EmailAddress.objects.get(email=SIGNUP["email"]).verified  # a GET confirms nothing
    assert (moved["Referrer-Policy"], asked["Referrer-Policy"]) == ("no-referrer", "same-origin")
    assert client.post(moved["Location"])["Location"] == reverse("account_login")

    sign_in(client, SIGNUP["email"], NEW)
    where = client.get(reverse("accounts:places"))["Location"]
    assert re.fullmatch(r"/cabinets/cabinet-roussel-\w{4}/", where)
    person = User.objects.get(email=SIGNUP["email"])
    assert person.terms_accepted.get().terms_id == "2026-11"
    membership = only_membership(person)
    assert (membership.role, membership.state) == (Role.ADMIN, MemberState.CREATED)
    assert (membership.firm.siren, membership.firm.siret) == ("732829320", "73282932000074")


def only_membership(person: User) -> Membership:
    from accounts.lookups import firms_of

    (row,) = firms_of(person.pk)
    with scope(firm=row["firm_id"]):
        return Membership.objects.select_related("firm").get(user=person)


def test_an_address_with_an_account_gets_the_same_page_and_a_mail_that_says_so(
    client: Client, outbox: Outbox, lemoine: World
) -> None:
    new = client.post(reverse("account_signup"), SIGNUP)
    outbox.clear()
    known = Client().post(reverse("account_signup"), {**SIGNUP, "email": lemoine.admin.email})
    assert (known.status_code, known["Location"]) == (new.status_code, new["Location"])
    told = outbox.to(lemoine.admin.email)
    assert "Elle en a déjà un" in str(told.body)
    assert reverse("account_login") in str(told.body)
    assert User.objects.filter(email=lemoine.admin.email).count() == 1
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("number", ["732829321", "73282932000075", "12345", "73282932A"])
def test_a_wrong_siren_or_siret_is_refused(client: Client, number: str) -> None:
    answer = client.post(reverse("account_signup"), {**SIGNUP, "number": number})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["number"]


@pytest.mark.parametrize("number", ["732829320", "732 829 320", "732.829.320.00074", "732-829-320-00074"])
def test_a_siren_or_siret_is_read_as_people_write_it(client: Client, number: str) -> None:
    assert client.post(reverse("account_signup"), {**SIGNUP, "number": number}).status_code == 302


def test_without_the_terms_nobody_registers(client: Client) -> None:
    answer = client.post(reverse("account_signup"), {**SIGNUP, "terms": ""})
    assert answer.status_code == 422
    assert not User.objects.exists()
    assert not TermsAcceptance.objects.exists()


def test_registration_can_be_switched_off(client: Client, settings: Settings) -> None:
    settings.REGISTRATION_OPEN = False
    page = client.post(reverse("account_signup"), SIGNUP)
    assert "fermées" in page.content.decode()
    assert not User.objects.exists()


def test_a_person_registers_a_further_firm(client: Client, lemoine: World) -> None:
    client.force_login(person_of(lemoine.admin))
    answer = client.post(reverse("accounts:new_firm"), {"firm_name": "Deux", "number": "552100554"})
    assert re.fullmatch(r"/cabinets/deux-\w{4}/", answer["Location"])
    page = client.get(reverse("accounts:places"))
    assert {place.name for place in page.context["places"]} == {"Deux", "Cabinet Lemoine"}


def test_two_firms_of_one_name_have_addresses_that_do_not_tell(client: Client, lemoine: World) -> None:
    client.force_login(person_of(lemoine.admin))
    data = {"firm_name": "Même nom", "number": "552100554"}
    first, second = (client.post(reverse("accounts:new_firm"), data)["Location"] for _ in range(2))
    assert first != second
    assert re.fullmatch(r"/cabinets/meme-nom-\w{4}/", first)


def test_too_many_wrong_passwords_are_answered_429_or_refused(client: Client, lemoine: World) -> None:
    for _ in range(5):
        sign_in(client, lemoine.admin.email, "faux")
    answer = client.post(reverse("account_login"), {"login": lemoine.admin.email, "password": PASSWORD})
    assert answer.status_code == 422  # the right password too


def test_a_flood_of_logins_gets_a_page_that_says_wait(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    answers = [sign_in(client, "zoe@lemoine.test", "faux") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert "Trop d" in answers[-1].content.decode()


@pytest.fixture
def no_redis(settings: Settings) -> Iterator[None]:
    """The broker's address leads nowhere, and nothing remembers that it once answered."""
    settings.CELERY_BROKER_URL = "redis://localhost:1"
    tasks._broker.cache_clear()
    yield
    tasks._broker.cache_clear()
    tasks._rest.until = 0.0


@pytest.mark.django_db(transaction=True)
def test_limits_hold_and_pages_answer_without_redis(client: Client, no_redis: None) -> None:
    make_person("alice@lemoine.test")
    asked = {"email": "alice@lemoine.test"}
    codes = [client.post(reverse("account_reset_password"), asked).status_code for _ in range(6)]
    assert codes == [302] * 5 + [429]


def test_guessing_links_is_throttled(client: Client, db: None) -> None:
    codes = {
        client.get(reverse("account_confirm_email", kwargs={"key": f"x{n}"})).status_code for n in range(31)
    }
    assert codes == {302, 429}


@pytest.mark.parametrize(
    "name",
    [
        "account_login",
        "account_signup",
        "account_reset_password",
        "account_reset_password_done",
        "account_email_verification_sent",
        "account_inactive",
        "accounts:terms",
    ],
)
def test_the_pages_before_the_door_need_no_login(client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "accounts:places",
        "accounts:profile",
        "accounts:new_firm",
        "account_email",
        "account_change_password",
        "usersessions_list",
        "mfa_index",
        "mfa_view_recovery_codes",
    ],
)
def test_the_pages_behind_it_ask_for_one(client: Client, name: str) -> None:
    answer = client.get(reverse(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


def test_a_page_is_read_in_the_language_that_was_chosen(client: Client, db: None) -> None:
    assert "Se connecter" in client.get(reverse("account_login")).content.decode()
    answer = client.post(reverse("language"), {"language": "en", "next": reverse("account_login")})
    assert "Sign in" in client.get(answer["Location"]).content.decode()


def test_the_language_leads_nowhere_else(client: Client, db: None) -> None:
    assert (
        client.post(reverse("language"), {"language": "en", "next": "https://evil.test/"})["Location"] == "/"
    )


def test_a_signed_in_persons_language_is_kept_in_their_profile(client: Client, lemoine: World) -> None:
    client.force_login(person_of(lemoine.admin))
    client.post(reverse("language"), {"language": "en", "next": "/profil/"})
    assert User.objects.get(pk=person_of(lemoine.admin).pk).language == "en"
    assert "Your profile" not in client.get("/profil/").content.decode()
    assert 'lang="en"' in client.get("/profil/").content.decode()


def test_a_firm_is_not_made_by_half(client: Client) -> None:
    from accounts import registration

    def fails(member: Membership) -> None:
        raise RuntimeError

    registration.FIRM_STARTERS.append(fails)
    try:
        with pytest.raises(RuntimeError):
            client.post(reverse("account_signup"), SIGNUP)
    finally:
        registration.FIRM_STARTERS.remove(fails)
    assert not User.objects.filter(email=SIGNUP["email"]).exists()
