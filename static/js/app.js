// Firm Portal's behaviours, all asked for by data attributes; docs/interface.md lists them.
// Nothing here is needed to do the work: without scripts, links lead to pages and forms post.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = $("#texts")?.dataset ?? {};
const INTERACTIVE = "a, button, input, select, textarea, label, summary, [popover], dialog";

// Storage may be switched off; then nothing is remembered and everything else still works.
function remember(storage, key, value) {
  try {
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch { /* see above */ }
}
function recall(storage, key, otherwise) {
  try { return JSON.parse(storage.getItem(key)) ?? otherwise; } catch { return otherwise; }
}

// --- Theme and density -------------------------------------------------------------------------------

function showDisplayChoice() {
  const { themeChoice, density } = document.documentElement.dataset;
  for (const button of $$("[data-theme-set]")) button.ariaPressed = String(button.dataset.themeSet === themeChoice);
  for (const button of $$("[data-density-set]")) button.ariaPressed = String(button.dataset.densitySet === density);
}
document.addEventListener("click", ({ target }) => {
  const theme = target.closest("[data-theme-set]");
  const density = target.closest("[data-density-set]");
  if (!theme && !density) return;
  try {
    if (theme) localStorage.setItem("theme", theme.dataset.themeSet);
    if (density) localStorage.setItem("density", density.dataset.densitySet);
  } catch { return; }
  document.dispatchEvent(new Event("portal:display"));
  showDisplayChoice();
});

// --- Notices -------------------------------------------------------------------------------------------

// Each member's apart: they name clients, and the next page may be another firm's, or another person's.
const NOTICES = `notices ${$("[data-notices-of]")?.dataset.noticesOf ?? ""}`;
const STAYS = 8000;

export function toast({ text, tone = "info" }) {
  const open = $("dialog[open] [data-dialog-notice]");
  keepNotice({ text, tone, at: Date.now() });
  if (open && tone === "bad") {
    open.textContent = text;
    return;
  }
  showNote({ text, tone });
}
function showNote({ text, tone }) {
  const region = $("[data-toasts]");
  if (!region) return;
  const note = $("#toast-template").content.firstElementChild.cloneNode(true);
  note.className = `toast-note tone-${tone}`;
  note.dataset.tone = tone;
  note.role = tone === "bad" ? "alert" : "status";
  region.append(note);
  // A live region announces what changes inside it, so the text comes after the region.
  setTimeout(() => { $("[data-toast-text]", note).textContent = text; }, 50);
  lingerThenLeave(note, tone);
}
function lingerThenLeave(note, tone) {
  if (tone === "bad") return;
  let timer;
  const start = () => { timer = setTimeout(() => note.remove(), STAYS); };
  const stop = () => clearTimeout(timer);
  for (const event of ["mouseenter", "focusin"]) note.addEventListener(event, stop);
  for (const event of ["mouseleave", "focusout"]) note.addEventListener(event, start);
  start();
}
// A notice has its whole time, though the page under it is loaded anew because its work is over.
const STANDING = `${NOTICES}, standing`;
function takeNoticesAlong() {
  const notes = $$("[data-toasts] [data-toast]").map((note) => ({ text: $("[data-toast-text]", note).textContent.trim(), tone: note.dataset.tone }));
  remember(sessionStorage, STANDING, notes.filter(({ text }) => text));
}
function showNoticesTakenAlong() {
  for (const notice of recall(sessionStorage, STANDING, [])) showNote(notice);
  remember(sessionStorage, STANDING, null);
}
function keepNotice(notice) {
  remember(sessionStorage, NOTICES, [notice, ...recall(sessionStorage, NOTICES, [])].slice(0, 20));
  showNotices();
}
function showNotices() {
  const list = $("[data-notices-list]");
  if (!list) return;
  const notices = recall(sessionStorage, NOTICES, []);
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  list.replaceChildren(...notices.map(({ text, tone, at }) => {
    const item = document.createElement("li");
    const words = document.createElement("span");
    const stamp = document.createElement("time");
    item.className = `tone-${tone}`;
    words.textContent = text;
    stamp.textContent = time.format(at);
    item.append(words, stamp);
    return item;
  }));
  $("[data-notices-empty]").hidden = notices.length > 0;
}
document.addEventListener("click", ({ target }) => target.closest("[data-toast-close]")?.closest("[data-toast]").remove());
document.addEventListener("submit", ({ target }) => {
  if (target.matches("[data-forget]")) try { sessionStorage.clear(); } catch { /* nothing was kept */ }
});
// Who opens what stands under the bell has read it; the answer is not waited for.
for (const opening of ["click", "auxclick"]) {
  document.addEventListener(opening, ({ target }) => {
    const news = target.closest("[data-reads] a")?.closest("[data-reads]");
    if (!news) return;
    const said = new FormData();
    said.set("csrfmiddlewaretoken", $('meta[name="csrf-token"]').content);
    said.set("quietly", "1");
    for (const key of news.dataset.keys.split(" ")) said.append("key", key);
    navigator.sendBeacon(news.dataset.reads, said);
  });
}
// The server sends HX-Trigger: {"toast": {"text": "…", "tone": "ok"}}
document.addEventListener("toast", ({ detail }) => toast(detail));

// --- htmx ----------------------------------------------------------------------------------------------

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const token = $('meta[name="csrf-token"]')?.content;
  if (token) detail.headers["X-CSRFToken"] = token;
  if (detail.elt.matches("[data-live-filter]")) {
    // A short address is one that can be shared: empty filters and the page number fall away.
    for (const key of [...detail.parameters.keys()]) {
      if (detail.parameters.getAll(key).every((value) => value === "")) detail.parameters.delete(key);
    }
    for (const key of ["page", "after", "before"]) detail.parameters.delete(key);
  }
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target, requestConfig, select } = event.detail;
  const wanted = (select || requestConfig.elt.getAttribute("hx-select"))?.slice(1);
  const isPage = /^\s*<!doctype/i.test(xhr.responseText) && target !== document.body;
  // A whole page where a piece was asked for: the session is over, or the server leads elsewhere. Go there.
  if (isPage && !(wanted && xhr.responseText.includes(`id="${wanted}"`))) {
    event.detail.shouldSwap = false;
    location.assign(xhr.responseURL || location.href);
  }
});
// A page that is being loaded anew asks no more how far its work is: the answer would have it loaded a second time. Nor is
// one loaded anew that somebody is leaving, or they would stay where they are. Who has not gone after a while stays (it was
// a download, say).
const POLLS = '[hx-trigger*="every"]';
const GOING = 10000;
let isLeaving = false;
let leftAt = -Infinity;
addEventListener("beforeunload", () => { leftAt = performance.now(); });
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, elt } = event.detail;
  const leadsOn = xhr.getResponseHeader("HX-Refresh") === "true" || xhr.getResponseHeader("HX-Redirect");
  if (leadsOn && elt.matches(POLLS) && performance.now() - leftAt < GOING) return event.preventDefault();
  isLeaving ||= xhr.getResponseHeader("HX-Refresh") === "true";
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (isLeaving && event.target.matches(POLLS)) event.preventDefault();
});
addEventListener("pagehide", () => { if (isLeaving) takeNoticesAlong(); });
document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  if (/"toast"/.test(xhr.getResponseHeader("HX-Trigger"))) return; // the server has said itself why
  const text = { 403: texts.forbidden, 404: texts.missing, 410: texts.missing, 429: texts.throttled }[xhr.status];
  toast({ text: text || texts.failed, tone: "bad" });
});
document.addEventListener("htmx:sendError", () => toast({ text: texts.offline, tone: "bad" }));
document.addEventListener("htmx:timeout", () => toast({ text: texts.offline, tone: "bad" }));

