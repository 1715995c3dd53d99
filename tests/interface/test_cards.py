"""On a phone the rows of a table are cards, in which each cell has its place."""

import re

import pytest

from tests.interface.test_house_style import ROOT

ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)


@pytest.mark.parametrize("place", ["col-main", "col-state", "col-menu", "col-check"])
def test_no_two_cells_of_a_row_have_the_same_place(place: str) -> None:
    """They would lie over each other."""
    of_place = re.compile(rf'<t[hd]\b[^>]*class="[^"]*\b{place}\b')
    twice = [
        (path.name, row[:80])
        for path in (ROOT / "templates").rglob("*.html")
        for row in ROW.findall(path.read_text())
        if len(of_place.findall(row)) > 1
    ]
    assert not twice
