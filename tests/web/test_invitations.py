"""The way of an invitation through the web: the mail's link, the page, the place behind it; and the firm's pages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions.members import terminate_member
from accounts.models import Membership, MemberState, Role, TermsAcceptance, User
from activity.models import Event
from clients.columns import STATE_FILTERS, client_states
from clients.models import Dossier, SpaceLink, SpaceMember
from invitations.actions.handling import resend_invitation, revoke_invitation
from invitations.actions.inviting import invite_client, invite_member
from invitations.models import Invitation, InvitationState, InvitationToken
from invitations.summary import waiting_counts
from tenancy.scopes import scope
from tests.database import as_owner
from tests.invitations.links import link_to, token_to, url_to
from tests.outbox import Outbox
from tests.worlds import PASSWORD, World, make_dossier, make_person

Browse = Callable[..., Client]
CLAIRE = "claire@boulangerie.test"
HERE = "/invitation/"
ABOUT_ME = {"first_name": "Claire", "last_name": "Aubry", "password": PASSWORD, "terms": "on"}


@pytest.fixture
def invitation(firm: World) -> Invitation:
    return invite_client(actor=firm.admin, dossier=make_dossier(email=CLAIRE))


@pytest.fixture
def path(invitation: Invitation, outbox: Outbox) -> str:
    """The path of the link in Claire's mail."""
    return link_to(outbox, CLAIRE)


def shown(page: Any) -> str:
    """The mark of what the page shows, as its form holds it."""
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', page.content.decode())
    assert found, "the page has no form"
    return found[1]


def accept(client: Client, path: str, **changes: str) -> Any:
    client.get(path)
    return client.post(HERE, {**ABOUT_ME, "shown": shown(client.get(HERE)), **changes})


def everything() -> dict[str, list[Any]]:
    """All rows of all tables, as the owner sees them."""
    with as_owner() as owner:
        tables = owner.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        return {name: owner.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for (name,) in tables}


def text(response: Any) -> str:
    return " ".join(response.content.decode().replace("&#x27;", "'").split())


# --- the way of a client


def test_a_client_accepts_in_one_page_and_lands_in_their_space(
    browse: Browse, firm: World, path: str
) -> None:
    client = browse()
    page = client.get(path, follow=True)
    assert "Cabinet Lemoine" in text(page)
    assert "Alice Martin" in text(page)
    assert "Boulangerie Martin" in text(page)
    landed = accept(client, path)
    link = SpaceLink.objects.get()
    assert landed["Location"] == f"/espace/{link.space_id}/bienvenue/"
    assert "Boulangerie Martin" in text(client.get(landed["Location"]))
    acceptance = TermsAcceptance.objects.get()
    assert (acceptance.user.email, acceptance.terms.version) == (CLAIRE, page.context["terms"].version)
    assert client.get(HERE).status_code == 404, "the browser has forgotten the link"


def test_who_goes_back_after_accepting_is_led_on_to_their_spaces(browse: Browse, path: str) -> None:
    client = browse()
    accept(client, path)
    back = client.get(HERE)
    assert back.status_code == 404
    assert 'href="/mes-espaces/"' in text(back)
    assert 'href="/mes-espaces/"' not in text(browse().get(HERE)), "nobody is told that they have any"


def test_the_clients_edit_reaches_the_firm(browse: Browse, firm: World, path: str, outbox: Outbox) -> None:
    client = browse()
    accept(client, path)
    outbox.clear()
    space_id = SpaceLink.objects.get().space_id
    saved = client.post(
        f"/espace/{space_id}/coordonnees/modifier/",
        {"legal_name": "Boulangerie Martin", "email": CLAIRE, "phone": "0478000000", "siren": "732 829 320"},
    )
    assert saved.status_code == 302
    dossier = Dossier.objects.get()
    assert (dossier.phone, dossier.siren) == ("04 78 00 00 00", "732829320")
    assert outbox.recipients() == [firm.admin.email]