// --- Dialogs ---------------------------------------------------------------------------------------------

const openers = new WeakMap();
function openDialog(dialog, opener = document.activeElement) {
  // A menu closes when the dialog opens; focus must come back to the button that stays.
  const popover = opener?.closest?.("[popover]");
  openers.set(dialog, popover ? buttonOf(popover) : opener);
  popover?.hidePopover();
  const notice = $("[data-dialog-notice]", dialog);
  if (notice) notice.textContent = "";
  if (!dialog.open) dialog.showModal();
}
document.addEventListener("close", ({ target }) => {
  if (target.matches?.("dialog")) openers.get(target)?.focus?.();
}, true);

document.addEventListener("click", (event) => {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const opener = target.closest("[data-dialog-open]");
  if (opener) return openDialog($(opener.dataset.dialogOpen), opener);
  const closer = target.closest("[data-dialog-close]");
  if (closer) {
    event.preventDefault();
    return closer.closest("dialog")?.close();
  }
  const link = target.closest("a[data-dialog]");
  if (link && window.htmx) {
    event.preventDefault();
    openLink = link;
    htmx.ajax("GET", link.href, { target: "#dialog-body", swap: "innerHTML", source: "#dialog-body" });
    return;
  }
  // A click on the dark ground around a dialog closes it, unless something was typed.
  if (target.matches("dialog[open]") && !$("[data-dirty]", target)) {
    const box = target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) target.close();
  }
});
let openLink = null;

