"""Technical support sees a dossier while its client allows it, and not a moment longer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Membership, User
from accounts.permissions import ObjectRole, Perm, can, give, pairs_of
from activity.models import Event
from clients.actions.archiving import archive_dossiers
from clients.actions.space import open_space
from clients.actions.support import (
    NotFollowed,
    SupportDuration,
    authorise_support,
    end_support,
    withdraw_support,
)
from clients.lookups import due_support_ends
from clients.models import Assignment, Dossier, SpaceLink, SpaceMember, SpaceProfile, SupportAuthorisation
from clients.people import client_side, support_people
from clients.supporting import sweep
from tenancy.scopes import Purpose, WrongScope, crossing, scope
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_person

Given = Callable[..., SupportAuthorisation]


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    with scope(firm=lemoine.firm):
        return open_space(
            person=claire,
            firm=lemoine.firm,
            dossier=make_dossier(email=claire.email),
            email=claire.email,
        )


@pytest.fixture
def marc(link: SpaceLink) -> SpaceMember:
    """Another person of the client."""
    with scope(space=link.space_id):
        user = make_person("marc@boulangerie.test", first_name="Marc")
        return SpaceMember.objects.create(user=user, email=user.email, first_name="Marc")


@pytest.fixture
def given(link: SpaceLink) -> Given:
    """Claire authorises."""

    def authorise(duration: SupportDuration = SupportDuration.DAY) -> SupportAuthorisation:
        with scope(space=link.space_id):
            return authorise_support(actor=inside(), link=link, duration=duration)

    return authorise


def inside(first_name: str = "Claire") -> SpaceMember:
    return SpaceMember.objects.select_related("user", "space").get(first_name=first_name)


def assign(world: World, until: Any) -> Membership:
    """Paul, of technical support, gets the dossier until then."""
    with scope(firm=world.firm):
        pairs = pairs_of([Dossier.objects.get()], [world.colleague])
        give(Assignment, pairs, role=ObjectRole.SUPPORT, by=world.admin, until=until)
    return world.colleague


def sees(world: World, member: Membership) -> bool:
    with scope(firm=world.firm):
        return can(member, Perm.VIEW_DOSSIER, Dossier.objects.get())


def firm_types(world: World) -> list[str]:
    with scope(firm=world.firm):
        found = Event.objects.filter(firm__isnull=False, type__contains="support")
        return list(found.order_by("id").values_list("type", flat=True))


def space_types(link: SpaceLink) -> list[str]:
    with scope(space=link.space_id):
        found = Event.objects.filter(space__isnull=False, type__contains="support")
        return list(found.order_by("id").values_list("type", flat=True))


@pytest.mark.parametrize(
    ("duration", "length"),
    [(SupportDuration.DAY, timedelta(hours=24)), (SupportDuration.WEEK, timedelta(days=7))],
)
def test_a_client_authorises_for_a_day_or_a_week_and_both_journals_say_so(
    lemoine: World, link: SpaceLink, given: Given, duration: SupportDuration, length: timedelta
) -> None:
    authorisation = given(duration)
    assert authorisation.until - authorisation.given_at == length
    assert space_types(link) == ["clients.space.support_authorised"]
    assert firm_types(lemoine) == ["clients.dossier.support_authorised"]
    with scope(firm=lemoine.firm):
        side = client_side(Dossier.objects.get())
        assert side is not None and side.support == authorisation, "the firm sees it too"


def test_the_other_people_of_the_client_and_the_administrators_are_told(
    lemoine: World, marc: SpaceMember, given: Given, outbox: Outbox
) -> None:
    outbox.clear()
    given()
    assert outbox.recipients() == [lemoine.admin.email, marc.email]


@pytest.mark.parametrize("profile", [SpaceProfile.READER, SpaceProfile.BILLING])
def test_who_only_reads_authorises_and_withdraws_nothing(
    link: SpaceLink, given: Given, profile: SpaceProfile
) -> None:
    authorisation = given()
    with scope(space=link.space_id):
        person = inside()
        SpaceMember.objects.update(profile=profile)
        with pytest.raises(PermissionDenied):
            authorise_support(actor=person, link=link, duration=SupportDuration.DAY)
        with pytest.raises(PermissionDenied):
            withdraw_support(actor=person, authorisation=authorisation)
    assert authorisation in running(link)


def running(link: SpaceLink) -> list[SupportAuthorisation]:
    with scope(space=link.space_id):
        return list(SupportAuthorisation.objects.running())


def test_a_firm_that_no_longer_follows_is_authorised_nothing(link: SpaceLink) -> None:
    with scope(space=link.space_id):
        SpaceLink.objects.update(until=timezone.now())
        with pytest.raises(NotFollowed):
            authorise_support(actor=inside(), link=link, duration=SupportDuration.DAY)


def test_a_link_of_another_space_is_authorised_nothing(
    bertrand: World, link: SpaceLink, claire: User
) -> None:
    with scope(firm=bertrand.firm):
        other = open_space(
            person=claire,
            firm=bertrand.firm,
            dossier=make_dossier("Autre"),
            email=claire.email,
        )
    with scope(space=link.space_id), pytest.raises(NotFollowed):
        authorise_support(actor=inside(), link=other, duration=SupportDuration.DAY)


def test_authorising_again_takes_the_place_of_the_first_and_moves_the_end_for_who_has_access(
    lemoine: World, link: SpaceLink, given: Given
) -> None:
    assign(lemoine, given(SupportDuration.DAY).until)
    for duration in (SupportDuration.WEEK, SupportDuration.DAY):
        authorisation = given(duration)
        assert running(link) == [authorisation]
        with scope(firm=lemoine.firm):
            assert Assignment.objects.get().expires_at == authorisation.until


def test_the_client_sees_who_has_the_access(lemoine: World, link: SpaceLink, given: Given) -> None:
    authorisation = given()
    with scope(space=link.space_id):
        assert support_people(authorisation) == []
    paul = assign(lemoine, authorisation.until)
    with scope(firm=lemoine.firm):
        pairs = pairs_of([Dossier.objects.get()], [lemoine.collaborator])
        give(Assignment, pairs, role=ObjectRole.ACCOUNTANT, by=lemoine.admin)
    with scope(space=link.space_id):
        assert support_people(authorisation) == [paul.name], "technical support alone"


def test_withdrawing_ends_every_support_access_at_once_and_no_other(
    lemoine: World, link: SpaceLink, given: Given, outbox: Outbox, marc: SpaceMember
) -> None:
    authorisation = given()
    paul = assign(lemoine, authorisation.until)
    with scope(firm=lemoine.firm):
        pairs = pairs_of([Dossier.objects.get()], [lemoine.collaborator])
        give(Assignment, pairs, role=ObjectRole.ACCOUNTANT, by=lemoine.admin)
    assert sees(lemoine, paul)
    outbox.clear()
    with scope(space=link.space_id):
        withdraw_support(actor=inside(), authorisation=authorisation)
        withdraw_support(actor=inside(), authorisation=authorisation)
    assert not sees(lemoine, paul)
    assert sees(lemoine, lemoine.collaborator)
    assert running(link) == []
    assert space_types(link)[1:] == ["clients.space.support_withdrawn"]
    assert firm_types(lemoine)[1:] == ["clients.dossier.support_withdrawn"]
    assert outbox.recipients() == sorted([lemoine.admin.email, marc.email, paul.email])


def test_withdrawing_what_somebody_has_replaced_meanwhile_ends_what_runs_now(
    lemoine: World, link: SpaceLink, given: Given
) -> None:
    shown = given()
    paul = assign(lemoine, given().until)
    with scope(space=link.space_id):
        withdraw_support(actor=inside(), authorisation=shown)
    assert running(link) == [], "the page that said otherwise was older"
    assert not sees(lemoine, paul)


def test_a_client_can_withdraw_after_the_link_has_ended(
    lemoine: World, link: SpaceLink, given: Given
) -> None:
    authorisation = given()
    paul = assign(lemoine, authorisation.until)
    with scope(space=link.space_id):
        SpaceLink.objects.update(until=timezone.now())
        withdraw_support(actor=inside(), authorisation=authorisation)
    assert not sees(lemoine, paul)


def test_it_ends_with_the_link_by_itself_and_is_told_once(
    lemoine: World, link: SpaceLink, given: Given, outbox: Outbox
) -> None:
    paul = assign(lemoine, given().until)
    now = timezone.now()
    with scope(space=link.space_id):
        SpaceLink.objects.update(since=now - timedelta(days=2), until=now - timedelta(seconds=1))
    assert running(link) == [], "before any sweep"
    outbox.clear()
    assert (sweep(), sweep()) == (1, 0)
    assert not sees(lemoine, paul)
    assert space_types(link)[1:] == ["clients.space.support_ended"]
    assert firm_types(lemoine)[1:] == ["clients.dossier.support_ended"]
    assert outbox.recipients() == sorted([lemoine.admin.email, paul.email, "claire@boulangerie.test"])


def its_time_is_over(world: World) -> None:
    with scope(firm=world.firm):
        now = timezone.now()
        SupportAuthorisation.objects.update(
            given_at=now - timedelta(days=2), until=now - timedelta(seconds=1)
        )
        Assignment.objects.filter(expires_at__isnull=False).update(expires_at=now - timedelta(seconds=1))


def test_what_runs_out_ends_by_itself_and_is_told_once(
    lemoine: World, link: SpaceLink, given: Given, outbox: Outbox
) -> None:
    paul = assign(lemoine, given().until)
    assert (due_support_ends(), sweep()) == ([], 0)
    its_time_is_over(lemoine)
    assert not sees(lemoine, paul), "before any sweep"
    outbox.clear()
    assert (sweep(), sweep()) == (1, 0)
    assert space_types(link)[1:] == ["clients.space.support_ended"]
    assert firm_types(lemoine)[1:] == ["clients.dossier.support_ended"]
    assert outbox.recipients() == sorted([lemoine.admin.email, paul.email, "claire@boulangerie.test"])
    with scope(firm=lemoine.firm):
        assert not Assignment.objects.exists()
        event = Event.objects.get(type="clients.dossier.support_ended")
        assert event.actor_name == ""


def test_authorising_again_after_it_ran_out_tells_of_the_end_first(
    lemoine: World, link: SpaceLink, given: Given
) -> None:
    paul = assign(lemoine, given().until)
    its_time_is_over(lemoine)
    given()
    assert [name.rpartition("_")[2] for name in firm_types(lemoine)] == ["authorised", "ended", "authorised"]
    assert not sees(lemoine, paul), "somebody has to assign them anew"


def test_the_firm_ends_it_with_the_dossier(lemoine: World, link: SpaceLink, given: Given) -> None:
    paul = assign(lemoine, given().until)
    with scope(firm=lemoine.firm):
        assert end_support(dossiers=Dossier.objects.all()) == 1
        assert end_support(dossiers=Dossier.objects.all()) == 0
    assert not sees(lemoine, paul)
    assert running(link) == []
    assert space_types(link)[1:] == ["clients.space.support_ended"]
    assert sweep() == 0


def test_archiving_the_dossier_ends_it(lemoine: World, link: SpaceLink, given: Given) -> None:
    paul = assign(lemoine, given().until)
    with scope(firm=lemoine.firm):
        archive_dossiers(actor=lemoine.admin, dossiers=Dossier.objects.all())
    assert not sees(lemoine, paul)
    assert running(link) == []


def test_another_firm_sees_nothing_of_it(lemoine: World, bertrand: World, given: Given) -> None:
    authorisation = given()
    with scope(firm=bertrand.firm):
        assert not SupportAuthorisation.objects.exists()
        with pytest.raises(WrongScope), crossing(authorisation, Purpose.GIVE_SUPPORT):
            pass
