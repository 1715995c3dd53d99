"""What may be done to firms and to people's accounts."""

import re
from collections.abc import Iterator

import pytest
from django.core.exceptions import PermissionDenied

from accounts import registration
from accounts.actions.firms import change_firm, register_firm
from accounts.actions.people import accept_terms, change_language, change_profile
from accounts.models import Firm, Membership, MemberState, Role, TermsAcceptance, User
from accounts.terms import current_terms, has_accepted
from activity.models import Event, Notification, OutgoingEmail
from tenancy.scopes import scope
from tests.worlds import World, make_member, make_person


@pytest.fixture
def lea(db: None) -> User:
    """A person without any firm."""
    return make_person("lea@roussel.test", first_name="Léa", last_name="Roussel")


@pytest.fixture
def started() -> Iterator[list[Membership]]:
    """The members for whom a firm's starters were called."""
    calls: list[Membership] = []
    registration.FIRM_STARTERS.append(calls.append)
    yield calls
    registration.FIRM_STARTERS.remove(calls.append)


def types_in(**owner: object) -> list[str]:
    with scope(**owner):  # type: ignore[arg-type]  # one of firm, space and person
        return list(Event.objects.order_by("id").values_list("type", flat=True))


def test_a_registered_firm_has_its_administrator_and_what_a_firm_starts_with(
    lea: User, started: list[Membership]
) -> None:
    member = register_firm(user=lea, name="Cabinet Roussel", siren="732829320", siret="73282932000074")
    assert (member.role, member.state, member.name) == (Role.ADMIN, MemberState.CREATED, "Léa Roussel")
    assert started == [member]
    assert "accounts.firm.registered" in types_in(firm=member.firm)
    assert re.fullmatch(r"cabinet-roussel-[a-z0-9]{4}", member.firm.slug)


@pytest.mark.parametrize("name", ["!!!", "株式会社", "A" * 160])
def test_any_name_gives_an_address(lea: User, name: str) -> None:
    slug = register_firm(user=lea, name=name, siren="732829320").firm.slug
    assert re.fullmatch(r"[a-z0-9-]{6,80}", slug)


def test_a_firm_of_the_same_address_gets_other_characters(lea: User, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr("accounts.actions.firms.get_random_string", lambda *_: next(drawn))
    slugs = [register_firm(user=lea, name="Roussel", siren="732829320").firm.slug for _ in range(2)]
    assert slugs == ["roussel-aaaa", "roussel-bbbb"]


def test_terms_are_accepted_once_with_version_and_time(lea: User) -> None:
    for _ in range(2):
        accept_terms(person=lea, terms=current_terms())
    accepted = TermsAcceptance.objects.get(user=lea)
    assert accepted.terms_id == "2026-11"
    assert accepted.accepted_at
    assert has_accepted(lea, current_terms())
    assert types_in(person=lea) == ["accounts.person.terms_accepted"]


def test_a_changed_firm_is_told_to_the_other_administrators(firm: World) -> None:
    other = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    change_firm(actor=firm.admin, name="Lemoine", phone="01", email="", second_factor_required=False)
    event = Event.objects.get()
    assert event.changes == {"name": ["Cabinet Lemoine", "Lemoine"], "phone": ["", "01"]}
    assert list(Notification.objects.values_list("address", flat=True)) == [other.email]


def test_what_clients_see_follows_a_changed_card_only(firm: World) -> None:
    followed: list[Membership] = []
    registration.FIRM_CHANGED.append(followed.append)
    try:
        same = {"name": firm.firm.name, "phone": "", "email": ""}
        change_firm(actor=firm.admin, **same, second_factor_required=True)
        assert followed == []
        change_firm(actor=firm.admin, **{**same, "phone": "01"}, second_factor_required=True)
        assert followed == [firm.admin]
    finally:
        registration.FIRM_CHANGED.remove(followed.append)


def test_the_same_settings_again_record_nothing(firm: World) -> None:
    change_firm(actor=firm.admin, name=firm.firm.name, phone="", email="", second_factor_required=False)
    assert not Event.objects.exists()


def test_a_collaborator_changes_no_firm(firm: World) -> None:
    with pytest.raises(PermissionDenied):
        change_firm(actor=firm.collaborator, name="X", phone="", email="", second_factor_required=False)
    assert Firm.objects.get().name == "Cabinet Lemoine"


def test_a_new_name_shows_in_each_firm_of_the_person(lemoine: World, bertrand: World) -> None:
    person = lemoine.admin.user
    assert person is not None
    with scope(firm=bertrand.firm):
        make_member(bertrand.firm, "Alice", user=person)
    followed: list[User] = []
    registration.PERSON_CHANGED.append(followed.append)
    try:
        change_profile(person=person, first_name="Aline", last_name="Petit", language="fr")
    finally:
        registration.PERSON_CHANGED.remove(followed.append)
    for world in (lemoine, bertrand):
        with scope(firm=world.firm):
            assert Membership.objects.get(user=person).name == "Aline Petit"
    assert followed == [person]


def test_a_new_language_leaves_the_firms_alone(lea: User) -> None:
    followed: list[User] = []
    registration.PERSON_CHANGED.append(followed.append)
    try:
        assert change_language(person=lea, language="en").language == "en"
    finally:
        registration.PERSON_CHANGED.remove(followed.append)
    assert followed == []
    assert types_in(person=lea) == ["accounts.person.profile_changed"]


def test_a_persons_mails_are_seen_by_nobody_else(lea: User, lemoine: World) -> None:
    from accounts.actions.people import mail_person

    mail_person(person=lea, kind="accounts.password_reset", to=lea.email)
    with scope(firm=lemoine.firm):
        assert not OutgoingEmail.objects.exists()