// A fetched form may bear ids that the page has already; a label would then name the wrong field.
const REFERENCES = ["for", "aria-describedby", "aria-labelledby", "aria-controls", "popovertarget", "data-reveal", "form", "href"];
function keepIdsApart(place) {
  for (const element of $$("[id]", place)) {
    const { id } = element;
    if (document.getElementById(id) === element && $$(`[id="${CSS.escape(id)}"]`).length === 1) continue;
    element.id = `${place.id}-${id}`;
    for (const name of REFERENCES) {
      const sign = name === "href" ? "#" : "";
      for (const other of $$(`[${name}~="${CSS.escape(sign + id)}"]`, place)) {
        other.setAttribute(name, other.getAttribute(name).split(" ").map((one) => (one === sign + id ? sign + element.id : one)).join(" "));
      }
    }
  }
}
function settleFragment(place) {
  keepIdsApart(place);
  const holder = place.closest("dialog, aside");
  const title = $("[data-fragment-title]", place);
  const heading = holder && $(".dialog-title, .drawer-title", holder);
  if (title && heading) {
    heading.replaceChildren(...title.childNodes);
    title.remove();
  }
  // The form of a page works in a dialog as it is: it posts, and its answer comes back to the same place.
  for (const form of $$('form[method="post" i]:not([hx-post]):not([data-plain])', place)) {
    form.setAttribute("hx-post", form.getAttribute("action") || place.dataset.url || location.pathname);
    form.setAttribute("hx-target", `#${place.id}`);
    form.setAttribute("hx-swap", "innerHTML");
    form.setAttribute("hx-sync", "this:drop");
    if (form.enctype === "multipart/form-data") form.setAttribute("hx-encoding", "multipart/form-data");
    htmx.process(form);
  }
}
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const place = detail.target;
  if (place.id !== "dialog-body" && place.id !== "drawer-body") return;
  place.dataset.url = detail.pathInfo.finalRequestPath;
  settleFragment(place);
  if (place.id === "dialog-body" && !$("#dialog").open) openDialog($("#dialog"), openLink ?? document.activeElement);
});

// --- Drawer ------------------------------------------------------------------------------------------------

const drawer = $("#drawer");
let drawerLink = null;
function openDrawer(link) {
  if (!drawer || !window.htmx) return false;
  drawerLink = link;
  for (const row of $$("tr[data-current]")) delete row.dataset.current;
  const row = link.closest("tr");
  if (row) row.dataset.current = "";
  link.closest("[popover]")?.hidePopover();
  $("[data-drawer-page]", drawer).href = link.href;
  const body = $("#drawer-body");
  body.setAttribute("aria-busy", "true");
  const wasHidden = drawer.hidden;
  drawer.hidden = false;
  document.body.classList.add("has-drawer");
  aloneWithDrawer(matchMedia("(max-width: 640px)").matches);
  for (const button of $$("[data-drawer-step]", drawer)) button.hidden = !row;
  htmx.ajax("GET", link.href, { target: "#drawer-body", swap: "innerHTML", source: "#drawer-body" }).finally(() => {
    body.removeAttribute("aria-busy");
    if (wasHidden) drawer.focus({ preventScroll: true });
  });
  return true;
}
// On the phone the drawer covers the page, so the keys must not wander behind it.
function aloneWithDrawer(alone) {
  for (const behind of $$(".rail, .top, .main")) behind.inert = alone;
}
function closeDrawer() {
  if (!drawer || drawer.hidden) return;
  drawer.hidden = true;
  aloneWithDrawer(false);
  document.body.classList.remove("has-drawer");
  for (const row of $$("tr[data-current]")) delete row.dataset.current;
  $("#drawer-body").replaceChildren();
  const back = drawerLink?.isConnected ? drawerLink : null;
  const popover = back?.closest("[popover]");
  (popover ? buttonOf(popover) : back)?.focus({ preventScroll: true });
}
function stepDrawer(by) {
  const links = $$("tr a[data-drawer-main], tr[data-row] a[data-drawer]").filter((link) => !link.closest("[popover]"));
  const next = links[links.findIndex((link) => link.closest("tr") === drawerLink?.closest("tr")) + by];
  if (!next) return;
  openDrawer(next);
  next.closest("tr").scrollIntoView({ block: "nearest" });
}
document.addEventListener("click", (event) => {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = target.closest("a[data-drawer]");
  if (link) {
    if (openDrawer(link)) event.preventDefault();
    return;
  }
  if (target.closest("[data-drawer-close]")) return closeDrawer();
  const step = target.closest("[data-drawer-step]");
  if (step) return stepDrawer(Number(step.dataset.drawerStep));
  const row = target.closest("tr[data-row]");
  if (!row || target.closest(INTERACTIVE) || String(getSelection())) return;
  const first = $("a[data-drawer], a[data-row-link]", row);
  if (first?.matches("[data-drawer]")) openDrawer(first);
  else first?.click();
});

