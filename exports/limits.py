"""How much an export may hold. How much of it is made while somebody waits: `EXPORTS_AT_ONCE` of the settings."""

# Two full sheets: what Excel still opens, and the database keeps without noticing.
MOST_LINES = 2_000_000


class TooManyLines(Exception):
    """More than a workbook may hold. `lines`: how many, about."""

    def __init__(self, lines: int) -> None:
        super().__init__(lines)
        self.lines = lines
