"""What `record` writes: the event that it gives back, and a notification for each person, in one statement."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activity.actions import record
from activity.models import Event, Notification
from activity.origin import Origin, coming_from
from portfolios.actions import grant_portfolio
from portfolios.events import PortfolioGranted, PortfolioRenamed, PortfolioTakenBack
from tenancy.keys import uuid7
from tests.worlds import World, make_portfolio

pytestmark = pytest.mark.django_db

AWKWARD = "100 % d’“Élan”, l'\\autre\t{0} %(n)s 😀"


def columns_of(event: Event) -> dict[str, Any]:
    return {field.attname: getattr(event, field.attname) for field in Event._meta.concrete_fields}


def test_what_is_given_back_is_what_stands_in_the_journal(firm: World) -> None:
    member = firm.collaborator
    details = {"member": AWKWARD, "member_id": str(member.pk), "none": None, "n": 1.5, "list": [True, {}]}
    with coming_from(Origin(ip="2001:db8::7", request_id="abc")):
        given = record(
            PortfolioGranted,
            actor=firm.admin,
            subject=make_portfolio(AWKWARD),
            changes={"name": (None, AWKWARD), "count": (1, 2), "key": (member.pk, False)},
            details=details,
            group=uuid7(),
            behalf=member,
        )
    assert columns_of(given) == columns_of(Event.objects.latest("id"))
    assert (given.named, given.details, given.ip) == (member.pk, details, "2001:db8::7")
    assert given.changes["key"] == [str(member.pk), False]
    assert None not in {given.firm_id, given.owner, given.actor_id, given.behalf_id, given.subject_id}


def test_what_no_person_and_no_thing_did_is_written_too(firm: World) -> None:
    given = record(PortfolioTakenBack, actor=None, subject=None)
    assert columns_of(given) == columns_of(Event.objects.latest("id"))
    assert not Notification.objects.exists()


@pytest.mark.parametrize("also_told", [False, True])
def test_the_event_and_all_who_are_told_are_one_statement(firm: World, also_told: bool) -> None:
    """Before it: who may know, and what they chose. The actor's replacements, for who is no administrator."""
    portfolio = make_portfolio("Sarah")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    with CaptureQueriesContext(connection) as asked:
        event = record(
            PortfolioRenamed,
            actor=firm.collaborator,
            subject=portfolio,
            also_tell=[firm.admin] if also_told else [],
        )
    assert [query["sql"].split()[0] for query in asked] == ["SELECT", "SELECT", "SELECT", "WITH"]
    assert [one.recipient_id for one in Notification.objects.filter(event=event)] == [firm.admin.user_id]