// --- Menus ---------------------------------------------------------------------------------------------------

function buttonOf(popover) {
  return $(`[popovertarget="${CSS.escape(popover.id)}"]`);
}
function place(popover) {
  const button = buttonOf(popover);
  if (!button || !popover.classList.contains("menu")) return;
  const anchor = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const edge = 8;
  const toTheRight = anchor.left + width > innerWidth - edge;
  const left = toTheRight ? anchor.right - width : anchor.left;
  const below = anchor.bottom + 4;
  const top = below + height > innerHeight - edge ? anchor.top - height - 4 : below;
  popover.style.left = `${Math.max(edge, Math.min(left, innerWidth - width - edge))}px`;
  popover.style.top = `${Math.max(edge, Math.min(top, innerHeight - height - edge))}px`;
}
const itemsOf = (menu) => $$('[role="menuitem"]', menu).filter((item) => !item.disabled);
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.(".menu[popover]")) return;
  buttonOf(menu)?.setAttribute("aria-expanded", String(event.newState === "open"));
  if (event.newState !== "open") return;
  place(menu);
  (itemsOf(menu)[0] ?? $("a, button, input:not([type=hidden])", menu))?.focus({ preventScroll: true });
}, true);
document.addEventListener("scroll", () => {
  for (const menu of $$(".menu:popover-open")) place(menu);
}, { capture: true, passive: true });
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.('.menu[role="menu"]');
  if (!menu) return;
  const items = itemsOf(menu);
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    items[(to + items.length) % items.length]?.focus();
  } else if (event.key === "Tab") {
    menu.hidePopover();
  } else if (event.key.length === 1 && /\S/.test(event.key)) {
    const starts = (item) => item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase());
    [...items.slice(at + 1), ...items].find(starts)?.focus();
  }
});
document.addEventListener("keydown", (event) => {
  const button = event.target.closest?.('[popovertarget][aria-haspopup="menu"]');
  if (button && event.key === "ArrowDown") {
    event.preventDefault();
    document.getElementById(button.getAttribute("popovertarget"))?.showPopover();
  }
});

// --- Selection of rows -----------------------------------------------------------------------------------------

