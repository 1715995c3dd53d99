"""No dump of what is stored, at any moment, opens an invitation; and no log names a link."""

import base64
import io
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from redis import Redis

from activity.models import OutgoingEmail
from invitations.actions.inviting import invite_client
from invitations.models import InvitationToken, hashed, hashed_code
from tenancy import tasks
from tenancy.scopes import scope
from tests import parallel
from tests.database import as_owner
from tests.invitations.kinds import INVITED, KINDS, send
from tests.invitations.links import link_to, token_to
from tests.invitations.test_letters import printed
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


# --- Database and Redis together, of every kind

ADDRESS = "par.lettre@client.test"
_TOKEN, _CODE = re.compile(r"(?=(?<![\w-])([\w-]{43})(?![\w-]))"), re.compile(r"(?=([0-9A-Z]{16}))")


@pytest.fixture
def redis(settings: Any) -> Iterator[Redis]:
    """The broker to which pages and actions call out in this test, and which no worker empties."""
    settings.CELERY_BROKER_URL = parallel.broker(os.environ["REDIS_URL"], 1)
    # The client calls a unix socket otherwise than Celery.
    address = settings.CELERY_BROKER_URL.replace("redis+socket:", "unix:").replace("?virtual_host=", "?db=")
    client = Redis.from_url(address)
    client.flushdb()
    tasks._broker.cache_clear()
    tasks._rest.until = 0.0
    yield client
    client.flushdb()
    client.close()
    tasks._broker.cache_clear()


def dump_of(redis: Any) -> str:
    """All values of all keys; what is packed in them (a task's arguments are) unpacked besides."""
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"string": redis.get,
    }
    rows = " ".join(repr(readers[redis.type(key)](key)) for key in redis.scan_iter())
    packed = re.findall(r'"body": ?"([A-Za-z0-9+/=]+)"', rows)
    return " ".join([rows, *(base64.b64decode(body).decode() for body in packed)])


def usable_in(text: str) -> set[str]:
    """What of a dump leads somewhere: tokens of links, codes of letters."""
    with as_owner() as owner:
        tokens = {row[0] for row in owner.execute("SELECT token_hash FROM invitations_invitationtoken")}
        letters = owner.execute("SELECT code_hash, proof_hash FROM invitations_letter").fetchall()
    known = tokens | {one for row in letters for one in row}
    links = {found for found in _TOKEN.findall(text) if hashed(found) in known}
    typed = text.upper().replace("-", "").replace(" ", "")
    return links | {found for found in _CODE.findall(typed) if hashed_code(found) in known}


@pytest.mark.django_db(transaction=True)
def test_a_dump_with_mails_pending_holds_no_usable_link(
    browse: Browse, lemoine: World, outbox: Outbox, redis: Redis
) -> None:
    """While they wait; while they leave, once their links are stored; once they have left and were opened."""
    cache.clear()
    for kind in KINDS:
        send(kind, lemoine)
    with scope(firm=lemoine.firm):
        _letter, code = printed(lemoine, make_dossier("Sans adresse"))
    guest = browse()
    guest.post("/lettre/", {"code": code})
    guest.post("/lettre/adresse/", {"email": ADDRESS})
    assert usable_in(f"{code} {dump()}") == {code}, "what is looked for would be found"
    waiting = dump_of(redis)
    assert "deliver_mails" in waiting, "the workers were called"
    with as_owner() as owner:
        assert owner.execute("SELECT count(*) FROM invitations_invitationtoken").fetchone() == (0,)
        assert owner.execute("SELECT count(*) FROM invitations_letter WHERE proof_hash > ''").fetchone() == (
            0,
        )
    assert usable_in(dump() + waiting) == set()
    outbox.flush()
    tokens = [found for mail in outbox.mails() for found in _TOKEN.findall(str(mail.body))]
    assert len(set(tokens)) >= len(KINDS), "each has its own"
    assert usable_in(" ".join(tokens)) == set(tokens)
    with as_owner() as owner:
        owner.execute("UPDATE activity_outgoingemail SET state = 'waiting'")  # as if nobody had marked them
    for path in (link_to(outbox, INVITED), f"/lettre/{code}/"):
        browse().get(path, follow=True)
    stored = dump() + dump_of(redis)
    assert usable_in(stored) == set()
    assert not [token for token in tokens if token in stored]


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
