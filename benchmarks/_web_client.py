"""A small client of many threads: it costs the machine little, and every contestant the same."""

import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape

THREADS = 4
_ROW = re.compile(r"<tr data-row>.*?</tr>", re.DOTALL)
_WHEN = re.compile(r'<td class="col-when.*?</td>', re.DOTALL)
_LINKS = re.compile(r'href="(/[^"#]*)"')
_TAGS = re.compile(r"<[^>]*>")


class Browser:
    """Asks as one signed-in person; a connection per request, as the server's workers close them."""

    def __init__(self, port: int, session: str) -> None:
        self.port = port
        self.headers = {"Host": "localhost", "Cookie": f"sessionid={session}"}

    def get(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers=self.headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"{path} answered {response.status}: {body[:500]}")
        return body

    def get_many(self, path: str, times: int) -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(self.get, [path] * times))


def content_of_rows(page: str) -> list[tuple[str, list[str]]]:
    """What a person reads in each row of a list, and where its links lead; but for when something last happened,
    which each page words in its own way."""
    return [
        (" ".join(unescape(_TAGS.sub(" ", row)).split()), _LINKS.findall(row))
        for row in (_WHEN.sub("", found) for found in _ROW.findall(page))
    ]
