"""Fetched clients as the file that a person would have sent: headers that every import knows."""

import csv
import io
from collections.abc import Iterable

from clients.connectors.interface import Client
from clients.imports.elsewhere import Standing, standing
from clients.resources import OURS, THERE

# By the fields of `Client`. The platform's own key means nothing here.
_HEADERS = {
    "reference": "Code client",
    "name": "Raison sociale",
    "siren": "SIREN",
    "siret": "SIRET",
    "naf": "Code APE",
    "address": "Adresse",
    "postcode": "Code postal",
    "city": "Ville",
    "status": OURS[THERE],
}
_ALWAYS = {"name"}


def as_csv(clients: Iterable[Client]) -> bytes:
    """Each client once, were it on two pages because the list moved while it was read; columns without any value are
    left out. Those that have ended there come last: of two files of one client, the one that runs goes first."""
    once = list({client.external_id: client for client in clients}.values())
    once.sort(key=lambda client: standing(client.status) == Standing.ENDED)
    fields = [name for name in _HEADERS if name in _ALWAYS or any(getattr(one, name) for one in once)]
    target = io.StringIO()
    writer = csv.writer(target, delimiter=";")
    writer.writerow([_HEADERS[name] for name in fields])
    writer.writerows([getattr(one, name) for name in fields] for one in once)
    return target.getvalue().encode("utf-8-sig")
