"""A person is made unknown: what they did stays, and stays proven; who they were is gone from everywhere."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.actions.members import terminate_member
from accounts.actions.people import change_profile
from accounts.models import Membership, User
from activity import erasing, names
from activity.erasing import Person, erase_from_journals
from activity.models import Event, OutgoingEmail, Redaction, Seal
from activity.sealing import seal_due
from activity.searching import Asked, Search
from activity.verifying import Owner, verify
from clients.actions.dossiers import update_dossier
from invitations.actions.inviting import invite_client
from invitations.models import Invitation
from portfolios.actions import create_portfolio, grant_portfolio, withdraw_portfolio
from tenancy.scopes import scope
from tests.database import as_owner
from tests.worlds import World, make_dossier

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

NAME = "Chloé Martin"


@pytest.fixture
def gone(lemoine: World) -> World:
    """Chloé worked here, others gave her access, and her place has ended."""
    with scope(firm=lemoine.firm):
        portfolio = create_portfolio(actor=lemoine.admin, name="Sarah")
        grant_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
        terminate_member(actor=lemoine.admin, member=lemoine.collaborator)
        Event.objects.create(
            **Event.ownership(),
            type="portfolios.portfolio.renamed",
            actor=lemoine.collaborator.user,
            actor_name=NAME,
            ip="192.0.2.7",
            subject_name="Sarah",
            changes={"name": ["Sarah", "Sarah 2"]},
            details={"count": 1.50},
        )
    seal_due()
    return lemoine


def everything(world: World) -> str:
    """All that the journal holds, as text."""
    with scope(firm=world.firm):
        return json.dumps(list(Event.objects.order_by("id").values()), default=str, ensure_ascii=False)


def erase(world: World) -> int:
    person = world.collaborator.user
    assert person is not None
    names = frozenset({NAME, person.email})
    return erase_from_journals(Person(person.pk, frozenset({person.pk, world.collaborator.pk}), names))


def test_what_they_were_called_before_is_gone_too_where_others_are_told_of(lemoine: World) -> None:
    """Others' events name them by the name of that day; their own tell which names these were."""
    person = lemoine.collaborator.user
    assert person is not None
    with scope(firm=lemoine.firm):
        portfolio = create_portfolio(actor=lemoine.admin, name="Sarah")
        grant_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
        dossier = make_dossier("Garage", portfolio=portfolio)
        update_dossier(actor=lemoine.collaborator, dossier=dossier, values={"city": "Lyon"})
        withdraw_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
    assert NAME in everything(lemoine)
    change_profile(person=person, first_name="Clara", last_name="Aubry", language="fr")
    seal_due()
    erase_from_journals(
        Person(
            person.pk,
            frozenset({person.pk, lemoine.collaborator.pk}),
            frozenset({"Clara Aubry", person.email}),
        )
    )
    assert NAME not in everything(lemoine)
    with scope(firm=lemoine.firm):
        assert Search(Asked(text="chloé")).keys(50) == []
    assert verify(Owner(firm=lemoine.firm.pk)).is_intact


def test_the_name_is_gone_the_event_stays_and_the_chain_holds(gone: World) -> None:
    before = everything(gone)
    assert NAME in before and "192.0.2.7" in before
    with scope(firm=gone.firm):
        count = Event.objects.count()
    assert erase(gone) > 0
    after = everything(gone)
    assert NAME not in after and gone.collaborator.email not in after and "192.0.2.7" not in after
    with scope(firm=gone.firm):
        assert Event.objects.count() == count + 1  # the one that tells of it
        event = Event.objects.get(type="portfolios.portfolio.renamed")
        assert event.actor_name.startswith("Personne effacée ")
        assert event.changes == {"name": ["Sarah", "Sarah 2"]}
        assert event.actor_id == gone.collaborator.user_id
    report = verify(Owner(firm=gone.firm.pk))
    assert report.is_intact, report.faults
    assert report.redacted > 0