def test_a_colleague_accepts_and_lands_in_the_firm(browse: Browse, firm: World, outbox: Outbox) -> None:
    invite_member(
        actor=firm.admin,
        email="nina@lemoine.test",
        role=Role.COLLABORATOR,
        first_name="Nina",
        last_name="Roy",
    )
    client = browse()
    path = link_to(outbox, "nina@lemoine.test")
    page = client.get(path, follow=True)
    assert 'value="Nina"' in text(page)
    landed = accept(client, path, first_name="Nina", last_name="Roy")
    assert landed["Location"] == firm.firm.url("dashboard")
    member = Membership.objects.get(email="nina@lemoine.test")
    assert (member.state, member.name) == (MemberState.CREATED, "Nina Roy")
    client.get(firm.firm.url("invitations:list"))
    member.refresh_from_db()
    assert member.state == MemberState.ACTIVE


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"password": "court"}, "12 caractères"),
        ({"password": CLAIRE}, ""),
        ({"terms": ""}, ""),
        ({"first_name": ""}, ""),
    ],
)
def test_what_is_missing_is_asked_for_again(
    browse: Browse, path: str, wrong: dict[str, str], says: str
) -> None:
    answer = accept(browse(), path, **wrong)
    assert answer.status_code == 422
    assert says in text(answer)
    assert not User.objects.filter(email=CLAIRE).exists()


def test_the_form_decides_neither_role_nor_dossier(browse: Browse, firm: World, outbox: Outbox) -> None:
    other = make_dossier("Autre client")
    invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    accept(
        browse(), link_to(outbox, "nina@lemoine.test"), role="admin", dossier=str(other.pk), email="x@x.test"
    )
    assert Membership.objects.get(email="nina@lemoine.test").role == Role.COLLABORATOR
    assert not User.objects.filter(email="x@x.test").exists()


# --- looking consumes nothing


@pytest.mark.django_db(transaction=True)
def test_fifty_looks_of_a_mail_scanner_change_nothing(browse: Browse, lemoine: World, outbox: Outbox) -> None:
    with scope(firm=lemoine.firm):
        invite_client(actor=lemoine.admin, dossier=make_dossier(email=CLAIRE))
    path = link_to(outbox, CLAIRE)
    before = everything()
    for number in range(50):
        scanner = browse()
        scanner.head(path) if number % 2 else scanner.get(path, follow=True)
        scanner.get(f"{path}refuser/", follow=True)
    assert everything() == before
    assert accept(browse(), path).status_code == 302


def test_a_person_who_begins_to_type_is_seen_to_have_opened_it(browse: Browse, path: str) -> None:
    client = browse()
    client.get(path)
    assert client.post("/invitation/ouverte/").status_code == 204
    assert Invitation.objects.get().state == InvitationState.OPENED


# --- other accounts


def test_an_existing_account_has_to_log_in(browse: Browse, firm: World, path: str) -> None:
    claire = make_person(CLAIRE, first_name="Claire", last_name="Aubry")
    client = browse()
    page = client.get(path, follow=True)
    assert page.context["case"] == "login"
    assert "/connexion/?next=/invitation/" in text(page)
    answered = client.post(HERE, {**ABOUT_ME, "shown": "0" * 64})
    assert answered.status_code == 422
    assert not SpaceLink.objects.exists()
    client.post("/connexion/?next=/invitation/", {"login": CLAIRE, "password": PASSWORD})
    assert accept(client, path).status_code == 302
    with scope(space=SpaceLink.objects.get().space_id):
        assert SpaceMember.objects.get().user == claire


def test_one_who_is_signed_in_as_another_is_told_and_may_switch(
    browse: Browse, firm: World, path: str
) -> None:
    client = browse(firm.collaborator)
    page = client.get(path, follow=True)
    assert page.context["case"] == "other"
    assert firm.collaborator.email in text(page)
    assert CLAIRE in text(page)
    assert client.post(HERE, {"terms": "on", "shown": "0" * 64}).status_code == 422
    assert Invitation.objects.get().is_pending
    assert client.post("/invitation/changer-de-compte/")["Location"] == HERE
    assert client.get(HERE).context["case"] == "new", "the link survives the switch"


