"""The pages of other platforms: tokens, fetches, and a download for which a person signs in."""

import pytest
from django.core.cache import cache

from activity.models import Event
from clients.actions.connections import connect
from clients.connectors.fetching import fetch_clients
from clients.fetching import start_fetch
from clients.models import (
    Connection,
    ConnectionKind,
    Fetch,
    FetchState,
    Import,
    ImportFile,
    ImportOrigin,
)
from tests.connectors.fakes import EMAIL, LIST, PASSWORD, TOKEN, Fake, as_json, company, pennylane, signing_in
from tests.database import as_owner
from tests.web.pages import said
from tests.worlds import World

WRONG = "un autre mot de passe"


def holding(*texts: str) -> dict[str, int]:
    """In how many rows of each table any of the texts stands, whoever's they are."""
    with as_owner() as owner:
        tables = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        found = {}
        for (table,) in tables:
            rows = owner.execute(
                f"SELECT 1 FROM {table} AS one WHERE one::text LIKE ANY(%s)",
                [[f"%{text}%" for text in texts]],
            ).fetchall()
            found[table] = len(rows)
        return found


def keep(world: World, kind: ConnectionKind = ConnectionKind.PENNYLANE) -> Connection:
    return connect(actor=world.admin, kind=kind, opened={"token": TOKEN})


def test_the_page_of_imports_leads_there(firm: World, browse) -> None:
    shown = said(browse(firm.admin).get(firm.firm.url("clients:imports")))
    assert firm.firm.url("clients:connections") in shown


def test_a_token_is_kept_and_only_its_end_is_ever_shown(firm: World, browse) -> None:
    client, url = browse(firm.admin), firm.firm.url("clients:connect_pennylane")
    assert "Jetons cabinet" in said(client.get(url))
    response = client.post(url, {"token": TOKEN})
    assert response["Location"] == firm.firm.url("clients:connections")
    shown = said(client.get(response["Location"]))
    assert "4f2c" in shown
    assert TOKEN not in shown
    assert TOKEN not in said(client.get(url)), "nor in the form that replaces it"


@pytest.mark.parametrize("token", ["", "deux mots", "é" * 20, "x" * 9000])
def test_what_is_no_token_is_said_so_and_not_shown_again(firm: World, browse, token: str) -> None:
    response = browse(firm.admin).post(firm.firm.url("clients:connect_pennylane"), {"token": token})
    assert response.status_code == 422
    assert not token or f'value="{token}"' not in said(response)
    assert not Connection.objects.exists()


def test_myunisoft_wants_its_secret_where_the_installation_has_none(firm: World, browse, settings) -> None:
    client, url = browse(firm.admin), firm.firm.url("clients:connect_myunisoft")
    assert client.post(url, {"token": TOKEN}).status_code == 422
    settings.MYUNISOFT_THIRD_PARTY_SECRET = "partner"
    assert "X-Third-Party-Secret" not in said(client.get(url))
    assert client.post(url, {"token": TOKEN}).status_code == 302


def test_a_token_is_forgotten_after_a_question(firm: World, browse) -> None:
    kept, client = keep(firm), browse(firm.admin)
    url = firm.firm.url("clients:forget_connection", pk=kept.pk)
    assert "Oublier" in said(client.get(url))
    assert Connection.objects.exists()
    client.post(url)
    assert not Connection.objects.exists()
    assert client.post(url).status_code == 404


def test_fetching_leads_to_a_page_that_shows_how_far_it_is_and_then_to_the_import(
    firm: World,
    browse,
    start,
    settings,
) -> None:
    fake = start(pennylane([company(1), company(2)], per_page=1))
    settings.PENNYLANE_URL = fake.url
    kept, client = keep(firm), browse(firm.admin)
    for _double_click in range(2):
        response = client.post(firm.firm.url("clients:fetch", pk=kept.pk))
    made = Fetch.objects.get()
    page = firm.firm.url("clients:fetching", pk=made.pk)
    assert response["Location"] == page
    assert firm.firm.url("clients:fetch_progress", pk=made.pk) in said(client.get(page))
    fake.then = [fake.usual, as_json({}, 429, Retry_After="60")]
    fetch_clients(firm.firm.pk, made.pk)
    assert "demande de ralentir" in said(client.get(firm.firm.url("clients:fetch_progress", pk=made.pk)))
    Fetch.objects.update(lease_until=None)
    fetch_clients(firm.firm.pk, made.pk)
    source = Import.objects.get()
    assert client.get(page)["Location"] == firm.firm.url("clients:import", pk=source.pk)
    over = client.get(firm.firm.url("clients:fetch_progress", pk=made.pk), headers={"HX-Request": "true"})
    assert over["HX-Refresh"] == "true"
    assert firm.firm.url("clients:fetching", pk=made.pk) in said(
        client.get(firm.firm.url("clients:connections"))
    )


