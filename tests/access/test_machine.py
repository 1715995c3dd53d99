"""Who may see what, whatever has been done: five thousand random steps in two firms, and no disagreement."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.access.machine import Access

STEPS = 50
# Of the steps that are drawn at random, so many make sense as things stand.
AT_LEAST = 0.25


def _run(browse: Callable[..., Any], *, steps: int, enough: int) -> int:
    """Draws so many steps, of which so many are to do something; returns how many did."""

    class Browsing(Access):
        steps = 0

    Browsing.browse, Browsing.enough = staticmethod(browse), enough
    run_state_machine_as_test(
        Browsing,
        settings=settings(
            max_examples=steps // STEPS,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
    return Browsing.steps


def test_the_product_agrees_with_the_rules(db: None, browse: Callable[..., Any]) -> None:
    assert _run(browse, steps=200, enough=200) > 20


def test_it_ends_when_enough_was_done(db: None, browse: Callable[..., Any]) -> None:
    assert _run(browse, steps=150, enough=10) == 10


@pytest.mark.long
def test_the_product_agrees_with_the_rules_for_five_thousand_steps(
    db: None, browse: Callable[..., Any]
) -> None:
    assert _run(browse, steps=int(5_000 / AT_LEAST), enough=5_000) >= 5_000
