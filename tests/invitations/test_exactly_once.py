"""Eight people press the same button at the same moment: one comes in."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Passkey, User
from accounts.newcomers import AddressTaken, Newcomer
from accounts.terms import current_terms
from activity.models import Event
from clients.models import SpaceLink
from invitations.actions.answering import Link, NotAnswerable, accept_as_client, fingerprint
from invitations.actions.inviting import invite_client
from invitations.models import Invitation
from tenancy.scopes import scope
from tests import worlds
from tests.invitations.links import link_to
from tests.outbox import Outbox
from tests.passkeys import Device
from tests.web.test_invitations import shown
from tests.web.test_passkeys import ABOUT_ME, ASKED, HERE, question
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


def test_one_of_eight_answers_with_one_passkey_comes_in(outbox: Outbox) -> None:
    """All in the session in which the key was asked for, so that each finds the question still waiting."""
    world = worlds.make_firm("Cabinet Lemoine", "732829320")
    for number in range(ROUNDS // 10):
        address = f"client{number}@client.test"
        with scope(firm=world.firm):
            invite_client(actor=world.admin, dossier=make_dossier(f"Client {number}", email=address))
        first = Client()
        first.get(link_to(outbox, address))
        data = {**ABOUT_ME, "shown": shown(first.get(HERE)), "passkey": Device().make(question(first, ASKED))}
        together = Barrier(AT_ONCE)

        def post(_: int, cookies: Any = first.cookies, data: Any = data, together: Barrier = together) -> str:
            browser = Client()
            browser.cookies = cookies.copy()
            together.wait()
            try:
                return str(browser.post(HERE, data).get("Location", ""))
            finally:
                connection.close()

        with ThreadPoolExecutor(AT_ONCE) as threads:
            came_in = [where for where in threads.map(post, range(AT_ONCE)) if where.endswith("/bienvenue/")]
        assert len(came_in) == 1, number
    with scope(firm=world.firm):
        assert SpaceLink.objects.count() == Passkey.objects.count() == ROUNDS // 10
