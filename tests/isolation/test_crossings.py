"""Each purpose for which the wall may be crossed, done by its own action: what the other side then shows, and to whom.

Between two firms there is a single tie, a request for consent, and only while it waits.
"""

from io import BytesIO
from uuid import UUID

import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone

from accounts.actions.declarants import change_declarants as change_firms_declarants
from accounts.models import Firm, User
from accounts.permissions import ObjectRole, give, pairs_of
from activity.models import Event
from clients.actions.accesses import note_access
from clients.actions.consent import answer_consent, change_declarants
from clients.actions.files import Handed, drop_for_client, drop_for_firm
from clients.actions.locking import keep_details
from clients.actions.space import edit_space_details, open_space, tell_client
from clients.actions.support import SupportDuration, authorise_support, end_support
from clients.files.recognising import FileKind
from clients.locks import kept_details
from clients.models import (
    AccessRecord,
    Assignment,
    ClientSpace,
    ConsentRequest,
    Dossier,
    FileCategory,
    SpaceLink,
    SpaceMember,
)
from clients.people import client_side, support_people
from clients.watchers import watchers_of
from invitations.actions.following import asked
from invitations.models import Invitation
from tenancy import scopes
from tenancy.scopes import Purpose, WrongScope, crossing, scope
from tests.invitations.asked import agree, ask, followed_by, make_client, receive
from tests.worlds import World, make_dossier, make_firm, make_person

SIREN = "443061841"


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire")


def accept(world: World, person: User, siren: str = SIREN) -> SpaceLink:
    with scope(firm=world.firm):
        dossier = make_dossier(siren=siren)
        return open_space(person=person, firm=world.firm, dossier=dossier, email=person.email)


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    return accept(lemoine, claire)


@pytest.fixture
def request_of_bertrand(lemoine: World, bertrand: World, claire: User) -> ConsentRequest:
    """Bertrand's client bears the SIREN of the firm Lemoine, which wants to be asked."""
    with scope(firm=lemoine.firm):
        change_firms_declarants(actor=lemoine.admin, allowed=False)
    accept(bertrand, claire, lemoine.firm.siren)
    with scope(firm=bertrand.firm):
        return ConsentRequest.objects.get()


def events_of(space: UUID) -> set[str]:
    with scope(space=space):
        return set(Event.objects.of_scope().values_list("type", flat=True))


def firms_events(world: World) -> set[str]:
    with scope(firm=world.firm):
        return set(Event.objects.of_scope().values_list("type", flat=True))


def test_accept_invitation_and_show_people(lemoine: World, link: SpaceLink) -> None:
    with scope(firm=lemoine.firm):
        side = client_side(Dossier.objects.get())
        assert side is not None and [person.name for person in side.people] == ["Claire"]
        with pytest.raises(ProgrammingError, match="no space in scope"), transaction.atomic():
            list(SpaceMember.objects.all())


def test_client_edit_and_tell_client(lemoine: World, link: SpaceLink) -> None:
    with scope(space=link.space_id):
        member = SpaceMember.objects.select_related("space").get()
        edit_space_details(actor=member, space=member.space, values={"phone": "01 02 03 04 05"})
    assert "clients.dossier.changed_by_client" in firms_events(lemoine)
    with scope(firm=lemoine.firm):
        tell_client(actor=lemoine.admin, dossier=Dossier.objects.get(), changes={"city": ("", "Lyon")})
    assert "clients.space.firm_changed_details" in events_of(link.space_id)


def test_give_support_show_support_and_end_support(lemoine: World, link: SpaceLink) -> None:
    with scope(space=link.space_id):
        given = authorise_support(actor=SpaceMember.objects.get(), link=link, duration=SupportDuration.DAY)
    assert "clients.dossier.support_authorised" in firms_events(lemoine)
    with scope(firm=lemoine.firm):
        pairs = pairs_of([Dossier.objects.get()], [lemoine.colleague])
        give(Assignment, pairs, role=ObjectRole.SUPPORT, by=None, until=given.until)
    with scope(space=link.space_id):
        assert support_people(given) == [lemoine.colleague.name]
        with pytest.raises(ProgrammingError, match="no firm in scope"), transaction.atomic():
            list(Assignment.objects.all())
    with scope(firm=lemoine.firm):
        end_support(dossiers=Dossier.objects.all())
    assert "clients.space.support_ended" in events_of(link.space_id)


def test_show_kept(lemoine: World, link: SpaceLink) -> None:
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get()
        keep_details(actor=lemoine.admin, dossier=dossier, fields=["city"], reason="")
        Dossier.objects.update(city="Lyon", phone="04 72 00 00 00")
    with scope(space=link.space_id):
        space = ClientSpace.objects.get()
        assert {name: one.theirs for name, one in kept_details(space).items()} == {"city": "Lyon"}
        with pytest.raises(ProgrammingError, match="no firm in scope"), transaction.atomic():
            list(Dossier.objects.all())
        SpaceLink.objects.update(until=timezone.now())
        assert kept_details(space) == {}


def test_show_who(lemoine: World, link: SpaceLink) -> None:
    with scope(firm=lemoine.firm):
        note_access(lemoine.admin, Dossier.objects.get())
    with scope(space=link.space_id):
        (alice,) = watchers_of(link)
        assert alice.name == lemoine.admin.name and alice.opened_at is not None
        with pytest.raises(ProgrammingError, match="no firm in scope"), transaction.atomic():
            list(AccessRecord.objects.all())
        SpaceLink.objects.update(until=timezone.now())
        with pytest.raises(WrongScope):
            watchers_of(SpaceLink.objects.get())