def test_who_manages_a_space_may_keep_it(
    browse: Browse, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    client = browse(make_person(CLAIRE))
    with scope(firm=lemoine.firm):
        invite_client(actor=lemoine.admin, dossier=make_dossier(email=CLAIRE))
    accept(client, link_to(outbox, CLAIRE))
    with scope(firm=lemoine.firm):
        space_id = SpaceLink.objects.get().space_id
    outbox.clear()
    with scope(firm=bertrand.firm):
        invite_client(actor=bertrand.admin, dossier=make_dossier("SARL Martin", email=CLAIRE))
    accept(client, link_to(outbox, CLAIRE), space=str(space_id))
    with scope(firm=bertrand.firm):
        assert SpaceLink.objects.get().space_id == space_id


def test_a_space_of_somebody_else_is_no_choice(
    browse: Browse, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    with scope(firm=lemoine.firm):
        invite_client(actor=lemoine.admin, dossier=make_dossier(email="paul@client.test"))
    accept(browse(), link_to(outbox, "paul@client.test"))
    with scope(firm=lemoine.firm):
        pauls = SpaceLink.objects.get().space_id
    with scope(firm=bertrand.firm):
        invite_client(actor=bertrand.admin, dossier=make_dossier(email=CLAIRE))
    accept(browse(make_person(CLAIRE)), link_to(outbox, CLAIRE), space=str(pauls))
    with scope(firm=bertrand.firm):
        assert not SpaceLink.objects.filter(space_id=pauls).exists()


# --- links that open nothing


def closed(client: Client, path: str) -> Any:
    page = client.get(path, follow=True)
    assert page.status_code == 404
    assert page.templates[0].name == "invitations/closed.html"
    return page


def test_links_that_open_nothing_all_answer_alike(
    browse: Browse, firm: World, invitation: Invitation, path: str, outbox: Outbox
) -> None:
    unknown = closed(browse(), "/invitation/" + "x" * 43 + "/")
    assert "Cabinet Lemoine" not in text(unknown)
    resend_invitation(actor=firm.admin, invitation=invitation)
    assert closed(browse(), path).context["because"] == "replaced"
    newest = link_to(outbox, CLAIRE)
    Invitation.objects.update(expires_at=timezone.now())
    assert closed(browse(), newest).context["because"] == "expired"
    invitation.refresh_from_db()
    revoke_invitation(actor=firm.admin, invitation=invitation)
    revoked = closed(browse(), newest)
    assert "Cabinet Lemoine" not in text(revoked), "a revoked link says no more than an unknown one"
    first = browse().get("/invitation/" + "x" * 43 + "/")
    second = browse().get(newest)
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])


def test_a_used_link_leads_its_owner_on_and_asks_others_to_log_in(browse: Browse, path: str) -> None:
    client = browse()
    accept(client, path)
    assert client.get(path, follow=False)["Location"] == HERE
    assert client.get(HERE)["Location"] == "/mes-espaces/"
    assert closed(browse(), path).context["because"] == "accepted"


@pytest.mark.parametrize("cause", ["expired", "replaced"])
def test_one_button_sends_a_new_link_to_the_invited_address_only(
    browse: Browse, firm: World, invitation: Invitation, path: str, outbox: Outbox, cause: str
) -> None:
    if cause == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    else:
        resend_invitation(actor=firm.admin, invitation=invitation)
    outbox.clear()
    client = browse()
    assert "/invitation/nouveau-lien/" in text(closed(client, path))
    assert client.post("/invitation/nouveau-lien/", {"email": "thief@x.test"}).status_code == 200
    assert outbox.recipients() == [CLAIRE]
    assert accept(browse(), link_to(outbox, CLAIRE)).status_code == 302


