"""Pennylane and MyUnisoft, as they answer well and badly."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from clients.connectors import web
from clients.connectors.interface import Batch, Client
from clients.connectors.myunisoft import MyUnisoft
from clients.connectors.pennylane import Pennylane
from clients.connectors.platforms import check_settings
from clients.connectors.troubles import Trouble, told
from tests.connectors.fakes import (
    PARTNER,
    TOKEN,
    Answer,
    Asked,
    Fake,
    as_json,
    company,
    myunisoft,
    pennylane,
    society,
)


@pytest.fixture
def many(start, settings) -> Fake:
    """Pennylane with 120 companies, hence three pages."""
    fake: Fake = start(pennylane([company(number) for number in range(1, 121)]))
    settings.PENNYLANE_URL = fake.url
    return fake


def all_of(batches: Iterator[Batch]) -> list[Client]:
    return [client for batch in batches for client in batch.clients]


def trouble_of(work: Callable[[], Any]) -> Trouble:
    with pytest.raises(Trouble) as raised:
        work()
    return raised.value


def fetched(cursor: str = "") -> list[Client]:
    return all_of(Pennylane(TOKEN).iter_clients(cursor))


class TestPennylane:
    def test_all_pages_come_and_each_says_where_to_go_on(self, many: Fake) -> None:
        batches = list(Pennylane(TOKEN).iter_clients())
        assert [(len(batch.clients), batch.cursor, batch.total) for batch in batches] == [
            (50, "2", 3),
            (50, "3", 3),
            (20, "", 3),
        ]
        assert batches[0].clients[0] == Client(
            external_id="1001",
            name="Société 1",
            reference="C001",
            siren="732829320",
            naf="62.01Z",
            address="1 rue de la Paix",
            postcode="75002",
            city="Paris",
        )

    def test_it_goes_on_at_a_cursor_and_asks_for_nothing_before(self, many: Fake) -> None:
        assert [client.name for client in fetched("3")][:1] == ["Société 101"]
        assert [asked.query["page"] for asked in many.asked] == ["3"]

    def test_a_page_is_asked_for_only_when_it_is_wanted(self, many: Fake) -> None:
        next(Pennylane(TOKEN).iter_clients())
        assert len(many.asked) == 1

    def test_a_firm_without_companies_has_none(self, many: Fake) -> None:
        many.usual = pennylane([])
        assert fetched() == []

    def test_a_token_that_is_not_accepted_is_said_so(self, many: Fake) -> None:
        trouble = trouble_of(lambda: all_of(Pennylane("another").iter_clients()))
        assert (trouble.code, trouble.later) == ("token_refused", None)

    @pytest.mark.parametrize(
        ("answer", "code", "later"),
        [
            (as_json({"error": "forbidden"}, 403), "forbidden", None),
            (as_json({"error": "gone"}, 404), "refused", None),
            (as_json({}, 429, Retry_After="7"), "too_many", 7),
            (as_json({}, 429), "too_many", 30),
            (as_json({}, 429, Retry_After="soon"), "too_many", 30),
            (as_json({}, 429, Retry_After="86400"), "too_many", None),
            (as_json({}, 500), "down", 15),
            (as_json({}, 503, Retry_After="0"), "down", 1),
            (Answer(200, b'{"items": [{"id": 1, "na', {}), "garbled", 15),
            (Answer(200, b"[" * 100_000, {}), "garbled", 15),
            (Answer(200, b"\xff\xfe\x00", {}), "garbled", 15),
            (as_json(["no page"]), "garbled", None),
            (as_json({"items": [{"id": 1}], "total_pages": 1}), "garbled", None),
            (as_json({"items": [], "total_pages": 10**9}), "too_many_clients", None),
            (Answer(302, b"", {"Location": "https://elsewhere.example/"}), "led_elsewhere", None),
            (Answer(302, b"", {"Location": "http://localhost/"}), "led_elsewhere", None),
            (Answer(302, b"", {"Location": "/sign-in"}), "led_elsewhere", None),
        ],
    )  # fmt: skip
    def test_what_is_no_page_of_companies_is_named(
        self, many: Fake, answer: Answer, code: str, later: float | None
    ) -> None:
        many.then = [answer]
        trouble = trouble_of(fetched)
        assert (trouble.code, trouble.later) == (code, later)
        assert "Pennylane" in told(code, "Pennylane") or code == "too_many_clients"

    def test_a_date_says_how_long_to_wait_too(self, many: Fake) -> None:
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=60)
        many.then = [as_json({}, 429, Retry_After=format_datetime(until, usegmt=True))]
        later = trouble_of(fetched).later
        assert later is not None
        assert (until - datetime.now(UTC)).total_seconds() <= later <= 60

    def test_what_never_ends_is_cut_off(self, many: Fake) -> None:
        many.then = [Answer(200, (b"x" * 100_000 for _ in range(100_000)), {})]
        assert trouble_of(fetched).code == "too_big"

    def test_a_platform_that_keeps_silent_is_not_waited_for(self, many: Fake) -> None:
        def late(asked: Asked) -> Answer:
            time.sleep(1)
            return as_json({})

        many.then = [late]
        with web.Web(many.url, seconds=0.2) as patient:
            trouble = trouble_of(lambda: patient.get_json(many.url))
        assert (trouble.code, trouble.later) == ("timeout", 15)

    def test_a_platform_that_drips_is_not_waited_for(self, many: Fake) -> None:
        def drops() -> Iterator[bytes]:
            for _ in range(100):
                time.sleep(0.05)
                yield b"x"

        many.then = [Answer(200, drops(), {})]
        with web.Web(many.url, seconds=5, deadline=0.3) as patient:
            assert trouble_of(lambda: patient.get_json(many.url)).code == "timeout"

    def test_a_platform_that_is_not_there_is_unreachable(self, many: Fake, settings) -> None:
        settings.PENNYLANE_URL = "https://localhost:1"
        assert trouble_of(fetched).code == "unreachable"

    def test_a_platform_that_hangs_up_is_unreachable(self, many: Fake) -> None:
        many.then = [Answer(200, b"", {"Content-Length": "100"})]
        many.then = [lambda asked: Answer(200, iter([b"{"]), {"Content-Length": "100"})]
        assert trouble_of(fetched).code == "unreachable"

    def test_a_certificate_that_nobody_vouches_for_is_not_accepted(self, many: Fake, monkeypatch) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        assert trouble_of(fetched).code == "unreachable"
        assert many.asked == [], "the token went nowhere"

    def test_a_trouble_holds_nothing_of_the_request(self, many: Fake) -> None:
        many.then = [as_json({}, 500)]
        trouble = trouble_of(fetched)
        assert trouble.__cause__ is None
        assert trouble.__context__ is None or trouble.__suppress_context__


@pytest.mark.parametrize(
    "url",
    ["http://localhost/", "https://user@localhost/", "file:///etc/passwd", "https:///", "localhost", ""],
)
def test_only_https_addresses_are_gone_to(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the address is all that it says
        web.origin(url)


def test_another_port_is_another_place() -> None:
    assert web.origin("https://localhost/a") == web.origin("https://localhost:443/b")
    assert web.origin("https://localhost:8443/a") != web.origin("https://localhost/a")


class TestMyUnisoft:
    @pytest.fixture
    def few(self, start, settings) -> Fake:
        fake: Fake = start(myunisoft([society(number) for number in range(1, 8)]))
        settings.MYUNISOFT_URL = fake.url
        return fake

    def fetched(self, cursor: str = "") -> list[Client]:
        return all_of(MyUnisoft(TOKEN, PARTNER).iter_clients(cursor))

    def test_all_come_on_one_page_where_it_counts_none(self, few: Fake) -> None:
        clients = self.fetched()
        assert [client.external_id for client in clients] == list("1234567")
        assert clients[0] == Client(
            external_id="1",
            name="Société 1",
            reference="D001",
            siret="73282932000074",
            naf="6201Z",
            address="1 Rue DU RUISSEAU",
            postcode="17290",
            city="ARDILLIERES",
        )
        assert [one.query for one in few.asked] == [{}], "as it is documented"

    @pytest.mark.parametrize(
        ("paging", "asked"),
        [
            ("page={page}", [{}, {"page": "2"}]),
            ("limit=4&offset={offset}", [{}, {"limit": "4", "offset": "4"}]),
        ],
    )
    def test_further_pages_are_asked_for_as_the_installation_says(
        self, few: Fake, settings, paging: str, asked: list[dict[str, str]]
    ) -> None:
        settings.MYUNISOFT_PAGING = paging
        first = {"row_numbers": 7, "pages_number": 2, "society_array": [society(n) for n in range(1, 5)]}
        few.then = [as_json(first), as_json({**first, "society_array": [society(n) for n in range(5, 8)]})]
        assert [client.external_id for client in self.fetched()] == list("1234567")
        assert [one.query for one in few.asked] == asked

    @pytest.mark.parametrize("paging", ["", "page=2", "page={number}", "page={", "{}"])
    def test_a_way_that_turns_no_page_is_said_at_the_start(self, settings, paging: str) -> None:
        settings.MYUNISOFT_PAGING = paging
        assert [one.msg[:16] for one in check_settings()] == ["MYUNISOFT_PAGING"]

    def test_pages_come_one_after_the_other_and_from_a_cursor_on(self, few: Fake) -> None:
        few.usual = myunisoft([society(number) for number in range(1, 8)], per_page=3)
        batches = list(MyUnisoft(TOKEN, PARTNER).iter_clients())
        assert [(len(batch.clients), batch.cursor, batch.total) for batch in batches] == [
            (3, "2-3", 3),
            (3, "3-6", 3),
            (1, "", 3),
        ]
        assert [client.external_id for client in self.fetched("3-6")] == ["7"]

    @pytest.mark.long
    def test_it_never_asks_more_often_than_twenty_times_in_ten_seconds(self, few: Fake) -> None:
        few.usual = myunisoft([society(number) for number in range(1, 26)], per_page=1)
        assert len(self.fetched()) == 25

    def test_between_two_pages_it_rests(self, few: Fake) -> None:
        few.usual = myunisoft([society(number) for number in range(1, 4)], per_page=1)
        self.fetched()
        gaps = [b.at - a.at for a, b in zip(few.asked, few.asked[1:], strict=False)]
        assert min(gaps) >= 0.5

    def test_a_siren_where_the_siret_stands_is_a_siren(self, few: Fake) -> None:
        few.usual = myunisoft([society(1, siret="732 829 320"), society(2, siret="838006955")])
        assert [(one.siren, one.siret) for one in self.fetched()] == [("732829320", ""), ("838006955", "")]

    def test_an_address_in_one_piece_loses_its_postcode_and_city(self, few: Fake) -> None:
        bare = {"address_number": None, "road_type": None, "street_name": None}
        few.usual = myunisoft([society(1, **bare), society(2, **bare, postal_code=None)])
        assert [one.address for one in self.fetched()] == ["1 Rue DU RUISSEAU", ""]

    def test_a_client_without_reference_gets_none(self, few: Fake) -> None:
        few.usual = myunisoft([society(1, folder_reference=None)])
        assert self.fetched()[0].reference == ""

    def test_a_token_of_one_company_is_named(self, few: Fake) -> None:
        few.then = [as_json(society(1))]
        assert trouble_of(self.fetched).code == "one_company"

    def test_fewer_than_announced_is_no_list(self, few: Fake) -> None:
        few.then = [as_json({"row_numbers": 9, "pages_number": None, "society_array": [society(1)]})]
        assert trouble_of(self.fetched).code == "incomplete"

    def test_a_wrong_token_and_a_wrong_partner_are_told_apart(self, few: Fake) -> None:
        wrong = MyUnisoft("another", PARTNER)
        assert trouble_of(lambda: all_of(wrong.iter_clients())).code == "token_refused"
        unknown = MyUnisoft(TOKEN, "nobody")
        assert trouble_of(lambda: all_of(unknown.iter_clients())).code == "forbidden"

    @pytest.mark.parametrize("body", [b"{", b"[]", b'{"society_array": null}', b'{"society_array": [{}]}'])
    def test_what_is_no_list_is_garbled(self, few: Fake, body: bytes) -> None:
        few.then = [Answer(200, body, {})]
        assert trouble_of(self.fetched).code == "garbled"
