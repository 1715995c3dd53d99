"""Keys sort by time, also when many are made within one millisecond."""

import time
from itertools import pairwise

import pytest

from tenancy import keys
from tenancy.keys import uuid7


def test_keys_are_of_version_7_and_grow() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert all(before < after for before, after in pairwise(made))
    assert {key.version for key in made} == {7}
    assert {key.variant for key in made} == {"specified in RFC 4122"}


def test_a_key_holds_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a new process: in this one the clock may have stood further on, and keys never go back.
    monkeypatch.setattr(keys, "_stamps", keys._Stamps())
    before = int(time.time() * 1000)
    told = uuid7().int >> 80
    # Keys made at once by the thousand run a little ahead, so that they stay in order.
    assert before <= told <= time.time() * 1000 + 1000
