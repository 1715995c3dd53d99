"""A platform with a sign-in page: the person's e-mail address and password sign in there, once, for one file.

Nothing of them is kept, logged, or handed to a worker: see docs/decisions/0015.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from urllib.parse import urljoin

from clients.connectors.platforms import Platform
from clients.connectors.troubles import Trouble
from clients.connectors.web import Answer, Web, origin
from spreadsheets.guard import Format, recognise
from spreadsheets.limits import MAX_FILE_BYTES, MEGABYTE

# Somebody waits, and a web worker with them.
_STEP_SECONDS, _WHOLE_SECONDS = 10.0, 25.0
_LONGEST_PAGE = MEGABYTE
# What the platform says to us by these is about the account, not about a token.
_ABOUT_ACCESS = {"token_refused", "forbidden"}


def download(platform: Platform, email: str, password: str) -> bytes:
    """The platform's export file. Raises Trouble, and Refused for a file that is no list."""
    with Web(platform.sign_in, platform.export, seconds=_STEP_SECONDS, deadline=_WHOLE_SECONDS) as web:
        _sign_in(web, platform, email, password)
        try:
            file = web.get(platform.export, largest=MAX_FILE_BYTES)
        except Trouble as trouble:
            raise _about_access(trouble, "no_file") from None
    if file.status != HTTPStatus.OK:
        raise Trouble("no_file")
    if recognise(file.content) is Format.HTML:
        raise Trouble("sign_in_refused" if _form_of(file, platform) else "no_file")
    return file.content


def _sign_in(web: Web, platform: Platform, email: str, password: str) -> None:
    try:
        page = web.get(platform.sign_in)
    except Trouble as trouble:
        raise _about_access(trouble, "no_form") from None
    form = _form_of(page, platform)
    action = urljoin(page.url, form.action) if form else ""
    if form is None or form.method != "post":
        raise Trouble("no_form")
    if _origin_of(action) != origin(platform.sign_in):
        raise Trouble("led_elsewhere")
    filled = {**form.hidden, platform.email_field: email, platform.password_field: password}
    try:
        answer = web.post(action, filled, Referer=page.url, Origin=_as_browsers_say(page.url))
    except Trouble as trouble:
        raise _about_access(trouble, "sign_in_refused") from None
    if answer.status >= HTTPStatus.BAD_REQUEST or _form_of(answer, platform):
        raise Trouble("sign_in_refused")


def _origin_of(url: str) -> str:
    """The origin, or nothing where the address is none that we would go to."""
    try:
        return origin(url)
    except ValueError:
        return ""


def _as_browsers_say(url: str) -> str:
    """The origin of a page as browsers send it, without the usual port."""
    return origin(url).removesuffix(":443")


def _about_access(trouble: Trouble, code: str) -> Trouble:
    return Trouble(code) if trouble.code in _ABOUT_ACCESS else trouble


# --- The form on the page -------------------------------------------------------------------------------------------


@dataclass
class _Form:
    """A form of a page: what it sends besides what people fill in, and all its fields' names."""

    action: str
    method: str
    hidden: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


def _form_of(page: Answer, platform: Platform) -> _Form | None:
    """The form with the platform's two fields, if the page has it."""
    parser = _Forms()
    parser.feed(page.content[:_LONGEST_PAGE].decode("utf-8", "replace"))
    wanted = {platform.email_field, platform.password_field}
    return next((form for form in parser.forms if wanted <= form.names), None)


class _Forms(HTMLParser):
    """All forms of a page, with hidden fields (the seal against forgeries among them) and the button's own value."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[_Form] = []
        self._open: _Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = _Form(values.get("action", ""), values.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag in ("input", "button") and self._open is not None and (name := values.get("name")):
            self._open.names.add(name)
            usual = "submit" if tag == "button" else "text"
            if values.get("type", usual).lower() in ("hidden", "submit"):
                self._open.hidden.setdefault(name, values.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
