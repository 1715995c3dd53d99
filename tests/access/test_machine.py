"""Who may see what, whatever has been done: five thousand random steps in two firms, and no disagreement."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.access.machine import Access

STEPS = 25


def _run(browse: Callable[..., Any], *, runs: int) -> None:
    class Browsing(Access):
        pass

    Browsing.browse = staticmethod(browse)  # type: ignore[assignment]  # bound to no machine
    run_state_machine_as_test(
        Browsing,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def test_the_product_agrees_with_the_rules(db: None, browse: Callable[..., Any]) -> None:
    _run(browse, runs=6)


@pytest.mark.long
def test_the_product_agrees_with_the_rules_for_five_thousand_steps(
    db: None, browse: Callable[..., Any]
) -> None:
    _run(browse, runs=5_000 // STEPS)
