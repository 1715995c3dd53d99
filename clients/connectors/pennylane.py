"""Pennylane's interface for firms: https://firm-pennylane.readme.io/reference (companies)."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from clients.connectors.interface import Batch, Client, text
from clients.connectors.troubles import Trouble
from clients.connectors.web import Web

_PER_PAGE = 50  # the most that it gives
_MOST_PAGES = 5_000


class Pennylane:
    """Opened with a token of the firm: “Réglages du cabinet > Jetons cabinet”. The cursor is a page's number."""

    def __init__(self, token: str) -> None:
        self._token = token

    def iter_clients(self, cursor: str = "") -> Iterator[Batch]:
        page = int(cursor or 1)
        address = f"{settings.PENNYLANE_URL}/api/external/firm/v1/companies"
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        with Web(settings.PENNYLANE_URL, headers=headers) as web:
            while page:
                batch = _batch(web.get_json(f"{address}?page={page}&per_page={_PER_PAGE}"), page)
                yield batch
                page = int(batch.cursor or 0)


def _batch(answer: Any, page: int) -> Batch:
    try:
        items, total = answer["items"], int(answer["total_pages"])
        clients = tuple(_client(item) for item in items)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Trouble("garbled") from None
    if total > _MOST_PAGES:
        raise Trouble("too_many_clients")
    return Batch(clients, str(page + 1) if page < total and clients else "", total)


def _client(item: dict[str, Any]) -> Client:
    return Client(
        external_id=text(item["id"]),
        name=text(item["name"]),
        reference=text(item.get("external_id")),
        siren=text(item.get("siren")),
        naf=text(item.get("activity_nomenclature")),
        address=text(item.get("address")),
        postcode=text(item.get("postal_code")),
        city=text(item.get("city")),
    )
