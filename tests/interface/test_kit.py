"""The kit as a person meets it: every state without an axe violation, and all of it by the keyboard."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from tests.browser.axe import violations
from tests.browser.viewer import LAPTOP, PATIENCE, PHONE

pytestmark = pytest.mark.browser


def tick(page: Page) -> None:
    for row in (1, 2, 4):
        page.locator("[data-bulk-row]").nth(row).click()


def open_drawer(page: Page) -> None:
    page.locator("tr[data-row] a[data-drawer].clip").nth(3).click()
    page.wait_for_selector("#drawer-body .facts")


def open_dialog(page: Page) -> None:
    page.locator(".page-actions a[data-dialog]").click()
    page.wait_for_selector("#dialog[open] form")


def refuse_name(page: Page) -> None:
    open_dialog(page)
    page.fill("#dialog input[name=name]", "Immobilier")
    page.locator("#dialog .btn-primary").click()
    page.wait_for_selector("#dialog .error-summary")


STATES: dict[str, tuple[str, Callable[[Page], object]]] = {
    "as it opens": ("", lambda page: None),
    "rows ticked": ("", tick),
    "row menu": ("", lambda page: page.locator("tbody .col-menu button").nth(2).click()),
    "drawer": ("", open_drawer),
    "dialog with an error": ("", refuse_name),
    "notice": ("?message=1", lambda page: None),
    "recent notices": ("?message=1", lambda page: page.locator("[data-notices-button]").click()),
    "profile menu": ("", lambda page: page.locator(".profile-button").click()),
    "my places": ("", lambda page: page.locator(".switcher-button").click()),
    "filters in force": ("?q=a&portfolio=1&state=active", lambda page: None),
    "nothing found": ("?q=zzz", lambda page: None),
    "form errors": ("?errors=1", lambda page: None),
    "client space": ("?layout=space", lambda page: None),
    "centred card": ("?layout=plain", lambda page: None),
}


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_no_state_has_an_axe_violation(kit: Page, kit_url: str, size: ViewportSize) -> None:
    """All of it in light, and what the dark changes."""
    kit.set_viewport_size(size)
    found = {}
    for state, (query, act) in STATES.items():
        kit.emulate_media(color_scheme="light", reduced_motion="reduce")
        kit.evaluate("sessionStorage.clear()")
        kit.goto(kit_url + query)
        act(kit)
        wrong = violations(kit)
        kit.emulate_media(color_scheme="dark", reduced_motion="reduce")
        if wrong := wrong + violations(kit, colours_only=True):
            found[state] = wrong
    assert found == {}


BREAK_A_ROW = """() => document.querySelector("tbody tr:nth-child(3) td:last-child")
  .insertAdjacentHTML("beforeend", "<img src='/favicon.ico'>")"""


def test_a_row_that_was_found_clean_is_examined_again_once_it_is_another(kit: Page) -> None:
    assert violations(kit) == violations(kit) == []
    kit.evaluate(BREAK_A_ROW)
    for _again in range(2):  # what is wrong is not learnt
        assert [line.partition(":")[0] for line in violations(kit)] == ["image-alt"]
    kit.reload()
    assert violations(kit) == []
    kit.evaluate("document.querySelector('tbody').style.color = '#ccc'")  # nothing of the rows themselves
    assert {line.partition(":")[0] for line in violations(kit)} == {"color-contrast"}


@pytest.mark.parametrize("width", [320, 360, 768, 1024, 1366])
def test_nothing_is_wider_than_the_screen(kit: Page, width: int) -> None:
    kit.set_viewport_size({"width": width, "height": 800})
    assert kit.evaluate("document.documentElement.scrollWidth") == width


def test_rows_stand_on_one_line_of_44_pixels(kit: Page) -> None:
    heights = kit.locator("tbody tr[data-row]").evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert len(heights) == 20
    assert set(heights) <= {44, 45}


def test_a_row_menu_is_worked_by_the_keyboard(kit: Page) -> None:
    button = kit.locator("tbody .col-menu button").first
    button.focus()
    kit.keyboard.press("Enter")
    expect(kit.get_by_role("menuitem", name="Ouvrir")).to_be_focused()
    kit.keyboard.press("ArrowUp")
    expect(kit.get_by_role("menuitem", name="Archiver")).to_be_focused()
    kit.keyboard.press("m")
    expect(kit.get_by_role("menuitem", name="Modifier")).to_be_focused()
    kit.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_the_drawer_opens_from_a_row_and_gives_the_focus_back(kit: Page) -> None:
    link = kit.locator("tr[data-row] a[data-drawer].clip").nth(3)
    link.focus()
    kit.keyboard.press("Enter")
    expect(kit.locator("#drawer")).to_be_focused()
    expect(kit.locator("#drawer-title")).to_have_text("Atelier Bel-Air")
    kit.get_by_role("button", name="Ligne suivante").click()
    expect(kit.locator("#drawer-title")).to_have_text("Café Martin Frères")
    kit.keyboard.press("Escape")
    expect(kit.locator("#drawer")).to_be_hidden()
    expect(kit.locator("tr[data-row] a[data-drawer].clip").nth(4)).to_be_focused()


def test_the_list_stays_usable_beside_the_drawer(kit: Page) -> None:
    open_drawer(kit)
    kit.locator("[data-bulk-row]").nth(6).click()
    expect(kit.locator("[data-bulk-count]")).to_have_text("1 sélectionné")
    expect(kit.locator("#drawer")).to_be_visible()


def test_a_dialog_shows_the_form_again_then_closes_with_a_notice(kit: Page) -> None:
    refuse_name(kit)
    expect(kit.locator("#dialog .error-summary")).to_be_focused()
    kit.fill("#dialog input[name=name]", "Sarah")
    kit.locator("#dialog .btn-primary").click()
    expect(kit.locator("#dialog")).to_be_hidden()
    expect(kit.locator("#toasts")).to_contain_text("Le portefeuille est créé.")
    kit.locator("[data-notices-button]").click()
    expect(kit.locator("#notices")).to_contain_text("Le portefeuille est créé.")


def test_a_notice_covers_no_row_and_no_button(kit: Page, kit_url: str) -> None:
    kit.goto(f"{kit_url}?message=1")
    expect(kit.locator("[data-toast]")).to_be_visible()
    note = kit.locator("[data-toast]").bounding_box()
    content = kit.locator("#main").bounding_box()
    assert note is not None
    assert content is not None
    assert note["x"] + note["width"] <= content["x"]


def test_a_selection_survives_paging_and_reaches_all_that_match(kit: Page) -> None:
    tick(kit)
    kit.get_by_role("link", name="Suivant").click()
    kit.wait_for_url("**page=2**")
    expect(kit.locator("[data-bulk-count]")).to_have_text("3 sélectionnés")
    kit.get_by_label("Sélectionner toutes les lignes de cette page").check()
    expect(kit.locator("[data-bulk-count]")).to_have_text("23 sélectionnés")
    kit.get_by_role("button", name="Sélectionner les 47").click()
    expect(kit.locator("[data-bulk-count]")).to_have_text("Les 47 sont sélectionnés")
    with kit.expect_request(lambda request: request.method == "POST") as sent:
        kit.get_by_role("button", name="Déplacer").click()
    assert 'name="all"' in (sent.value.post_data or "") or "all=1" in (sent.value.post_data or "")


def test_a_bulk_act_carries_the_rows_of_other_pages(kit: Page) -> None:
    tick(kit)
    kit.get_by_role("link", name="Suivant").click()
    kit.wait_for_url("**page=2**")
    kit.get_by_role("button", name="Déplacer").click()
    expect(kit.locator("#dialog")).to_contain_text("3 dossiers seront déplacés")


def test_the_list_follows_as_one_types_and_the_address_keeps_it(kit: Page) -> None:
    kit.locator(".filter-bar input[type=search]").press_sequentially("garage", delay=20)
    kit.wait_for_url("**/dev/kit/?q=garage")
    expect(kit.locator("tbody tr")).to_have_count(2)
    expect(kit.locator("[data-page-count]")).to_have_text("2")
    kit.get_by_role("link", name="retirer ce filtre").click()
    expect(kit.locator("tbody tr")).to_have_count(20)
    expect(kit.locator(".filter-bar input[type=search]")).to_have_value("")


# Types a word as soon as a search box is there that was not before, in the very task that follows.
TYPE_AT_ONCE = """(function () {
  const before = new Set(document.querySelectorAll(".filter-bar input[type=search]"));
  const watch = new MutationObserver(() => {
    const box = document.querySelector(".filter-bar input[type=search]");
    if (!box || before.has(box)) return;
    watch.disconnect();
    box.value = "garage";
    box.dispatchEvent(new InputEvent("input", { bubbles: true }));
  });
  watch.observe(document, { childList: true, subtree: true });
})()"""


def test_what_is_typed_before_the_scripts_have_come_is_asked_for(kit: Page, kit_url: str) -> None:
    kit.add_init_script(TYPE_AT_ONCE)
    kit.goto(kit_url)
    expect(kit.locator("tbody tr")).to_have_count(2)
    expect(kit).to_have_url(f"{kit_url}?q=garage")


def test_what_is_typed_the_moment_a_field_comes_is_asked_for(kit: Page, kit_url: str) -> None:
    kit.evaluate(TYPE_AT_ONCE)
    kit.evaluate(
        """() => htmx.ajax("GET", location.href,
          { target: ".filter-bar", select: ".filter-bar", swap: "outerHTML", source: "#main" })"""
    )
    expect(kit.locator("tbody tr")).to_have_count(2)
    expect(kit).to_have_url(f"{kit_url}?q=garage")


def test_a_list_that_comes_late_takes_nothing_typed_away(kit: Page, kit_url: str) -> None:
    box = kit.locator(".filter-bar input[type=search]")
    box.evaluate(  # as the answer to the first letter is about to be shown, the rest is typed and the box left
        """box => addEventListener("htmx:beforeSwap", () => {
          box.value = "garage";
          box.dispatchEvent(new InputEvent("input", { bubbles: true }));
          box.blur();
        }, { once: true })"""
    )
    box.fill("a")
    expect(kit.locator("tbody tr")).to_have_count(2)
    expect(kit).to_have_url(f"{kit_url}?q=garage")


OVER = {"HX-Refresh": "true"}


def held_back(kit: Page, where: str) -> list[Route]:
    """What the page asks for there, which gets no answer until the test gives it."""
    asked: list[Route] = []

    def take(route: Route) -> None:
        asked.append(route)

    kit.route(where, take)
    return asked


def until_there(kit: Page, asked: list[Route]) -> None:
    until = time.monotonic() + PATIENCE
    while not asked:
        assert time.monotonic() < until
        kit.wait_for_timeout(10)


def begin_to_ask(kit: Page) -> None:
    """From now on, the page asks how far its work is."""
    kit.evaluate(
        """() => {
          document.body.insertAdjacentHTML("beforeend",
            '<div id="how-far" hx-get="/how-far/" hx-trigger="every 20ms" hx-swap="outerHTML"></div>');
          htmx.process(document.getElementById("how-far"));
        }"""
    )


def first_question(kit: Page) -> Route:
    """How far is the work? It waits for its answer."""
    asked = held_back(kit, "**/how-far/")
    begin_to_ask(kit)
    until_there(kit, asked)
    return asked[0]


def test_a_page_whose_work_is_over_is_loaded_anew_once(kit: Page, kit_url: str) -> None:
    asked: list[str] = []

    def over(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=204, headers=OVER)

    kit.route("**/how-far/", over)
    late = held_back(kit, kit_url)
    begin_to_ask(kit)
    until_there(kit, late)
    kit.wait_for_timeout(400)
    assert len(asked) == 1
    assert len(late) == 1
    late[0].continue_()
    expect(kit.locator("#how-far")).to_have_count(0)


def test_a_page_that_somebody_leaves_is_not_loaded_anew(kit: Page, kit_url: str) -> None:
    question = first_question(kit)
    leaving = held_back(kit, f"{kit_url}?q=*")
    kit.evaluate("url => { location.href = url }", f"{kit_url}?q=garage")
    until_there(kit, leaving)
    with kit.expect_event("requestfinished", lambda request: request.url.endswith("/how-far/")):
        question.fulfill(status=204, headers=OVER)
    leaving[0].continue_()
    expect(kit).to_have_url(f"{kit_url}?q=garage")
    expect(kit.locator("tbody tr")).to_have_count(2)


def test_a_notice_outlasts_the_page_whose_work_is_over(kit: Page, kit_url: str) -> None:
    notice = {"text": "1 ligne corrigée", "tone": "ok"}
    kit.evaluate("detail => document.dispatchEvent(new CustomEvent('toast', { detail }))", notice)
    expect(kit.locator("#toasts")).to_contain_text("1 ligne corrigée")
    first_question(kit).fulfill(status=204, headers=OVER)
    expect(kit.locator("#how-far")).to_have_count(0)
    expect(kit.locator("#toasts")).to_contain_text("1 ligne corrigée")
    kit.reload()
    expect(kit.locator("#notices")).to_contain_text("1 ligne corrigée")
    expect(kit.locator("#toasts")).to_have_text(re.compile(r"^\s*$"))


@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_a_key_leads_to_the_search_box(kit: Page, key: str) -> None:
    kit.keyboard.press(key)
    expect(kit.locator("[data-search]")).to_be_focused()


def test_a_theme_is_kept_and_stands_before_the_first_paint(kit: Page) -> None:
    kit.locator(".profile-button").click()
    kit.locator("[data-theme-set=dark]").click()
    kit.reload()
    assert kit.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_a_cut_text_shows_in_full_on_hover_and_on_focus(kit: Page) -> None:
    name = kit.get_by_role("link", name="Société coopérative").first
    name.hover()
    expect(kit.locator("#tip")).to_contain_text("du Haut-Jura")


def test_a_form_is_sent_once(kit: Page) -> None:
    open_dialog(kit)
    sent: list[str] = []
    kit.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    kit.fill("#dialog input[name=name]", "Sarah")
    kit.locator("#dialog form").evaluate("form => { form.requestSubmit(); form.requestSubmit(); }")
    expect(kit.locator("#dialog")).to_be_hidden()
    assert len(sent) == 1


def test_a_form_without_htmx_is_sent_once_too(kit: Page) -> None:
    sent = kit.locator("#end form").evaluate(
        """form => {
          let sent = 0;
          addEventListener("submit", (event) => { sent += 1; event.preventDefault(); });
          form.requestSubmit();
          form.requestSubmit();
          return sent;
        }"""
    )
    assert sent == 1


def test_without_scripts_links_lead_to_pages_and_menus_open(browser: Browser, kit_url: str) -> None:
    page = browser.new_context(java_script_enabled=False, locale="fr-FR").new_page()
    page.goto(kit_url)
    page.locator(".page-actions a.btn-primary").click()
    expect(page.get_by_role("heading", name="Nouveau portefeuille")).to_be_visible()
    page.goto(kit_url)
    page.locator("tbody .col-menu button").first.click()
    expect(page.get_by_role("menuitem", name="Modifier").first).to_be_visible()
    page.context.close()
