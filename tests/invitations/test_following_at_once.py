"""Several people answer a client at the same moment, by two invitations of theirs: the firm follows them once."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from clients.actions.following import AlreadyFollowing
from clients.models import SpaceLink
from invitations.actions.answering import NotAnswerable
from invitations.actions.following import asked, follow_client
from invitations.models import Invitation
from tenancy.scopes import scope
from tests import worlds
from tests.invitations.asked import ask, make_client, receive
from tests.worlds import World

AT_ONCE = 8
ROUNDS = 50 if os.environ.get("PORTAL_LONG") == "1" else 5

pytestmark = pytest.mark.django_db(transaction=True)


def pages(world: World, number: int) -> list[dict[str, Any]]:
    """Two invitations of one client, received for the firm, and what their pages post."""
    client = make_client(f"client{number}@client.test", f"Client {number}")
    found = []
    for address in ("contact@cabinet.test", "accueil@cabinet.test"):
        invitation = receive(ask(client, address), world.admin)
        with scope(firm=world.firm):
            received = Invitation.objects.get(pk=invitation.pk)
            found.append({"invitation": received, "shown": asked(received).mark})
    return found


def press(world: World, page: dict[str, Any], together: Barrier) -> str:
    together.wait()
    try:
        with scope(firm=world.firm):
            follow_client(actor=world.admin, **page)
    except (NotAnswerable, AlreadyFollowing) as error:
        return type(error).__name__
    finally:
        connection.close()
    return "follows"


def test_one_of_eight_answers_at_once_follows() -> None:
    world = worlds.make_firm("Cabinet Lemoine", "732829320")
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for number in range(ROUNDS):
            both, together = pages(world, number), Barrier(AT_ONCE)
            answers = list(threads.map(lambda n: press(world, both[n % 2], together), range(AT_ONCE)))  # noqa: B023 - the round ends here
            assert answers.count("follows") == 1, answers
    with scope(firm=world.firm):
        assert SpaceLink.objects.count() == ROUNDS
