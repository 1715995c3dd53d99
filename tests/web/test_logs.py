"""No key of a link stands in a log."""

import io
from collections.abc import Callable

import pytest
from django.test import Client

from firm_portal.logs import hide_keys_from_sentry, without_keys
from tests.worlds import World

KEY = "hc0JXw2mT9b7yQnLrV5eKzA1sD3fG6hJ8kM0pRtYuIo"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        f"/invitation/{KEY}/",
        f"/confirmer/MQ:{KEY}/",
        f"/mot-de-passe/nouveau/1a-{KEY}/",
        f"/profil/courriels/arreter/access,firm.{KEY}:{KEY}/",
        f"/lettre/{KEY}/",
        f"/lettre/confirmer/{KEY}/",
    ],
)
def test_a_request_is_logged_without_its_key(path: str, printed: io.StringIO) -> None:
    Client().get(path)
    assert "request_started" in printed.getvalue()
    assert KEY not in printed.getvalue()


def test_a_request_is_logged_without_what_it_searches_for(
    lemoine: World, browse: Callable[..., Client], printed: io.StringIO
) -> None:
    url = lemoine.firm.url("clients:list")
    browse(lemoine.admin).get(f"{url}?q=dupont&vue=x")
    browse(lemoine.admin).get(f"{url}?depuis=x&q=dupont")
    assert url in printed.getvalue()
    assert "dupont" not in printed.getvalue()


def test_sentry_learns_no_key() -> None:
    event = {
        "request": {"url": f"https://portail.fr/invitation/{KEY}/refuser/"},
        "list": [f"/confirmer/{KEY}/"],
    }
    assert KEY not in str(hide_keys_from_sentry(event, None))


def test_other_words_of_a_path_stay() -> None:
    for path in ("/invitation/nouveau-lien/", "/confirmer/adresse/", "/cabinets/lemoine/invitations/"):
        assert without_keys(path) == path
