"""Whom a mail tells of what, and when: random changes and choices, and no disagreement with the plain rules."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.activity.machine import Telling

STEPS = 50
# Hypothesis draws some stories shorter than they may be.
SHORTER = 3


def _run(steps: int) -> type[Telling]:
    class Counting(Telling):
        mails = lines = steps = kept = 0

    run_state_machine_as_test(
        Counting,
        settings=settings(
            max_examples=SHORTER * steps // STEPS,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
    assert Counting.steps >= steps
    return Counting


def test_each_person_gets_exactly_what_the_rules_say_once(db: None) -> None:
    run = _run(200)
    assert run.lines > run.mails > 10


@pytest.mark.long
def test_each_person_gets_exactly_what_the_rules_say_for_five_thousand_steps(db: None) -> None:
    run = _run(5_000)
    assert run.lines > run.mails > 500
    assert run.kept > 50
