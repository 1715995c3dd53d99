"""The list of client files under the production server, against the same page in stock templates and ORM.

`python dev.py bench web [--rounds 5] [--requests 60]`. gunicorn runs with our own configuration, two workers; four
threads ask at once. Trivial: a view that says who is signed in, behind the same middleware. Then each page of a firm of
200,000 client files is asked for alone: how long it takes, for an administrator and for a collaborator
(`--large 0` leaves that out).
"""

import argparse
import os
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from benchmarks._runner import Run, compete, report, timed
from benchmarks._servers import browser_of, web_server
from benchmarks._web_client import Browser, content_of_rows

if TYPE_CHECKING:
    from benchmarks._access_world import Office

MOST = 0.100  # seconds that a page may take
SETTINGS = "benchmarks._web_settings"


def main() -> None:
    options = argparse.ArgumentParser(prog="bench web")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--requests", type=int, default=60, help="of each contestant in each round")
    options.add_argument("--large", type=int, default=200_000, help="client files of the large firm")
    chosen = options.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    import django

    django.setup()
    from benchmarks._access_world import make_office, tidy_up

    office = make_office(1_000, portfolios=40, members=20, singles=20)
    large = make_office(chosen.large) if chosen.large else None
    tidy_up()
    with web_server(SETTINGS) as port:
        ratios = _race(browser_of(port, office.admin), office, chosen.rounds, chosen.requests)
        slowest = max(_show_pages(port, large)) if large else 0.0
    report("web", ratios, {"slowest_page_ms": slowest * 1000} if large else {})


def _race(browser: Browser, office: "Office", rounds: int, requests: int) -> dict[str, float]:
    pages = {
        "ours": office.firm.url("clients:list"),
        "stock templates and ORM": office.firm.url("stock_list"),
        "trivial, signed in": "/bench/signed-in/",
    }
    shown = {name: content_of_rows(browser.get(path)) for name, path in pages.items()}
    assert len(shown["ours"]) == 50
    if shown["ours"] != shown["stock templates and ORM"]:
        pairs = zip(shown["ours"], shown["stock templates and ORM"], strict=True)
        sys.exit(f"The two pages show other rows: {next(pair for pair in pairs if pair[0] != pair[1])}")
    for path in pages.values():
        browser.get_many(path, 20)  # every worker has loaded what it needs

    def contestant(path: str) -> Run:
        return timed(partial(browser.get_many, path, requests))

    print("\nTogether, four threads")
    results = compete({name: partial(contestant, path) for name, path in pages.items()}, rounds=rounds)
    for name, result in results.items():
        print(f"  {name}: {requests / result.seconds:,.0f} requests/s")
    ours, stock, trivial = (result.seconds for result in results.values())
    return {"vs_stock": stock / ours, "vs_trivial": trivial / ours}


def _show_pages(port: int, office: "Office") -> Iterator[float]:
    """The time of each page of the large firm, asked for alone; the least of some, for the machine has other work."""
    from benchmarks._web_pages import pages_of

    print(f"\nA page of a firm of {office.firm.name}, alone (at most {MOST * 1000:.0f} ms)")
    for who, member in (("administrator", office.admin), ("collaborator", office.collaborator)):
        browser = browser_of(port, member)
        for name, path in pages_of(office, member).items():
            runs = sorted(timed(partial(browser.get, path)).seconds for _number in range(9))
            verdict = "" if runs[4] <= MOST else "  MISSED"
            print(f"  {who:<14} {name:<40} {runs[4] * 1000:7.1f} ms  (least {runs[0] * 1000:.1f}){verdict}")
            yield runs[4]


if __name__ == "__main__":
    main()
