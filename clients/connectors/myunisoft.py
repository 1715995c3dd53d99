"""MyUnisoft's interface for partners: https://github.com/MyUnisoft/api-partenaires (docs/accounting/society.md)."""

import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from clients.connectors.interface import Batch, Client, text
from clients.connectors.troubles import Trouble
from clients.connectors.web import Web

_REST = 10 / 20  # it takes 20 requests per 10 seconds
_MOST_PAGES = 5_000
_SIREN = 9  # digits


class MyUnisoft:
    """Opened with a token of the whole firm and the partner's own secret. The cursor is a page's number, and how many
    clients came before it."""

    def __init__(self, token: str, third_party_secret: str) -> None:
        self._headers = {
            "Authorization": token if token.lower().startswith("bearer ") else f"Bearer {token}",
            "X-Third-Party-Secret": third_party_secret,
            "Accept": "application/json",
        }

    def iter_clients(self, cursor: str = "") -> Iterator[Batch]:
        page, came = map(int, cursor.split("-")) if cursor else (1, 0)
        address = f"{settings.MYUNISOFT_URL}/api/v1/society"
        with Web(settings.MYUNISOFT_URL, headers=self._headers) as web:
            while page:
                batch = _batch(web.get_json(_page(address, page, came)), page, came)
                yield batch
                came += len(batch.clients)
                page = page + 1 if batch.cursor else 0
                # From answer to question: so no two questions, however long they travel, arrive closer together.
                time.sleep(_REST if page else 0.0)


def _page(address: str, page: int, came: int) -> str:
    """The first is asked for as documented. How the others are is set by the installation: pages are counted in the
    answers, and nothing is published of how to turn them."""
    if page == 1:
        return address
    return f"{address}?{settings.MYUNISOFT_PAGING.format(page=page, offset=came)}"


def _batch(answer: Any, page: int, came: int) -> Batch:
    """`pages_number` is null where everything stands on one page."""
    if isinstance(answer, dict) and "society_id" in answer:
        raise Trouble("one_company")
    try:
        clients = tuple(_client(item) for item in answer["society_array"])
        total, announced = int(answer.get("pages_number") or 1), int(answer.get("row_numbers") or 0)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Trouble("garbled") from None
    if total > _MOST_PAGES:
        raise Trouble("too_many_clients")
    came += len(clients)
    is_last = page >= total or not clients
    if is_last and came < announced:
        raise Trouble("incomplete")
    return Batch(clients, "" if is_last else f"{page + 1}-{came}", total)


def _client(item: dict[str, Any]) -> Client:
    """A company without establishment has its SIREN where the SIRET stands."""
    number = text(item.get("siret")).replace(" ", "")
    return Client(
        external_id=text(item["society_id"]),
        name=text(item["name"]),
        reference=text(item.get("folder_reference")),
        siren=number if len(number) == _SIREN else "",
        siret=number if len(number) != _SIREN else "",
        naf=text(item.get("ape")),
        address=_street(item),
        postcode=text(item.get("postal_code")),
        city=text(item.get("city")),
        status=text(item.get("status")),
    )


def _street(item: dict[str, Any]) -> str:
    """Of the address, what stands before postcode and city."""
    whole, postcode = text(item.get("address")), text(item.get("postal_code"))
    parts = (text(item.get(name)) for name in ("address_number", "address_bis", "road_type", "street_name"))
    if street := " ".join(part for part in parts if part):
        return street
    return whole.rpartition(postcode)[0].strip() if postcode and postcode in whole else ""
