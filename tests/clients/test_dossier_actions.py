"""What may be done to dossiers, and who is told."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts.permissions import ObjectRole, Perm, can
from activity.models import Event, Notification
from clients.actions.dossiers import (
    ChangedMeanwhile,
    ReferenceTaken,
    create_dossier,
    create_own_dossier,
    move_dossier,
    update_dossier,
)
from clients.models import Dossier
from portfolios.actions import grant_portfolio
from tests.worlds import World, make_dossier, make_portfolio

ODD_SIRET = "73282932000075"  # its check digit fails


def told() -> set[str]:
    return set(Notification.objects.values_list("address", flat=True))


def forget() -> None:
    Notification.objects.all().delete()


def test_an_administrator_creates_a_dossier_and_those_of_its_portfolio_are_told(firm: World) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    forget()
    dossier = create_dossier(
        actor=firm.admin, portfolio=portfolio, values={"legal_name": "Menuiserie Béranger"}
    )
    event = Event.objects.latest("id")
    assert (event.type, event.subject_id) == ("clients.dossier.created", dossier.pk)
    assert event.changes == {"portfolio": ["", "Sarah"]}
    assert told() == {firm.collaborator.email}


def test_a_collaborator_is_the_accountant_of_what_they_create(firm: World) -> None:
    dossier = create_dossier(actor=firm.collaborator, values={"legal_name": "Menuiserie Béranger"})
    assert can(firm.collaborator, Perm.CHANGE_DOSSIER, dossier)
    assert not can(firm.colleague, Perm.VIEW_DOSSIER, dossier)
    assert told() == {firm.admin.email}


def test_an_accountant_of_a_portfolio_adds_to_it_and_its_reader_does_not(firm: World) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.colleague, role=ObjectRole.READER)
    assert create_dossier(actor=firm.collaborator, portfolio=portfolio, values={"legal_name": "A"})
    with pytest.raises(PermissionDenied):
        create_dossier(actor=firm.colleague, portfolio=portfolio, values={"legal_name": "B"})
    with pytest.raises(PermissionDenied):
        create_dossier(actor=firm.collaborator, portfolio=make_portfolio("Léa"), values={"legal_name": "C"})
    assert Dossier.objects.count() == 1


def test_a_reference_is_unique_in_the_firm(firm: World) -> None:
    create_dossier(actor=firm.admin, values={"legal_name": "A", "reference": "C001"})
    with pytest.raises(ReferenceTaken):
        create_dossier(actor=firm.admin, values={"legal_name": "B", "reference": "C001"})
    other = create_dossier(actor=firm.admin, values={"legal_name": "B", "reference": "C002"})
    with pytest.raises(ReferenceTaken):
        update_dossier(actor=firm.admin, dossier=other, values={"reference": "C001"})
    assert Event.objects.count() == 2


def test_a_siret_whose_check_digit_fails_is_an_administrators_business_and_recorded(firm: World) -> None:
    values = {"legal_name": "A", "siret": ODD_SIRET}
    with pytest.raises(PermissionDenied):
        create_dossier(actor=firm.collaborator, values=values)
    dossier = create_dossier(actor=firm.admin, values=values)
    assert Event.objects.get().changes == {"siret_as_is": ["", ODD_SIRET]}
    assert dossier.siren == "732829320"


def test_a_change_is_recorded_field_by_field_from_old_to_new(firm: World) -> None:
    dossier = make_dossier("Boulangerie Martin", city="Lyon", email="a@martin.fr")
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Paris", "email": "a@martin.fr"})
    event = Event.objects.get()
    assert (event.type, event.changes) == ("clients.dossier.changed", {"city": ["Lyon", "Paris"]})


def test_the_same_values_again_record_nothing(firm: World) -> None:
    dossier = make_dossier(city="Lyon")
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Lyon"})
    assert not Event.objects.exists()


def test_a_change_over_somebody_elses_is_refused_with_the_dossier_as_it_stands(firm: World) -> None:
    dossier = make_dossier(city="Lyon")
    seen = dossier.updated_at
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Paris"}, seen=seen)
    with pytest.raises(ChangedMeanwhile) as refused:
        update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Lille"}, seen=seen)
    assert refused.value.dossier.city == "Paris"
    assert Event.objects.count() == 1


def test_a_reader_changes_nothing(firm: World) -> None:
    portfolio = make_portfolio()
    dossier = make_dossier(portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.colleague, role=ObjectRole.READER)
    with pytest.raises(PermissionDenied):
        update_dossier(actor=firm.colleague, dossier=dossier, values={"city": "Paris"})


def test_a_move_tells_those_who_get_it_and_those_who_lose_it(firm: World) -> None:
    sarah, lea = make_portfolio("Sarah"), make_portfolio("Léa")
    grant_portfolio(actor=firm.admin, portfolio=sarah, member=firm.collaborator)
    grant_portfolio(actor=firm.admin, portfolio=lea, member=firm.colleague)
    dossier = make_dossier(portfolio=sarah)
    forget()
    move_dossier(actor=firm.admin, dossier=dossier, portfolio=lea)
    assert told() == {firm.collaborator.email, firm.colleague.email}
    assert Event.objects.latest("id").changes == {"portfolio": ["Sarah", "Léa"]}
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, dossier)


def test_a_move_needs_a_right_on_the_target_and_out_of_all_portfolios_an_administrator(firm: World) -> None:
    sarah, lea = make_portfolio("Sarah"), make_portfolio("Léa")
    grant_portfolio(actor=firm.admin, portfolio=sarah, member=firm.collaborator)
    dossier = make_dossier(portfolio=sarah)
    for target in (lea, None):
        with pytest.raises(PermissionDenied):
            move_dossier(actor=firm.collaborator, dossier=dossier, portfolio=target)
    move_dossier(actor=firm.admin, dossier=dossier, portfolio=None)
    dossier.refresh_from_db()
    assert dossier.portfolio is None


def test_a_move_to_where_it_is_records_nothing(firm: World) -> None:
    portfolio = make_portfolio()
    dossier = make_dossier(portfolio=portfolio)
    move_dossier(actor=firm.admin, dossier=dossier, portfolio=portfolio)
    assert not Event.objects.exists()


def test_the_firms_own_dossier_is_for_administrators_alone_and_unique(firm: World) -> None:
    create_own_dossier(firm.admin)
    own = Dossier.objects.get(is_own=True)
    assert can(firm.admin, Perm.VIEW_DOSSIER, own)
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, own)
    assert Event.objects.get().type == "clients.dossier.created"
    assert not told()
    with pytest.raises(IntegrityError), transaction.atomic():
        create_own_dossier(firm.admin)


@pytest.mark.parametrize(
    "values",
    [
        {"siren": "12345"},
        {"siren": "73282932A"},
        {"siren": "732829320", "siret": "55210055400013"},
        {"siret": "7328293200007"},
        {"urssaf_account": "12 3"},
        {"legal_name": ""},
    ],
)
def test_the_database_refuses_what_no_form_would_let_pass(firm: World, values: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_dossier(**{"legal_name": "A", **values})
