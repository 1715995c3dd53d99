"""A company that wants to be asked is asked before a firm is linked to it; nobody learns of the other before."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connections, models
from django.utils import timezone

from accounts.actions.declarants import change_declarants as change_firms_declarants
from accounts.models import Firm, User
from activity.models import Event, Notification
from clients.actions.consent import (
    ASKED_AGAIN_AFTER,
    MAILS_A_DAY,
    AnsweredMeanwhile,
    answer_consent,
    change_declarants,
)
from clients.actions.space import AlreadyFollowed, open_space, update_contacts
from clients.consents import of_firm, of_space
from clients.lookups import consent_asked, spaces_of
from clients.models import (
    ClientSpace,
    ConsentRequest,
    ConsentState,
    Dossier,
    SpaceLink,
    SpaceMember,
    SpaceProfile,
)
from clients.people import client_side
from invitations.actions.inviting import Skip, invite_client, invite_clients
from invitations.models import Invitation, InvitationState
from invitations.summary import client_states, state_filters
from tenancy.roles import LOOK_UPS, quoted
from tenancy.scopes import Purpose, WrongScope, crossing, scope
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_firm, make_person

SIREN = "443061841"


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


@pytest.fixture
def stranger(db: None) -> User:
    """Whom another firm has invited for a dossier that bears the company's SIREN."""
    return make_person("inconnu@ailleurs.test", first_name="Ivan")


def accept(world: World, person: User, *, siren: str = SIREN, **more: Any) -> SpaceLink:
    """The person accepts the firm's invitation for a (new) dossier of that SIREN."""
    with scope(firm=world.firm):
        dossier = more.pop("dossier", None) or make_dossier("SARL Martin", siren=siren, email=person.email)
        return open_space(
            person=person,
            firm=world.firm,
            dossier=dossier,
            email=person.email,
            **more,
        )


@pytest.fixture
def space(lemoine: World, claire: User) -> UUID:
    """Claire's space: the company's, followed by Lemoine, and closed to others."""
    link = accept(lemoine, claire)
    with scope(space=link.space_id):
        change_declarants(actor=SpaceMember.objects.get(), allowed=False)
    return link.space_id


@pytest.fixture
def closed_firm(lemoine: World) -> World:
    with scope(firm=lemoine.firm):
        change_firms_declarants(actor=lemoine.admin, allowed=False)
    return lemoine


def requests_in(**owner: Any) -> list[ConsentRequest]:
    with scope(**owner):
        return list(ConsentRequest.objects.order_by("id"))


def link_of(world: World, link: SpaceLink) -> SpaceLink:
    with scope(firm=world.firm):
        return SpaceLink.objects.get(pk=link.pk)


def events(**owner: Any) -> list[str]:
    with scope(**owner):
        here = Event.objects.of_scope().filter(type__contains="consent")
        return list(here.order_by("id").values_list("type", flat=True))


def claire_answers(space: UUID, *, agrees: bool) -> None:
    with scope(space=space):
        one = ConsentRequest.objects.waiting().shown().earliest("id")
        answer_consent(actor=SpaceMember.objects.get(), request=one, agrees=agrees)


# --- the switch ---------------------------------------------------------------------------------------------------


def test_closing_and_opening_a_space_is_an_event_that_tells_its_other_people(
    space: UUID, outbox: Outbox
) -> None:
    with scope(space=space):
        marc = make_person("marc@boulangerie.test")
        SpaceMember.objects.create(user=marc, email=marc.email)
        member = SpaceMember.objects.get(first_name="Claire")
        outbox.clear()
        change_declarants(actor=member, allowed=True)
        change_declarants(actor=member, allowed=True)
        event = Event.objects.get(
            type="clients.space.declarants_changed", changes__open_to_declarants=[False, True]
        )
        assert event.actor_name == "Claire Aubry"
        SpaceMember.objects.filter(pk=member.pk).update(profile=SpaceProfile.READER)
        with pytest.raises(PermissionDenied):
            change_declarants(actor=member, allowed=False)
    assert outbox.recipients() == [marc.email]