def test_a_fetch_that_fails_says_what_to_do(firm: World, browse, start, settings) -> None:
    settings.PENNYLANE_URL = start(pennylane([])).url
    connect(actor=firm.admin, kind=ConnectionKind.PENNYLANE, opened={"token": "revoked-long-ago-there"})
    made = start_fetch(actor=firm.admin, connection=Connection.objects.get())
    fetch_clients(firm.firm.pk, made.pk)
    shown = said(browse(firm.admin).get(firm.firm.url("clients:fetching", pk=made.pk)))
    assert "Pennylane n'accepte pas (ou plus) le jeton" in shown.replace("’", "'").replace("&#x27;", "'")
    assert firm.firm.url("clients:connections") in shown


def test_a_fetch_can_be_stopped_and_twice_does_no_harm(firm: World, browse) -> None:
    made = start_fetch(actor=firm.admin, connection=keep(firm))
    client, url = browse(firm.admin), firm.firm.url("clients:cancel_fetch", pk=made.pk)
    for _twice in range(2):
        assert client.post(url).status_code == 302
    made.refresh_from_db()
    assert made.state == FetchState.CANCELLED
    assert Event.objects.filter(type="clients.fetch.cancelled").count() == 1
    assert "annulée" in said(client.get(firm.firm.url("clients:fetching", pk=made.pk)))


class TestSigningIn:
    @pytest.fixture
    def site(self, start, settings) -> Fake:
        cache.clear()
        fake: Fake = start(signing_in())
        settings.FETCH_PLATFORMS = [
            {
                "key": "declarations",
                "name": "Déclarations en ligne",
                "sign_in": f"{fake.url}/connexion",
                "email_field": "login",
                "password_field": "mdp",
                "export": f"{fake.url}/export",
            }
        ]
        return fake

    def url(self, world: World, platform: str = "declarations") -> str:
        return world.firm.url("clients:download_list") + f"?plateforme={platform}"

    def test_the_file_comes_and_takes_the_usual_road(self, firm: World, browse, site: Fake) -> None:
        client = browse(firm.admin)
        assert self.url(firm) in said(client.get(firm.firm.url("clients:connections")))
        shown = said(client.get(self.url(firm)))
        assert "Annuler" in shown
        assert "Télécharger" in shown
        response = client.post(self.url(firm), {"email": EMAIL, "password": PASSWORD})
        made = Import.objects.get()
        assert response["Location"] == firm.firm.url("clients:import", pk=made.pk)
        assert (made.origin, bytes(ImportFile.objects.get().content)) == (
            ImportOrigin.FETCHED,
            LIST.encode(),
        )
        assert made.file_name.startswith("Déclarations en ligne ")
        assert made.file_name.endswith(".csv")

    @pytest.mark.django_db(transaction=True)
    def test_the_password_is_nowhere_afterwards(
        self, lemoine: World, browse, site: Fake, caplog, monkeypatch
    ) -> None:
        published = []
        monkeypatch.setattr("tenancy.tasks._publish", lambda task, args: published.append((task, args)))
        client = browse(lemoine.admin)
        with caplog.at_level("DEBUG"):
            client.post(self.url(lemoine), {"email": EMAIL, "password": PASSWORD})
            wrong = client.post(self.url(lemoine), {"email": EMAIL, "password": WRONG})
        assert published[0][0] == "clients.read_import"
        assert WRONG not in said(wrong)
        places = {table: count for table, count in holding(PASSWORD, WRONG).items() if count}
        logged = [record.getMessage() for record in caplog.records if not record.name.startswith("django.db")]
        assert places == {}
        assert not any(secret in text for secret in (PASSWORD, WRONG) for text in [*logged, str(published)])

    def test_a_wrong_password_is_said_and_nothing_is_imported(self, firm: World, browse, site: Fake) -> None:
        response = browse(firm.admin).post(self.url(firm), {"email": EMAIL, "password": "faux"})
        assert response.status_code == 422
        assert "pas accepté cette adresse e-mail et ce mot de passe" in said(response)
        assert not Import.objects.exists()

    def test_five_wrong_passwords_are_enough(self, firm: World, browse, site: Fake) -> None:
        client = browse(firm.admin)
        for _ in range(5):
            client.post(self.url(firm), {"email": EMAIL, "password": "faux"})
        site.asked.clear()
        response = client.post(self.url(firm), {"email": EMAIL, "password": PASSWORD})
        assert "cinq fois" in said(response)
        assert site.asked == []

    def test_a_file_that_is_no_list_is_refused_in_words(self, firm: World, browse, site: Fake) -> None:
        site.usual = signing_in(content=b"%PDF-1.7 nothing")
        response = browse(firm.admin).post(self.url(firm), {"email": EMAIL, "password": PASSWORD})
        assert response.status_code == 422
        assert "PDF" in said(response)

    def test_an_unknown_platform_leads_back(self, firm: World, browse, site: Fake) -> None:
        assert browse(firm.admin).get(self.url(firm, "autre"))["Location"] == firm.firm.url(
            "clients:connections"
        )

    def test_a_collaborator_cannot(self, firm: World, browse, site: Fake) -> None:
        response = browse(firm.collaborator).post(self.url(firm), {"email": EMAIL, "password": PASSWORD})
        assert response.status_code == 403
        assert site.asked == []
