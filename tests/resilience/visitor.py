"""Somebody who walks through a firm's pages while the product is ill-treated, and notes each answer."""

import http.client
import itertools
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from devtools.running import HOST
from tests.resilience.starving import Starving

_CSRF = "resiliencetestsresiliencetests12"


@dataclass(frozen=True)
class Visit:
    """One answer. `status` is 0 where there was none. `starved`: of its seconds, those for which the machine worked for
    others (`tests.resilience.starving`)."""

    began: float
    what: str
    status: int
    seconds: float
    headers: Mapping[str, str]
    body: str
    starved: float

    @property
    def own_seconds(self) -> float:
        return max(self.seconds - self.starved, 0.0)

    @property
    def faults_as_unavailable(self) -> list[str]:
        """What a 503 lacks: it is a page of ours in French that says when to come again, and no more."""
        wanted = {
            "a page": self.headers.get("content-type") == "text/html; charset=utf-8",
            "in French": '<html lang="fr">' in self.body
            and "<title>Nous revenons dans un instant" in self.body,
            "with our look": bool(
                re.search(r'<link rel="stylesheet" href="/static/css/app[^"]*\.css">', self.body)
            ),
            "Retry-After": self.headers.get("retry-after", "").isdigit(),
            "no more than that": not re.search(r"Traceback|psycopg|OperationalError|\.py\b", self.body),
        }
        return [what for what, is_so in wanted.items() if not is_so]


@dataclass
class Visitor:
    """Signed in by this session's key. `walk` goes round the pages in a thread of its own. `servers`: the processes
    that make the pages."""

    address: str
    session: str
    pages: Sequence[str]
    pause: float
    servers: Callable[[], Sequence[int]]
    visits: list[Visit] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Visitor":
        self._thread = threading.Thread(target=self._walk, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _walk(self) -> None:
        for page in itertools.cycle(self.pages):
            self.get(page)
            if self._over.wait(self.pause):
                return

    def get(self, path: str) -> Visit:
        return self._ask("GET", path)

    def post(self, path: str, fields: Mapping[str, str]) -> Visit:
        return self._ask("POST", path, urlencode({**fields, "csrfmiddlewaretoken": _CSRF}))

    def _ask(self, method: str, path: str, sent: str | None = None) -> Visit:
        starving, began = Starving(self.servers()), time.monotonic()
        connection = http.client.HTTPConnection(HOST, urlsplit(self.address).port, timeout=60)
        headers = {
            "Cookie": f"sessionid={self.session}; csrftoken={_CSRF}",
            "Accept-Language": "fr",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        status, told, body = 0, dict[str, str](), ""
        try:
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            body, status = answer.read().decode(), answer.status
            told = {name.lower(): value for name, value in answer.getheaders()}
        except (OSError, http.client.HTTPException) as error:
            body = repr(error)
        finally:
            connection.close()
        seconds = time.monotonic() - began
        made = Visit(began, f"{method} {path}", status, seconds, told, body, starving.seconds())
        self.visits.append(made)
        return made
