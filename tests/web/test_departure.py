"""The departure wizard and the pages of replacements, asked as a browser without JavaScript asks."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import openpyxl
import pytest
from django.utils import timezone

from accounts.actions.members import suspend_member
from accounts.models import Membership, MemberState, Replacement, Role
from accounts.permissions import ObjectRole, Perm, can, give, pairs_of
from activity.models import Event, Notification
from clients.actions.connections import connect
from clients.actions.dossiers import update_dossier
from clients.models import Assignment, Connection, ConnectionKind, Dossier
from invitations.actions.inviting import invite_client
from invitations.models import Invitation, InvitationState
from portfolios.models import PortfolioGrant
from tests.accounts.test_replacements import arranged
from tests.web.pages import said
from tests.worlds import World, make_dossier, make_member, make_portfolio

Browse = Callable[..., Any]
DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("one_day")


@pytest.fixture
def held(firm: World) -> dict[str, Any]:
    """Paul has the portfolio “Sarah”, with a dossier, and two single dossiers."""
    sarah = make_portfolio("Sarah")
    inside = make_dossier("Boulangerie Martin", portfolio=sarah)
    first, second = make_dossier("Garage Petit", email="garage@client.test"), make_dossier("Hôtel du Port")
    give(PortfolioGrant, pairs_of([sarah], [firm.colleague]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    give(Assignment, pairs_of([first, second], [firm.colleague]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    return {"sarah": sarah, "inside": inside, "first": first, "second": second}


def url(firm: World, route: str = "departure", member: Membership | None = None) -> str:
    return firm.firm.url(f"clients:{route}", pk=(member or firm.colleague).pk)


def all_to(member: Membership, **others: Any) -> dict[str, Any]:
    return {"all_portfolios": str(member.pk), "all_dossiers": str(member.pk), **others}


def hidden(answer: Any) -> dict[str, Any]:
    """What the page's form would post as it stands: its hidden fields."""
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.content.decode())
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def state(member: Membership) -> str:
    return Membership.objects.get(pk=member.pk).state


# --- the departure


def test_the_first_page_shows_all_that_the_member_holds(firm, held, browse: Browse) -> None:
    arranged(firm)
    page = browse(firm.admin).get(url(firm)).content.decode()
    for text in ("Sarah", "1 dossier", "Garage Petit", "Hôtel du Port", "Chloé Martin</strong> remplace"):
        assert text in page


def test_from_the_choices_by_what_they_mean_to_the_result(firm, held, browse: Browse) -> None:
    client = browse(firm.admin)
    chosen = all_to(firm.collaborator, **{f"to-{held['first'].pk}": "nobody"})
    meaning = client.post(url(firm), chosen)
    text = meaning.content.decode()
    assert meaning.status_code == 200 and state(firm.colleague) == MemberState.ACTIVE
    assert "1 personne perd un accès" in text
    assert "Certains dossiers ne seraient plus vus que des administrateurs" in text and "Garage Petit" in text
    done = client.post(url(firm), hidden(meaning), follow=True)
    assert done.redirect_chain == [(url(firm, "departed"), 302)]
    assert state(firm.colleague) == MemberState.TERMINATED
    assert can(firm.collaborator, Perm.CHANGE_DOSSIER, held["inside"])
    assert can(firm.collaborator, Perm.CHANGE_DOSSIER, held["second"])
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, held["first"])
    assert "Chloé Martin" in done.content.decode()


def test_the_certificate_is_a_workbook_and_its_download_is_recorded(firm, held, browse: Browse) -> None:
    client = browse(firm.admin)
    client.post(url(firm), hidden(client.post(url(firm), all_to(firm.collaborator))))
    answer = client.post(url(firm, "departure_certificate"))
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    assert book.sheetnames == ["Départ", "Portefeuilles", "Dossiers", "Révoquées"]
    assert [cell.value for cell in book["Portefeuilles"][2]] == ["Sarah", "Comptable", "Chloé Martin"]
    assert Event.objects.latest("id").type == "clients.member.certificate_taken"
    assert "Martin" not in answer["Content-Disposition"]


def test_what_is_missing_is_said_and_what_was_chosen_stays(firm, held, browse: Browse) -> None:
    chosen = {"all_portfolios": str(firm.collaborator.pk), f"to-{held['first'].pk}": str(firm.admin.pk)}
    answer = browse(firm.admin).post(url(firm), chosen)
    form = answer.context["form"]
    assert answer.status_code == 422 and "all_dossiers" in form.errors
    assert {line.held.name: line.chosen for line in form.dossier_lines}["Garage Petit"] == str(firm.admin.pk)
    assert f'<option value="{firm.collaborator.pk}" selected>' in answer.content.decode()


