"""Eight answers with one passkey at the same moment: one comes in."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Passkey
from clients.models import SpaceLink
from invitations.actions.inviting import invite_client
from tenancy.scopes import scope
from tests import worlds
from tests.invitations.links import link_to
from tests.outbox import Outbox
from tests.passkeys import Device
from tests.web.test_invitations import shown
from tests.web.test_passkeys import ABOUT_ME, ASKED, HERE, question
from tests.worlds import make_dossier

AT_ONCE, ROUNDS = 8, 3

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_of_eight_answers_with_one_passkey_comes_in(outbox: Outbox) -> None:
    """All in the session in which the key was asked for, so that each finds the question still waiting."""
    world = worlds.make_firm("Cabinet Lemoine", "732829320")
    for number in range(ROUNDS):
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
        assert SpaceLink.objects.count() == Passkey.objects.count() == ROUNDS
