"""How much is made while somebody waits, and how much at all."""

# Some two seconds of a request, measured with the widest of our workbooks.
AT_ONCE = 10_000
# Two full sheets: what Excel still opens, and the database keeps without noticing.
MOST_LINES = 2_000_000


class TooManyLines(Exception):
    """More than a workbook may hold. `lines`: how many, about."""

    def __init__(self, lines: int) -> None:
        super().__init__(lines)
        self.lines = lines
