"""How a firm's mails are signed: sender, address for answers, logo; each firm's its own."""

from email import message_from_bytes, policy
from email.utils import parseaddr
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from PIL import Image

from accounts.actions.letterhead import change_sender, remove_logo, set_logo
from accounts.letterhead import SenderForm
from accounts.models import Firm, FirmLogo
from accounts.pictures import Picture, logo_of
from activity.models import Event
from invitations.actions.inviting import invite_client
from tenancy.scopes import scope
from tests.accounts.test_pictures import BLUE, file_of
from tests.outbox import Outbox
from tests.worlds import World, make_dossier


def a_logo(shade: int = 200) -> Picture:
    return logo_of(file_of(Image.new("RGB", (300, 100), (*BLUE[:2], shade))))


def invite(world: World) -> None:
    invite_client(actor=world.admin, dossier=make_dossier(email="claire@client.test"))


def sent(outbox: Outbox) -> Any:
    return message_from_bytes(outbox.to("claire@client.test").message().as_bytes(), policy=policy.default)


def images(message: Any) -> list[Any]:
    return [part for part in message.walk() if part.get_content_maintype() == "image"]


def html_of(message: Any) -> str:
    return str(message.get_body(("html",)).get_content())


def test_a_mail_bears_the_firms_logo_and_its_name_where_pictures_are_off(firm: World, outbox: Outbox) -> None:
    Firm.objects.update(name="Lemoine & Associés")
    logo = set_logo(actor=firm.admin, name="logo.png", picture=a_logo())
    invite(firm)
    message = sent(outbox)
    (image,) = images(message)
    html = html_of(message)
    cid = str(image["Content-ID"]).strip("<>")
    assert image.get_content() == bytes(logo.content)
    assert f'src="cid:{cid}" alt="Lemoine &amp; Associés" width="150" height="50"' in html
    assert html.count("http") == html.count('href="http'), "nothing is fetched when the mail is opened"


def test_without_a_logo_the_name_stands_there_and_nothing_is_attached(firm: World, outbox: Outbox) -> None:
    invite(firm)
    message = sent(outbox)
    assert images(message) == []
    assert "Cabinet Lemoine" in html_of(message) and "<img" not in html_of(message)


def test_another_firms_mail_bears_no_logo_of_ours(lemoine: World, bertrand: World, outbox: Outbox) -> None:
    with scope(firm=lemoine.firm):
        set_logo(actor=lemoine.admin, name="logo.png", picture=a_logo())
    with scope(firm=bertrand.firm):
        assert not FirmLogo.objects.exists()
        invite(bertrand)
    assert images(sent(outbox)) == []


def test_another_firms_row_can_neither_be_read_nor_written(lemoine: World, bertrand: World) -> None:
    with scope(firm=lemoine.firm):
        logo = set_logo(actor=lemoine.admin, name="logo.png", picture=a_logo())
    with scope(firm=bertrand.firm), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_firmlogo")
        assert cursor.fetchone() == (0,)
        cursor.execute("UPDATE accounts_firmlogo SET name = 'x' WHERE id = %s", [logo.pk])
        assert cursor.rowcount == 0
    with (
        scope(firm=bertrand.firm),
        pytest.raises(Exception, match="row-level security"),
        transaction.atomic(),
    ):
        FirmLogo.objects.create(
            firm_id=lemoine.firm.pk, name="x", content=b"x", width=1, height=1, digest="x"
        )


def test_a_firm_has_one_logo(firm: World) -> None:
    set_logo(actor=firm.admin, name="logo.png", picture=a_logo())
    with pytest.raises(IntegrityError), transaction.atomic():
        FirmLogo.objects.create(name="x", content=b"x", width=1, height=1, digest="x")


def test_a_new_logo_takes_the_place_of_the_former_one_and_the_journal_says_so(firm: World) -> None:
    set_logo(actor=firm.admin, name="ancien.png", picture=a_logo(10))
    set_logo(actor=firm.admin, name="nouveau.png", picture=a_logo(250))
    set_logo(actor=firm.admin, name="le même.png", picture=a_logo(250))
    remove_logo(actor=firm.admin)
    remove_logo(actor=firm.admin)
    events = Event.objects.filter(type__startswith="accounts.logo.").order_by("id")
    assert [(event.type, event.changes["logo"]) for event in events] == [
        ("accounts.logo.changed", ["", "ancien.png"]),
        ("accounts.logo.changed", ["ancien.png", "nouveau.png"]),
        ("accounts.logo.removed", ["nouveau.png", ""]),
    ]
    assert not FirmLogo.objects.exists()


def test_a_collaborator_changes_nothing(firm: World) -> None:
    for act in (
        lambda: set_logo(actor=firm.collaborator, name="x", picture=a_logo()),
        lambda: remove_logo(actor=firm.collaborator),
        lambda: change_sender(actor=firm.collaborator, mail_name="x", reply_to=""),
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_sender_and_answers_are_the_firms_own_until_it_says_otherwise(firm: World, outbox: Outbox) -> None:
    Firm.objects.update(email="accueil@lemoine.test")
    invite(firm)
    message = sent(outbox)
    assert parseaddr(message["From"])[0] == "Cabinet Lemoine"
    assert parseaddr(message["Reply-To"]) == ("Cabinet Lemoine", "accueil@lemoine.test")


def test_sender_and_answers_as_the_firm_says(firm: World, outbox: Outbox) -> None:
    Firm.objects.update(email="accueil@lemoine.test")
    change_sender(actor=firm.admin, mail_name="Alice, du cabinet Lemoine", reply_to="alice@lemoine.test")
    invite(firm)
    message = sent(outbox)
    assert parseaddr(message["From"])[0] == "Alice, du cabinet Lemoine"
    assert parseaddr(message["From"])[1].endswith("@localhost"), "our address, whatever the name"
    assert parseaddr(message["Reply-To"])[1] == "alice@lemoine.test"
    assert "Cabinet Lemoine" in html_of(message), "the head bears the firm's name"


def test_a_change_of_the_sender_is_one_event(firm: World) -> None:
    change_sender(actor=firm.admin, mail_name="Alice", reply_to="a@lemoine.test")
    change_sender(actor=firm.admin, mail_name="Alice", reply_to="a@lemoine.test")
    event = Event.objects.get(type="accounts.firm.changed")
    assert event.changes == {"mail_name": ["", "Alice"], "reply_to": ["", "a@lemoine.test"]}


@pytest.mark.parametrize(
    ("mail_name", "reply_to", "wrong"),
    [
        ("impots@gouv.fr", "", "mail_name"),
        ("Alice <x>", "", "mail_name"),
        ("Alice\u202eeciL", "", "mail_name"),
        ("x" * 81, "", "mail_name"),
        ("", "alice", "reply_to"),
        ("", "alice@", "reply_to"),
        ("", "alicé@lemoine.test", "reply_to"),
        ("", "a@b.test\r\nBcc: x@y.test", "reply_to"),
    ],
)
def test_a_sender_that_would_mislead_and_an_address_that_gets_nothing_are_refused(
    firm: World, mail_name: str, reply_to: str, wrong: str
) -> None:
    form = SenderForm({"mail_name": mail_name, "reply_to": reply_to}, instance=firm.firm)
    assert not form.is_valid()
    assert list(form.errors) == [wrong]


def test_line_breaks_in_a_name_become_spaces(firm: World) -> None:
    form = SenderForm({"mail_name": "Alice\r\nBcc", "reply_to": ""}, instance=firm.firm)
    assert form.is_valid() and form.cleaned_data["mail_name"] == "Alice Bcc"
