"""Mails to a client's people: between what happens and its mail, somebody may get another profile, or leave."""

from collections.abc import Callable
from io import BytesIO

import pytest

from activity.composing import compose_due
from activity.mails import REGISTRY
from activity.models import OutgoingEmail
from clients.actions.dossiers import update_dossier
from clients.actions.files import Handed, drop_for_client
from clients.actions.following import end_following
from clients.actions.people import change_person_profile, end_person
from clients.actions.space import edit_space_details, tell_clients
from clients.files.recognising import FileKind
from clients.models import Dossier, FileCategory, LinkRight, SpaceLink, SpaceMember, SpaceProfile
from invitations.actions.asking import invite_firm
from tenancy import scopes
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.invitations.asked import followed_by, make_client
from tests.outbox import Outbox
from tests.worlds import World, make_person

MARC = "marc@boulangerie.test"


@pytest.fixture
def claire(db: None) -> SpaceMember:
    """The manager."""
    return make_client()


@pytest.fixture
def marc(claire: SpaceMember) -> SpaceMember:
    """A second manager of the same client."""
    return joined(claire, MARC)


def joined(claire: SpaceMember, address: str) -> SpaceMember:
    with scope(space=claire.space_id):
        return SpaceMember.objects.create(
            user=make_person(address), email=address, profile=SpaceProfile.MANAGER, space=claire.space
        )


def as_(profile: SpaceProfile) -> Callable[[SpaceMember, SpaceMember], None]:
    def change(claire: SpaceMember, marc: SpaceMember) -> None:
        with scope(space=claire.space_id):
            change_person_profile(actor=claire, member=marc, profile=profile)

    change.__name__ = profile.value
    return change


def gone(claire: SpaceMember, marc: SpaceMember) -> None:
    with scope(space=claire.space_id):
        end_person(actor=claire, member=marc)


def subjects_to(outbox: Outbox, address: str) -> list[str]:
    return [str(mail.body) for mail in outbox.mails() if address in str(mail.to)]


def dropped(world: World, link: SpaceLink, category: FileCategory) -> None:
    with scope(firm=world.firm):
        handed = [Handed("bilan-secret.pdf", FileKind.PDF, 5, BytesIO(b"%PDF-"))]
        dossier = Dossier.objects.get(pk=link.dossier_id)
        drop_for_client(actor=world.admin, dossier=dossier, handed=handed, category=category)


@pytest.mark.parametrize(
    ("category", "then", "is_told"),
    [
        (FileCategory.GENERAL, as_(SpaceProfile.FULL), True),
        (FileCategory.GENERAL, as_(SpaceProfile.READER), True),
        (FileCategory.GENERAL, as_(SpaceProfile.BILLING), False),
        (FileCategory.BILLING, as_(SpaceProfile.BILLING), True),
        (FileCategory.GENERAL, gone, False),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("when", ["before composing", "before sending"])
def test_a_file_is_told_to_those_alone_who_may_see_it_as_the_mail_is_made(
    claire: SpaceMember,
    marc: SpaceMember,
    lemoine: World,
    outbox: Outbox,
    category: FileCategory,
    then: Callable[[SpaceMember, SpaceMember], None],
    is_told: bool,
    when: str,
) -> None:
    link = followed_by(claire, lemoine.admin)
    outbox.clear()
    dropped(lemoine, link, category)
    if when == "before sending":
        composed()
    then(claire, marc)
    told = [text for text in subjects_to(outbox, MARC) if "bilan-secret" in text]
    assert bool(told) == is_told
    assert subjects_to(outbox, claire.email), "who may still is told all the same"


def composed() -> None:
    with scopes._standing_in(scopes.NOWHERE, "default"):
        assert compose_due()


def test_of_what_becomes_of_their_own_place_everybody_is_told(
    claire: SpaceMember, marc: SpaceMember, outbox: Outbox
) -> None:
    as_(SpaceProfile.BILLING)(claire, marc)
    gone(claire, marc)
    told = " ".join(subjects_to(outbox, MARC))
    assert "profil" in told
    assert "a mis fin" in told


def test_who_manages_people_no_more_is_told_of_no_invitation(
    claire: SpaceMember, marc: SpaceMember, outbox: Outbox
) -> None:
    with scope(space=claire.space_id):
        invite_firm(actor=claire, email="cabinet@ailleurs.test", right=LinkRight.READ)
    as_(SpaceProfile.FULL)(claire, marc)
    assert not any("cabinet@ailleurs.test" in text for text in subjects_to(outbox, MARC))


def test_the_details_are_told_to_everybody_who_is_still_there(
    claire: SpaceMember, marc: SpaceMember, outbox: Outbox
) -> None:
    with scope(space=claire.space_id):
        edit_space_details(actor=claire, space=claire.space, values={"city": "Nantes"})
    as_(SpaceProfile.BILLING)(claire, marc)
    assert any("Nantes" in text for text in subjects_to(outbox, MARC))


# --- the one mail about several clients of a firm


@pytest.fixture
def several(claire: SpaceMember, lemoine: World, outbox: Outbox) -> list[SpaceLink]:
    """The firm follows two clients, of both of whom Marc is; it has just changed the details of both together."""
    other = make_client("anne@garage.test", "Garage Petit")
    links = [followed_by(claire, lemoine.admin), followed_by(other, lemoine.admin, email="b@cabinet.test")]
    person = make_person(MARC)
    for client in (claire, other):
        with scope(space=client.space_id):
            SpaceMember.objects.create(
                user=person, email=MARC, profile=SpaceProfile.READER, space=client.space
            )
    outbox.clear()
    group = uuid7()
    with scope(firm=lemoine.firm):
        changed = []
        for link in links:
            dossier = Dossier.objects.get(pk=link.dossier_id)
            update_dossier(actor=lemoine.admin, dossier=dossier, values={"city": "Nantes"})
            changed.append((dossier, {"city": ("", "Nantes")}))
        tell_clients(actor=lemoine.admin, changes=changed, group=group)
    return links


def together() -> OutgoingEmail:
    return OutgoingEmail.objects.get(kind="clients.details_changed")


def leaves(link: SpaceLink) -> None:
    with scope(space=link.space_id):
        marc = SpaceMember.objects.get(email=MARC)
        end_person(actor=marc, member=marc)


def ends(link: SpaceLink) -> None:
    with scope(space=link.space_id):
        manager = SpaceMember.objects.select_related("space").get(profile=SpaceProfile.MANAGER)
        end_following(actor=manager, link=link)


def told_together(outbox: Outbox) -> list[str]:
    texts = subjects_to(outbox, MARC)
    return [name for name in ("Boulangerie Martin", "Garage Petit") if any(name in text for text in texts)]


def test_it_names_all_of_them(several: list[SpaceLink], outbox: Outbox) -> None:
    assert told_together(outbox) == ["Boulangerie Martin", "Garage Petit"]


@pytest.mark.parametrize("changes", [leaves, ends], ids=lambda one: one.__name__)
def test_it_names_those_alone_in_whose_space_the_person_still_is_and_which_the_firm_follows(
    several: list[SpaceLink], lemoine: World, outbox: Outbox, changes: Callable[[SpaceLink], None]
) -> None:
    with scope(firm=lemoine.firm):
        mail = together()
    changes(several[0])
    with scope(firm=lemoine.firm):
        built = REGISTRY[mail.kind].build(mail)
        assert ("Boulangerie Martin" in built.text, "Garage Petit" in built.text) == (False, True)
    changes(several[1])
    outbox.flush()
    with scope(firm=lemoine.firm):
        assert together().state == "dropped"
