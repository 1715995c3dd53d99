"""The kit in a real browser: served by a thread of this process, since it needs neither database nor worker."""

import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from playwright.sync_api import Page

from tests.browser.conftest import breaches, browser_context_args, browser_type_launch_args

__all__ = ["breaches", "browser_context_args", "browser_type_launch_args"]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")  # no longer: other tests must not run under these settings
def kit_url() -> Iterator[str]:
    """The address of the living style guide."""
    hosts = ["127.0.0.1", "testserver"]
    with override_settings(ROOT_URLCONF="tests.interface.urls", ALLOWED_HOSTS=hosts, DEBUG=True):
        application = StaticFilesHandler(get_wsgi_application())
        server = make_server("127.0.0.1", 0, application, server_class=Server, handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/dev/kit/"
        server.shutdown()


@pytest.fixture
def kit(page: Page, kit_url: str, breaches: list[str]) -> Page:
    """A tab on the style guide; a breach of the content security policy fails the test."""
    page.goto(kit_url)
    return page