// <div data-bulk data-bulk-total="412"> holds a form[data-bulk-form], boxes [data-bulk-row] and one [data-bulk-page].
class Selection {
  constructor(root) {
    this.root = root;
    this.form = $("[data-bulk-form]", root);
    this.total = Number(root.dataset.bulkTotal || 0);
    this.key = `bulk:${location.pathname}`;
    const kept = recall(sessionStorage, this.key, { ids: [], all: false, query: "" });
    this.ids = new Set(kept.ids);
    // "All that match" holds for one search only.
    this.all = kept.all && kept.query === filterQuery();
    this.show();
  }
  get boxes() { return $$("[data-bulk-row]", this.root); }
  get count() { return this.all ? this.total : this.ids.size; }
  keep() {
    const empty = !this.ids.size && !this.all;
    remember(sessionStorage, this.key, empty ? null : { ids: [...this.ids], all: this.all, query: filterQuery() });
  }
  set(box, on) {
    if (this.all && !on) {
      this.all = false;
      this.ids = new Set(this.boxes.map((other) => other.value));
    }
    if (on) this.ids.add(box.value);
    else this.ids.delete(box.value);
  }
  forget() { remember(sessionStorage, this.key, null); }
  clear() {
    this.ids.clear();
    this.all = false;
    this.changed();
  }
  changed() {
    this.keep();
    this.show();
  }
  show() {
    const { boxes, count } = this;
    for (const box of boxes) {
      box.checked = this.all || this.ids.has(box.value);
      box.closest("tr")?.toggleAttribute("data-selected", box.checked);
    }
    const ticked = boxes.filter((box) => box.checked).length;
    const page = $("[data-bulk-page]", this.root);
    if (page) {
      page.checked = ticked > 0 && ticked === boxes.length;
      page.indeterminate = ticked > 0 && ticked < boxes.length;
    }
    this.root.toggleAttribute("data-bulk-active", count > 0);
    document.body.classList.toggle("has-selection", count > 0);
    const bar = $("[data-bulk-bar]", this.root);
    if (bar) bar.hidden = count === 0;
    const said = this.all ? texts.selectedAll : count === 1 ? texts.selectedOne : texts.selectedMany;
    const counter = $("[data-bulk-count]", this.root);
    if (counter) counter.textContent = said.replace("{count}", count.toLocaleString(document.documentElement.lang));
    const more = $("[data-bulk-all]", this.root);
    // Cards on a phone show no head, so no box for the whole page: there, one ticked row is enough to ask for all.
    const headless = page?.closest("thead").offsetHeight <= 1;
    if (more) more.hidden = this.all || this.total <= count || (ticked < boxes.length && !headless);
    for (const link of $$("thead a", this.root)) link.tabIndex = count > 0 ? -1 : 0;
  }
  // What the page's own boxes do not say: rows of other pages, or "all that match".
  fill() {
    for (const old of $$("[data-bulk-extra]", this.form)) old.remove();
    const shown = new Set(this.boxes.map((box) => box.value));
    const others = [...this.ids].filter((id) => !shown.has(id));
    // The rows of other pages in one field: a server takes only so many. The query leads back to the list as it is.
    const extra = this.all ? [["all", "1"]] : others.length ? [[this.form.dataset.bulkName || "ids", others.join(",")]] : [];
    extra.push(["query", filterQuery()]);
    for (const [name, value] of extra) {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name, value });
      input.dataset.bulkExtra = "";
      this.form.append(input);
    }
  }
}
// What the list shows: the address, unless the list itself says it (a saved view's address is but its key).
const shownQuery = () => new URLSearchParams($("#list")?.dataset.query ?? location.search);
function filterQuery() {
  const query = shownQuery();
  for (const key of ["page", "after", "before", "sort", "size", "cols"]) query.delete(key);
  return query.toString();
}
const selections = new WeakMap();
const selectionOf = (element) => selections.get(element.closest("[data-bulk]"));
let lastBox = null;
document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.matches?.("[data-bulk-row]")) {
    const selection = selectionOf(target);
    const boxes = selection.boxes;
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(target)].sort((a, b) => a - b);
    const range = event.shiftKey && from >= 0 ? boxes.slice(from, to + 1) : [target];
    const on = target.checked;
    for (const box of range) selection.set(box, on);
    lastBox = target;
    selection.changed();
  } else if (target.matches?.("[data-bulk-page]")) {
    const selection = selectionOf(target);
    const on = target.checked;
    for (const box of selection.boxes) selection.set(box, on);
    selection.changed();
  } else if (target.closest?.("[data-bulk-all]")) {
    const selection = selectionOf(target);
    selection.all = true;
    selection.changed();
    $("[data-bulk-clear]", selection.root)?.focus();
  } else if (target.closest?.("[data-bulk-clear]")) {
    const selection = selectionOf(target);
    selection.clear();
    $("[data-bulk-page]", selection.root)?.focus();
  }
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-bulk-form]")) return;
  const selection = selectionOf(form);
  selection?.fill();
  const button = event.submitter;
  if (button?.matches("[data-bulk-ends]")) selection?.forget();
  if (!button?.matches("[data-dialog]") || !window.htmx) return;
  event.preventDefault();
  openLink = button;
  const values = new FormData(form, button);
  htmx.ajax("POST", button.formAction, { target: "#dialog-body", swap: "innerHTML", source: "#dialog-body", values });
});
// <input data-narrow="#people"> hides the [data-narrow-text] that do not match; what was changed stays to be seen.
function narrow(box) {
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const words = fold(box.value).split(/\s+/).filter(Boolean);
  const list = $(box.dataset.narrow);
  let shown = 0;
  for (const line of $$("[data-narrow-text]", list)) {
    const changed = $$("select", line).some((select) => select.value !== "");
    line.hidden = !changed && !words.every((word) => fold(line.dataset.narrowText).includes(word));
    shown += !line.hidden;
  }
  const none = $("[data-narrow-none]", list.parentElement);
  if (none) none.hidden = shown > 0;
}
document.addEventListener("input", ({ target }) => { if (target.matches("[data-narrow]")) narrow(target); });
// The server sends HX-Trigger: {"selection-done": true} once a bulk change is made, {"list-changed": true} to show it.
document.addEventListener("selection-done", () => {
  for (const root of $$("[data-bulk]")) selections.get(root)?.clear();
});
document.addEventListener("list-changed", () => {
  if ($("#list")) htmx.ajax("GET", location.href, { target: "#list", select: "#list", swap: "outerHTML" });
});

