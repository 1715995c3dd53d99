"""Tokens at rest: encrypted, each firm's for itself, and their keys can be changed."""

import pytest

from clients import secrets
from clients.secrets import Unreadable, hint, is_stale, seal, unseal
from tenancy.scopes import NoScope, scope
from tests.connectors.fakes import TOKEN
from tests.worlds import World


def test_what_was_sealed_is_read_again_and_lies_nowhere_in_it(firm: World) -> None:
    sealed = seal({"token": TOKEN})
    assert TOKEN.encode() not in sealed
    assert unseal(sealed) == {"token": TOKEN}
    assert seal({"token": TOKEN}) != sealed, "the same value looks different each time"


def test_a_copy_in_another_firm_opens_nothing(lemoine: World, bertrand: World) -> None:
    with scope(firm=lemoine.firm):
        sealed = seal({"token": TOKEN})
    with scope(firm=bertrand.firm), pytest.raises(Unreadable):
        unseal(sealed)


def test_without_a_firm_nothing_is_sealed(lemoine: World) -> None:
    with pytest.raises(NoScope):
        seal({"token": TOKEN})


def test_a_changed_value_is_not_read(firm: World) -> None:
    sealed = bytearray(seal({"token": TOKEN}))
    sealed[20] ^= 1
    with pytest.raises(Unreadable):
        unseal(bytes(sealed))


def test_a_new_key_goes_first_and_the_former_one_still_opens(firm: World, settings) -> None:
    settings.ENCRYPTION_KEYS = ["former"]
    sealed = seal({"token": TOKEN})
    assert not is_stale(sealed)
    settings.ENCRYPTION_KEYS = ["new", "former"]
    assert unseal(sealed) == {"token": TOKEN}
    assert is_stale(sealed)
    settings.ENCRYPTION_KEYS = ["new"]
    with pytest.raises(Unreadable):
        unseal(sealed)


def test_of_a_token_the_last_characters_are_shown_and_of_a_short_one_none() -> None:
    assert hint(TOKEN) == "4f2c"
    assert hint("12345678") == ""


def test_the_key_is_no_plain_digest_of_the_setting(firm: World, settings) -> None:
    settings.ENCRYPTION_KEYS = ["x" * 43 + "="]
    assert secrets._derived("a", firm.firm.pk) != secrets._derived("b", firm.firm.pk)