def test_changing_the_choices_comes_back_with_all_of_them(firm, held, browse: Browse) -> None:
    client = browse(firm.admin)
    meaning = client.post(url(firm), all_to(firm.collaborator, **{f"to-{held['first'].pk}": "nobody"}))
    again = client.post(url(firm), {**hidden(meaning), "change": "1"})
    form = again.context["form"]
    assert again.status_code == 200
    assert {line.held.name: line.chosen for line in form.dossier_lines} == {
        "Garage Petit": "nobody",
        "Hôtel du Port": "",
    }
    assert form["all_dossiers"].value() == str(firm.collaborator.pk)


def test_exceptions_survive_turning_the_page(firm, browse: Browse) -> None:
    dossiers = [make_dossier(f"Client {number:03}") for number in range(120)]
    give(Assignment, pairs_of(dossiers, [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    client = browse(firm.admin)
    first = client.post(url(firm), {"page": "2", f"to-{dossiers[0].pk}": "nobody"})
    assert first.status_code == 200 and "51 à 100 sur 120" in first.content.decode()
    kept = hidden(first)["kept"]
    second = client.post(url(firm), {"page": "3", "kept": kept, f"to-{dossiers[60].pk}": str(firm.admin.pk)})
    kept = hidden(second)["kept"]
    meaning = client.post(url(firm), {"all_dossiers": str(firm.collaborator.pk), "kept": kept, "shown": "3"})
    client.post(url(firm), hidden(meaning))
    assert Assignment.objects.filter(user=firm.collaborator.user).count() == 118
    assert list(Assignment.objects.filter(user=firm.admin.user).values_list("content_object", flat=True)) == [
        dossiers[60].pk
    ]


def test_ticked_invitations_are_revoked(firm, held, browse: Browse) -> None:
    paul = firm.colleague
    Membership.objects.filter(pk=paul.pk).update(role=Role.ADMIN)
    paul.refresh_from_db()
    ticked = invite_client(actor=paul, dossier=held["first"])
    other = invite_client(actor=paul, dossier=make_dossier("Bar", email="bar@client.test"))
    client = browse(firm.admin)
    meaning = client.post(url(firm), all_to(firm.collaborator, invitations=[str(ticked.pk)]))
    assert "Invitations révoquées : 1" in said(meaning)
    result = client.post(url(firm), hidden(meaning), follow=True)
    states = dict(Invitation.objects.values_list("pk", "state"))
    assert (states[ticked.pk], states[other.pk]) == (InvitationState.REVOKED, InvitationState.SENT)
    assert "garage@client.test" in result.content.decode()


def test_connections_that_the_person_made_are_listed_and_forgotten_if_ticked(
    firm, held, browse: Browse
) -> None:
    paul = firm.colleague
    Membership.objects.filter(pk=paul.pk).update(role=Role.ADMIN)
    paul.refresh_from_db()
    ticked = connect(
        actor=paul, kind=ConnectionKind.PENNYLANE, opened={"token": "a-long-token-of-pauls-1234"}
    )
    kept = connect(actor=paul, kind=ConnectionKind.MYUNISOFT, opened={"token": "another-long-token-5678"})
    client = browse(firm.admin)
    first = unescape(said(client.get(url(firm))))
    assert "Connexions à d'autres plateformes" in first
    assert "jeton qui se termine par 1234" in first and "5678" in first
    meaning = client.post(url(firm), all_to(firm.collaborator, connections=[str(ticked.pk)]))
    assert "Connexions à d'autres plateformes oubliées : 1" in unescape(said(meaning))
    result = client.post(url(firm), hidden(meaning), follow=True)
    assert list(Connection.objects.all()) == [kept]
    assert "jeton qui se termine par 1234" in said(result)
    line = Event.objects.get(type="clients.connection.forgotten")
    assert line.group == Event.objects.get(type="clients.member.departed").group
    assert not Notification.objects.filter(event=line).exists(), "the departure tells of it"
    book = openpyxl.load_workbook(
        io.BytesIO(b"".join(client.post(url(firm, "departure_certificate")).streaming_content))
    )
    assert [cell.value for cell in book["Révoquées"][2]] == [
        "Connexions à d'autres plateformes oubliées",
        "Pennylane",
        "jeton qui se termine par 1234",
    ]


def test_connections_of_others_are_not_forgotten_by_it(firm, held, browse: Browse) -> None:
    others = connect(
        actor=firm.admin, kind=ConnectionKind.PENNYLANE, opened={"token": "a-long-token-of-alices-1"}
    )
    client = browse(firm.admin)
    assert "Connexions à d'autres plateformes" not in unescape(said(client.get(url(firm))))
    meaning = client.post(url(firm), all_to(firm.collaborator, connections=[str(others.pk)]))
    client.post(url(firm), {**hidden(meaning), "connections": str(others.pk)})
    assert Connection.objects.get() == others


def test_a_second_press_leads_to_the_result(firm, held, browse: Browse) -> None:
    client = browse(firm.admin)
    confirmed = hidden(client.post(url(firm), all_to(firm.collaborator)))
    for _press in range(2):
        assert client.post(url(firm), confirmed)["Location"] == url(firm, "departed")
    assert Event.objects.filter(type="clients.member.departed").count() == 1


def test_who_comes_second_is_told_what_changed_meanwhile(firm, held, browse: Browse) -> None:
    client = browse(firm.admin)
    confirmed = hidden(client.post(url(firm), all_to(firm.collaborator)))
    make_dossier("Bar", portfolio=held["sarah"])
    refused = client.post(url(firm), confirmed)
    assert refused.status_code == 422 and "entre-temps" in refused.content.decode()
    assert state(firm.colleague) == MemberState.ACTIVE
    client.post(url(firm), hidden(refused))
    assert state(firm.colleague) == MemberState.TERMINATED


def test_a_taker_who_went_meanwhile_is_chosen_anew(firm, held, browse: Browse) -> None:
    client = browse(firm.admin)
    confirmed = hidden(client.post(url(firm), all_to(firm.collaborator)))
    suspend_member(actor=firm.admin, member=firm.collaborator)
    refused = client.post(url(firm), confirmed)
    assert refused.status_code == 422 and refused.context["form"].errors
    assert state(firm.colleague) == MemberState.ACTIVE


def test_the_last_administrator_does_not_leave(firm, held, browse: Browse) -> None:
    zoe = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    client = browse(zoe)
    confirmed = hidden(client.post(url(firm, member=firm.admin), {}))
    Membership.objects.filter(pk=zoe.pk).update(role=Role.COLLABORATOR)
    assert client.post(url(firm, member=firm.admin), confirmed).status_code == 403
    assert state(firm.admin) == MemberState.ACTIVE


def test_nobody_completes_their_own(firm, browse: Browse) -> None:
    answer = browse(firm.admin).get(url(firm, member=firm.admin))
    assert answer["Location"] == url(firm, "member", firm.admin)


def test_who_holds_nothing_leaves_too(firm, browse: Browse) -> None:
    client = browse(firm.admin)
    meaning = client.post(url(firm), {})
    assert meaning.status_code == 200
    client.post(url(firm), hidden(meaning))
    assert state(firm.colleague) == MemberState.TERMINATED


def test_the_result_of_somebody_who_is_still_there_is_a_miss(firm, browse: Browse) -> None:
    client = browse(firm.admin)
    assert client.get(url(firm, "departed")).status_code == 404
    assert client.post(url(firm, "departure_certificate")).status_code == 404


def test_the_leaver_loses_the_firm_at_the_next_request(firm, held, browse: Browse) -> None:
    paul, client = browse(firm.colleague), browse(firm.admin)
    assert paul.get(firm.firm.url("dashboard")).status_code == 200
    client.post(url(firm), hidden(client.post(url(firm), all_to(firm.collaborator))))
    assert paul.get(firm.firm.url("dashboard")).status_code in (302, 404)


# --- replacements


def wanted(firm: World, **others: Any) -> dict[str, Any]:
    today = timezone.localdate()
    days = {"starts_on": today.isoformat(), "ends_on": (today + 7 * DAY).isoformat()}
    return {"cover": str(firm.collaborator.pk), "includes_assignments": "on", **days, **others}


def test_arranging_one_shows_first_what_it_opens(firm, held, browse: Browse) -> None:
    client = browse(firm.admin)
    meaning = client.post(url(firm, "replace"), wanted(firm))
    text = meaning.content.decode()
    assert "3 dossiers" in text and not Replacement.objects.exists()
    assert client.post(url(firm, "replace"), hidden(meaning))["Location"] == url(firm, "member")
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, held["inside"])


def test_one_to_come_shows_what_it_would_open_today_and_says_so(firm, held, browse: Browse) -> None:
    client = browse(firm.admin)
    tomorrow = (timezone.localdate() + DAY).isoformat()
    meaning = client.post(url(firm, "replace"), wanted(firm, starts_on=tomorrow))
    text = meaning.content.decode()
    assert "3 dossiers" in text and "Il commence plus tard" in text
    client.post(url(firm, "replace"), hidden(meaning))
    assert Replacement.objects.unended().count() == 1
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, held["inside"])


def test_what_is_wrong_with_it_is_said_at_the_field(firm, browse: Browse) -> None:
    client = browse(firm.admin)
    yesterday = (timezone.localdate() - DAY).isoformat()
    for given, field in (
        ({"starts_on": yesterday}, "starts_on"),
        ({"ends_on": yesterday}, "ends_on"),
        ({"cover": str(firm.colleague.pk)}, "cover"),
        ({"cover": ""}, "cover"),
    ):
        answer = client.post(url(firm, "replace"), wanted(firm, **given))
        assert answer.status_code == 422 and field in answer.context["form"].errors
    arranged(firm)
    again = client.post(url(firm, "replace"), wanted(firm))
    assert again.status_code == 422 and "remplace déjà ce membre" in again.content.decode()


def test_what_it_means_by_now_is_shown_to_who_confirms_late(firm, held, browse: Browse) -> None:
    client = browse(firm.admin)
    confirmed = hidden(client.post(url(firm, "replace"), wanted(firm)))
    make_dossier("Bar", portfolio=held["sarah"])
    refused = client.post(url(firm, "replace"), confirmed)
    assert refused.status_code == 422 and "entre-temps" in refused.content.decode()
    assert not Replacement.objects.exists()


def test_it_is_changed_and_ended_from_its_pages(firm, held, browse: Browse) -> None:
    client, replacement = browse(firm.admin), arranged(firm)
    change = firm.firm.url("clients:change_replacement", pk=replacement.pk)
    later = (timezone.localdate() + 9 * DAY).isoformat()
    meaning = client.post(change, {"ends_on": later, "includes_assignments": "on"})
    assert meaning.status_code == 200
    client.post(change, hidden(meaning))
    replacement.refresh_from_db()
    assert replacement.ends_on.isoformat() == later
    end = firm.firm.url("clients:end_replacement", pk=replacement.pk)
    client.post(end, hidden(client.get(end)))
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, held["inside"])
    assert client.get(end).status_code == client.get(change).status_code == 404


