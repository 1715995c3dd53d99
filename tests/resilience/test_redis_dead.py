"""Redis dead or silent: pages stay quick, the change is kept, and the mail leaves when Redis is back."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formataddr
from pathlib import Path

import pytest
from celery import current_app
from django.core import mail
from kombu import Connection

from accounts.models import Role
from activity.tasks import compose_notifications, deliver_mails
from portfolios.models import Portfolio
from tenancy import tasks
from tenancy.scopes import scope
from tests import parallel
from tests.resilience.silence import Way
from tests.resilience.starving import Starving
from tests.worlds import World, make_member


def closed_port(_folder: Path) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{probe.getsockname()[1]}/0"


def missing_socket(folder: Path) -> str:
    return f"redis+socket://{folder}/none.sock"


def silent_port(_folder: Path) -> str:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    _accept_and_say_nothing(listening)
    return f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def silent_socket(folder: Path) -> str:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{folder}/s.sock")
    _accept_and_say_nothing(listening)
    return f"redis+socket://{folder}/s.sock"


def _accept_and_say_nothing(listening: socket.socket) -> None:
    listening.listen(20)
    held = []

    def accept() -> None:
        while True:
            held.append(listening.accept())

    threading.Thread(target=accept, daemon=True).start()


DEAD = [closed_port, missing_socket, silent_port, silent_socket]


@pytest.fixture(params=DEAD, ids=[kind.__name__ for kind in DEAD])
def dead_broker(request, settings, tmp_path_factory) -> Iterator[str]:
    """A broker's address where no broker answers, under a worker's and a page's feet."""
    folder = tmp_path_factory.mktemp("b")
    settings.CELERY_BROKER_URL = request.param(folder)
    _forget()
    yield settings.CELERY_BROKER_URL
    _forget()


def _forget() -> None:
    tasks._broker.cache_clear()
    tasks._rest.until = 0.0


def seconds(act: Callable[[], object]) -> float:
    """For how long it kept us, less what the machine worked for others meanwhile."""
    starving, start = Starving([]), time.monotonic()
    act()
    return time.monotonic() - start - starving.seconds()


def test_the_first_nudge_is_short_and_the_next_ones_are_free(dead_broker: str) -> None:
    assert seconds(lambda: tasks._publish("activity.deliver_mails", [])) <= 2
    assert seconds(_nudge_often) < 0.05


def test_a_broker_that_falls_silent_under_an_open_connection_costs_no_more(settings) -> None:
    with Way(Path(settings.CELERY_BROKER_URL.split("?")[0].removeprefix("redis+socket://"))) as way:
        settings.CELERY_BROKER_URL = parallel.broker(f"redis://127.0.0.1:{way.port}", 2)
        _forget()
        tasks._publish("activity.deliver_mails", [])
        assert not tasks._rest.until, "it was reached"
        way.fall_silent()
        assert seconds(lambda: tasks._publish("activity.deliver_mails", [])) <= 1
        assert tasks._rest.until
    _forget()


def test_a_page_asks_a_silent_broker_once(settings) -> None:
    """Twice would be a second of its two."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
        _forget()
        tasks._publish("activity.deliver_mails", [])
        listening.setblocking(False)
        with contextlib.ExitStack() as stack:
            stack.enter_context(listening.accept()[0])
            with pytest.raises(BlockingIOError):
                listening.accept()
    _forget()


def _nudge_often() -> None:
    for _number in range(100):
        tasks._publish("activity.deliver_mails", [])


def test_a_page_is_quick_the_change_is_kept_and_the_mail_leaves_later(
    transactional_db, lemoine: World, browse, settings, dead_broker: str
) -> None:
    settings.NOTIFICATION_HOLD_SECONDS = 0
    with scope(firm=lemoine.firm):
        partner = make_member(lemoine.firm, "Zoé", role=Role.ADMIN)
    page = browse(lemoine.admin)
    url = lemoine.firm.url("portfolios:create")
    assert seconds(lambda: page.post(url, {"name": "Sarah"})) < 3
    with scope(firm=lemoine.firm):
        assert Portfolio.objects.filter(name="Sarah").exists()
    assert mail.outbox == []

    # Redis is back: beat says so to a worker.
    compose_notifications.apply()
    deliver_mails.apply()
    assert [message.to[0] for message in mail.outbox] == [formataddr(("Zoé Martin", partner.email))]


def test_a_nudge_reaches_a_broker_that_is_back(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    alive = parallel.broker(settings.CELERY_BROKER_URL, 2)  # where no test of another process calls workers
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    _forget()
    tasks._publish("activity.deliver_mails", [])
    settings.CELERY_BROKER_URL = alive
    tasks._broker.cache_clear()
    with Connection(alive) as broker:
        queue = broker.SimpleQueue(current_app.conf.task_default_queue)
        queue.clear()
        tasks._publish("activity.deliver_mails", [])
        with pytest.raises(queue.Empty):  # it rests ten seconds
            queue.get_nowait()
        monkeypatch.setattr(tasks._rest, "until", 0.0)
        tasks._publish("activity.deliver_mails", [])
        message = queue.get(timeout=2)
        assert message.headers["task"] == "activity.deliver_mails"
        assert message.headers["expires"]
        message.ack()
        queue.close()