def test_exchange_files(lemoine: World, link: SpaceLink) -> None:
    about = FileCategory.GENERAL
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get()
        drop_for_client(actor=lemoine.admin, dossier=dossier, handed=[a_file()], category=about)
    assert "clients.space.file_received" in events_of(link.space_id)
    with scope(space=link.space_id):
        member = SpaceMember.objects.get()
        drop_for_firm(actor=member, link=link, handed=[a_file()], category=about)
    assert "clients.dossier.file_received" in firms_events(lemoine)


def a_file() -> Handed:
    return Handed("bilan.pdf", FileKind.PDF, 5, BytesIO(b"%PDF-"))


def test_ask_consent_and_answer_consent_of_a_space(bertrand: World, link: SpaceLink, claire: User) -> None:
    with scope(space=link.space_id):
        change_declarants(actor=SpaceMember.objects.get(), allowed=False)
    accept(bertrand, make_person("ivan@ailleurs.test"))
    assert "clients.space.consent_asked" in events_of(link.space_id)
    with scope(space=link.space_id):
        answer_consent(actor=SpaceMember.objects.get(), request=ConsentRequest.objects.get(), agrees=True)
    assert "clients.dossier.consent_given" in firms_events(bertrand)


def test_a_request_that_waits_ties_two_firms_for_its_purposes(
    lemoine: World, bertrand: World, request_of_bertrand: ConsentRequest
) -> None:
    with scope(firm=bertrand.firm), crossing(request_of_bertrand, Purpose.ASK_CONSENT) as there:
        assert there.firm_id == lemoine.firm.pk
        assert list(Firm.objects.all()) == [lemoine.firm]
        with crossing(request_of_bertrand, Purpose.ANSWER_CONSENT):
            assert scopes.firm_id() == bertrand.firm.pk
        assert scopes.firm_id() == lemoine.firm.pk


def test_an_answered_request_ties_nobody(
    lemoine: World, bertrand: World, request_of_bertrand: ConsentRequest
) -> None:
    with scope(firm=lemoine.firm):
        answer_consent(actor=lemoine.admin, request=request_of_bertrand, agrees=True)
        answered = ConsentRequest.objects.get()
        with pytest.raises(WrongScope), crossing(answered, Purpose.ANSWER_CONSENT):
            pass


def test_show_request_and_answer_request(lemoine: World, bertrand: World) -> None:
    client = make_client()
    invitation = receive(ask(client), lemoine.admin)
    with scope(firm=lemoine.firm):
        received = Invitation.objects.get()
        assert asked(received).details["legal_name"] == "Boulangerie Martin"
        with pytest.raises(ProgrammingError, match="no space in scope"), transaction.atomic():
            list(ClientSpace.objects.all())
    with scope(firm=bertrand.firm), pytest.raises(WrongScope), crossing(received, Purpose.SHOW_REQUEST):
        pass
    link = agree(invitation, lemoine.admin)
    assert "clients.space.firm_agreed" in events_of(client.space.pk)
    with scope(firm=lemoine.firm):
        answered = Invitation.objects.get()
        with pytest.raises(WrongScope), crossing(answered, Purpose.ANSWER_REQUEST):
            pass
    assert link.is_active


def test_an_invitation_that_no_firm_has_received_ties_nobody(lemoine: World) -> None:
    client = make_client()
    invitation = ask(client)
    with (
        scope(space=client.space.pk),
        pytest.raises(WrongScope),
        crossing(invitation, Purpose.ANSWER_REQUEST),
    ):
        pass


def test_end_following(lemoine: World, bertrand: World) -> None:
    client = make_client()
    link = followed_by(client, lemoine.admin)
    followed_by(client, bertrand.admin, email="nouveau@cabinet.test", instead=True)
    assert "clients.dossier.client_left" in firms_events(lemoine)
    with scope(firm=lemoine.firm):
        ended = SpaceLink.objects.get()
        assert ended.pk == link.pk and not ended.is_active
        with pytest.raises(WrongScope), crossing(ended, Purpose.END_FOLLOWING):
            pass
    with scope(firm=bertrand.firm):
        assert not SpaceLink.objects.filter(pk=link.pk).exists()


def test_a_link_that_waits_is_crossed_by_nobody(
    lemoine: World, bertrand: World, request_of_bertrand: ConsentRequest
) -> None:
    with scope(firm=bertrand.firm):
        link = SpaceLink.objects.get()
        for purpose in Purpose:
            with pytest.raises(WrongScope), crossing(link, purpose):
                pass


def test_a_third_firm_sees_no_request_and_is_on_no_side_of_it(
    link: SpaceLink, request_of_bertrand: ConsentRequest, db: None
) -> None:
    third = make_firm("Cabinet Roussel", "732829320")
    with scope(firm=third.firm):
        assert not ConsentRequest.objects.exists()
        with pytest.raises(WrongScope), crossing(request_of_bertrand, Purpose.ANSWER_CONSENT):
            pass
    with scope(space=link.space_id):
        assert not ConsentRequest.objects.exists()
        assert ClientSpace.objects.count() == 1
