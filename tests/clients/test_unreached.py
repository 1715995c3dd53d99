"""Mails to clients that did not arrive: the firm whose doing they told of learns of them, and no other."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from activity.actions import queue_mail
from activity.composing import compose_for
from activity.models import MailState, Notification, OutgoingEmail
from clients.actions.dossiers import update_dossier
from clients.actions.space import edit_space_details, open_space
from clients.models import ClientSpace, Dossier, SpaceLink, SpaceMember, SpaceProfile
from clients.unreached import UnreachedList, number_unreached
from portfolios.actions import grant_portfolio
from tenancy.scopes import scope
from tests.worlds import World, make_dossier, make_person, make_portfolio

Browse = Callable[..., Client]
CLAIRE, WHY = "claire@boulangerie.test", "550 5.1.1 inconnu"


class Followed:
    """A client's space that two firms follow, each with a dossier of its own."""

    def __init__(self, lemoine: World, bertrand: World) -> None:
        self.lemoine, self.bertrand = lemoine, bertrand
        self.claire = make_person(CLAIRE, first_name="Claire", last_name="Aubry")
        with scope(firm=lemoine.firm):
            portfolio = make_portfolio("Sarah")
            grant_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
            self.mine = make_dossier("Boulangerie Martin", portfolio=portfolio)
            link = open_space(person=self.claire, firm=lemoine.firm, dossier=self.mine, email=CLAIRE)
            self.space = link.space_id
        with scope(firm=bertrand.firm):
            self.theirs = make_dossier("Martin SARL")
            open_space(
                person=self.claire, firm=bertrand.firm, dossier=self.theirs, email=CLAIRE, space_id=self.space
            )
        with scope(space=self.space):
            Notification.objects.all().delete()

    def told_of_a_change(self, by: World, dossier: Dossier) -> OutgoingEmail:
        """Of what the firm changes in its record, Claire is to be told."""
        with scope(firm=by.firm):
            update_dossier(actor=by.admin, dossier=dossier, values={"city": by.firm.name})
        return self.composed()

    def composed(self, state: str = MailState.FAILED) -> OutgoingEmail:
        with scope(space=self.space):
            Notification.objects.filter(composed_at=None).update(due_at="2026-01-01T00:00:00Z")
            mail = compose_for(self.claire.pk)
            assert mail is not None
            OutgoingEmail.objects.filter(pk=mail.pk).update(state=state, failure=WHY)
        return mail

    def seen_by(self, member: Any) -> list[tuple[str, str, str]]:
        with scope(firm=member.firm_id):
            return [(one.dossier.name, one.to, one.reason) for one in UnreachedList(member)[:]]


@pytest.fixture
def followed(lemoine: World, bertrand: World) -> Followed:
    return Followed(lemoine, bertrand)


def test_the_firm_learns_who_was_not_told_of_what_it_did_and_the_other_firm_does_not(
    followed: Followed,
) -> None:
    followed.told_of_a_change(followed.lemoine, followed.mine)
    assert followed.seen_by(followed.lemoine.admin) == [("Boulangerie Martin", CLAIRE, WHY)]
    assert followed.seen_by(followed.bertrand.admin) == []


def test_of_the_client_files_that_one_may_see(followed: Followed) -> None:
    followed.told_of_a_change(followed.lemoine, followed.mine)
    assert followed.seen_by(followed.lemoine.collaborator) == [("Boulangerie Martin", CLAIRE, WHY)]
    assert followed.seen_by(followed.lemoine.colleague) == []


def test_what_happens_among_the_clients_own_people_is_no_firms_business(
    followed: Followed, browse: Browse
) -> None:
    """The client's managers see it, beside whoever it is about."""
    ivan = make_person("ivan@boulangerie.test", first_name="Ivan")
    with scope(space=followed.space):
        SpaceMember.objects.create(
            space_id=followed.space, user=ivan, email=ivan.email, profile=SpaceProfile.MANAGER
        )
        theirs = SpaceMember.objects.get(user=ivan)
        edit_space_details(
            actor=theirs, space=ClientSpace.objects.get(pk=followed.space), values={"city": "Brest"}
        )
    followed.composed()
    assert followed.seen_by(followed.lemoine.admin) == followed.seen_by(followed.bertrand.admin) == []
    page = browse(ivan).get(reverse("invitations:people", kwargs={"space_id": followed.space}))
    assert {row["member"].email: row["trouble"] for row in page.context["rows"]} == {
        CLAIRE: WHY,
        ivan.email: "",
    }


def test_a_mail_of_both_firms_tells_each_of_its_own_client_file(followed: Followed) -> None:
    """One mail gathers what both did; each learns that it did not arrive, under its own name for the client."""
    with scope(firm=followed.lemoine.firm):
        update_dossier(actor=followed.lemoine.admin, dossier=followed.mine, values={"city": "Brest"})
    followed.told_of_a_change(followed.bertrand, followed.theirs)
    assert followed.seen_by(followed.lemoine.admin) == [("Boulangerie Martin", CLAIRE, WHY)]
    assert followed.seen_by(followed.bertrand.admin) == [("Martin SARL", CLAIRE, WHY)]


def test_it_is_over_once_a_mail_arrives(followed: Followed) -> None:
    followed.told_of_a_change(followed.lemoine, followed.mine)
    with scope(firm=followed.lemoine.firm):
        update_dossier(actor=followed.lemoine.admin, dossier=followed.mine, values={"city": "Brest"})
    followed.composed(MailState.SENT)
    assert followed.seen_by(followed.lemoine.admin) == []


