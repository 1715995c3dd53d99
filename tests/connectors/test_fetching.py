"""A fetch in workers' hands: to an import, through waits and deaths, or to a sentence that says what to do."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection as database
from django.utils import timezone

from accounts.models import Role
from activity.models import Event
from clients.actions.connections import connect, forget_connection
from clients.connectors import fetching
from clients.connectors.fetching import fetch_clients, sweep
from clients.fetching import NotConnected, cancel_fetch, start_fetch
from clients.imports.reading import read_import
from clients.jobs import confirm_import
from clients.models import (
    Connection,
    ConnectionKind,
    Dossier,
    Fetch,
    FetchedPage,
    FetchState,
    Import,
    ImportFile,
    ImportOrigin,
    ImportState,
)
from tenancy.scopes import scope
from tests.clients import lists
from tests.clients.test_import_workers import Killed, at_the_same_time
from tests.connectors.fakes import (
    PARTNER,
    TOKEN,
    Answer,
    Fake,
    as_json,
    company,
    myunisoft,
    pennylane,
    society,
)
from tests.worlds import World

COMPANIES = [company(number) for number in range(1, 6)]


@pytest.fixture
def platform(start, settings) -> Fake:
    """Pennylane with five companies on three pages."""
    fake: Fake = start(pennylane(COMPANIES, per_page=2))
    settings.PENNYLANE_URL = fake.url
    return fake


def started(world: World, token: str = TOKEN) -> Fetch:
    with scope(firm=world.firm):
        kept = connect(actor=world.admin, kind=ConnectionKind.PENNYLANE, opened={"token": token})
        return start_fetch(actor=world.admin, connection=kept)


def work(fetch: Fetch) -> None:
    """As a worker does."""
    fetch_clients(UUID(str(fetch.firm_id)), fetch.pk)


def now(world: World) -> Fetch:
    with scope(firm=world.firm):
        return Fetch.objects.get()


def let_the_wait_run_out(world: World) -> None:
    with scope(firm=world.firm):
        Fetch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def text_of(world: World) -> str:
    with scope(firm=world.firm):
        return bytes(ImportFile.objects.get().content).decode("utf-8-sig")


@pytest.mark.django_db(transaction=True)
class TestFetching:
    def test_what_comes_is_an_import_that_takes_the_usual_road(self, lemoine: World, platform: Fake) -> None:
        fetch = started(lemoine)
        work(fetch)
        with scope(firm=lemoine.firm):
            made = Import.objects.get()
            assert (made.origin, made.state) == (ImportOrigin.FETCHED, ImportState.UPLOADED)
            assert (made.platform, made.came_from) == ("Pennylane", "Pennylane")
            assert made.file_name.startswith("Pennylane ")
            assert made.file_name.endswith(".csv")
            assert made.created_by == lemoine.admin
            assert (now(lemoine).state, now(lemoine).source_id) == (FetchState.DONE, made.pk)
            assert not FetchedPage.objects.exists()
        read_import(lemoine.firm.pk, made.pk)
        with scope(firm=lemoine.firm):
            made.refresh_from_db()
            assert (made.state, made.count("create")) == (ImportState.READY, 5)
            confirm_import(actor=lemoine.admin, source=made)
        lists.apply(made)
        with scope(firm=lemoine.firm):
            dossier = Dossier.objects.get(reference="C001")
            assert (dossier.legal_name, dossier.siren, dossier.naf_code) == (
                "Société 1",
                "732829320",
                "62.01Z",
            )
            assert (dossier.address, dossier.postcode, dossier.city) == ("1 rue de la Paix", "75002", "Paris")

    def test_the_file_has_plain_headers_and_no_column_without_a_value(
        self, lemoine: World, platform: Fake
    ) -> None:
        platform.usual = pennylane([company(2, external_id=None), company(3, external_id="")])
        work(started(lemoine))
        header, *rows = text_of(lemoine).splitlines()
        assert header == "Raison sociale;Code APE;Adresse;Code postal;Ville"
        assert rows[0] == "Société 2;62.01Z;2 rue de la Paix;75002;Paris"

    def test_a_client_on_two_pages_comes_once(self, lemoine: World, platform: Fake) -> None:
        platform.usual = pennylane([COMPANIES[0], COMPANIES[1], COMPANIES[1], COMPANIES[2]], per_page=2)
        work(started(lemoine))
        assert len(text_of(lemoine).splitlines()) == 4

    def test_a_platform_that_turns_no_pages_is_not_taken_for_complete(
        self, lemoine: World, platform: Fake
    ) -> None:
        platform.usual = lambda asked: as_json({"items": COMPANIES[:2], "total_pages": 3})
        work(started(lemoine))
        assert (now(lemoine).state, now(lemoine).trouble) == (FetchState.FAILED, "incomplete")

    def test_texts_of_the_platform_stay_in_their_cells(self, lemoine: World, platform: Fake) -> None:
        platform.usual = pennylane([company(1, name='A; "B"\nC\0', city={"no": "text"}, address=True)])
        work(started(lemoine))
        assert text_of(lemoine).splitlines()[1] == 'C001;"A; ""B"" C";732829320;62.01Z;75002'

    def test_a_worker_killed_in_the_middle_is_followed_by_one_at_the_cursor(
        self, lemoine: World, platform: Fake, monkeypatch
    ) -> None:
        fetch, keep, kept = started(lemoine), fetching._keep, []

        def die_at_the_second(held, batch) -> None:
            kept.append(batch)
            if len(kept) == 2:
                raise Killed
            keep(held, batch)

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(fetching, "_keep", die_at_the_second)
            work(fetch)
        assert (now(lemoine).cursor, now(lemoine).step) == ("2", 1)
        work(fetch)
        assert now(lemoine).state == FetchState.RUNNING, "the lease still holds"
        platform.asked.clear()
        let_the_wait_run_out(lemoine)
        work(fetch)
        assert [asked.query["page"] for asked in platform.asked] == ["2", "3"]
        assert now(lemoine).state == FetchState.DONE
        assert len(text_of(lemoine).splitlines()) == 6

    def test_a_worker_killed_at_the_very_end_is_followed_without_asking_again(
        self, lemoine: World, platform: Fake, monkeypatch
    ) -> None:
        fetch = started(lemoine)

        def die(held) -> None:
            raise Killed

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(fetching, "_finish", die)
            work(fetch)
        platform.asked.clear()
        let_the_wait_run_out(lemoine)
        work(fetch)
        assert platform.asked == []
        assert len(text_of(lemoine).splitlines()) == 6

    def test_what_kills_every_worker_ends_with_a_sentence(
        self, lemoine: World, platform: Fake, monkeypatch
    ) -> None:
        fetch = started(lemoine)

        def die(held, batch) -> None:
            raise Killed

        monkeypatch.setattr(fetching, "_keep", die)
        for _ in range(5):
            with pytest.raises(Killed):
                work(fetch)
            let_the_wait_run_out(lemoine)
        work(fetch)
        assert (now(lemoine).state, now(lemoine).trouble) == (FetchState.FAILED, "gave_up")

    def test_two_workers_fetch_once(self, lemoine: World, platform: Fake) -> None:
        fetch = started(lemoine)
        at_the_same_time(*[lambda: work(fetch)] * 3)
        with scope(firm=lemoine.firm):
            assert Import.objects.count() == 1
        assert len(platform.asked) == 3

    def test_a_platform_that_asks_to_wait_is_left_alone_and_then_asked_for_the_rest(
        self, lemoine: World, platform: Fake
    ) -> None:
        platform.then = [platform.usual, as_json({}, 429, Retry_After="120")]
        fetch = started(lemoine)
        before = timezone.now()
        work(fetch)
        held = now(lemoine)
        assert (held.state, held.trouble, held.step) == (FetchState.RUNNING, "too_many", 1)
        assert held.waiting_until is not None
        assert before < held.waiting_until - timedelta(seconds=120) < timezone.now()
        work(fetch)
        assert sweep() == 0, "nobody takes it up before"
        let_the_wait_run_out(lemoine)
        assert sweep() == 1
        work(fetch)
        assert (now(lemoine).state, now(lemoine).trouble) == (FetchState.DONE, "")
        assert [asked.query["page"] for asked in platform.asked] == ["1", "2", "2", "3"]

    def test_a_platform_that_stays_down_is_given_up(self, lemoine: World, platform: Fake) -> None:
        platform.usual = lambda asked: Answer(503, b"", {})
        fetch = started(lemoine)
        for _ in range(6):
            work(fetch)
            let_the_wait_run_out(lemoine)
        assert (now(lemoine).state, now(lemoine).trouble) == (FetchState.FAILED, "down")
        assert len(platform.asked) == 5

    def test_pages_that_come_between_failures_are_progress(self, lemoine: World, platform: Fake) -> None:
        usual = platform.usual = pennylane([company(number) for number in range(1, 9)], per_page=1)
        fetch, down = started(lemoine), Answer(503, b"", {})
        platform.then = [answer for _ in range(7) for answer in (usual, down)]
        for _ in range(9):
            work(fetch)
            let_the_wait_run_out(lemoine)
        assert now(lemoine).state == FetchState.DONE

    def test_a_token_that_is_not_accepted_ends_it_at_once(self, lemoine: World, platform: Fake) -> None:
        work(started(lemoine, token="a-token-that-was-revoked-there"))
        assert (now(lemoine).state, now(lemoine).trouble) == (FetchState.FAILED, "token_refused")
        with scope(firm=lemoine.firm):
            assert Event.objects.filter(type="clients.fetch.failed").count() == 1
            assert not Import.objects.exists()

    def test_an_empty_list_is_no_import(self, lemoine: World, platform: Fake) -> None:
        platform.usual = pennylane([])
        work(started(lemoine))
        assert now(lemoine).trouble == "nothing"

    def test_more_clients_than_an_import_takes_are_refused(
        self, lemoine: World, platform: Fake, monkeypatch
    ) -> None:
        monkeypatch.setattr(fetching, "MAX_ROWS", 5)
        work(started(lemoine))
        assert now(lemoine).trouble == "too_many_clients"

    def test_whoever_may_no_longer_import_gets_nothing(self, lemoine: World, platform: Fake) -> None:
        fetch = started(lemoine)
        with scope(firm=lemoine.firm):
            lemoine.admin.role = Role.COLLABORATOR
            lemoine.admin.save()
        work(fetch)
        assert now(lemoine).trouble == "not_allowed"
        assert platform.asked == []

    def test_cancelled_meanwhile_it_keeps_nothing(self, lemoine: World, platform: Fake, monkeypatch) -> None:
        fetch, keep = started(lemoine), fetching._keep

        def cancelled_first(held, batch) -> None:
            def cancel() -> None:
                with scope(firm=lemoine.firm):
                    assert cancel_fetch(actor=lemoine.admin, fetch=fetch)

            assert at_the_same_time(cancel) == [None]
            keep(held, batch)

        monkeypatch.setattr(fetching, "_keep", cancelled_first)
        work(fetch)
        with scope(firm=lemoine.firm):
            assert not FetchedPage.objects.exists()
            assert not Import.objects.exists()
            assert not cancel_fetch(actor=lemoine.admin, fetch=fetch)
        assert now(lemoine).state == FetchState.CANCELLED

    def test_forgotten_it_is_gone_and_what_is_being_fetched_ends(
        self, lemoine: World, platform: Fake
    ) -> None:
        platform.then = [platform.usual, as_json({}, 429)]
        fetch = started(lemoine)
        work(fetch)
        with scope(firm=lemoine.firm):
            forget_connection(actor=lemoine.admin, connection=Connection.objects.get())
            assert not Connection.objects.exists()
            assert not FetchedPage.objects.exists()
        assert (now(lemoine).state, now(lemoine).connection_id) == (FetchState.CANCELLED, None)
        let_the_wait_run_out(lemoine)
        work(fetch)
        assert len(platform.asked) == 2

    def test_keys_that_were_lost_are_named(self, lemoine: World, platform: Fake, settings) -> None:
        fetch = started(lemoine)
        settings.ENCRYPTION_KEYS = ["another"]
        work(fetch)
        assert now(lemoine).trouble == "secret_lost"

    def test_a_token_under_a_former_key_goes_over_to_the_new_one(
        self, lemoine: World, platform: Fake, settings
    ) -> None:
        fetch, former = started(lemoine), settings.ENCRYPTION_KEYS
        settings.ENCRYPTION_KEYS = ["new", *former]
        work(fetch)
        settings.ENCRYPTION_KEYS = ["new"]
        with scope(firm=lemoine.firm):
            work(start_fetch(actor=lemoine.admin, connection=Connection.objects.get()))
            assert list(Fetch.objects.values_list("state", flat=True)) == [FetchState.DONE] * 2

    def test_asked_for_twice_at_once_it_is_fetched_once(self, lemoine: World, platform: Fake) -> None:
        first = started(lemoine)
        with scope(firm=lemoine.firm):
            kept = Connection.objects.get()
            assert start_fetch(actor=lemoine.admin, connection=kept) == first
            assert Event.objects.filter(type="clients.fetch.started").count() == 1
            forget_connection(actor=lemoine.admin, connection=kept)
            with pytest.raises(NotConnected):
                start_fetch(actor=lemoine.admin, connection=kept)

    def test_two_firms_fetch_each_with_its_own_token(
        self, lemoine: World, bertrand: World, platform: Fake
    ) -> None:
        ours, theirs = started(lemoine), started(bertrand, token="bertrands-own-token-there")
        work(theirs)
        work(ours)
        assert [world.state for world in (now(lemoine), now(bertrand))] == [
            FetchState.DONE,
            FetchState.FAILED,
        ]
        assert {asked.headers["authorization"] for asked in platform.asked} == {
            f"Bearer {TOKEN}",
            "Bearer bertrands-own-token-there",
        }

    def test_myunisoft_gets_the_secret_of_the_installation_or_the_firms_own(
        self, lemoine: World, start, settings
    ) -> None:
        fake = start(myunisoft([society(1)]))
        settings.MYUNISOFT_URL = fake.url
        for installed, own in (("", PARTNER), (PARTNER, "")):
            settings.MYUNISOFT_THIRD_PARTY_SECRET = installed
            with scope(firm=lemoine.firm):
                opened = {"token": TOKEN, **({"third_party_secret": own} if own else {})}
                kept = connect(actor=lemoine.admin, kind=ConnectionKind.MYUNISOFT, opened=opened)
                fetch = start_fetch(actor=lemoine.admin, connection=kept)
            work(fetch)
            with scope(firm=lemoine.firm):
                assert Fetch.objects.get(pk=fetch.pk).state == FetchState.DONE

    def test_the_token_lies_nowhere_readable(self, lemoine: World, platform: Fake) -> None:
        work(started(lemoine))
        with scope(firm=lemoine.firm), database.cursor() as cursor:
            for table in ("clients_connection", "clients_fetch", "activity_event", "clients_import"):
                cursor.execute(f"SELECT count(*) FROM {table} AS row WHERE row::text LIKE %s", [f"%{TOKEN}%"])
                assert cursor.fetchone() == (0,), table


def test_a_second_token_takes_the_place_of_the_first(firm: World) -> None:
    for number in (1, 2):
        opened = {"token": f"{TOKEN}{number}"}
        kept = connect(actor=firm.admin, kind=ConnectionKind.PENNYLANE, opened=opened)
    assert Connection.objects.get().hint == "f2c2" == kept.hint
    types = list(Event.objects.filter(type__startswith="clients.connection").values_list("type", flat=True))
    assert sorted(types) == ["clients.connection.made", "clients.connection.renewed"]