def test_nothing_is_sealed_while_names_give_way(gone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sealer that noted the name at that moment would leave it to be found by."""
    sealed: list[int] = []
    replace = names.replace

    def sealed_meanwhile(*given: Any) -> None:
        def by_another() -> int:
            try:
                return seal_due()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as other:
            sealed.append(other.submit(by_another).result())
        replace(*given)

    with scope(firm=gone.firm):
        Event.objects.create(**Event.ownership(), type="portfolios.portfolio.renamed", actor_name=NAME)
    monkeypatch.setattr(erasing, "seal_journal", lambda *owner: 0)
    monkeypatch.setattr(names, "replace", sealed_meanwhile)
    erase(gone)
    assert sealed == [0]
    assert seal_due() > 0


def test_no_salt_is_left_by_which_the_name_could_be_tried(gone: World) -> None:
    erase(gone)
    with scope(firm=gone.firm):
        event = Event.objects.get(type="portfolios.portfolio.renamed")
        seal = Seal.objects.get(event=event.pk)
        assert seal.who_salt is None
        assert seal.what_salt is not None and seal.frame_salt is not None


def test_others_keep_their_names(gone: World) -> None:
    erase(gone)
    with scope(firm=gone.firm):
        assert Event.objects.filter(actor_name="Alice Martin").exists()


def test_done_again_it_finds_nothing(gone: World) -> None:
    erase(gone)
    assert erase(gone) == 0


def test_a_second_person_in_the_same_events_leaves_both_proven(gone: World) -> None:
    erase(gone)
    person = gone.admin.user
    assert person is not None
    erase_from_journals(Person(person.pk, frozenset({person.pk, gone.admin.pk}), frozenset({"Alice Martin"})))
    assert "Alice Martin" not in everything(gone)
    assert verify(Owner(firm=gone.firm.pk)).is_intact


@pytest.mark.parametrize(
    ("statement", "faults"),
    [
        (
            "UPDATE activity_event SET actor_name = 'Autre' WHERE actor_name LIKE 'Personne effacée%%'",
            {"changed"},
        ),
        ("UPDATE activity_redaction SET digest = sha256(digest)", {"changed", "erasure"}),
        ("DELETE FROM activity_redaction", {"unproven"}),
        (
            "INSERT INTO activity_redaction SELECT gen_random_uuid(), owner, erasure, number + 1, part, salt, digest"
            " FROM activity_redaction ORDER BY number DESC LIMIT 1",
            {"erasure"},
        ),
    ],
)
def test_what_is_altered_afterwards_is_found(gone: World, statement: str, faults: set[str]) -> None:
    erase(gone)
    with as_owner() as owner:
        owner.execute(statement.replace("%%", "%"))
    assert {fault.kind for fault in verify(Owner(firm=gone.firm.pk)).faults} == faults


def test_an_erasure_that_nobody_recorded_is_a_fault(gone: World) -> None:
    erase(gone)
    with as_owner() as owner:
        owner.execute("DELETE FROM activity_event WHERE type = 'activity.person.erased'")
    assert {fault.kind for fault in verify(Owner(firm=gone.firm.pk)).faults} >= {"erasure"}


def test_the_application_itself_can_write_no_redaction_over_an_event(gone: World) -> None:
    with scope(firm=gone.firm):
        assert not Redaction.objects.exists()
        assert not Event.objects.filter(type="activity.person.erased").exists()


# --- the command ---------------------------------------------------------------------------------------------------


def test_whoever_has_a_place_is_not_erased(lemoine: World) -> None:
    with pytest.raises(CommandError, match="membre"):
        call_command("erase_person", lemoine.collaborator.email, "--yes")
    assert User.objects.filter(email=lemoine.collaborator.email).exists()


def test_without_yes_it_only_says_who_it_would_be(gone: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("erase_person", gone.collaborator.email)
    assert NAME in capsys.readouterr().out
    assert User.objects.filter(email=gone.collaborator.email).exists()


def test_the_account_and_the_former_places_are_unknown_too(gone: World, outbox) -> None:
    outbox.flush()
    address = gone.collaborator.email
    call_command("erase_person", address.upper(), "--yes")
    assert not User.objects.filter(email=address).exists()
    assert gone.collaborator.user_id is not None
    person = User.objects.get(pk=gone.collaborator.user_id)
    assert not person.is_active and not person.has_usable_password()
    with scope(firm=gone.firm):
        place = Membership.objects.get(pk=gone.collaborator.pk)
        assert place.name == person.name and place.name.startswith("Personne effacée ")
        assert not OutgoingEmail.objects.filter(to=address).exists()
    assert NAME not in everything(gone)
    assert verify(Owner(firm=gone.firm.pk)).is_intact


def test_who_was_invited_is_unknown_in_the_invitations_too(gone: World, browse) -> None:
    address = gone.collaborator.email
    with scope(firm=gone.firm):
        asked = invite_client(actor=gone.admin, dossier=make_dossier(), email=address)
        Invitation.objects.filter(pk=asked.pk).update(name=NAME)
        refused = Invitation.objects.create(
            kind="client",
            state="refused",
            dossier=make_dossier("Autre"),
            email=address,
            failure=f"no {address}",
        )
        other = invite_client(actor=gone.admin, dossier=make_dossier("Tiers"), email="tiers@exemple.test")
    call_command("erase_person", address, "--yes")
    with scope(firm=gone.firm):
        rows = {one.pk: one for one in Invitation.objects.all()}
        assert not [one for one in rows.values() if address in (one.email, one.failure) or NAME in one.name]
        assert rows[asked.pk].state == "revoked" and rows[asked.pk].email.endswith("@efface.invalid")
        assert rows[refused.pk].state == "refused" and rows[refused.pk].failure == ""
        assert rows[other.pk].email == "tiers@exemple.test" and rows[other.pk].state == "sent"
        found = [key for lot in Search(Asked(text="Chloé Martin")).lots(50) for key in lot]
        assert found == [], "no search finds the name any more"
        pseudonym = Membership.objects.get(pk=gone.collaborator.pk).name
        assert Search(Asked(text=pseudonym)).keys(50)
    html = browse(gone.admin).get(gone.firm.url("clients:journal")).content.decode()
    assert pseudonym in html and NAME not in html
    assert verify(Owner(firm=gone.firm.pk)).is_intact


def test_an_address_of_nobody_is_said_to_be_none(lemoine: World) -> None:
    with pytest.raises(CommandError, match="adresse"):
        call_command("erase_person", "personne@nulle-part.test", "--yes")
