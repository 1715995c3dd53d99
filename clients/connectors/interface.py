"""What every connector gives: clients, page by page."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Client:
    """A client as the other platform has it. `external_id` tells it from the others there, whatever else changes;
    `reference` is the code that people gave it, if the platform knows one. `status` is the platform's own word."""

    external_id: str
    name: str
    reference: str = ""
    siren: str = ""
    siret: str = ""
    naf: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    status: str = ""

    def stored(self) -> dict[str, str]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, str]) -> Self:
        return cls(**stored)


@dataclass(frozen=True)
class Batch:
    """One page. `cursor` is where to go on afterwards, empty after the last one; `total` how many pages there are."""

    clients: tuple[Client, ...]
    cursor: str
    total: int


class Connector(Protocol):
    """One platform, opened with one firm's token."""

    def iter_clients(self, cursor: str = "") -> Iterator[Batch]:
        """The pages from the cursor on, asked for one by one as they are drawn. Raises Trouble."""


def text(value: Any, longest: int = 300) -> str:
    """A value of somebody else's JSON as one line of text; nothing for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).replace("\0", "").split())[:longest]
