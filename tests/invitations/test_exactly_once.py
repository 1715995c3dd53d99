"""Eight people press the same button at the same moment: one comes in."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from accounts.newcomers import AddressTaken, Newcomer
from accounts.terms import current_terms
from activity.models import Event
from clients.models import SpaceLink
from invitations.actions.answering import Link, NotAnswerable, accept_as_client, fingerprint
from invitations.actions.inviting import invite_client
from invitations.models import Invitation
from tenancy.scopes import scope
from tests import worlds
from tests.worlds import PASSWORD, World, make_dossier

AT_ONCE = 8
ROUNDS = 100 if os.environ.get("PORTAL_LONG") == "1" else 20

pytestmark = pytest.mark.django_db(transaction=True)


def invite(world: World, number: int) -> dict[str, Any]:
    """An invitation, and what its page posts."""
    with scope(firm=world.firm):
        dossier = make_dossier(f"Client {number}", email=f"client{number}@client.test")
        key = invite_client(actor=world.admin, dossier=dossier).pk
        invitation = Invitation.objects.with_names().get(pk=key)
        return {"link": Link(key, 1), "shown": fingerprint(invitation, current_terms())}


def press(world: World, page: dict[str, Any], name: str, together: Barrier) -> str:
    together.wait()
    try:
        with scope(firm=world.firm):
            person = Newcomer(first_name=name, last_name="Aubry", password=PASSWORD)
            accept_as_client(**page, person=person)
    except (NotAnswerable, AddressTaken) as error:
        return type(error).__name__
    finally:
        connection.close()
    return "in"


def test_one_of_eight_acceptances_at_once_comes_in() -> None:
    world = worlds.make_firm("Cabinet Lemoine", "732829320")
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for number in range(ROUNDS):
            page, together = invite(world, number), Barrier(AT_ONCE)
            answers = list(threads.map(lambda n: press(world, page, f"P{n}", together), range(AT_ONCE)))  # noqa: B023 - the round ends here
            assert sorted(answers) == ["NotAnswerable"] * (AT_ONCE - 1) + ["in"], number
    with scope(firm=world.firm):
        assert SpaceLink.objects.count() == ROUNDS
        assert Event.objects.filter(type="invitations.client.joined").count() == ROUNDS
        assert User.objects.filter(email__endswith="@client.test").count() == ROUNDS
