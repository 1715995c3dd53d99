"""What a firm keeps of its client's details: the client reads it and why, and changes it no more."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import User
from accounts.permissions import ObjectRole, give, pairs_of
from activity.models import Event, Notification
from clients.actions.dossiers import update_dossier
from clients.actions.locking import NoClient, keep_details
from clients.actions.space import KeptByFirm, edit_space_details
from clients.locks import kept_details, to_take_over
from clients.models import Assignment, ClientSpace, Dossier, LinkRight, SpaceLink, SpaceMember
from tenancy.scopes import scope
from tests.clients.test_space import followed
from tests.meeting import come_meanwhile
from tests.worlds import World, make_dossier, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    """Claire's space, which the first firm follows."""
    return followed(lemoine, claire)


def keep(world: World, *fields: str, reason: str = "") -> SpaceLink:
    with scope(firm=world.firm):
        dossier = SpaceLink.objects.running().get().dossier
        return keep_details(actor=world.admin, dossier=dossier, fields=fields, reason=reason)


def edit(link: SpaceLink, **values: str) -> ClientSpace:
    with scope(space=link.space_id):
        member = SpaceMember.objects.select_related("space").get()
        return edit_space_details(actor=member, space=member.space, values=values)


def test_what_the_firm_keeps_the_client_does_not_change(lemoine: World, link: SpaceLink) -> None:
    keep(lemoine, "phone", reason="Dépôt en cours")
    with pytest.raises(KeptByFirm) as refused:
        edit(link, phone="01 02 03 04 05", city="Lyon")
    assert refused.value.fields == ["phone"]
    with scope(space=link.space_id):
        space = ClientSpace.objects.get()
        assert (space.phone, space.city) == ("", ""), "nothing of it is kept"
        (one,) = kept_details(space).values()
        assert (one.field, one.firm_name, one.reason) == ("phone", "Cabinet Lemoine", "Dépôt en cours")
    assert edit(link, city="Lyon").city == "Lyon"


def test_both_sides_journals_say_so_and_the_client_is_told(lemoine: World, link: SpaceLink) -> None:
    keep(lemoine, "email", reason="Dépôt en cours")
    with scope(firm=lemoine.firm):
        event = Event.objects.get(type="clients.dossier.details_kept")
        assert event.changes == {"kept_email": [False, True], "reason": ["", "Dépôt en cours"]}
    with scope(space=link.space_id):
        told = Notification.objects.filter(event__type="clients.space.details_kept")
        assert [one.address for one in told] == ["claire@boulangerie.test"]


def test_the_same_choice_again_records_nothing(lemoine: World, link: SpaceLink) -> None:
    keep(lemoine, "email")
    keep(lemoine, "email")
    with scope(firm=lemoine.firm):
        assert Event.objects.filter(type="clients.dossier.details_kept").count() == 1


def test_siren_and_siret_are_kept_together(lemoine: World, link: SpaceLink) -> None:
    assert keep(lemoine, "siret").locked_details == ["siren", "siret"]


def test_what_is_given_back_may_be_changed_again(lemoine: World, link: SpaceLink) -> None:
    keep(lemoine, "phone", reason="Dépôt en cours")
    assert keep(lemoine, reason="Dépôt en cours").lock_reason == ""
    assert edit(link, phone="01 02 03 04 05").phone == "01 02 03 04 05"


def test_the_client_takes_over_what_the_firms_record_says_and_nothing_else(
    lemoine: World,
    link: SpaceLink,
) -> None:
    keep(lemoine, "phone")
    with scope(firm=lemoine.firm):
        Dossier.objects.filter(pk=link.dossier_id).update(phone="04 72 00 00 00")
    with scope(space=link.space_id):
        space = ClientSpace.objects.get()
        assert to_take_over(space) == {"phone": "04 72 00 00 00"}
    with pytest.raises(KeptByFirm):
        edit(link, phone="04 72 00 00 01")
    assert edit(link, phone="04 72 00 00 00").phone == "04 72 00 00 00"


def test_a_second_firm_is_not_bound_and_learns_nothing(
    lemoine: World,
    bertrand: World,
    claire: User,
    link: SpaceLink,
) -> None:
    followed(bertrand, claire, "SARL Martin", space_id=link.space_id)
    keep(lemoine, "phone", reason="Dépôt en cours")
    with scope(firm=bertrand.firm):
        assert SpaceLink.objects.get().locked_details == []
        assert not Event.objects.filter(type__contains="kept").exists()