def test_new_links_are_throttled(
    browse: Browse, firm: World, invitation: Invitation, path: str, outbox: Outbox
) -> None:
    resend_invitation(actor=firm.admin, invitation=invitation)
    client = browse()
    client.get(path)
    statuses = [client.post("/invitation/nouveau-lien/").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_guessing_is_throttled(browse: Browse, firm: World) -> None:
    client = browse()
    client.get("/invitation/" + "x" * 43 + "/")
    assert {client.get(HERE).status_code for _ in range(61)} == {404, 429}


def test_an_inviter_who_may_no_longer_invite_is_said_politely(browse: Browse, firm: World, path: str) -> None:
    client = browse()
    client.get(path)
    mark = shown(client.get(HERE))
    Membership.objects.filter(pk=firm.admin.pk).update(role=Role.COLLABORATOR)
    refused = client.post(HERE, {**ABOUT_ME, "shown": mark})
    assert (refused.status_code, refused.context["because"]) == (404, "inviter")
    assert Invitation.objects.get().is_pending
    assert not User.objects.filter(email=CLAIRE).exists()


def test_two_tabs_on_two_invitations_accept_what_they_show(
    browse: Browse, firm: World, path: str, outbox: Outbox
) -> None:
    second = make_dossier("Deuxième dossier", email=CLAIRE)
    invite_client(actor=firm.admin, dossier=second)
    client = browse()
    client.get(path)
    first_tab = shown(client.get(HERE))
    client.get(link_to(outbox, CLAIRE))
    answered = client.post(HERE, {**ABOUT_ME, "shown": first_tab}, follow=True)
    assert "Deuxième dossier" in text(answered), "the page shows what it would accept, and asks again"
    assert not SpaceLink.objects.exists()


def test_not_for_me_by_the_mails_second_link(browse: Browse, firm: World, path: str, outbox: Outbox) -> None:
    outbox.clear()
    client = browse()
    assert client.get(f"{path}refuser/")["Location"] == "/invitation/refuser/"
    assert client.get("/invitation/refuser/").status_code == 200
    assert Invitation.objects.get().is_pending
    assert client.post("/invitation/refuser/").status_code == 200
    assert Invitation.objects.get().state == InvitationState.REFUSED
    assert outbox.recipients() == [firm.admin.email]
    closed(browse(), path)


# --- the link itself


def test_the_token_leaves_the_address_at_once_and_nothing_keeps_the_pages(
    browse: Browse, path: str, outbox: Outbox
) -> None:
    client = browse()
    moved = client.get(path)
    assert (moved.status_code, moved["Location"]) == (302, HERE)
    assert moved["Referrer-Policy"] == "no-referrer"
    page = client.get(HERE)
    for response in (moved, page):
        assert response["Cache-Control"] == "no-store"
        assert token_to(outbox, CLAIRE) not in response.content.decode() + str(response.headers) + str(
            client.cookies
        )
    assert page["Referrer-Policy"] == "same-origin"


def test_the_links_are_built_from_the_configured_address_whatever_the_host_header_says(
    browse: Browse, firm: World, settings: Any, outbox: Outbox
) -> None:
    settings.BASE_URL, settings.ALLOWED_HOSTS = "https://portal.lemoine.test", ["*"]
    dossier = make_dossier(email=CLAIRE)
    url = firm.firm.url("invitations:invite_client", pk=dossier.pk)
    browse(firm.admin).post(url, {"email": CLAIRE, "profile": "manager"}, headers={"Host": "evil.test"})
    assert url_to(outbox, CLAIRE).startswith("https://portal.lemoine.test/invitation/")
    message = outbox.to(CLAIRE)
    assert "evil.test" not in str(message.message())


# --- the firm's side


def test_an_administrator_invites_a_colleague_from_a_dialog(
    browse: Browse, firm: World, outbox: Outbox
) -> None:
    client, url = browse(firm.admin), firm.firm.url("invitations:invite_member")
    assert client.get(url).status_code == 200
    form = {"email": "nina@lemoine.test", "role": "collaborator"}
    done = client.post(url, form, headers={"HX-Request": "true"})
    assert (done.status_code, done["HX-Redirect"]) == (204, firm.firm.url("invitations:list"))
    assert outbox.recipients() == ["nina@lemoine.test"]
    again = client.post(url, form)
    assert again.status_code == 422
    assert "déjà invitée" in text(again)


def test_a_likely_slip_gets_a_question_and_a_second_press_sends(browse: Browse, firm: World) -> None:
    client, url = browse(firm.admin), firm.firm.url("invitations:invite_member")
    form = {"email": "nina@gmial.com", "role": "collaborator"}
    asked = client.post(url, form)
    assert asked.status_code == 422
    assert "nina@gmail.com" in text(asked)
    assert client.post(url, {**form, "email_checked": "nina@gmial.com"}).status_code == 302


def test_a_collaborator_invites_nobody(browse: Browse, firm: World) -> None:
    client, dossier = browse(firm.collaborator), make_dossier(email=CLAIRE)
    assert client.get(firm.firm.url("invitations:invite_member")).status_code == 403
    assert client.post(firm.firm.url("invitations:invite_clients"), {"all": "1"}).status_code == 403
    assert client.get(firm.firm.url("invitations:invite_client", pk=dossier.pk)).status_code == 404


def test_a_selection_shows_its_impact_before_a_mail_leaves(
    browse: Browse, firm: World, outbox: Outbox
) -> None:
    with_address, without = make_dossier("Avec", email=CLAIRE), make_dossier("Sans")
    client, url = browse(firm.admin), firm.firm.url("invitations:invite_clients")
    chosen = {"ids": [str(with_address.pk), str(without.pk)]}
    impact = client.post(url, chosen)
    assert impact.context["plan"].mail_count == 1
    assert "Sans" in text(impact)
    assert outbox.recipients() == []
    sent = client.post(url, {**chosen, "confirmed": "1"}, headers={"HX-Request": "true"})
    assert sent.headers["HX-Trigger"] == "selection-done"
    assert outbox.recipients() == [CLAIRE]


def test_all_that_match_are_invited_by_their_filters(browse: Browse, firm: World, outbox: Outbox) -> None:
    make_dossier("Boulangerie A", email="a@client.test")
    make_dossier("Garage B", email="b@client.test")
    url = firm.firm.url("invitations:invite_clients")
    browse(firm.admin).post(url, {"all": "1", "query": "q=boulangerie", "confirmed": "1"})
    assert outbox.recipients() == ["a@client.test"]


def test_the_list_shows_states_and_is_narrowed_down(browse: Browse, firm: World, path: str) -> None:
    Invitation.objects.update(expires_at=timezone.now())
    invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    client, url = browse(firm.admin), firm.firm.url("invitations:list")
    assert len(client.get(url).context["rows"]) == 2
    expired = client.get(url, {"state": "expired"})
    assert [row["invitation"].email for row in expired.context["rows"]] == [CLAIRE]
    assert "Expirée" in text(expired)
    assert not client.get(url, {"q": "zzz"}).context["rows"]
    # What clients send stands elsewhere: a kind that never stands in the list is none to ask for.
    kinds = [kind for kind, _label in client.get(url).context["filters"].fields["kind"].choices if kind]
    assert [len(client.get(url, {"kind": kind}).context["rows"]) for kind in kinds] == [1, 1]


def test_invitations_are_sent_again_and_revoked_from_the_list(
    browse: Browse, firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    client = browse(firm.admin)
    outbox.clear()
    client.post(firm.firm.url("invitations:resend", pk=invitation.pk))
    assert outbox.recipients() == [CLAIRE]
    revoke = firm.firm.url("invitations:revoke", pk=invitation.pk)
    assert client.get(revoke).status_code == 200
    client.post(revoke)
    assert Invitation.objects.get().state == InvitationState.REVOKED
    again = client.post(revoke, follow=True)
    assert "rien n'a été révoqué" in text(again)
    assert Event.objects.filter(type="invitations.invitation.revoked").count() == 1


def test_a_selection_of_invitations_is_revoked_after_a_look(
    browse: Browse, firm: World, invitation: Invitation
) -> None:
    client, url = browse(firm.admin), firm.firm.url("invitations:revoke_selected")
    assert client.post(url, {"ids": [str(invitation.pk)]}).context["count"] == 1
    assert Invitation.objects.get().is_pending
    client.post(url, {"ids": [str(invitation.pk)], "confirmed": "1"})
    assert Invitation.objects.get().state == InvitationState.REVOKED


def test_what_is_done_to_a_selection_forgets_it(browse: Browse, firm: World, invitation: Invitation) -> None:
    """Else the same rows would still be ticked for the next act."""
    client, ids = browse(firm.admin), {"ids": [str(invitation.pk)]}
    listed = client.get(firm.firm.url("invitations:list"))
    again = firm.firm.url("invitations:resend_selected")
    assert re.search(rf'formaction="{again}"[^>]* data-bulk-ends', listed.content.decode())
    revoke = firm.firm.url("invitations:revoke_selected")
    assert "HX-Trigger" not in client.post(revoke, ids, headers={"HX-Request": "true"}).headers
    done = client.post(revoke, {**ids, "confirmed": "1"}, headers={"HX-Request": "true"})
    assert (done.headers["HX-Trigger"], done.headers["HX-Refresh"]) == ("selection-done", "true")


def test_another_firms_invitation_is_not_there(browse: Browse, lemoine: World, bertrand: World) -> None:
    with scope(firm=bertrand.firm):
        theirs = invite_client(actor=bertrand.admin, dossier=make_dossier(email=CLAIRE))
    client = browse(lemoine.admin)
    assert client.post(lemoine.firm.url("invitations:resend", pk=theirs.pk)).status_code == 404
    client.post(lemoine.firm.url("invitations:revoke_selected"), {"ids": [str(theirs.pk)], "confirmed": "1"})
    with scope(firm=bertrand.firm):
        assert Invitation.objects.get().is_pending


def test_the_list_costs_the_same_with_ten_rows_and_with_two_hundred(browse: Browse, firm: World) -> None:
    client, url = browse(firm.admin), firm.firm.url("invitations:list")

    def fill(start: int, stop: int) -> None:
        for number in range(start, stop):
            dossier = make_dossier(f"Client {number}", email=f"c{number}@client.test")
            Invitation.objects.create(
                kind="client", dossier=dossier, email=dossier.email, invited_by=firm.admin
            )

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(url, {"size": "100"})
        return len(captured)

    client.get(url)
    fill(0, 10)
    few = queries()
    fill(10, 110)
    beyond_a_page = queries()
    fill(110, 200)
    assert queries() == beyond_a_page
    assert beyond_a_page == few + 1, "what one page shows whole is not counted"
    assert not InvitationToken.objects.exists()


# --- Those whose sender may invite no more ----------------------------------------------------------------------


@pytest.fixture
def orphan(firm: World, invitation: Invitation) -> Invitation:
    """Sent by Alice, who has left since; Paul manages the firm now."""
    firm.colleague.role = Role.ADMIN
    firm.colleague.save()
    terminate_member(actor=firm.colleague, member=firm.admin)
    return invitation


def states(page: Any) -> list[str]:
    return re.findall(
        r'<span class="state[^"]*">([^<]*)</span>', page.content.decode().partition("<tbody>")[2]
    )


def listed(firm: World, browse: Browse, query: str = "") -> Any:
    return browse(firm.colleague).get(firm.firm.url("invitations:list") + query)


def test_an_invitation_whose_sender_left_is_said_to_be_on_hold(firm, orphan, browse: Browse) -> None:
    page = listed(firm, browse)
    assert states(page) == ["Suspendue"]
    for hint in ("1 invitation est suspendue", "Relancez-les en votre nom", "À relancer"):
        assert hint in page.content.decode()
    assert states(listed(firm, browse, "?state=on_hold")) == ["Suspendue"]
    assert states(listed(firm, browse, "?state=sent")) == []
    counts = waiting_counts(firm.colleague)
    assert counts == {"pending": 0, "expired": 0, "failed": 0, "on_hold": 1}


@pytest.mark.parametrize("end", [{"state": MemberState.SUSPENDED}, {"role": Role.COLLABORATOR}])
def test_one_whose_sender_is_suspended_or_administrator_no_more_is_on_hold_until_they_are_again(
    firm, invitation, browse: Browse, end
) -> None:
    Membership.objects.filter(pk=firm.colleague.pk).update(role=Role.ADMIN)
    Membership.objects.filter(pk=firm.admin.pk).update(**end)
    assert states(listed(firm, browse)) == ["Suspendue"]
    Membership.objects.filter(pk=firm.admin.pk).update(state=MemberState.ACTIVE, role=Role.ADMIN)
    assert states(listed(firm, browse)) == ["Envoyée"]


def test_an_expired_one_stays_expired_whoever_sent_it(firm, orphan, browse: Browse) -> None:
    Invitation.objects.update(expires_at=timezone.now())
    assert states(listed(firm, browse)) == ["Expirée"]
    assert states(listed(firm, browse, "?state=on_hold")) == []


def test_the_list_of_client_files_says_it_too(firm, orphan) -> None:
    assert client_states([orphan.dossier_id]) == {orphan.dossier_id: "on_hold"}
    for state, found in (("on_hold", 1), ("sent", 0)):
        assert Dossier.objects.filter(STATE_FILTERS[state].condition()).count() == found


@pytest.mark.parametrize("many", [False, True])
def test_sent_again_by_somebody_who_may_it_is_good_again(firm, orphan, browse: Browse, outbox, many) -> None:
    client, url = browse(firm.colleague), firm.firm.url
    if many:
        chosen = {"all": "1", "query": "state=on_hold"}
        answer = client.post(url("invitations:resend_selected"), chosen, follow=True)
        assert "1 nouveau lien" in answer.content.decode()
        assert "laissée" not in answer.content.decode()
    else:
        client.post(url("invitations:resend", pk=orphan.pk))
    assert states(listed(firm, browse)) == ["Envoyée"]
    accept(Client(), link_to(outbox, CLAIRE))
    orphan.refresh_from_db()
    assert (orphan.state, orphan.invited_by) == (InvitationState.ACCEPTED, firm.colleague)


def test_the_dashboard_and_the_leavers_page_count_them_and_lead_there(firm, orphan, browse: Browse) -> None:
    client, target = browse(firm.colleague), f"{firm.firm.url('invitations:list')}?state=on_hold"
    for page in (firm.firm.url("dashboard"), firm.firm.url("clients:member", pk=firm.admin.pk)):
        assert target in client.get(page).content.decode()
    resend_invitation(actor=firm.colleague, invitation=orphan)
    for page in (firm.firm.url("dashboard"), firm.firm.url("clients:member", pk=firm.admin.pk)):
        assert target not in client.get(page).content.decode()


# --- who comes first, and a second click


def test_the_firm_chooses_no_profile_and_both_pages_say_what_the_first_person_becomes(
    browse: Browse, firm: World, path: str
) -> None:
    dossier = make_dossier("Garage Petit", email="garage@client.test")
    form = text(browse(firm.admin).get(firm.firm.url("invitations:invite_client", pk=dossier.pk)))
    assert 'name="profile"' not in form
    assert "en devient le gérant" in form
    many = browse(firm.admin).post(firm.firm.url("invitations:invite_clients"), {"ids": [str(dossier.pk)]})
    assert 'name="profile"' not in text(many)
    assert "dont il est le gérant" in text(many)
    page = browse().get(path, follow=True)
    assert "gérant de cet espace" in text(page)
    accept(browse(), path)
    with scope(space=SpaceLink.objects.get().space_id):
        assert SpaceMember.objects.get().may_edit and SpaceMember.objects.get().profile == "manager"


def test_a_second_click_on_not_for_me_says_that_it_is_done_and_tells_nobody_twice(
    browse: Browse, firm: World, path: str, outbox: Outbox
) -> None:
    outbox.clear()
    client = browse()
    client.get(f"{path}refuser/")
    kept = client.cookies["invitation"].value
    first = client.post(HERE + "refuser/")
    client.cookies["invitation"] = kept  # the second click left before the first was answered
    second = client.post(HERE + "refuser/")
    assert (first.status_code, second.status_code) == (200, 404)
    assert second.context["because"] == InvitationState.REFUSED
    client.cookies["invitation"] = kept
    look = client.get(HERE + "refuser/")
    assert (look.status_code, look.context["because"]) == (404, InvitationState.REFUSED)
    assert Event.objects.filter(type="invitations.invitation.refused").count() == 1
    assert outbox.recipients() == [firm.admin.email]
