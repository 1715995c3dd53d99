"""The one way out to other platforms: https only, to the origins that the settings name, within limits.

No redirect leads to another origin, so neither a token nor a password ever reaches a host that nobody named, and
nobody can make us ask an address inside our own network.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin, urlsplit

import httpx

from clients.connectors.troubles import Trouble
from spreadsheets.limits import MEGABYTE

LARGEST_PAGE = 8 * MEGABYTE
_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_LATER = 15.0
_AFTER_TOO_MANY = 30.0
_LONGEST_WAIT = 3600.0


class Answer(NamedTuple):
    """What came, with the address that it came from at last."""

    url: str
    status: int
    content: bytes
    content_type: str

    def json(self) -> Any:
        """Raises Trouble where it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise Trouble("garbled", _LATER) from None


def origin(url: str) -> str:
    """Scheme, host and port: what decides where a request goes. Raises ValueError for what is no https address."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise ValueError(url)
    return f"https://{parts.hostname}:{parts.port or 443}"


class Web:
    """Requests to one platform: to the origins of the addresses in `at` alone.

    `seconds` bounds one step of one request, `deadline` all of them together.

    Any failure is a Trouble, raised without what it came from: that would hold the request, and with it secrets.
    """

    def __init__(
        self,
        *at: str,
        headers: Mapping[str, str] | None = None,
        seconds: float = 20.0,
        deadline: float | None = None,
    ) -> None:
        self._origins = {origin(url) for url in at}
        self._until = None if deadline is None else time.monotonic() + deadline
        self._http = httpx.Client(
            headers={"User-Agent": "Firm Portal", "Accept-Encoding": "identity", **(headers or {})},
            timeout=httpx.Timeout(seconds, connect=min(seconds, 5.0)),
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, url: str, *, largest: int = LARGEST_PAGE, **headers: str) -> Answer:
        """Raises Trouble where no answer comes; its status is for whoever asked."""
        return self._follow("GET", url, None, largest, headers)

    def post(self, url: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """Send a form. Raises Trouble where no answer comes."""
        return self._follow("POST", url, fields, LARGEST_PAGE, headers)

    def get_json(self, url: str) -> Any:
        """What an interface for programs answers: no page of the platform's, hence no redirect. Raises Trouble."""
        answer = self._ask("GET", url, None, LARGEST_PAGE, {})
        if answer.status != HTTPStatus.OK:
            raise Trouble("led_elsewhere" if answer.status in _REDIRECTS else "refused")
        return answer.json()

    def _follow(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str] | None,
        largest: int,
        headers: Mapping[str, str],
    ) -> Answer:
        for _step in range(_MOST_REDIRECTS):
            answer = self._ask(method, url, fields, largest, headers)
            if answer.status not in _REDIRECTS:
                return answer
            url = answer.url
            if answer.status not in (307, 308):
                method, fields = "GET", None
        raise Trouble("led_elsewhere")

    def _ask(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str] | None,
        largest: int,
        headers: Mapping[str, str],
    ) -> Answer:
        """One request. Of a redirect, the answer's address is the one that it leads to."""
        self._check(url)
        try:
            with self._http.stream(method, url, data=fields, headers=headers) as response:
                if trouble := _trouble(response):
                    raise trouble
                content = self._read(response, largest)
        except httpx.TimeoutException:
            raise Trouble("timeout", _LATER) from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Trouble("unreachable", _LATER) from None
        if response.status_code in _REDIRECTS:
            url = urljoin(url, response.headers.get("location", ""))
            self._check(url)
        return Answer(url, response.status_code, content, response.headers.get("content-type", ""))

    def _read(self, response: httpx.Response, largest: int) -> bytes:
        """Counted as it comes, in bytes and in time: neither what the header says nor a drip is trusted."""
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > largest:
                raise Trouble("too_big")
            self._check_time()
        return bytes(content)

    def _check(self, url: str) -> None:
        self._check_time()
        try:
            allowed = origin(url) in self._origins
        except ValueError:
            allowed = False
        if not allowed:
            raise Trouble("led_elsewhere")

    def _check_time(self) -> None:
        if self._until is not None and time.monotonic() > self._until:
            raise Trouble("timeout", _LATER)


def _trouble(response: httpx.Response) -> Trouble | None:
    """What a status says that means the same everywhere."""
    status = response.status_code
    if status == HTTPStatus.UNAUTHORIZED:
        return Trouble("token_refused")
    if status == HTTPStatus.FORBIDDEN:
        return Trouble("forbidden")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Trouble("too_many", _wait(response, _AFTER_TOO_MANY))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Trouble("down", _wait(response, _LATER))
    return None


def _wait(response: httpx.Response, usual: float) -> float | None:
    """`Retry-After`, in seconds or as a date; None where it is longer than anybody waits."""
    said = response.headers.get("retry-after", "").strip()
    wait = float(said) if said.isascii() and said.isdigit() else _until(said, usual)
    return max(wait, 1.0) if wait <= _LONGEST_WAIT else None


def _until(date: str, usual: float) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return usual
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