def test_closing_a_firm_is_for_its_administrators_and_an_event(lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        with pytest.raises(PermissionDenied):
            change_firms_declarants(actor=lemoine.collaborator, allowed=False)
        for _twice in range(2):
            change_firms_declarants(actor=lemoine.admin, allowed=False)
        assert not Firm.objects.get().open_to_declarants
        assert Event.objects.get(type="accounts.firm.changed").changes == {
            "open_to_declarants": [True, False]
        }


def test_the_look_up_tells_keys_of_closed_companies_alone(
    lemoine: World, bertrand: World, claire: User, space: UUID
) -> None:
    assert consent_asked(SIREN) == [{"space_id": space, "firm_id": None}]
    assert consent_asked("") == consent_asked("552100554") == []
    with scope(firm=bertrand.firm):
        change_firms_declarants(actor=bertrand.admin, allowed=False)
    assert consent_asked("552100554") == [{"space_id": None, "firm_id": bertrand.firm.pk}]


@pytest.mark.parametrize(("model", "others"), [(ClientSpace, {}), (Firm, {"slug": "'f' || n"})])
def test_the_look_up_goes_by_an_index_however_many_companies_there_are(db: None, model, others) -> None:
    """As the resolver runs it, among 20,000 companies of which every tenth wants to be asked."""
    body = str(LOOK_UPS["consent_asked"].body).replace("wanted", f"'{SIREN}'::text")
    with psycopg.connect(**connections["owner"].get_connection_params()) as connection:
        _fill(
            connection,
            model,
            {"siren": "lpad(n::text, 9, '0')", "open_to_declarants": "n % 10 > 0", **others},
        )
        connection.execute(f"SET LOCAL ROLE {quoted(settings.RESOLVER_ROLE)}")
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {body}"))
        connection.rollback()
    assert f"Seq Scan on {model._meta.db_table}" not in plan, plan


def _fill(connection: Any, model: type[models.Model], values: dict[str, str]) -> None:
    """20,000 rows of it, number n having these SQL values and nothing else that it need not have."""
    usual = {
        "UUIDField": "gen_random_uuid()",
        "BooleanField": "false",
        "DateTimeField": "now()",
        "PositiveSmallIntegerField": "0",
    }
    columns = {
        str(field.column): "NULL" if field.null else usual.get(field.get_internal_type(), "''")
        for field in model._meta.concrete_fields
    } | values
    names, table = ", ".join(columns), model._meta.db_table
    connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {', '.join(columns.values())} FROM generate_series(1, 20000) AS n"
    )
    connection.execute(f"ANALYZE {table}")


# --- the link waits ------------------------------------------------------------------------------------------------


def test_an_open_company_is_not_asked(bertrand: World, lemoine: World, claire: User, stranger: User) -> None:
    first = accept(lemoine, claire)
    link = accept(bertrand, stranger)
    assert not link.waiting and link.space_id != first.space_id
    assert requests_in(firm=bertrand.firm) == []


def test_a_link_to_a_closed_company_waits_and_gives_the_person_no_place_there(
    bertrand: World, stranger: User, space: UUID, outbox: Outbox
) -> None:
    outbox.clear()
    link = accept(bertrand, stranger)
    assert link.waiting and link.space_id == space
    assert spaces_of(stranger.pk) == []
    (request,) = requests_in(space=space)
    assert (request.firm_name, request.siren, request.asked_space_id) == ("Bertrand Conseil", SIREN, space)
    assert events(space=space) == ["clients.space.consent_asked"]
    assert outbox.recipients() == ["claire@boulangerie.test"]
    with scope(space=space):
        event = Event.objects.get(type="clients.space.consent_asked")
        assert (event.actor_name, event.ip) == ("", None), "nothing of who accepted"