def test_everybody_sees_who_replaces_whom_and_only_administrators_change_it(firm, browse: Browse) -> None:
    replacement = arranged(firm)
    listed = firm.firm.url("clients:replacements")
    change = firm.firm.url("clients:change_replacement", pk=replacement.pk)
    assert change in browse(firm.admin).get(listed).content.decode()
    page = browse(firm.collaborator).get(listed).content.decode()
    assert "Chloé Martin</strong> remplace" in page and change not in page


def test_the_cover_and_the_absent_find_it_on_their_first_page(firm, browse: Browse) -> None:
    until = arranged(firm).ends_on.strftime("%d/%m/%Y")
    mine = browse(firm.collaborator).get(firm.firm.url("dashboard")).content.decode()
    assert f"Vous remplacez Paul Martin jusqu'au {until}" in mine.replace("&#x27;", "'")
    theirs = browse(firm.colleague).get(firm.firm.url("dashboard")).content.decode()
    assert f"Chloé Martin vous remplace jusqu'au {until}" in theirs.replace("&#x27;", "'")


def test_the_covered_file_says_on_whose_behalf_it_was_changed(firm, held, browse: Browse) -> None:
    arranged(firm)
    update_dossier(actor=firm.collaborator, dossier=held["inside"], values={"phone": "0102030405"})
    page = firm.firm.url("clients:dossier", pk=held["inside"].pk)
    behalf = "Chloé Martin, pour le compte de Paul Martin"
    client = browse(firm.admin)
    assert behalf in client.get(page).content.decode()
    drawer = client.get(page, headers={"HX-Request": "true", "HX-Target": "drawer-body"})
    assert behalf in drawer.content.decode()
    assert behalf in client.get(firm.firm.url("clients:journal")).content.decode()
    assert Dossier.objects.get(pk=held["inside"].pk).phone


def test_the_members_pages_show_replacements_and_lead_to_the_certificate(firm, held, browse: Browse) -> None:
    arranged(firm)
    client = browse(firm.admin)
    for page in (
        firm.firm.url("clients:members"),
        url(firm, "member"),
        url(firm, "member", firm.collaborator),
    ):
        assert "Chloé Martin</strong> remplace" in client.get(page).content.decode()
    client.post(url(firm), hidden(client.post(url(firm), all_to(firm.collaborator))))
    page = client.get(url(firm, "member")).content.decode()
    assert url(firm, "departed") in page


def test_an_empty_portfolio_that_the_leaver_was_given_meanwhile_is_told_too(
    firm, held, browse: Browse
) -> None:
    client = browse(firm.admin)
    confirmed = hidden(client.post(url(firm), all_to(firm.collaborator)))
    give(
        PortfolioGrant, pairs_of([make_portfolio("Vide")], [firm.colleague]), role=ObjectRole.READER, by=None
    )
    refused = client.post(url(firm), confirmed)
    assert refused.status_code == 422
    assert state(firm.colleague) == MemberState.ACTIVE
