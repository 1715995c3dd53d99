"""Settings, e-mails: the sender, the logo (also for whoever holds a link), the texts, their preview and test."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from accounts.actions.letterhead import set_logo
from accounts.models import Firm, FirmLogo
from activity.models import OutgoingEmail
from clients.actions.following import register_space
from clients.models import SpaceProfile
from invitations.actions.inviting import invite_client
from invitations.actions.people import invite_person
from invitations.models import Invitation, InvitationText
from tenancy.scopes import scope
from tests.accounts.test_letterhead import a_logo
from tests.accounts.test_pictures import BLUE, file_of
from tests.conftest import OutsideClient
from tests.invitations.links import link_to
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_person

HERE = {"kind": "client", "language": "fr"}


@pytest.fixture
def alice(lemoine: World, browse: Any) -> OutsideClient:
    client: OutsideClient = browse(lemoine.admin)
    return client


def url(world: World, route: str, **kwargs: str) -> str:
    return world.firm.url(f"invitations:{route}", **kwargs)


def upload(content: bytes, name: str = "logo.png") -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, content)}


def body(answer: Any) -> str:
    return unescape(answer.content.decode())


# --- Sender -------------------------------------------------------------------------------------------------------


def test_sender_and_answers_are_changed_where_the_logo_and_the_texts_are(
    alice: OutsideClient, lemoine: World
) -> None:
    page = url(lemoine, "mail_settings")
    assert page in body(alice.get(lemoine.firm.url("accounts:settings")))
    shown = body(alice.get(page))
    assert url(lemoine, "logo") in shown
    assert all(
        url(lemoine, "text", kind=k, language=c) in shown for k in ("client", "member") for c in ("fr", "en")
    )
    answer = alice.post(page, {"mail_name": "Alice Martin", "reply_to": "alice@lemoine.test"})
    assert answer.status_code == 302
    with scope(firm=lemoine.firm):
        firm = Firm.objects.get()
    assert (firm.mail_name, firm.reply_to) == ("Alice Martin", "alice@lemoine.test")


def test_a_wrong_one_is_said_at_its_field(alice: OutsideClient, lemoine: World) -> None:
    answer = alice.post(url(lemoine, "mail_settings"), {"mail_name": "a@b.fr", "reply_to": "x"})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"mail_name", "reply_to"}


# --- Logo ---------------------------------------------------------------------------------------------------------


def test_a_logo_is_uploaded_shown_and_removed(alice: OutsideClient, lemoine: World) -> None:
    given = file_of(Image.new("RGB", (300, 100), BLUE), "JPEG")
    assert alice.post(url(lemoine, "logo"), upload(given, "mon logo.jpg")).status_code == 302
    with scope(firm=lemoine.firm):
        logo = FirmLogo.objects.get()
    assert logo.name == "mon logo.jpg"
    image = alice.get(url(lemoine, "logo_image"))
    assert (image["Content-Type"], image.content) == ("image/png", bytes(logo.content))
    assert "sandbox" in image["Content-Security-Policy"]
    assert image["X-Content-Type-Options"] == "nosniff"
    assert url(lemoine, "logo_image") in body(alice.get(url(lemoine, "mail_settings")))
    assert alice.post(url(lemoine, "take_logo_away")).status_code == 302
    assert alice.get(url(lemoine, "logo_image")).status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<svg/>", "ni un PNG"),
        (b"", "vide"),
        (file_of(Image.new("RGBA", (60, 30), (0, 0, 0, 0))), "transparente"),
    ],
)
def test_what_is_no_logo_is_refused_with_the_reason(
    alice: OutsideClient, lemoine: World, content: bytes, said: str
) -> None:
    answer = alice.post(url(lemoine, "logo"), upload(content))
    assert answer.status_code == 422
    assert said in body(answer)
    with scope(firm=lemoine.firm):
        assert not FirmLogo.objects.exists()


def test_a_name_that_misleads_is_cleaned_for_the_journal(alice: OutsideClient, lemoine: World) -> None:
    alice.post(url(lemoine, "logo"), upload(file_of(Image.new("RGB", (60, 30))), "C:\\x\\a\u202egnp.png"))
    with scope(firm=lemoine.firm):
        assert FirmLogo.objects.get().name == "agnp.png"


@pytest.fixture
def with_logos(lemoine: World, bertrand: World) -> dict[str, bytes]:
    """Each firm its own; and a client of each who is invited."""
    contents = {}
    for world, shade in ((lemoine, 40), (bertrand, 240)):
        with scope(firm=world.firm):
            logo = set_logo(actor=world.admin, name="logo.png", picture=a_logo(shade))
            contents[world.firm.name] = bytes(logo.content)
            email = f"client@{world.firm.slug}.test"
            invite_client(actor=world.admin, dossier=make_dossier(email=email))
    assert len(set(contents.values())) == 2
    return contents


def test_whoever_holds_a_link_sees_the_logo_of_the_firm_that_invites_and_no_other(
    lemoine: World, bertrand: World, with_logos: dict[str, bytes], outbox: Outbox, browse: Any
) -> None:
    somebody, image = browse(), reverse("invitations:logo_of_link")
    assert somebody.get(image).status_code == 404
    for world in (lemoine, bertrand):
        page = somebody.get(link_to(outbox, f"client@{world.firm.slug}.test"), follow=True)
        assert f'src="{image}"' in body(page)
        shown = somebody.get(image)
        assert shown.content == with_logos[world.firm.name]
        assert "no-store" in shown["Cache-Control"]
        assert shown["Content-Type"] == "image/png"


def test_no_member_sees_another_firms_logo(
    lemoine: World, bertrand: World, with_logos: dict[str, bytes], browse: Any
) -> None:
    assert browse(lemoine.admin).get(url(bertrand, "logo_image")).status_code == 404
    assert browse(lemoine.collaborator).get(url(lemoine, "logo_image")).status_code == 403


def test_a_clients_own_invitation_bears_no_firms_logo(
    with_logos: dict[str, bytes], outbox: Outbox, browse: Any
) -> None:
    claire = make_person("claire@client.test", first_name="Claire", last_name="Aubry")
    member = register_space(user=claire, details={"kind": "company", "legal_name": "Atelier Aubry"})
    with scope(space=member.space_id):
        invite_person(actor=member, email="bruno@client.test", profile=SpaceProfile.READER)
    somebody = browse()
    page = somebody.get(link_to(outbox, "bruno@client.test"), follow=True)
    assert page.status_code == 200
    assert reverse("invitations:logo_of_link") not in body(page)
    assert somebody.get(reverse("invitations:logo_of_link")).status_code == 404
    assert b"image/png" not in outbox.to("bruno@client.test").message().as_bytes()


def test_looking_at_a_logo_opens_nothing(
    lemoine: World, with_logos: dict[str, bytes], outbox: Outbox, browse: Any
) -> None:
    somebody = browse()
    somebody.get(link_to(outbox, f"client@{lemoine.firm.slug}.test"))
    for _time in range(3):
        somebody.get(reverse("invitations:logo_of_link"))
    with scope(firm=lemoine.firm):
        assert Invitation.objects.get().state == "sent"


# --- Texts --------------------------------------------------------------------------------------------------------


def test_the_form_begins_with_what_is_said_now(alice: OutsideClient, lemoine: World) -> None:
    form = alice.get(url(lemoine, "text", **HERE)).context["form"]
    assert "{expediteur} ({cabinet}) vous invite" in form["body"].value()
    english = alice.get(url(lemoine, "text", kind="client", language="en")).context["form"]
    assert "{sender} ({firm}) invites you" in english["body"].value()


def test_a_text_is_saved_and_taken_back(alice: OutsideClient, lemoine: World) -> None:
    page = url(lemoine, "text", **HERE)
    assert alice.post(page, {"subject": "Bienvenue", "body": "Bonjour {client}."}).status_code == 302
    assert "votre propre texte" in body(alice.get(url(lemoine, "mail_settings")))
    assert alice.post(url(lemoine, "standard_text", **HERE)).status_code == 302
    assert "votre propre texte" not in body(alice.get(url(lemoine, "mail_settings")))
    with scope(firm=lemoine.firm):
        assert InvitationText.objects.count() == 2


def test_saving_what_one_was_shown_unchanged_leaves_it_ours(alice: OutsideClient, lemoine: World) -> None:
    for kind in ("client", "member"):
        for language in ("fr", "en"):
            page = url(lemoine, "text", kind=kind, language=language)
            form = alice.get(page).context["form"]
            shown = {name: form[name].value().replace("\n", "\r\n") for name in ("subject", "body", "seen")}
            assert alice.post(page, shown).status_code == 302
    with scope(firm=lemoine.firm):
        assert not InvitationText.objects.exists()


def test_who_saves_over_somebody_elses_change_is_shown_it_first(alice: OutsideClient, lemoine: World) -> None:
    page = url(lemoine, "text", **HERE)
    seen = alice.get(page).context["form"]["seen"].value()
    alice.post(page, {"subject": "Le leur", "body": "Leur texte.", "seen": seen})
    mine = {"subject": "Le mien", "body": "Mon texte.", "seen": seen}
    conflict = alice.post(page, mine)
    assert conflict.status_code == 422
    assert "Leur texte." in body(conflict) and "Mon texte." in body(conflict)
    again = {**mine, "seen": conflict.context["form"]["seen"].value()}
    assert alice.post(page, again).status_code == 302
    with scope(firm=lemoine.firm):
        assert InvitationText.objects.in_force().get().subject == "Le mien"


@pytest.mark.parametrize(
    ("kind", "language"), [("person", "fr"), ("firm", "fr"), ("x", "fr"), ("client", "de")]
)
def test_there_are_no_other_texts(alice: OutsideClient, lemoine: World, kind: str, language: str) -> None:
    for route in ("text", "text_preview"):
        assert alice.get(url(lemoine, route, kind=kind, language=language)).status_code == 404


def test_the_preview_shows_html_and_text_of_what_is_saved_and_of_what_is_typed(
    alice: OutsideClient, lemoine: World
) -> None:
    page = url(lemoine, "text_preview", **HERE)
    saved = alice.get(page)
    assert saved["X-Frame-Options"] == "SAMEORIGIN"
    assert saved["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert body(saved).count("vous invite dans l'espace en ligne du cabinet") == 2
    typed = body(alice.post(page, {"subject": "Bienvenue", "body": "<b>Bonjour</b> {client}."}))
    assert "Bienvenue" in typed
    assert "<b>Bonjour</b> Exemple SARL." in typed, "as text"
    assert "&lt;b&gt;Bonjour&lt;/b&gt; Exemple SARL." in typed, "and escaped in the HTML"
    with scope(firm=lemoine.firm):
        assert not InvitationText.objects.exists()


def test_a_preview_is_in_the_texts_language_and_light_or_dark(alice: OutsideClient, lemoine: World) -> None:
    page = url(lemoine, "text_preview", kind="client", language="en")
    assert "Example Ltd" in body(alice.get(page))
    assert "@media all {" in body(alice.get(page + "?theme=sombre"))
    assert "@media not all {" in body(alice.get(page + "?theme=clair"))
    assert "(prefers-color-scheme: dark)" in body(alice.get(page + "?theme=<script>"))
    assert "Reminder:" in body(alice.get(page + "?rappel"))


def test_a_preview_of_what_cannot_be_sent_says_why(alice: OutsideClient, lemoine: World) -> None:
    answer = alice.post(url(lemoine, "text_preview", **HERE), {"subject": "{client}", "body": ""})
    assert answer.status_code == 422
    assert "ne nomme aucun client" in body(answer)


def test_a_preview_bears_the_logo_within_it(alice: OutsideClient, lemoine: World) -> None:
    alice.post(url(lemoine, "logo"), upload(file_of(Image.new("RGB", (60, 30), BLUE))))
    shown = body(alice.get(url(lemoine, "text_preview", **HERE)))
    assert 'src="data:image/png;base64,' in shown and "cid:" not in shown


def test_a_test_is_sent_as_it_is_typed_and_the_page_keeps_it(
    alice: OutsideClient, lemoine: World, outbox: Outbox
) -> None:
    typed = {"subject": "Bienvenue", "body": "Bonjour {client}."}
    answer = alice.post(url(lemoine, "test_mail", **HERE), typed)
    assert answer.status_code == 200
    assert answer.context["form"]["body"].value() == "Bonjour {client}."
    assert outbox.recipients() == [lemoine.admin.email]
    assert "Bonjour Exemple SARL." in outbox.to(lemoine.admin.email).body
    with scope(firm=lemoine.firm):
        assert not InvitationText.objects.exists()


def test_a_tests_link_is_dead(alice: OutsideClient, lemoine: World, outbox: Outbox, browse: Any) -> None:
    alice.post(url(lemoine, "test_mail", **HERE), {"subject": "", "body": ""})
    found = re.search(r"http\S+/invitation/\S+/", str(outbox.to(lemoine.admin.email).body))
    assert found is not None
    assert browse().get(urlsplit(found[0]).path, follow=True).status_code == 404


def test_tests_are_few(alice: OutsideClient, lemoine: World) -> None:
    answers = [alice.post(url(lemoine, "test_mail", **HERE), {"subject": "", "body": ""}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    with scope(firm=lemoine.firm):
        assert OutgoingEmail.objects.filter(kind="invitations.test").count() == 5


def test_a_test_of_what_cannot_be_sent_is_none(alice: OutsideClient, lemoine: World) -> None:
    answer = alice.post(url(lemoine, "test_mail", **HERE), {"subject": "", "body": "https://x.fr"})
    assert answer.status_code == 422
    with scope(firm=lemoine.firm):
        assert not OutgoingEmail.objects.exists()
