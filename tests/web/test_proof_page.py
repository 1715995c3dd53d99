"""The page of the journal's proof: what an administrator does there, and what they are told."""

import pytest
from django.core import mail

from accounts.models import CheckState, JournalCheck
from accounts.tasks import check_journal, give_heads, resume_journal_checks
from activity import heads
from activity.models import Event
from activity.sealing import seal_due
from portfolios.actions import create_portfolio
from tenancy.scopes import scope
from tests.database import as_owner
from tests.outbox import Outbox
from tests.worlds import World

pytestmark = pytest.mark.django_db(transaction=True)


def page(browse, world: World, name: str = "accounts:proof", **kwargs) -> str:
    response = browse(world.admin).get(world.firm.url(name, **kwargs))
    assert response.status_code == 200
    return str(response.content.decode()).replace("\xa0", " ").replace(" ", " ")


@pytest.fixture
def written(lemoine: World) -> World:
    with scope(firm=lemoine.firm):
        create_portfolio(actor=lemoine.admin, name="Sarah")
    seal_due()
    return lemoine


def verified(browse, world: World, given: str = "") -> str:
    """By the button, and by the worker; returns the page of the result."""
    response = browse(world.admin).post(world.firm.url("accounts:verify_journal"), {"given": given})
    assert response.status_code == 302
    with scope(firm=world.firm):
        check = JournalCheck.objects.first()
    assert check is not None and response.url.endswith(f"/{check.pk}/")
    check_journal(str(world.firm.pk), str(check.pk))
    return page(browse, world, "accounts:journal_check", pk=check.pk)


def test_the_button_verifies_and_the_page_says_that_all_is_intact(written: World, browse) -> None:
    assert "Il n’a pas encore été vérifié" in page(browse, written)
    assert "Le journal est intact" in verified(browse, written)
    html = page(browse, written)
    assert "Le journal est intact" in html and "Alice Martin" in html


def test_each_place_that_was_altered_is_named_in_french(written: World, browse) -> None:
    with as_owner() as owner:
        owner.execute(
            "UPDATE activity_event SET actor_name = 'Paul' WHERE type = 'portfolios.portfolio.created'"
        )
    html = verified(browse, written)
    assert "n° 1 a été modifié : la personne ou son adresse." in html
    assert "altéré en 1 endroit" in html
    with scope(firm=written.firm):
        assert Event.objects.filter(type="accounts.journal.found_faulty").count() == 1


def test_asked_for_twice_it_is_done_once(written: World, browse) -> None:
    for _ in range(2):
        browse(written.admin).post(written.firm.url("accounts:verify_journal"), {"given": ""})
    with scope(firm=written.firm):
        assert JournalCheck.objects.count() == 1
        assert Event.objects.filter(type="accounts.journal.verification_asked").count() == 1


def test_a_proof_that_is_given_meanwhile_is_not_passed_over_in_silence(written: World, browse) -> None:
    """“Intact” would have been said of a verification that never saw it."""
    with scope(firm=written.firm):
        head = heads.give()
        assert head is not None
        text = heads.as_given(head).text
    alice, url = browse(written.admin), written.firm.url("accounts:verify_journal")
    alice.post(url, {"given": ""})
    refused = alice.post(url, {"given": text})
    assert refused.status_code == 422 and "une fois celle-ci terminée" in refused.content.decode()
    with scope(firm=written.firm):
        JournalCheck.objects.update(given=f"Bonjour\n{text}")
    assert alice.post(url, {"given": text}).status_code == 302
    assert alice.post(url, {"given": ""}).status_code == 302


def test_while_it_is_going_on_the_page_shows_how_far(written: World, browse) -> None:
    browse(written.admin).post(written.firm.url("accounts:verify_journal"), {"given": ""})
    with scope(firm=written.firm):
        JournalCheck.objects.update(state=CheckState.RUNNING, step=20, total=50)
        pk = JournalCheck.objects.get().pk
    html = page(browse, written, "accounts:journal_check", pk=pk)
    assert "20 / 50" in html and "Le journal est en cours de vérification" in html
    assert "20 / 50" in page(browse, written, "accounts:journal_check_progress", pk=pk)


def test_a_worker_that_died_is_followed_by_another(written: World, browse) -> None:
    browse(written.admin).post(written.firm.url("accounts:verify_journal"), {"given": ""})
    assert resume_journal_checks() == 1


