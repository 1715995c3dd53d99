"""A client's pages on a phone: one sees where one stands, and nothing lies over anything else."""

import pytest
from playwright.sync_api import Locator, expect

from firm_portal.demo import CLIENT
from tests.browser.viewer import PHONE, Viewer, Visitors

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(visitors: Visitors) -> Viewer:
    return visitors(CLIENT, size=PHONE)


def over_each_other(cells: Locator) -> bool:
    boxes = [box for cell in cells.all() if (box := cell.bounding_box())]
    return any(
        one["y"] < other["y"] + other["height"] - 1 and other["y"] < one["y"] + one["height"] - 1
        for number, one in enumerate(boxes)
        for other in boxes[:number]
    )


def test_the_menu_shows_where_one_stands(phone: Viewer) -> None:
    menu = phone.page.locator(".top-nav a")
    for where in [str(item.get_attribute("href")) for item in menu.all()]:
        phone.go(where)
        here = phone.page.locator(".top-nav [aria-current]").bounding_box()
        assert here
        assert here["x"] >= 0 and here["x"] + here["width"] <= PHONE["width"], where


def test_who_sees_the_file_can_be_read_line_by_line(phone: Viewer) -> None:
    page = phone.page
    phone.go(str(page.locator('.top-nav a[href$="/acces/"]').get_attribute("href")))
    rows = page.locator("tbody tr").all()
    assert rows
    for row in rows:
        assert not over_each_other(row.locator("> *"))


def test_all_profiles_fit_on_a_phone(phone: Viewer) -> None:
    page = phone.page
    phone.go(str(page.locator('.top-nav a[href$="/personnes/"]').get_attribute("href")))
    last = page.locator(".table-profiles thead th").last.bounding_box()
    assert last
    assert last["x"] + last["width"] <= PHONE["width"]
    rows = page.locator(".table-profiles tbody tr").all()
    assert rows
    for row in rows:
        assert len(row.locator("td").all()) == 4


def test_a_laptop_shows_what_each_invitation_is_for(alice: Viewer) -> None:
    alice.page.locator("nav").get_by_role("link", name="Invitations").click()
    expect(alice.page.get_by_role("columnheader", name="Pour")).to_be_visible()
