"""What people have said about how a file is to be read: the plan is made of the file and of this, and of nothing else.

Kept with the import as JSON. Nothing in it is trusted: what makes no sense for the file is left out when it is read.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

# For a portfolio that the firm has not: create it (as where nothing is said), or leave the dossiers without. An
# assignee whom the firm has not is always left out; where somebody said so, nobody is told of it any more.
CREATE, WITHOUT = "", "without"


@dataclass(frozen=True)
class Asked:
    """`header_row` is the header's number in the sheet, None for the guessed one. `fields` maps a column's index to a
    field of the resource ("" for none); a column that it does not name is guessed. In the columns of the fields in
    `emptying`, an empty cell empties what the dossier has. `portfolios` maps a name of the file to CREATE, WITHOUT or
    the key of a portfolio; `assignees` maps one that names no member to WITHOUT or the key of a membership. `mine` are
    the rows whose values go before what somebody else changed since the export.
    """

    header_row: int | None = None
    fields: Mapping[int, str] = field(default_factory=dict)
    emptying: tuple[str, ...] = ()
    portfolios: Mapping[str, str] = field(default_factory=dict)
    assignees: Mapping[str, str] = field(default_factory=dict)
    mine: tuple[int, ...] = ()
    # It came from what the firm remembers of lists of this shape.
    remembered: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            header_row=stored.get("header_row"),
            fields={int(column): name for column, name in stored.get("fields", {}).items()},
            emptying=tuple(stored.get("emptying", ())),
            portfolios=dict(stored.get("portfolios", {})),
            assignees=dict(stored.get("assignees", {})),
            mine=tuple(stored.get("mine", ())),
            remembered=bool(stored.get("remembered")),
        )

    def stored(self) -> dict[str, Any]:
        """As JSON holds it."""
        kept = asdict(self)
        return {**kept, "fields": {str(column): name for column, name in self.fields.items()}}
