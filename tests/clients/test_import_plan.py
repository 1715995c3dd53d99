"""What people say about a file, and what an exported list says of itself, in the plan that is made of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone

from accounts.models import Membership
from clients.connectors.interface import Client
from clients.connectors.listing import as_csv
from clients.imports.asked import WITHOUT, Asked
from clients.jobs import (
    choose_portfolio,
    choose_rule,
    confirm_import,
    correct,
    correct_rows,
    decide,
    keep_theirs,
    take_mine,
)
from clients.models import Dossier, Import, ImportRow, ImportState, MatchRule
from clients.resources import OURS, THERE
from tenancy.scopes import scope
from tests.clients.lists import HEADERS, actions, apply, codes, plan, read, rows_of
from tests.worlds import World, make_dossier, make_portfolio

MARTIN = ("M1", "Boulangerie Martin", "73282932000074", "contact@martin.fr", "Sarah")
SIRET, OTHER_SIRET = "73282932000074", "55210055400013"


def again(source: Import) -> Import:
    """As a worker makes the plan anew."""
    read(source)
    source.refresh_from_db()
    assert source.state == ImportState.READY
    return source


def row(source: Import, number: int) -> ImportRow:
    return ImportRow.objects.get(source=source, number=number)


def found(one: ImportRow, code: str) -> dict[str, Any]:
    return next(remark for remark in one.problems if remark["code"] == code)


def emptying(source: Import, *fields: str) -> Import:
    """As a person says on the mapping page."""
    source.asked = Asked.of({**source.asked, "emptying": fields}).stored()
    source.state = ImportState.PLANNING
    source.save()
    return again(source)


def written(actor: Membership, source: Import) -> None:
    confirm_import(actor=actor, source=source)
    apply(source)


class TestCorrections:
    def test_a_corrected_cell_is_read_instead_of_the_files(self, firm: World) -> None:
        made = plan(firm.admin, [("A1", "Cassé", "73282932000079", "", ""), MARTIN])
        correct(actor=firm.admin, source=made, number=2, values={"siret": OTHER_SIRET})
        one = row(again(made), 2)
        assert (one.action, one.siret) == ("create", OTHER_SIRET)
        assert found(one, "corrected")["value"] == "73282932000079"
        assert one.raw == {"reference": "A1", "legal_name": "Cassé", "siret": OTHER_SIRET}

    def test_it_is_checked_as_the_files_own(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN])
        correct(
            actor=firm.admin, source=made, number=2, values={"email": "marie,@", "siret": "732 829 320 00074"}
        )
        one = row(again(made), 2)
        assert (one.action, one.siret) == ("error", SIRET)
        assert "email" in codes(one)

    def test_a_column_that_the_file_has_not_may_be_filled_in(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN, ("D2", "Durand", "", "", "")])
        correct(actor=firm.admin, source=made, number=3, values={"phone": "0123456789"})
        one = row(again(made), 3)
        assert (one.phone, codes(one)) == ("01 23 45 67 89", ["filled_in"])
        assert row(made, 2).phone == ""

    def test_corrections_are_taken_back(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN])
        correct(actor=firm.admin, source=made, number=2, values={"email": "b@martin.fr"})
        assert row(again(made), 2).email == "b@martin.fr"
        correct(actor=firm.admin, source=made, number=2, values={})
        one = row(again(made), 2)
        assert (one.email, one.problems) == ("contact@martin.fr", [])

    def test_the_offers_of_many_rows_are_taken_at_once(self, firm: World) -> None:
        rows = [(f"A{i}", f"Client {i}", "", f"c{i}@gmial.com", "") for i in range(3)]
        made = plan(firm.admin, rows)
        offered = {one.number: found(one, "email_typo")["offers"] for one in rows_of(made)}
        correct_rows(actor=firm.admin, source=made, values=offered)
        assert [one.email for one in rows_of(again(made))] == [f"c{i}@gmail.com" for i in range(3)]

    def test_a_title_may_be_made_a_client(self, firm: World) -> None:
        made = plan(firm.admin, [("", "", "", "", "Équipe Paris"), MARTIN])
        assert actions(made) == ["skipped", "create"]
        assert row(made, 2).raw == {"portfolio": "Équipe Paris"}
        assert list(made.new_portfolios.values()) == ["Sarah"]
        correct(actor=firm.admin, source=made, number=2, values={"legal_name": "Paris SARL"})
        assert actions(again(made)) == ["create", "create"]

    def test_an_offered_repair_is_there_to_be_taken(self, firm: World) -> None:
        made = plan(
            firm.admin, [("A1", "Un", "", "marie@gmial.com", ""), ("A2", "Deux", "73282932OOOO74", "", "")]
        )
        assert found(row(made, 2), "email_typo")["offers"] == {"email": "marie@gmail.com"}
        assert found(row(made, 3), "digits")["offers"] == {"siret": SIRET}


class TestDecisions:
    def test_a_row_is_left_out(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN, ("D2", "Durand", "", "", "Léa")])
        decide(actor=firm.admin, source=made, number=3, dossier="skip")
        assert actions(again(made)) == ["create", "skipped"]
        assert list(made.new_portfolios.values()) == ["Sarah"]
        decide(actor=firm.admin, source=made, number=3, dossier="")
        assert actions(again(made)) == ["create", "create"]

    def test_the_second_of_two_is_a_client_of_its_own(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN, ("M2", "Martin, paie", SIRET, "", "")])
        assert actions(made) == ["create", "duplicate"]
        decide(actor=firm.admin, source=made, number=3, dossier="new")
        assert actions(again(made)) == ["create", "create"]
        written(firm.admin, made)
        assert Dossier.objects.filter(siret=SIRET).count() == 2

    def test_where_the_first_of_two_is_left_out_the_second_is_the_client(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN, ("M2", "Martin, paie", SIRET, "", "")])
        decide(actor=firm.admin, source=made, number=2, dossier="skip")
        assert actions(again(made)) == ["skipped", "create"]

    def test_an_ambiguous_row_names_the_dossiers_and_a_person_chooses(self, firm: World) -> None:
        one, two = make_dossier("Un", siret=SIRET), make_dossier("Deux", siret=SIRET)
        made = plan(firm.admin, [("", "Martin", SIRET, "", "")])
        told = found(row(made, 2), "siret_ambiguous")
        assert (actions(made), set(told["dossiers"])) == (["error"], {str(one.pk), str(two.pk)})
        assert told["value"] == SIRET
        decide(actor=firm.admin, source=made, number=2, dossier=str(two.pk))
        chosen = row(again(made), 2)
        assert (chosen.action, chosen.dossier) == ("update", two)

    def test_a_client_that_exists_may_have_a_second_file_and_is_named(self, firm: World) -> None:
        first = make_dossier("Boulangerie Martin", reference="M0", siret=SIRET)
        made = plan(firm.admin, [("M1", "Martin, paie", SIRET, "", "")])
        assert actions(made) == ["update"]
        decide(actor=firm.admin, source=made, number=2, dossier="new")
        new = row(again(made), 2)
        told = found(new, "siret_exists")
        assert (new.action, told["dossiers"], told["params"]) == (
            "create",
            [str(first.pk)],
            {"name": "Boulangerie Martin"},
        )
        written(firm.admin, made)
        assert Dossier.objects.filter(siret=SIRET).count() == 2

    def test_but_not_one_of_the_same_reference(self, firm: World) -> None:
        first = make_dossier("Boulangerie Martin", reference="M1")
        made = plan(firm.admin, [MARTIN])
        decide(actor=firm.admin, source=made, number=2, dossier="new")
        new = row(again(made), 2)
        assert (new.action, new.dossier, new.duplicate_of) == ("known", first, None)
        told = found(new, "reference_taken")
        assert (told["params"], told["value"]) == ({"name": "Boulangerie Martin"}, "M1")

    def test_a_siret_that_another_client_has_is_told(self, firm: World) -> None:
        make_dossier("Un", reference="M1")
        make_dossier("Deux", reference="M2", siret=SIRET)
        made = plan(firm.admin, [("M1", "Un", SIRET, "", "")])
        one = row(made, 2)
        assert (one.action, found(one, "siret_exists")["params"]) == ("update", {"name": "Deux"})

    def test_several_rows_are_about_dossiers_that_the_plan_has_named_only(self, firm: World) -> None:
        named, other = make_dossier("Martin", siren="732829320"), make_dossier("Autre")
        made = plan(firm.admin, [MARTIN])
        with pytest.raises(ObjectDoesNotExist):
            correct_rows(actor=firm.admin, source=made, values={2: {"dossier": str(other.pk)}})
        correct_rows(actor=firm.admin, source=made, values={2: {"dossier": str(named.pk)}})
        assert row(again(made), 2).dossier == named


class TestRule:
    @pytest.fixture
    def made(self, firm: World) -> Import:
        make_dossier("Par code", reference="M1")
        make_dossier("Par SIRET", siret=OTHER_SIRET)
        return plan(firm.admin, [MARTIN, ("D2", "Durand", OTHER_SIRET, "", "")])

    def test_code_then_siret(self, made: Import) -> None:
        assert actions(made) == ["update", "update"]

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (MatchRule.REFERENCE, ["update", "create"]),
            (MatchRule.SIRET, ["known", "update"]),
            (MatchRule.NONE, ["known", "create"]),
        ],
    )
    def test_another_rule(self, firm: World, made: Import, rule: MatchRule, expected: list[str]) -> None:
        choose_rule(actor=firm.admin, source=made, rule=rule)
        assert actions(again(made)) == expected

    def test_the_same_siret_twice_is_nothing_where_codes_alone_count(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN, ("M2", "Martin, paie", SIRET, "", "")])
        choose_rule(actor=firm.admin, source=made, rule=MatchRule.REFERENCE)
        assert actions(again(made)) == ["create", "create"]

    def test_what_a_rule_makes_new_is_written(self, firm: World) -> None:
        make_dossier("Martin", siret=SIRET, email="x@martin.fr")
        made = plan(firm.admin, [("", "Martin", SIRET, "", ""), ("", "Sans numéro", "", "", "")])
        choose_rule(actor=firm.admin, source=made, rule=MatchRule.NONE)
        written(firm.admin, again(made))
        assert Dossier.objects.filter(siret=SIRET).count() == 2


class TestPortfolios:
    def test_an_unknown_one_is_created_left_or_another(self, firm: World) -> None:
        other = make_portfolio("Équipe Sarah")
        made = plan(firm.admin, [MARTIN, ("D2", "Durand", "", "", "SARAH")])
        assert list(made.new_portfolios.values()) == ["Sarah"]
        choose_portfolio(actor=firm.admin, source=made, name="Sarah", choice=WITHOUT)
        assert {(one.portfolio, one.portfolio_key) for one in rows_of(again(made))} == {("", None)}
        assert made.new_portfolios == {}
        choose_portfolio(actor=firm.admin, source=made, name="SARAH", choice=str(other.pk))
        assert {(one.portfolio, one.portfolio_key) for one in rows_of(again(made))} == {
            ("Équipe Sarah", other.pk)
        }
        written(firm.admin, made)
        assert Dossier.objects.filter(portfolio=other).count() == 2

    def test_what_was_chosen_is_noted(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN])
        choose_portfolio(actor=firm.admin, source=made, name="Sarah", choice=WITHOUT)
        assert again(made).notes == [
            {"code": "portfolio_without", "params": {"name": "Sarah", "chosen": "", "count": 1}}
        ]


class TestEmptying:
    @pytest.fixture
    def dossier(self, firm: World) -> Dossier:
        return make_dossier(
            "Martin", reference="M1", siret=SIRET, email="a@martin.fr", portfolio=make_portfolio("Sarah")
        )

    def test_a_blank_cell_empties_where_a_person_asked_for_it(self, firm: World, dossier: Dossier) -> None:
        made = plan(firm.admin, [("M1", "Martin", "", "", "")])
        assert actions(made) == ["identical"]
        one = row(emptying(made, "email", "portfolio"), 2)
        assert one.changes == {"email": ["a@martin.fr", ""], "portfolio": ["Sarah", ""]}
        written(firm.admin, made)
        dossier.refresh_from_db()
        assert (dossier.email, dossier.portfolio, dossier.siret) == ("", None, SIRET)

    def test_a_cell_that_was_left_out_never_does(self, firm: World, dossier: Dossier) -> None:
        headers = ("Code", "Raison sociale", "Téléphone", "Code postal")
        Dossier.objects.update(phone="01 23 45 67 89", postcode="75001")
        made = plan(firm.admin, [("M1", "Martin", "illisible", "abc")], headers)
        assert actions(emptying(made, "phone", "postcode")) == ["identical"]

    @pytest.mark.parametrize("text", ["-", "néant", "N/A"])
    def test_nor_does_a_word_for_nothing(self, firm: World, dossier: Dossier, text: str) -> None:
        made = plan(firm.admin, [("M1", "Martin", SIRET, text, "Sarah")])
        assert actions(emptying(made, "email")) == ["identical"]

    def test_a_siren_stays_with_its_siret(self, firm: World, dossier: Dossier) -> None:
        made = plan(firm.admin, [("M1", "Martin", "", "")], ("Code", "Raison sociale", "SIREN", "SIRET"))
        assert actions(emptying(made, "siren")) == ["identical"]
        assert row(emptying(made, "siren", "siret"), 2).changes == {
            "siren": ["732829320", ""],
            "siret": [SIRET, ""],
        }
        written(firm.admin, made)
        dossier.refresh_from_db()
        assert (dossier.siren, dossier.siret, dossier.search_key) == ("", "", "martin m1")

    def test_a_client_keeps_a_name(self, firm: World, dossier: Dossier) -> None:
        made = plan(firm.admin, [("M1", "", SIRET, "b@martin.fr", "")])
        one = row(emptying(made, "legal_name"), 2)
        assert (one.action, codes(one)) == ("error", ["no_name"])

    def test_new_clients_have_nothing_to_be_emptied(self, firm: World) -> None:
        made = emptying(plan(firm.admin, [MARTIN, ("D2", "Durand", "", "", "")]), *HEADERS, "email", "siret")
        assert actions(made) == ["create", "create"]


class TestExportedLists:
    HEADERS = (*HEADERS, "firm-portal-id", "firm-portal-version")

    def exported(self, dossier: Dossier, **changed: str) -> tuple[str, ...]:
        values = {
            "reference": dossier.reference,
            "legal_name": dossier.legal_name,
            "email": dossier.email,
        } | changed
        return (
            values["reference"], values["legal_name"], dossier.siret, values["email"], "",
            str(dossier.pk), dossier.updated_at.isoformat(),
        )  # fmt: skip

    def test_a_row_is_the_file_that_it_was(self, firm: World) -> None:
        dossier = make_dossier("Martin", reference="M1")
        make_dossier("Autre", reference="X9")
        made = plan(firm.admin, [self.exported(dossier, reference="M7")], self.HEADERS)
        one = row(made, 2)
        assert (one.action, one.dossier, one.changes) == ("update", dossier, {"reference": ["M1", "M7"]})
        assert (one.given_key, one.given_version) == (dossier.pk, dossier.updated_at)

    def test_what_somebody_else_changed_meanwhile_is_not_overwritten(self, firm: World) -> None:
        dossier = make_dossier("Martin", reference="M1", email="a@martin.fr")
        listed = [self.exported(dossier, email="mine@martin.fr")]
        Dossier.objects.update(email="theirs@martin.fr", updated_at=timezone.now() + timedelta(seconds=1))
        made = plan(firm.admin, listed, self.HEADERS)
        one = row(made, 2)
        assert (one.action, one.changes) == ("conflict", {"email": ["theirs@martin.fr", "mine@martin.fr"]})
        assert made.to_apply == 0
        take_mine(actor=firm.admin, source=made, numbers=None)
        assert actions(again(made)) == ["update"]
        keep_theirs(actor=firm.admin, source=made, numbers=[2])
        assert actions(again(made)) == ["conflict"]
        take_mine(actor=firm.admin, source=made, numbers=[2])
        written(firm.admin, again(made))
        assert Dossier.objects.get().email == "mine@martin.fr"

    def test_two_files_of_one_siret_come_back_identical(self, firm: World) -> None:
        rows = [self.exported(make_dossier(name, siret=SIRET)) for name in ("Un", "Deux")]
        assert actions(plan(firm.admin, rows, self.HEADERS)) == ["identical", "identical"]

    def test_a_row_that_was_copied_is_a_duplicate(self, firm: World) -> None:
        dossier = make_dossier("Martin", reference="M1")
        made = plan(
            firm.admin, [self.exported(dossier), self.exported(dossier, legal_name="Neuf")], self.HEADERS
        )
        assert [(one.action, one.duplicate_of) for one in rows_of(made)] == [
            ("identical", None),
            ("duplicate", 2),
        ]

    @pytest.mark.parametrize("key", ["", "x", "01980000-0000-7000-8000-000000000000"])
    def test_an_unknown_key_says_nothing(self, firm: World, key: str) -> None:
        dossier = make_dossier("Martin", reference="M1")
        made = plan(firm.admin, [("M1", "Martin", "", "", "", key, "yesterday")], self.HEADERS)
        assert [(one.action, one.dossier, one.given_version) for one in rows_of(made)] == [
            ("identical", dossier, None)
        ]

    def test_a_client_of_another_firm_is_never_found(self, lemoine: World, bertrand: World) -> None:
        with scope(firm=bertrand.firm):
            theirs = make_dossier("Chez Bertrand", reference="M1", siret=SIRET)
        with scope(firm=lemoine.firm):
            made = plan(lemoine.admin, [self.exported(theirs, legal_name="Martin")], self.HEADERS)
            assert [(one.action, one.dossier_id) for one in rows_of(made)] == [("create", None)]
            with pytest.raises(ObjectDoesNotExist):
                decide(actor=lemoine.admin, source=made, number=2, dossier=str(theirs.pk))

    def test_a_reference_that_another_client_has_is_refused(self, firm: World) -> None:
        dossier = make_dossier("Martin", reference="M1")
        make_dossier("Autre", reference="X9")
        one = row(plan(firm.admin, [self.exported(dossier, reference="X9")], self.HEADERS), 2)
        assert (one.action, codes(one)) == ("error", ["reference_taken"])


class TestEndedElsewhere:
    """Lists that were fetched say in a column of ours what the other platform says of a client's file."""

    HEADERS = ("Code client", "Raison sociale", "SIRET", OURS[THERE])

    def test_what_has_ended_there_and_is_not_here_is_left_out_with_a_remark(self, firm: World) -> None:
        made = plan(
            firm.admin,
            [("A", "Un", "", "Archivé"), ("B", "Deux", "", "Actif"), ("C", "Trois", "", "")],
            self.HEADERS,
        )
        assert (made.state, actions(made)) == (ImportState.READY, ["skipped", "create", "create"])
        assert codes(row(made, 2)) == ["ended_there"]
        assert [note["code"] for note in made.notes] == ["ended_there"]
        written(firm.admin, made)
        assert {one.reference for one in Dossier.objects.clients()} == {"B", "C"}

    def test_it_is_created_where_somebody_asks_for_it(self, firm: World) -> None:
        made = plan(firm.admin, [("A", "Un", "", "INACTIF")], self.HEADERS)
        decide(actor=firm.admin, source=made, number=2, dossier="new")
        assert actions(again(made)) == ["create"]
        assert codes(row(made, 2)) == ["ended_there"]

    def test_what_the_firm_has_is_updated_and_never_archived(self, firm: World) -> None:
        make_dossier("Un", reference="A")
        made = plan(firm.admin, [("A", "Un nouveau", "", "Clôturé")], self.HEADERS)
        assert actions(made) == ["update"]
        written(firm.admin, made)
        assert Dossier.objects.clients().active().get().legal_name == "Un nouveau"

    def test_any_other_word_is_told_and_changes_nothing(self, firm: World) -> None:
        made = plan(firm.admin, [("A", "Un", "", "Liquidation judiciaire")], self.HEADERS)
        assert (actions(made), codes(row(made, 2))) == (["create"], ["told_there"])
        assert made.notes == []

    def test_of_two_files_of_one_client_the_one_that_runs_goes_first(self, firm: World) -> None:
        clients = [
            Client("1", "Ancien", siret=SIRET, status="Archivé"),
            Client("2", "Nouveau", siret=SIRET, status="Actif"),
        ]
        made = plan(firm.admin, as_csv(clients))
        assert [(one.legal_name, one.action) for one in rows_of(made)] == [
            ("Nouveau", "create"),
            ("Ancien", "duplicate"),
        ]

    def test_a_list_without_any_state_has_no_such_column(self) -> None:
        assert OURS[THERE] not in as_csv([Client("1", "Un")]).decode("utf-8-sig")
