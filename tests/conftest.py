"""Fixtures of all tests: the database as the runtime role sees it, and the smallest worlds that tests start from."""

import gc
import io
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client, TransactionTestCase
from structlog.stdlib import ProcessorFormatter
from whitenoise import WhiteNoise

from tenancy import scopes
from tests import calendars, database, parallel, worlds
from tests.outbox import Outbox
from tests.worlds import World

# Playwright keeps an event loop in this thread from its first test to the end, which Django would take for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> parallel.Together:
    return parallel.Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    parallel.longest_first(items)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end, so it is not gone through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        database.make()


@pytest.fixture(autouse=True, scope="session")
def _emptied_by_the_owner() -> Iterator[None]:
    """The runtime role may not TRUNCATE, so what a committing test left is taken away by the owner."""
    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: database.empty())
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _static_files_listed_once() -> Iterator[None]:
    """Every test client makes the middleware anew; WhiteNoise's would go through all static files each time."""
    patch = pytest.MonkeyPatch()
    listed: dict[tuple[str, str, int], dict[str, Any]] = {}
    go_through = WhiteNoise.update_files_dictionary

    def once(self: WhiteNoise, root: str, prefix: str) -> None:
        what = (root, prefix, self.max_age)
        if what not in listed:
            go_through(self, root, prefix)
            listed[what] = dict(self.files)
        self.files.update(listed[what])

    patch.setattr(WhiteNoise, "update_files_dictionary", once)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _passwords_are_hashed_quickly() -> Iterator[None]:
    """By the same algorithm, in a hundredth of the memory."""
    patch = pytest.MonkeyPatch()
    patch.setattr(Argon2PasswordHasher, "memory_cost", 1024)
    patch.setattr(Argon2PasswordHasher, "parallelism", 1)
    yield
    patch.undo()


@pytest.fixture
def one_day() -> Iterator[None]:
    """For tests that say “today” more than once: no midnight comes between."""
    with calendars.far_from_midnight():
        yield


@pytest.fixture
def lemoine(db: None) -> World:
    """A firm with an administrator, two collaborators and nothing else; no scope is open."""
    return worlds.make_firm("Cabinet Lemoine", "732829320")


@pytest.fixture
def bertrand(db: None) -> World:
    """Another firm, of the same shape."""
    return worlds.make_firm("Bertrand Conseil", "552100554")


@pytest.fixture
def firm(lemoine: World) -> Iterator[World]:
    """The first firm, with its scope open for the test's own code."""
    with scopes.scope(firm=lemoine.firm):
        yield lemoine


@pytest.fixture
def browse() -> Callable[..., "OutsideClient"]:
    """`browse(member)`: a test client signed in as that person, whose requests start outside of any scope."""

    def signed_in(person: Any = None) -> OutsideClient:
        client = OutsideClient()
        if person is not None:
            client.force_login(getattr(person, "user", person))
        return client

    return signed_in


@pytest.fixture
def outbox(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """What left by mail: `recipients()`, `mails()`, `to(address)`, `flush()`, `clear()`."""
    settings.NOTIFICATION_HOLD_SECONDS = 0
    return Outbox(monkeypatch)


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    """What the console would show, with everything from INFO on."""
    root, output = logging.getLogger(), io.StringIO()
    console = next(h for h in root.handlers if isinstance(h.formatter, ProcessorFormatter))
    ours, level = logging.StreamHandler(output), root.level
    ours.setFormatter(console.formatter)
    root.addHandler(ours)
    root.setLevel(logging.INFO)
    yield output
    root.removeHandler(ours)
    root.setLevel(level)


class OutsideClient(Client):
    """A client whose requests know nothing of the scope that a test has open, as a real server's do."""

    def request(self, **request: Any) -> Any:
        if scopes.current() == scopes.NOWHERE:
            return super().request(**request)
        with scopes._standing_in(scopes.NOWHERE, "default"):
            return super().request(**request)