@pytest.mark.parametrize("change", ["ended", "read"])
def test_a_link_that_ended_or_reads_keeps_nothing(lemoine: World, link: SpaceLink, change: str) -> None:
    keep(lemoine, "phone")
    with scope(firm=lemoine.firm):
        row = SpaceLink.objects.filter(pk=link.pk)
        row.update(until=link.since) if change == "ended" else row.update(right=LinkRight.READ)
    assert edit(link, phone="01 02 03 04 05").phone == "01 02 03 04 05"


def test_only_who_may_change_the_dossier_keeps_details(lemoine: World, link: SpaceLink) -> None:
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get(pk=link.dossier_id)
        give(
            Assignment,
            pairs_of([dossier], [lemoine.collaborator]),
            role=ObjectRole.READER,
            by=lemoine.admin,
        )
        for member in (lemoine.collaborator, lemoine.colleague):
            with pytest.raises(PermissionDenied):
                keep_details(actor=member, dossier=dossier, fields=["phone"], reason="")


def test_without_a_client_there_is_nothing_to_keep(lemoine: World) -> None:
    with scope(firm=lemoine.firm), pytest.raises(NoClient):
        keep_details(actor=lemoine.admin, dossier=make_dossier(), fields=["phone"], reason="")


def test_taking_over_what_one_firm_keeps_writes_nothing_into_what_another_one_keeps(
    lemoine: World, bertrand: World, claire: User, link: SpaceLink
) -> None:
    """Both keep the telephone number; the one that came first counts for the client's space."""
    second = followed(bertrand, claire, "SARL Martin", space_id=link.space_id)
    for world, number in ((lemoine, "04 72 00 00 00"), (bertrand, "04 78 99 99 99")):
        keep(world, "phone")
        with scope(firm=world.firm):
            Dossier.objects.clients().update(phone=number)
    edit(link, phone="04 72 00 00 00", city="Lyon")
    with scope(firm=bertrand.firm):
        record = Dossier.objects.get(pk=second.dossier_id)
        assert (record.phone, record.city) == ("04 78 99 99 99", "Lyon")


def test_of_the_two_numbers_neither_reaches_a_firm_that_keeps_them(
    lemoine: World, bertrand: World, claire: User, link: SpaceLink
) -> None:
    second = followed(bertrand, claire, "SARL Martin", space_id=link.space_id)
    for world, siren in ((lemoine, "443061841"), (bertrand, "552100554")):
        keep(world, "siren")
        with scope(firm=world.firm):
            Dossier.objects.clients().update(siren=siren)
    edit(link, siren="443061841")
    with scope(firm=bertrand.firm):
        assert Dossier.objects.get(pk=second.dossier_id).siren == "552100554"


@pytest.mark.django_db(transaction=True)
def test_what_a_firm_keeps_at_that_very_moment_an_edit_does_not_overwrite(
    lemoine: World, link: SpaceLink
) -> None:
    """It waits for the firm, and is refused as if it had come later."""

    @contextmanager
    def the_firm_keeps() -> Iterator[None]:
        with scope(firm=lemoine.firm):
            dossier = SpaceLink.objects.running().get().dossier
            keep_details(actor=lemoine.admin, dossier=dossier, fields=["phone"], reason="")
            yield

    def the_client_edits() -> None:
        edit(link, phone="01 02 03 04 05")

    error = come_meanwhile(the_firm_keeps(), the_client_edits, then=lambda: None)
    assert isinstance(error, KeptByFirm), error
    with scope(firm=lemoine.firm):
        assert Dossier.objects.get(pk=link.dossier_id).phone == ""


@pytest.mark.django_db(transaction=True)
def test_a_firms_own_correction_at_that_very_moment_is_what_counts(lemoine: World, link: SpaceLink) -> None:
    """The client takes over a value that the firm's record just ceases to say."""
    keep(lemoine, "phone")
    with scope(firm=lemoine.firm):
        Dossier.objects.filter(pk=link.dossier_id).update(phone="04 72 00 00 00")

    @contextmanager
    def the_firm_corrects() -> Iterator[None]:
        with scope(firm=lemoine.firm):
            dossier = Dossier.objects.get(pk=link.dossier_id)
            update_dossier(actor=lemoine.admin, dossier=dossier, values={"phone": "04 72 11 11 11"})
            yield

    def the_client_takes_over() -> None:
        edit(link, phone="04 72 00 00 00")

    error = come_meanwhile(the_firm_corrects(), the_client_takes_over, then=lambda: None)
    assert isinstance(error, KeptByFirm), error
    with scope(firm=lemoine.firm):
        assert Dossier.objects.get(pk=link.dossier_id).phone == "04 72 11 11 11"