@pytest.mark.parametrize("change", [{"ended_at": "2026-01-01T00:00:00Z"}, {"email": "claire@ailleurs.test"}])
def test_it_is_over_once_the_person_is_gone_or_elsewhere(followed: Followed, change: dict[str, str]) -> None:
    followed.told_of_a_change(followed.lemoine, followed.mine)
    with scope(space=followed.space):
        SpaceMember.objects.update(**change)
    assert followed.seen_by(followed.lemoine.admin) == []


def test_it_is_over_once_the_client_has_ended_the_access(followed: Followed) -> None:
    followed.told_of_a_change(followed.lemoine, followed.mine)
    with scope(firm=followed.lemoine.firm):
        SpaceLink.objects.update(until="2999-01-01T00:00:00Z")
        assert UnreachedList(followed.lemoine.admin)[:]
        link = SpaceLink.objects.get()
        SpaceLink.objects.update(until=link.since)
    assert followed.seen_by(followed.lemoine.admin) == []


def test_the_first_page_counts_them_the_list_has_as_many_and_the_client_file_says_so(
    followed: Followed, browse: Browse
) -> None:
    followed.told_of_a_change(followed.lemoine, followed.mine)
    firm = followed.lemoine.firm
    for member, number in ((followed.lemoine.collaborator, 1), (followed.lemoine.colleague, 0)):
        client = browse(member)
        needs = {str(need.text): need.url for need in client.get(firm.url("dashboard")).context["needs"]}
        said = "1 courriel n'est pas parvenu à votre client"
        assert (said in needs) == bool(number)
        page = client.get(needs.get(said, firm.url("clients:unreached")))
        assert len(page.context["mails"]) == number
        assert (WHY in page.content.decode()) == bool(number)
    dossier = browse(followed.lemoine.admin).get(firm.url("clients:dossier", pk=followed.mine.pk))
    assert WHY in dossier.content.decode()
    theirs = browse(followed.bertrand.admin)
    other = theirs.get(followed.bertrand.firm.url("clients:dossier", pk=followed.theirs.pk))
    assert CLAIRE in other.content.decode()
    assert WHY not in other.content.decode()


def test_however_many_there_are_the_first_page_reads_their_number_alone(followed: Followed) -> None:
    """One query, one row; and of those that the member may see."""
    lemoine = followed.lemoine
    for number in range(4):
        with scope(firm=lemoine.firm):
            update_dossier(actor=lemoine.admin, dossier=followed.mine, values={"city": f"Ville {number}"})
        followed.composed()
    read: list[int] = []

    def counted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        read.append(context["cursor"].rowcount)
        return result

    for member, number in ((lemoine.admin, 4), (lemoine.collaborator, 4), (lemoine.colleague, 0)):
        with scope(firm=lemoine.firm):
            assert len(UnreachedList(member)[:]) == number
            read.clear()
            with connection.execute_wrapper(counted):
                assert number_unreached(member) == number
            assert read == [1]


def test_the_list_is_read_page_by_page_each_mail_once(
    followed: Followed, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more of them than a page shows; the count is that of all."""
    lemoine = followed.lemoine
    mails = []
    for city in ("Brest", "Nantes", "Lyon"):
        with scope(firm=lemoine.firm):
            update_dossier(actor=lemoine.admin, dossier=followed.mine, values={"city": city})
        mails.append(followed.composed())
    monkeypatch.setattr("clients.views.unreached.PER_PAGE", 2)
    client, url, shown = browse(lemoine.collaborator), lemoine.firm.url("clients:unreached"), []
    for number, has_more in ((1, True), (2, False)):
        page = client.get(url, {"page": number})
        assert page.context["page"].paginator.count == 3
        assert (f"?page={number + 1}" in page.content.decode()) == has_more
        shown.append([one.at for one in page.context["mails"]])
    assert shown == [[mails[2].created_at, mails[1].created_at], [mails[0].created_at]]
    assert len(client.get(url, {"size": 20}).context["mails"]) == 3


def a_mail(to: str, state: str = MailState.FAILED, kind: str = "activity.changes") -> None:
    mail = queue_mail(kind, to=to)
    OutgoingEmail.objects.filter(pk=mail.pk).update(state=state, failure=WHY)


def test_what_members_missed_is_counted_for_administrators_and_the_list_is_that(
    lemoine: World, browse: Browse
) -> None:
    """Not an invitation, which is counted with the invitations; nobody who is gone; nobody who was reached since."""
    said = "2 courriels ne sont pas parvenus à des membres"
    paul, chloe = lemoine.colleague, lemoine.collaborator
    with scope(firm=lemoine.firm):
        for to in (paul.email, paul.email, chloe.email, "parti@lemoine.test"):
            a_mail(to)
        a_mail(chloe.email, MailState.SENT)
        a_mail(paul.email, kind="invitations.invitation")
    dashboard = lemoine.firm.url("dashboard")
    needs = {str(need.text): need.url for need in browse(lemoine.admin).get(dashboard).context["needs"]}
    shown = browse(lemoine.admin).get(needs[said]).context["mails"]
    assert [(one.to, one.reason) for one in shown] == [(paul.email, WHY)] * 2
    everything = browse(lemoine.admin).get(lemoine.firm.url("invitations:undelivered")).context["mails"]
    assert len(everything) == 5
    assert said not in [str(need.text) for need in browse(chloe).get(dashboard).context["needs"]]
