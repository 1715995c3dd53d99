"""Why a file is not read, and what the reader noticed: codes with parameters, worded only when they are
shown.

No Django here: the reading child imports this module, and need not pay for a translation machinery.
"""

from collections.abc import Mapping

Param = str | int
Params = Mapping[str, Param]


class Refused(Exception):
    """This file (or sheet) is not read. `code` and `params` are stable and fit into JSON: store these two,
    and word them with `spreadsheets.messages.describe(code, params)` in the language of whoever reads."""

    def __init__(self, code: str, **params: Param) -> None:
        super().__init__(code)
        self.code = code
        self.params: dict[str, Param] = params

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refused) and (self.code, self.params) == (other.code, other.params)

    def __hash__(self) -> int:
        return hash((self.code, tuple(sorted(self.params.items()))))
