"""What a person says about a plan is stored, and has the plan made anew."""

import pytest
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied

from clients.imports.asked import WITHOUT, Asked
from clients.jobs import (
    NotNow,
    choose_portfolio,
    choose_rule,
    correct,
    decide,
    take_mine,
)
from clients.models import Import, ImportCorrection, ImportState, MatchRule
from tests.clients.lists import plan
from tests.worlds import World, make_dossier

MARTIN = ("M1", "Boulangerie Martin", "73282932000074", "contact@martin.fr", "Sarah")


def said(source: Import) -> dict[tuple[int, str], str]:
    return {(one.number, one.field): one.text for one in ImportCorrection.objects.filter(source=source)}


def test_a_correction_is_kept_and_the_plan_is_to_be_made_anew(firm: World) -> None:
    made = plan(firm.admin, [MARTIN])
    again = correct(actor=firm.admin, source=made, number=2, values={"email": "b@martin.fr"})
    assert again.state == ImportState.PLANNING
    assert said(made) == {(2, "email"): "b@martin.fr"}


def test_nothing_is_said_of_a_plan_that_is_being_made(firm: World) -> None:
    made = plan(firm.admin, [MARTIN])
    correct(actor=firm.admin, source=made, number=2, values={"email": "b@martin.fr"})
    with pytest.raises(NotNow):
        choose_rule(actor=firm.admin, source=made, rule=MatchRule.SIRET)


def test_only_those_who_may_import_correct(firm: World) -> None:
    made = plan(firm.admin, [MARTIN])
    with pytest.raises(PermissionDenied):
        correct(actor=firm.collaborator, source=made, number=2, values={"email": "b@martin.fr"})


@pytest.mark.parametrize(("number", "field"), [(3, "email"), (2, "surname"), (2, "dossier")])
def test_a_cell_that_the_file_has_not_cannot_be_corrected(firm: World, number: int, field: str) -> None:
    made = plan(firm.admin, [MARTIN])
    with pytest.raises(ObjectDoesNotExist):
        correct(actor=firm.admin, source=made, number=number, values={field: "x"})
    assert said(made) == {}


@pytest.mark.parametrize("dossier", ["other", "01980000-0000-7000-8000-000000000000", "own"])
def test_a_row_is_about_a_client_of_the_firm_only(firm: World, dossier: str) -> None:
    made = plan(firm.admin, [MARTIN])
    key = str(make_dossier("Cabinet", is_own=True).pk) if dossier == "own" else dossier
    with pytest.raises(ObjectDoesNotExist):
        decide(actor=firm.admin, source=made, number=2, dossier=key)


def test_a_choice_of_portfolio_is_one_that_runs(firm: World) -> None:
    made = plan(firm.admin, [MARTIN])
    with pytest.raises(ObjectDoesNotExist):
        choose_portfolio(actor=firm.admin, source=made, name="Sarah", choice="nowhere")
    again = choose_portfolio(actor=firm.admin, source=made, name="Sarah", choice=WITHOUT)
    assert Asked.of(again.asked).portfolios == {"Sarah": WITHOUT}


def test_rows_that_are_no_conflict_are_not_taken(firm: World) -> None:
    made = plan(firm.admin, [MARTIN])
    again = take_mine(actor=firm.admin, source=made, numbers=[2])
    assert Asked.of(again.asked).mine == ()