// --- Forms ---------------------------------------------------------------------------------------------------------

// In the capturing phase, so that a second press never reaches htmx either.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sending !== undefined) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (!event.submitter?.formTarget) delete form.dataset.dirty; // a preview in a frame saves nothing
  form.dataset.sending = "";
  event.submitter?.setAttribute("aria-busy", "true");
  // A download keeps the page, and a dialog may take the form's place: both leave the form open.
  const stays = () => form.matches("[data-plain]") || (event.defaultPrevented && !form.hasAttribute("hx-post"));
  setTimeout(() => { if (stays()) formIsFree(form); }, 1000);
}, true);
// <form data-plain data-makes-file="…"> does what was asked by the file that it answers with: the dialog has served, what was
// ticked for it is ticked no more, and it says where the file is. Once the form is on its way: a form that is gone is not sent.
document.addEventListener("submit", ({ target }) => setTimeout(() => {
  if (target.dataset.makesFile === undefined) return;
  target.closest("dialog")?.close();
  document.dispatchEvent(new Event("selection-done"));
  toast({ text: target.dataset.makesFile, tone: "ok" });
}));
function formIsFree(form) {
  delete form.dataset.sending;
  for (const button of $$('[aria-busy="true"]', form)) button.removeAttribute("aria-busy");
  for (const button of $$(`[form="${CSS.escape(form.id || "-")}"][aria-busy]`)) button.removeAttribute("aria-busy");
}
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const form = detail.elt.closest?.("form");
  if (form) formIsFree(form);
  // Done, and nothing to show in its place: the dialog has served.
  if (detail.successful && detail.xhr.status === 204) detail.elt.closest?.("dialog")?.close();
});
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of $$("form[data-sending]")) formIsFree(form);
});
document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("form[data-dirty-guard]");
  if (form) form.dataset.dirty = "";
});
addEventListener("beforeunload", (event) => {
  if ($("form[data-dirty-guard][data-dirty]")) event.preventDefault();
});
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-reveal]");
  if (button) {
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.ariaPressed = String(shown);
    button.ariaLabel = shown ? texts.hide : texts.show;
    return;
  }
  const copy = target.closest("[data-copy]");
  if (copy) {
    const source = copy.dataset.copy.startsWith("#") ? $(copy.dataset.copy) : null;
    navigator.clipboard?.writeText(source ? source.value ?? source.textContent : copy.dataset.copy)
      .then(() => toast({ text: texts.copied, tone: "ok" }));
  }
  if (target.closest("[data-print]")) print();
});
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(type, ({ target }) => {
    target.closest?.("[data-drop]")?.toggleAttribute("data-over", type === "dragenter" || type === "dragover");
  });
}
document.addEventListener("change", ({ target }) => {
  const zone = target.closest?.("[data-drop]");
  if (zone && target.type === "file") {
    const size = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 });
    $("[data-drop-name]", zone).textContent = [...target.files].map((file) => `${file.name} (${size.format(Math.max(1, file.size / 1024))})`).join(", ");
    zone.toggleAttribute("data-filled", target.files.length > 0);
    // The server says the same, but only once the whole file has travelled.
    const most = Number(target.dataset.maxBytes || 0);
    const tooBig = most > 0 && [...target.files].some((file) => file.size > most);
    target.setCustomValidity(tooBig ? target.dataset.tooBig : "");
    if (tooBig) target.reportValidity();
  }
  if (target.matches?.("[data-submit-on-change]")) target.form.requestSubmit();
});
function showErrors(root) {
  const summary = $("[data-error-summary]", root) ?? $('[aria-invalid="true"]', root);
  summary?.focus();
}