def test_what_waits_is_not_crossed_and_shows_nothing(bertrand: World, stranger: User, space: UUID) -> None:
    link = accept(bertrand, stranger)
    with scope(firm=bertrand.firm):
        side = client_side(link.dossier)
        assert side is not None and side.waits and side.people == []
        with pytest.raises(WrongScope), crossing(link, Purpose.TELL_CLIENT):
            pass
        assert client_states([link.dossier_id]) == {link.dossier_id: "consent"}
        filters = state_filters()
        assert Dossier.objects.filter(filters["consent"].condition()).count() == 1
        assert not Dossier.objects.filter(filters["active"].condition()).exists()


def test_who_speaks_for_the_company_gives_its_consent_by_accepting(
    bertrand: World, claire: User, space: UUID
) -> None:
    """By choosing the company's space, or without: it is theirs."""
    for chosen in (space, None):
        link = accept(bertrand, claire, space_id=chosen)
        assert not link.waiting and link.space_id == space
    assert requests_in(firm=bertrand.firm) == []


def test_a_space_of_another_company_is_no_consent(bertrand: World, stranger: User, space: UUID) -> None:
    theirs = accept(bertrand, stranger, siren="")
    link = accept(bertrand, stranger, space_id=theirs.space_id)
    assert link.waiting and link.space_id == space


def test_who_only_reads_in_the_companys_space_does_not_speak_for_it(
    bertrand: World, claire: User, space: UUID
) -> None:
    with scope(space=space):
        SpaceMember.objects.update(profile=SpaceProfile.READER)
    assert accept(bertrand, claire).waiting


def test_a_client_whose_company_is_a_closed_firm_gets_a_space_and_the_link_waits(
    closed_firm: World, bertrand: World, stranger: User, outbox: Outbox
) -> None:
    outbox.clear()
    link = accept(bertrand, stranger, siren=closed_firm.firm.siren)
    assert link.waiting
    assert [row["space_id"] for row in spaces_of(stranger.pk)] == [link.space_id]
    assert [one.asked_firm_id for one in requests_in(firm=closed_firm.firm)] == [closed_firm.firm.pk]
    assert outbox.recipients() == [closed_firm.admin.email]
    with scope(space=link.space_id):
        assert not Event.objects.filter(type="clients.space.followed").exists()


def test_a_firm_is_not_asked_by_itself(closed_firm: World, stranger: User) -> None:
    assert not accept(closed_firm, stranger, siren=closed_firm.firm.siren).waiting


# --- the answer ----------------------------------------------------------------------------------------------------


def test_consent_makes_the_link_and_both_sides_are_told(
    bertrand: World, stranger: User, space: UUID, outbox: Outbox
) -> None:
    link = accept(bertrand, stranger)
    outbox.clear()
    claire_answers(space, agrees=True)
    made = link_of(bertrand, link)
    assert made.is_active and made.since > link.since
    assert requests_in(space=space)[0].state == ConsentState.GIVEN
    assert events(firm=bertrand.firm) == ["clients.dossier.consent_given"]
    assert outbox.recipients() == [bertrand.admin.email]
    with scope(firm=bertrand.firm):
        event = Event.objects.get(type="clients.dossier.consent_given")
        assert (event.actor_name, event.ip) == ("", None), "who answered stays in the company"
    with scope(space=space):
        assert Event.objects.filter(type="clients.space.followed").count() == 2


def test_a_refusal_ends_the_link_and_says_nothing_of_who_refused(
    bertrand: World, stranger: User, space: UUID, outbox: Outbox
) -> None:
    link = accept(bertrand, stranger)
    outbox.clear()
    claire_answers(space, agrees=False)
    assert link_of(bertrand, link).until is not None
    assert events(firm=bertrand.firm) == ["clients.dossier.consent_refused"]
    assert events(space=space)[1:] == ["clients.space.consent_refused"]
    assert outbox.recipients() == [bertrand.admin.email]
    assert "Claire" not in str(outbox.to(bertrand.admin.email).body)


