"""The firm's settings."""

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from accounts.models import Firm, Membership, Role, User
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import World, make_member

Browse = Callable[..., Client]


def person_of(member: Membership) -> User:
    assert member.user is not None
    return member.user


def settings_of(firm: Firm, **changes: object) -> dict[str, object]:
    return {"name": firm.name, "phone": firm.phone, "email": firm.email, **changes}


def test_changed_settings_are_told_to_the_other_administrators(
    browse: Browse, lemoine: World, outbox: Outbox
) -> None:
    with scope(firm=lemoine.firm):
        other = make_member(lemoine.firm, "Zoé", role=Role.ADMIN)
    data = settings_of(lemoine.firm, phone="01 40 00 00 00", email="contact@lemoine.test")
    answer = browse(lemoine.admin).post(lemoine.firm.url("accounts:settings"), data)
    assert answer.status_code == 302
    with scope(firm=lemoine.firm):
        assert Firm.objects.get().phone == "01 40 00 00 00"
    assert outbox.recipients() == [other.email]


def test_a_wrong_address_is_said_at_its_field(browse: Browse, lemoine: World) -> None:
    data = settings_of(lemoine.firm, email="lemoine")
    answer = browse(lemoine.admin).post(lemoine.firm.url("accounts:settings"), data)
    assert answer.status_code == 422
    assert answer.context["form"].errors["email"]


def test_a_collaborator_sees_no_settings(browse: Browse, lemoine: World) -> None:
    url = lemoine.firm.url("accounts:settings")
    client = browse(lemoine.collaborator)
    assert client.get(url).status_code == 403
    assert client.post(url, settings_of(lemoine.firm, name="X")).status_code == 403


def test_who_would_have_to_set_up_a_second_factor_is_named_before_saving(
    browse: Browse, lemoine: World
) -> None:
    page = browse(lemoine.admin).get(lemoine.firm.url("accounts:settings"))
    assert {member.pk for member in page.context["unprotected"]} == {
        lemoine.admin.pk,
        lemoine.collaborator.pk,
        lemoine.colleague.pk,
    }
    assert "3 membres n" in page.content.decode()


def test_requiring_a_second_factor_holds_from_the_next_request_on(browse: Browse, lemoine: World) -> None:
    colleague = browse(lemoine.colleague)
    data = settings_of(lemoine.firm, second_factor_required="on")
    browse(lemoine.admin).post(lemoine.firm.url("accounts:settings"), data)
    answer = colleague.get(lemoine.firm.url("clients:members"))
    assert answer["Location"] == reverse("mfa_activate_totp")


def test_a_person_of_two_firms_sees_a_card_for_each(browse: Browse, lemoine: World, bertrand: World) -> None:
    with scope(firm=bertrand.firm):
        make_member(bertrand.firm, "Alice", user=person_of(lemoine.admin))
    page = browse(lemoine.admin).get(reverse("accounts:places"))
    assert [place.name for place in page.context["places"]] == ["Bertrand Conseil", "Cabinet Lemoine"]


def test_the_only_place_opens_by_itself_unless_all_are_asked_for(browse: Browse, lemoine: World) -> None:
    client = browse(lemoine.colleague)
    assert client.get(reverse("accounts:places"))["Location"] == lemoine.firm.url("dashboard")
    assert client.get(reverse("accounts:places"), {"tous": "1"}).status_code == 200


def test_a_person_without_a_place_is_told_what_to_do(browse: Browse, db: None) -> None:
    from tests.worlds import make_person

    page = browse(make_person("seule@exemple.test")).get(reverse("accounts:places"))
    assert "Aucun espace" in page.content.decode()