// --- Filters ---------------------------------------------------------------------------------------------------------

// What was typed and not asked for yet; a list that comes meanwhile must not take it away.
const unasked = new WeakSet();
document.addEventListener("input", ({ target }) => {
  if (target.form?.matches("[data-live-filter]")) unasked.add(target.form);
});
document.addEventListener("htmx:beforeRequest", ({ target }) => unasked.delete(target));
// After a chip, “back” or a live filter, the boxes show what the address says.
function syncFilters() {
  const query = shownQuery();
  for (const field of $$("form[data-live-filter] [name]")) {
    if (field === document.activeElement || field.type === "hidden" || unasked.has(field.form)) continue;
    const values = query.getAll(field.name);
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (field.multiple) for (const option of field.options) option.selected = values.includes(option.value);
    else field.value = values[0] ?? "";
  }
}
function showCount(root) {
  const list = root.matches?.("[data-count]") ? root : $("[data-count]", root);
  const count = $("[data-page-count]");
  if (list && count) count.textContent = list.dataset.count;
}

// --- Full text of what is cut off ------------------------------------------------------------------------------------

const tip = $("#tip");
function showTip(element) {
  const text = element.dataset.tip || (element.scrollWidth > element.clientWidth ? element.textContent.trim() : "");
  if (!tip?.showPopover || !text) return;
  tip.textContent = text;
  tip.showPopover();
  const anchor = element.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(anchor.left, innerWidth - tip.offsetWidth - 8))}px`;
  const below = anchor.bottom + 6;
  tip.style.top = `${below + tip.offsetHeight > innerHeight ? anchor.top - tip.offsetHeight - 6 : below}px`;
}
const hideTip = () => { if (tip?.matches(":popover-open")) tip.hidePopover(); };
for (const type of ["mouseover", "focusin"]) {
  document.addEventListener(type, ({ target }) => {
    hideTip();
    const element = target.closest?.(".clip, [data-tip]");
    if (element && (type === "mouseover" || element.matches(":focus-visible"))) showTip(element);
  });
}
document.addEventListener("focusout", hideTip);
document.addEventListener("scroll", hideTip, { capture: true, passive: true });

// --- Passkeys ------------------------------------------------------------------------------------------------------------

// <div data-passkey="create" or "get" data-passkey-asks="/url/" hidden> in a form: templates/accounts/_passkey_button.html.
const ofBase64 = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const toBase64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

async function askDevice(does, { publicKey }) {
  publicKey.challenge = ofBase64(publicKey.challenge);
  if (publicKey.user) publicKey.user.id = ofBase64(publicKey.user.id);
  for (const list of [publicKey.excludeCredentials, publicKey.allowCredentials]) {
    for (const key of list ?? []) key.id = ofBase64(key.id);
  }
  const { id, type, rawId, response } = await navigator.credentials[does]({ publicKey });
  const signed = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) signed[name] = toBase64(response[name]);
  }
  return JSON.stringify({ id, type, rawId: toBase64(rawId), response: signed, clientExtensionResults: {} });
}
async function usePasskey(place) {
  const { passkey: does, passkeyAsks, passkeyInsteadOf, passkeyOld, passkeyKept, passkeyFailed } = place.dataset;
  const form = place.closest("form");
  const button = $("button", place);
  const said = $(".passkey-said", place);
  const spared = form.elements[passkeyInsteadOf];
  said.textContent = "";
  // What is disabled is neither asked for nor sent.
  if (spared) spared.disabled = true;
  button.disabled = true;
  try {
    if (!form.reportValidity()) throw new Error("incomplete");
    const asked = await fetch(passkeyAsks, { method: "POST", headers: { "X-CSRFToken": $('meta[name="csrf-token"]').content } });
    if (!asked.ok || asked.redirected) throw new Error(asked.status === 429 ? texts.throttled : passkeyOld);
    const answer = document.createElement("input");
    Object.assign(answer, { type: "hidden", name: "passkey", value: await askDevice(does, await asked.json()) });
    answer.dataset.passkeyAnswer = "";
    form.append(answer);
    form.submit();
  } catch (error) {
    const { name, message } = error;
    if (message !== "incomplete") {
      said.textContent = name === "InvalidStateError" ? passkeyKept : name === "Error" ? message : name === "TypeError" ? texts.offline : passkeyFailed;
    }
    forgetPasskey(form);
  }
}
function forgetPasskey(form) {
  for (const answer of $$("[data-passkey-answer]", form)) answer.remove();
  for (const place of $$("[data-passkey]", form)) {
    $("button", place).disabled = false;
    const spared = form.elements[place.dataset.passkeyInsteadOf];
    if (spared) spared.disabled = false;
  }
}
function offerPasskeys(root) {
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  for (const place of $$("[data-passkey]", root)) place.hidden = false;
  for (const words of $$("[data-passkey-unknown]", root)) words.hidden = true;
}
document.addEventListener("click", ({ target }) => {
  const place = target.closest("button") && target.closest("[data-passkey]");
  if (place) usePasskey(place);
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) for (const place of $$("[data-passkey]")) forgetPasskey(place.closest("form"));
});

// --- Keys --------------------------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey;
  const control = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
  if ((slash || control) && !$("dialog[open]")) {
    const box = $("[data-search]");
    if (!box) return;
    event.preventDefault();
    const sidebar = box.closest("[popover]");
    if (sidebar && getComputedStyle(sidebar).display === "none") sidebar.showPopover();
    box.focus();
    box.select();
  } else if (event.key === "Escape") {
    hideTip();
    // A form that has taken a row's place gives it back.
    const cancel = event.defaultPrevented ? null : event.target.closest?.("[data-escapes]")?.querySelector("[data-escape]");
    if (cancel) return cancel.click();
    if (!event.defaultPrevented && !$("dialog[open], .menu:popover-open")) closeDrawer();
  }
});

// --- Start, for the page and for every piece that htmx brings ------------------------------------------------------------

// On the phone rows become cards, and a browser then forgets that they are a table: say it.
const ROLES = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", th: "columnheader", td: "cell" };
function keepTableRoles(root) {
  for (const table of $$("table.table-cards", root)) {
    for (const part of [table, ...$$("thead, tbody, tr, th, td", table)]) {
      if (!part.role) part.role = part.scope === "row" ? "rowheader" : ROLES[part.localName];
    }
  }
}
// Tabs are wider than a phone: the one that is open must be seen.
function showCurrentTab(root) {
  for (const tab of $$(".tabs [aria-current]", root)) {
    const bar = tab.closest(".tabs");
    const beyond = tab.getBoundingClientRect().right - bar.getBoundingClientRect().right;
    if (beyond > 0) bar.scrollLeft += beyond;
  }
}
function start(root) {
  keepTableRoles(root);
  showCurrentTab(root);
  for (const element of [root, ...$$("[data-bulk]", root)]) {
    if (element.matches?.("[data-bulk]")) selections.set(element, new Selection(element));
  }
  for (const { dataset } of $$("[data-selection-of]", root)) remember(sessionStorage, `bulk:${dataset.selectionOf}`, null);
  offerPasskeys(root);
  showErrors(root);
}
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  // With outerHTML the target is gone; what came in its place bears its id.
  const root = detail.target.isConnected ? detail.target : document.getElementById(detail.target.id) ?? document.body;
  start(root);
  showCount(root);
  syncFilters();
});
for (const note of $$("[data-toasts] [data-toast]")) {
  const { tone } = note.dataset;
  keepNotice({ text: $("[data-toast-text]", note).textContent.trim(), tone, at: Date.now() });
  lingerThenLeave(note, tone);
}
showNoticesTakenAlong();
showDisplayChoice();
showNotices();
start(document.body);
// What was typed into a search before anything listened is looked for now. A browser restores none of these.
document.addEventListener("DOMContentLoaded", () => {
  for (const box of $$('input[type="search"][autocomplete="off"]')) {
    if (box.value !== box.defaultValue) box.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
});
// On a phone the menu across the top is longer than the screen: where one stands must be seen.
$(".top-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