def test_the_firm_sees_which_clients_did_not_consent(bertrand: World, stranger: User, space: UUID) -> None:
    with scope(firm=bertrand.firm):
        dossier = make_dossier(siren=SIREN, email=stranger.email)
        invitation = invite_client(actor=bertrand.admin, dossier=dossier)
        Invitation.objects.update(state=InvitationState.ACCEPTED)
    accept(bertrand, stranger, dossier=dossier)
    claire_answers(space, agrees=False)
    with scope(firm=bertrand.firm):
        assert client_states([dossier.pk]) == {dossier.pk: "no_consent"}
        assert invite_client(actor=bertrand.admin, dossier=dossier) != invitation, "and may invite anew"


def test_a_firm_answers_as_a_company(closed_firm: World, bertrand: World, stranger: User) -> None:
    link = accept(bertrand, stranger, siren=closed_firm.firm.siren)
    with scope(firm=closed_firm.firm):
        one = ConsentRequest.objects.get()
        with pytest.raises(PermissionDenied):
            answer_consent(actor=closed_firm.collaborator, request=one, agrees=True)
        answer_consent(actor=closed_firm.admin, request=one, agrees=True)
    assert link_of(bertrand, link).is_active
    assert events(firm=closed_firm.firm)[1:] == ["clients.firm.consent_given"]
    with scope(space=link.space_id):
        assert Event.objects.get().type == "clients.space.follow_agreed"


def test_of_two_answers_the_first_one_counts(bertrand: World, stranger: User, space: UUID) -> None:
    accept(bertrand, stranger)
    (one,) = requests_in(space=space)
    claire_answers(space, agrees=True)
    with scope(space=space), pytest.raises(AnsweredMeanwhile):
        answer_consent(actor=SpaceMember.objects.get(), request=one, agrees=False)


def test_who_is_not_asked_answers_nothing(
    bertrand: World, stranger: User, space: UUID, lemoine: World
) -> None:
    link = accept(bertrand, stranger)
    (one,) = requests_in(space=space)
    with scope(firm=bertrand.firm), pytest.raises(AnsweredMeanwhile):
        answer_consent(actor=bertrand.admin, request=one, agrees=True)
    with scope(firm=lemoine.firm):
        assert not ConsentRequest.objects.exists()
        with pytest.raises(WrongScope), crossing(one, Purpose.ANSWER_CONSENT):
            pass
    assert link_of(bertrand, link).waiting


# --- how often a company is asked -----------------------------------------------------------------------------------


def test_one_request_of_a_firm_stands_for_all_of_its_dossiers(
    bertrand: World, stranger: User, space: UUID, outbox: Outbox
) -> None:
    links = [accept(bertrand, stranger) for _establishment in range(2)]
    assert outbox.recipients().count("claire@boulangerie.test") == 1
    with scope(space=space):
        assert len(of_space(SpaceMember.objects.get(), ClientSpace.objects.get()).asking) == 1
    claire_answers(space, agrees=True)
    assert all(link_of(bertrand, link).is_active for link in links)


def test_after_a_refusal_the_same_firm_is_not_heard_for_90_days_and_nothing_is_lost(
    bertrand: World, stranger: User, space: UUID, outbox: Outbox
) -> None:
    accept(bertrand, stranger)
    claire_answers(space, agrees=False)
    outbox.clear()
    again = accept(bertrand, stranger)
    assert again.waiting, "to the firm and to the person it looks as the first time"
    assert outbox.recipients() == []
    with scope(space=space):
        member, here = SpaceMember.objects.get(), ClientSpace.objects.get()
        assert of_space(member, here).asking == []
        ConsentRequest.objects.filter(state=ConsentState.WAITING).update(
            requested_at=timezone.now() - timedelta(seconds=1)
        )
        assert [one.firm_name for one in of_space(member, here).asking] == ["Bertrand Conseil"]
    with scope(firm=bertrand.firm):
        refused = ConsentRequest.objects.get(state=ConsentState.REFUSED)
        refused.answered_at = timezone.now() - ASKED_AGAIN_AFTER
        refused.save()
    accept(bertrand, stranger)
    with scope(space=space):
        assert ConsentRequest.objects.waiting().shown().count() == 2


