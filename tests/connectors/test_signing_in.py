"""A platform with a sign-in page: one download, for which a person signs in."""

import logging

import pytest

from clients.connectors import form
from clients.connectors.form import download
from clients.connectors.platforms import Platform, check_settings
from clients.connectors.troubles import Trouble
from spreadsheets.refusals import Refused
from tests.connectors.fakes import EMAIL, LIST, PASSWORD, Answer, Fake, as_html, signing_in


@pytest.fixture
def site(start) -> Fake:
    fake: Fake = start(signing_in())
    return fake


def described(fake: Fake, **other: str) -> Platform:
    known = {
        "key": "declarations",
        "name": "Déclarations en ligne",
        "sign_in": f"{fake.url}/connexion",
        "email_field": "login",
        "password_field": "mdp",
        "export": f"{fake.url}/clients/export.csv",
    }
    return Platform(**{**known, **other})


def code_of(fake: Fake, password: str = PASSWORD, **other: str) -> str:
    with pytest.raises(Trouble) as raised:
        download(described(fake, **other), EMAIL, password)
    return raised.value.code


def test_whoever_signs_in_gets_the_file(site: Fake) -> None:
    assert download(described(site), EMAIL, PASSWORD) == LIST.encode()
    assert [(one.method, one.path) for one in site.asked] == [
        ("GET", "/connexion"),
        ("POST", "/session"),
        ("GET", "/accueil"),
        ("GET", "/clients/export.csv"),
    ]


def test_the_password_stands_in_one_request_alone(site: Fake) -> None:
    download(described(site), EMAIL, PASSWORD)
    bearing = [one for one in site.asked if PASSWORD in str(one)]
    assert [one.path for one in bearing] == ["/session"]


def test_a_wrong_password_is_named_as_such(site: Fake) -> None:
    assert code_of(site, "un autre") == "sign_in_refused"


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_status_that_refuses_is_a_refusal(site: Fake, status: int) -> None:
    site.then = [signing_in(), Answer(status, b"", {})]
    assert code_of(site) == "sign_in_refused"


def test_a_form_with_other_fields_is_not_filled_in(site: Fake) -> None:
    assert code_of(site, password_field="secret") == "no_form"
    assert [one.method for one in site.asked] == ["GET"]


def test_a_form_that_would_put_the_password_into_an_address_is_not_sent(site: Fake) -> None:
    site.then = [as_html('<form action="/session"><input name="login"><input name="mdp"></form>')]
    assert code_of(site) == "no_form"


@pytest.mark.parametrize(
    "action", ["https://elsewhere.example/", "http://localhost/session", "javascript:void(0)"]
)
def test_a_form_that_leads_elsewhere_is_not_sent(site: Fake, action: str) -> None:
    site.then = [
        as_html(f'<form method="post" action="{action}"><input name="login"><input name="mdp"></form>')
    ]
    assert code_of(site) == "led_elsewhere"
    assert [one.method for one in site.asked] == ["GET"]


def test_a_redirect_to_another_host_is_not_followed(site: Fake) -> None:
    site.then = [signing_in(), Answer(302, b"", {"Location": "https://elsewhere.example/accueil"})]
    assert code_of(site) == "led_elsewhere"


def test_redirects_without_end_are_given_up(site: Fake) -> None:
    site.usual = lambda asked: Answer(302, b"", {"Location": asked.path})
    assert code_of(site) == "led_elsewhere"


def test_a_page_instead_of_a_file_is_no_list(site: Fake) -> None:
    site.usual = signing_in(content=b"<html><body>Saisissez le code</body></html>")
    assert code_of(site) == "no_file"


def test_an_export_that_is_not_there_is_no_list(site: Fake) -> None:
    site.usual = signing_in(export=lambda asked: Answer(404, b"", {}))
    assert code_of(site) == "no_file"


def test_a_file_beyond_our_limit_is_cut_off(site: Fake) -> None:
    site.usual = signing_in(export=lambda asked: Answer(200, (b"x" * 1_000_000 for _ in range(1000)), {}))
    assert code_of(site) == "too_big"


def test_a_file_that_is_no_list_is_refused(site: Fake) -> None:
    site.usual = signing_in(content=b"%PDF-1.7 nothing")
    with pytest.raises(Refused):
        download(described(site), EMAIL, PASSWORD)


def test_nobody_waits_longer_than_the_deadline(site: Fake, monkeypatch) -> None:
    monkeypatch.setattr(form, "_WHOLE_SECONDS", 0.0)
    assert code_of(site) == "timeout"


def test_nothing_secret_is_logged_however_much_is_logged(site: Fake, caplog) -> None:
    for name in ("httpx", "httpcore.http11"):
        assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING
    with caplog.at_level(logging.DEBUG):
        download(described(site), EMAIL, PASSWORD)
    assert PASSWORD not in caplog.text
    assert EMAIL not in caplog.text
    assert "session=open" not in caplog.text


class TestSettings:
    GOOD = {
        "key": "declarations",
        "name": "Déclarations en ligne",
        "sign_in": "https://site.example/connexion",
        "email_field": "login",
        "password_field": "mdp",
        "export": "https://site.example/export",
    }

    def faults(self, settings, *platforms) -> list[str]:
        settings.FETCH_PLATFORMS = list(platforms)
        return [str(error.msg) for error in check_settings()]

    def test_a_platform_that_is_described_well_is_accepted(self, settings) -> None:
        assert self.faults(settings, self.GOOD) == []

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"export": "http://site.example/export"}, "no https address"),
            ({"key": "Déclarations"}, "small letters"),
            ({"name": ""}, "1 to 300"),
            ({"password": "1234"}, "exactly"),
            ({"sign_in": "https://app.pennylane.com/login"}, "takes tokens"),
        ],
    )
    def test_what_is_described_wrongly_is_said_at_the_start(self, settings, changed, said: str) -> None:
        (fault,) = self.faults(settings, {**self.GOOD, **changed})
        assert said in fault

    @pytest.mark.parametrize(
        ("url", "faults"), [("http://register.example", 1), ("register.example", 1), ("", 0)]
    )
    def test_so_is_a_register_that_nobody_could_ask(self, settings, url: str, faults: int) -> None:
        settings.REGISTER_URL = url
        assert len(self.faults(settings)) == faults

    def test_two_of_the_same_key_are_one_too_many(self, settings) -> None:
        assert "same key" in self.faults(settings, self.GOOD, self.GOOD)[0]

    def test_anything_else_is_no_platform(self, settings) -> None:
        assert self.faults(settings, "site") != []
