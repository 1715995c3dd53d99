"""No key of a link stands in a log."""

import logging

import pytest
from django.test import Client

from firm_portal.logs import hide_keys_from_sentry, without_keys

KEY = "hc0JXw2mT9b7yQnLrV5eKzA1sD3fG6hJ8kM0pRtYuIo"


@pytest.mark.django_db
@pytest.mark.parametrize("path", [f"/invitation/{KEY}/", f"/confirmer/MQ:{KEY}/", f"/mot-de-passe/nouveau/1a-{KEY}/"])
def test_a_request_is_logged_without_its_key(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().setLevel(logging.INFO)
    Client().get(path)
    printed = capsys.readouterr().err
    assert "request_started" in printed
    assert KEY not in printed


def test_sentry_learns_no_key() -> None:
    event = {"request": {"url": f"https://portail.fr/invitation/{KEY}/refuser/"}, "list": [f"/confirmer/{KEY}/"]}
    assert KEY not in str(hide_keys_from_sentry(event, None))


def test_other_words_of_a_path_stay() -> None:
    for path in ("/invitation/nouveau-lien/", "/confirmer/adresse/", "/cabinets/lemoine/invitations/"):
        assert without_keys(path) == path