def test_the_proof_out_of_a_mail_is_compared(written: World, browse) -> None:
    with scope(firm=written.firm):
        head = heads.give()
        assert head is not None
        text = heads.as_given(head).text
    assert "Il correspond à la preuve que vous avez fournie" in verified(
        browse, written, given=f"Bonjour\n{text}"
    )
    with as_owner() as owner:
        owner.execute("DELETE FROM activity_head")
        owner.execute("DELETE FROM activity_seal")
        owner.execute("DELETE FROM activity_event")
    # What was recorded since took the numbers of what is gone.
    assert "sa fin a été retirée" in verified(browse, written, given=text)


@pytest.mark.parametrize("text", ["bonjour", "-----BEGIN FIRM PORTAL JOURNAL HEAD-----\nnumber: 3"])
def test_what_is_no_proof_is_refused_beside_its_field(written: World, browse, text: str) -> None:
    response = browse(written.admin).post(written.firm.url("accounts:verify_journal"), {"given": text})
    assert response.status_code == 422
    assert "pas une preuve de journal" in response.content.decode()


def test_the_proof_of_another_firm_is_refused(written: World, bertrand: World, browse) -> None:
    with scope(firm=bertrand.firm):
        create_portfolio(actor=bertrand.admin, name="Chez Bertrand")
    seal_due()
    with scope(firm=bertrand.firm):
        head = heads.give()
        assert head is not None
        text = heads.as_given(head).text
    response = browse(written.admin).post(written.firm.url("accounts:verify_journal"), {"given": text})
    assert response.status_code == 422
    assert "autre cabinet" in response.content.decode()


def test_a_proof_that_was_changed_is_refused(written: World, browse) -> None:
    with scope(firm=written.firm):
        head = heads.give()
        assert head is not None
        text = heads.as_given(head).text.replace("number: 1", "number: 2")
    response = browse(written.admin).post(written.firm.url("accounts:verify_journal"), {"given": text})
    assert response.status_code == 422
    assert "ne porte pas notre signature" in response.content.decode()


def test_a_proof_is_mailed_once_a_day_and_can_be_read_back(written: World, browse, outbox: Outbox) -> None:
    outbox.flush()
    mail.outbox.clear()
    assert give_heads() == 1
    assert give_heads() == 0
    (sent,) = outbox.mails()
    assert sent.to == [f"Alice Martin <{written.admin.email}>"] or written.admin.email in sent.to[0]
    assert sent.subject.startswith("[Cabinet Lemoine] Preuve du journal")
    given = heads.read(str(sent.body))
    assert given.is_ours and given.owner == written.firm.pk
    assert "Il correspond" in verified(browse, written, given=str(sent.body))


def test_on_a_day_on_which_nothing_happened_no_mail_leaves(written: World, outbox: Outbox) -> None:
    assert give_heads() == 1
    with as_owner() as owner:
        owner.execute("UPDATE activity_head SET at = at - interval '1 day'")
    assert give_heads() == 0
    with scope(firm=written.firm):
        create_portfolio(actor=written.admin, name="Autre")
    seal_due()
    assert give_heads() == 1


def test_retention_is_chosen_on_its_page(written: World, browse) -> None:
    client, url = browse(written.admin), written.firm.url("accounts:retention")
    assert "10 ans" in client.get(url).content.decode()
    response = client.post(url, {"changes": "180", "accesses": "24"})
    assert response.status_code == 302
    html = page(browse, written)
    assert "15 ans" in html and "2 ans" in html
    assert client.post(url, {"changes": "1", "accesses": "24"}).status_code == 422


def test_a_legal_hold_needs_a_reason_and_is_shown_until_it_is_lifted(written: World, browse) -> None:
    client = browse(written.admin)
    assert client.post(written.firm.url("accounts:hold_journal"), {"reason": ""}).status_code == 422
    client.post(written.firm.url("accounts:hold_journal"), {"reason": "Contrôle 2026-17"})
    assert "Contrôle 2026-17" in page(browse, written)
    assert "Contrôle 2026-17" in page(browse, written, "accounts:release_journal")
    client.post(written.firm.url("accounts:release_journal"))
    assert "Contrôle 2026-17" not in page(browse, written)


def test_whose_reason_for_a_hold_came_second_is_told_so_and_who_pressed_twice_is_not(
    written: World, browse
) -> None:
    client, told = browse(written.admin), []
    for reason in ("Contrôle 2026-17", "Contrôle 2026-17", "Litige 4"):
        answer = client.post(written.firm.url("accounts:hold_journal"), {"reason": reason}, follow=True)
        told.append([message.level_tag for message in answer.context["messages"]])
    assert told == [["success"], [], ["info"]]
    assert "Contrôle 2026-17" in page(browse, written) and "Litige 4" not in page(browse, written)


def test_the_journal_leads_administrators_to_its_proof(written: World, browse) -> None:
    assert written.firm.url("accounts:proof") in page(browse, written, "clients:journal")