def test_ten_firms_a_day_mail_the_company_and_the_others_stand_in_the_list(
    stranger: User, space: UUID, outbox: Outbox
) -> None:
    outbox.clear()
    for number in range(MAILS_A_DAY + 2):
        accept(make_firm(f"Cabinet {number}", "732829320"), stranger)
    with scope(space=space):
        assert Notification.objects.filter(event__type="clients.space.consent_asked").count() == MAILS_A_DAY
        asking = of_space(SpaceMember.objects.get(), ClientSpace.objects.get()).asking
    assert len(asking) == MAILS_A_DAY + 2


# --- what else happens to a link that waits -------------------------------------------------------------------------


def test_inviting_somebody_who_speaks_for_the_company_makes_the_link(
    bertrand: World, claire: User, stranger: User, space: UUID
) -> None:
    waiting = accept(bertrand, stranger)
    with scope(firm=bertrand.firm):
        dossier = Dossier.objects.get()
        invite_client(actor=bertrand.admin, dossier=dossier, email=claire.email)
        assert invite_clients(actor=bertrand.admin, dossiers=Dossier.objects.all()).skipped == {
            Skip.CONSENT: [dossier]
        }
    made = accept(bertrand, claire, dossier=dossier)
    assert made.is_active
    assert link_of(bertrand, waiting).until is not None
    assert [one.state for one in requests_in(space=space)] == [ConsentState.DROPPED]
    with pytest.raises(AlreadyFollowed):
        accept(bertrand, stranger, dossier=dossier)


def test_accepting_again_asks_no_second_time(
    bertrand: World, stranger: User, space: UUID, outbox: Outbox
) -> None:
    first = accept(bertrand, stranger)
    outbox.clear()
    with scope(firm=bertrand.firm):
        dossier = Dossier.objects.get()
    second = accept(bertrand, stranger, dossier=dossier)
    assert second.waiting and link_of(bertrand, first).until is not None
    assert outbox.recipients() == []
    assert [one.state for one in requests_in(space=space)] == [ConsentState.DROPPED, ConsentState.WAITING]
    assert requests_in(space=space)[1].requested_at == requests_in(space=space)[0].requested_at


def test_a_corrected_siren_leads_on_as_usual(bertrand: World, stranger: User, space: UUID) -> None:
    accept(bertrand, stranger)
    with scope(firm=bertrand.firm):
        Dossier.objects.update(siren="552100554")
        dossier = Dossier.objects.get()
    link = accept(bertrand, stranger, dossier=dossier)
    assert link.is_active and link.space_id != space
    with scope(space=space):
        assert not ConsentRequest.objects.waiting().exists()


def test_the_company_sees_the_firms_new_contacts(bertrand: World, stranger: User, space: UUID) -> None:
    accept(bertrand, stranger)
    with scope(firm=bertrand.firm):
        bertrand.firm.phone = "04 72 00 00 00"
        update_contacts(bertrand.firm)
    assert [one.firm_phone for one in requests_in(space=space)] == ["04 72 00 00 00"]


def test_a_firms_page_lists_who_asks_and_what_was_answered(
    closed_firm: World, bertrand: World, stranger: User
) -> None:
    accept(bertrand, stranger, siren=closed_firm.firm.siren)
    with scope(firm=closed_firm.firm):
        shown = of_firm(closed_firm.admin)
        assert (shown.allowed, [one.firm_name for one in shown.asking]) == (False, ["Bertrand Conseil"])
        answer_consent(actor=closed_firm.admin, request=ConsentRequest.objects.get(), agrees=False)
        shown = of_firm(closed_firm.admin)
        assert shown.asking == []
        assert [(one.firm_name, one.state, one.by) for one in shown.answered] == [
            ("Bertrand Conseil", "refused", closed_firm.admin.name)
        ]
