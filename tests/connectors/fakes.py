"""Other platforms, small and honest: real servers in threads, over real HTTPS with a certificate of their own.

Each keeps what it was asked (`asked`), and answers the next requests otherwise where a test says so (`then`).
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

TOKEN, PARTNER = "a-firms-token-that-ends-in-4f2c", "partner-secret-that-nobody-sees"
EMAIL, PASSWORD = "alice@lemoine.test", "le mot de passe d'à côté"


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    at: float


class Answer(NamedTuple):
    """What a platform answers; `body` may be an iterator that takes its time."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = {}


Behaviour = Callable[[Asked], Answer]


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **named})


def as_html(text: str, status: int = 200, **headers: str) -> Answer:
    return Answer(
        status,
        text.encode(),
        {"Content-Type": "text/html", **{k.replace("_", "-"): v for k, v in headers.items()}},
    )


class Fake:
    """A platform. `usual` answers, unless something is left of `then`."""

    def __init__(self, usual: Behaviour, certificate: Path) -> None:
        self.usual, self.asked = usual, list[Asked]()
        self.then: list[Answer | Behaviour] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if not self.then:
            return self.usual(asked)
        first = self.then.pop(0)
        return first(asked) if callable(first) else first


@contextmanager
def running(usual: Behaviour, certificate: Path) -> Iterator[Fake]:
    fake = Fake(usual, certificate)
    thread = threading.Thread(target=fake.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.server.shutdown()
        fake.server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    fake: ClassVar[Fake]

    def do_GET(self) -> None:
        self._do({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._do({name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()})

    def _do(self, form: dict[str, str]) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.fake.answer(Asked(self.command, parts.path, query, headers, form, time.monotonic()))
        try:
            self._send(answer)
        except OSError:  # whoever asked did not wait
            self.close_connection = True

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        whole = isinstance(answer.body, bytes)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if whole:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        for piece in [answer.body] if whole else answer.body:
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, *of: Any) -> None:
        """Nothing: a test's output is its own."""


def make_certificate(path: Path) -> Path:
    """A key and a certificate for localhost that signs itself, in one file: for the server, and to be trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


# --- What the platforms answer ----------------------------------------------------------------------------------------


def company(number: int, **other: Any) -> dict[str, Any]:
    """As Pennylane has it."""
    return {
        "id": 1000 + number,
        "name": f"Société {number}",
        "billing_company_name": f"Enseigne {number}",
        "siren": "732829320" if number == 1 else None,
        "address": f"{number} rue de la Paix",
        "city": "Paris",
        "postal_code": "75002",
        "activity_nomenclature": "62.01Z",
        "external_id": f"C{number:03}",
        **other,
    }


def pennylane(companies: list[dict[str, Any]], per_page: int | None = None) -> Behaviour:
    """`GET /api/external/firm/v1/companies?page=&per_page=`, for whoever bears the token."""

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return as_json({"error": "Access token is missing or invalid", "status": 401}, 401)
        if asked.path != "/api/external/firm/v1/companies":
            return as_json({"error": "Not found", "status": 404}, 404)
        size, page = per_page or int(asked.query["per_page"]), int(asked.query["page"])
        found = companies[(page - 1) * size : page * size]
        pages = -(-len(companies) // size)
        return as_json(
            {
                "items": found,
                "total_pages": pages,
                "current_page": page,
                "per_page": size,
                "total_items": len(companies),
            }
        )

    return answer


def society(number: int, **other: Any) -> dict[str, Any]:
    """As MyUnisoft has it."""
    return {
        "society_id": number,
        "name": f"Société {number}",
        "siret": "73282932000074" if number == 1 else None,
        "ape": "6201Z",
        "address": f"{number} Rue DU RUISSEAU 17290 ARDILLIERES FRANCE",
        "address_number": str(number),
        "address_bis": None,
        "road_type": "Rue",
        "street_name": "DU RUISSEAU",
        "postal_code": "17290",
        "city": "ARDILLIERES",
        "status": "",
        "folder_reference": f"D{number:03}",
        **other,
    }


def myunisoft(
    societies: list[dict[str, Any]], per_page: int = 0, limit: int = 20, window: float = 10.0
) -> Behaviour:
    """`GET /api/v1/society`; more requests than the limit within the window are refused. `per_page=0`: all at once."""
    times: list[float] = []

    def answer(asked: Asked) -> Answer:
        times[:] = [at for at in times if asked.at - at < window] + [asked.at]
        if len(times) > limit:
            return as_json({"message": "Too Many Requests"}, 429, Retry_After="3")
        if asked.headers.get("x-third-party-secret") != PARTNER:
            return as_json({"message": "Invalid third party"}, 403)
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return as_json({"message": "Unauthorized"}, 401)
        size, page = per_page or len(societies) or 1, int(asked.query.get("page", 1))
        return as_json(
            {
                "row_numbers": len(societies),
                "pages_number": -(-len(societies) // size) if per_page else None,
                "society_array": societies[(page - 1) * size : page * size],
            }
        )

    return answer


LIST = "Code client;Raison sociale;SIRET\r\nM1;Boulangerie Martin;73282932000074\r\nM2;Garage Petit;\r\n"


FIELDS = (
    '<input type="hidden" name="_token" value="s3al-0f-this-page"><input name="login">'
    '<input type="password" name="mdp"><button name="go" value="1">Entrer</button>'
)


def signing_in(*, content: bytes = LIST.encode(), export: Behaviour | None = None) -> Behaviour:
    """A site with a sign-in page, a seal against forgeries, and an export for those who are signed in."""
    give = export or (lambda _asked: Answer(200, content, {"Content-Type": "text/csv"}))

    def answer(asked: Asked) -> Answer:
        if asked.path == "/connexion":
            return _sign_in_page()
        if asked.path == "/session":
            return _sign_in(asked)
        if "session" not in SimpleCookie(asked.headers.get("cookie", "")):
            return Answer(302, b"", {"Location": "/connexion"})
        return as_html("<h1>Bonjour</h1>") if asked.path == "/accueil" else give(asked)

    return answer


def _sign_in_page(said: str = "") -> Answer:
    return as_html(
        f'<!doctype html><form><input name="q"></form><p>{said}</p>'
        f'<form method="POST" action="/session?suite=1">{FIELDS}</form>',
        Set_Cookie="visit=abc; Path=/",
    )


def _sign_in(asked: Asked) -> Answer:
    """Only from its own page, with the page's seal, cookie and button."""
    sealed = (asked.form.get("_token"), asked.form.get("go")) == ("s3al-0f-this-page", "1")
    visited = "visit" in SimpleCookie(asked.headers.get("cookie", ""))
    if not (sealed and visited and asked.headers.get("referer", "").endswith("/connexion")):
        return as_html("forged", 419)
    if (asked.form.get("login"), asked.form.get("mdp")) != (EMAIL, PASSWORD):
        return _sign_in_page("Identifiants incorrects")
    return Answer(302, b"", {"Location": "/accueil", "Set-Cookie": "session=open; Path=/; HttpOnly"})
