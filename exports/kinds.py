"""The registry of exports: each `Kind`, declared by an app above, says who may have one and what its workbook holds."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, TypeVar

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Firm, Membership
from accounts.permissions import Perm, require
from activity.events import EventType, Text
from spreadsheets.writing import Target
from tenancy.leases import Progress

# What was asked for, as JSON: filters by name. What is not asked for is left out.
Parameters = Mapping[str, str]
REGISTRY: dict[str, "Kind"] = {}
T = TypeVar("T")


class Gone(Exception):
    """Something that the parameters name is no more, or is not open to the member: a portfolio, a member."""


class Book(ABC):
    """One workbook, before it is written.

    `asked` says in words which filters it follows, "" for none. `subjects`, once it is written: the keys (16 bytes
    each) of what it tells of, where that is not open to all who may have the export.
    """

    asked: str = ""
    subjects: bytes = b""

    @abstractmethod
    def expected(self) -> int:
        """About how many lines it will hold; in a few queries."""

    def weight(self) -> int:
        """How many lines of a plain list take as long: whether somebody waits for it, or a worker makes it."""
        return self.expected()

    def name(self) -> str:
        """What the file is called; "" for the kind's name of the day."""
        return ""

    @abstractmethod
    def write(self, target: Target, progress: Progress) -> int:
        """Into the target, in memory that does not grow with the firm. Returns how many lines it holds."""


class Kind(ABC):
    """One kind of export. Declare a subclass with a `name`, loaded by its app's AppConfig.

    `label`     what people call it
    `stem`      how its file's name begins
    `perm`      the permission in the firm that it takes; None lets every member have what they see
    `exported`  the event recorded each time somebody takes one away; details: `lines`
    """

    name: ClassVar[str]
    label: ClassVar[Text]
    stem: ClassVar[Text]
    perm: ClassVar[Perm | None] = None
    exported: ClassVar[type[EventType]]

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            REGISTRY[cls.name] = cls()

    def require(self, member: Membership) -> None:
        """Raise PermissionDenied unless the member may have such an export now. Asked of the database."""
        if self.perm is not None:
            require(member, self.perm)
        elif not Membership.objects.open().filter(pk=member.pk).exists():
            raise PermissionDenied(self.name)

    @abstractmethod
    def book(self, member: Membership, parameters: Parameters) -> Book:
        """What the member may see of what is asked for. Raises Gone."""

    @abstractmethod
    def page(self, firm: Firm, parameters: Parameters) -> str:
        """Where such an export is asked for, with these filters set."""

    def still_open(self, member: Membership, subjects: bytes) -> bool:
        """May the member still see all that a book told of?"""
        return True

    def file_name(self) -> str:
        """Of a workbook made today, in the active language."""
        return f"{self.stem}-{timezone.localdate():%Y-%m-%d}.xlsx"


def counted(rows: Iterable[T], progress: Progress) -> Iterator[T]:
    """The rows, each a step of the progress once it is taken."""
    for row in rows:
        yield row
        progress.step += 1
