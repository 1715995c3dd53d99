"""No dump of what is stored, at any moment, opens an invitation; and no log names a link."""

import io
import json
import logging
from collections.abc import Callable

import pytest
from django.test import Client

from activity.models import OutgoingEmail
from invitations.actions.inviting import invite_client
from invitations.models import InvitationToken, hashed
from tenancy.scopes import scope
from tests.database import as_owner
from tests.invitations.links import link_to, token_to
from tests.outbox import Outbox
from tests.worlds import World, make_dossier

Browse = Callable[..., Client]
CLAIRE = "claire@boulangerie.test"


def dump() -> str:
    """Every row of every table, as a backup holds them."""
    with as_owner() as owner:
        tables = [
            row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        rows = {table: owner.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}
    return repr(rows)


def test_while_the_mail_waits_no_token_exists_at_all(firm: World) -> None:
    invite_client(actor=firm.admin, dossier=make_dossier(email=CLAIRE))
    assert OutgoingEmail.objects.get().params.keys() == {"invitation", "generation"}
    assert not InvitationToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_once_it_has_left_and_was_opened_only_the_hash_is_kept(
    browse: Browse, lemoine: World, outbox: Outbox
) -> None:
    with scope(firm=lemoine.firm):
        invite_client(actor=lemoine.admin, dossier=make_dossier(email=CLAIRE))
    token = token_to(outbox, CLAIRE)
    assert len(token) == 43, "256 bits"
    browse().get(link_to(outbox, CLAIRE), follow=True)
    stored = dump()
    assert token not in stored
    assert hashed(token) in stored


def test_each_attempt_has_its_own_token_and_all_of_a_generation_work(
    browse: Browse, firm: World, outbox: Outbox
) -> None:
    invite_client(actor=firm.admin, dossier=make_dossier(email=CLAIRE))
    first = link_to(outbox, CLAIRE)
    OutgoingEmail.objects.update(state="waiting", lease_until=None)
    second = link_to(outbox, CLAIRE)
    assert first != second
    assert {browse().get(path, follow=True).status_code for path in (first, second)} == {200}


@pytest.mark.parametrize("ending", ["", "refuser/", "introuvable/"])
def test_no_log_line_names_a_link(
    browse: Browse, firm: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    from django.conf import settings
    from django.utils.log import configure_logging

    invite_client(actor=firm.admin, dossier=make_dossier(email=CLAIRE))
    path, token = link_to(outbox, CLAIRE), token_to(outbox, CLAIRE)
    written = io.StringIO()
    console = logging.getLogger().handlers[0] if logging.getLogger().handlers else None
    configure_logging("logging.config.dictConfig", settings.LOGGING)
    handlers = [h for h in logging.getLogger().handlers if isinstance(h, logging.StreamHandler)]
    for handler in handlers:
        if handler is not console:
            handler.setStream(written)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    browse().get(f"{path}{ending}?q=Martin", follow=False)
    browse().get("/invitation/?q=Martin")
    assert "request" in written.getvalue(), json.dumps(written.getvalue())
    assert token not in written.getvalue()
    assert "Martin" not in written.getvalue()
