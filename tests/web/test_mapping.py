"""The page that says what the columns of a list hold, and what is remembered of it under the settings."""

from clients.models import ColumnMapping, Import, ImportState
from tests.clients.lists import plan, read, rows_of, workbook
from tests.web.pages import said
from tests.worlds import World

UNKNOWN = ("Mandant", "Numéro", "Remarque")
MARTIN = ("Boulangerie Martin", "732 829 320 00074", "bon client")
FILLED = {
    "header_row": "1",
    "shown_row": "1",
    "column_0": "legal_name",
    "column_1": "siret",
    "remember": "on",
}


def url(made: Import) -> str:
    return str(made.firm.url("clients:import_mapping", pk=made.pk))


def fresh(client, made) -> dict[str, str]:
    """What the form sends as it stands, with what the person has seen."""
    return {**FILLED, "seen": client.get(url(made)).context["form"]["seen"].value()}


def test_the_import_leads_to_its_columns_which_are_all_there(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN], UNKNOWN)
    client = browse(firm.admin)
    assert client.get(firm.firm.url("clients:import", pk=made.pk))["Location"] == url(made)
    shown = said(client.get(url(made)))
    for text in (
        *UNKNOWN,
        "732 829 320 00074",
        "73282932000074",
        "après son contenu",
        "est pas lue",
    ):
        assert text in shown, text


def test_what_is_chosen_becomes_the_plan_and_is_remembered(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN], UNKNOWN)
    client = browse(firm.admin)
    sent = client.post(url(made), {**fresh(client, made), "column_2": "city", "emptying": ["city", "phone"]})
    assert sent["Location"] == firm.firm.url("clients:import", pk=made.pk)
    read(made)
    made.refresh_from_db()
    assert (made.state, rows_of(made)[0].city) == (ImportState.READY, "bon client")
    assert made.asked["emptying"] == ["city"]  # the phone is not read
    assert "Mandant" in said(client.get(firm.firm.url("clients:column_mappings")))


def test_a_preview_shows_what_a_choice_means_and_keeps_nothing(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN], UNKNOWN)
    client = browse(firm.admin)
    shown = client.post(url(made), {**fresh(client, made), "column_2": "city", "preview": "1"})
    assert shown.status_code == 200
    assert shown.context["sample"]["headers"] == ["Raison sociale", "SIRET", "Ville"]
    made.refresh_from_db()
    assert (made.state, made.asked) == (ImportState.MAPPING, {})


def test_another_header_row_is_shown_with_its_own_columns_first(firm: World, browse) -> None:
    made = plan(
        firm.admin, workbook([("Code", "Nom", "Note"), ("Réf.", "Société", "SIRET"), ("A1", "Martin", "")])
    )
    client = browse(firm.admin)
    shown = client.post(url(made), {**fresh(client, made), "header_row": "2"})
    assert shown.status_code == 200
    assert list(shown.context["form"].chosen.values()) == ["reference", "legal_name", "siret"]
    made.refresh_from_db()
    assert made.state == ImportState.MAPPING


def test_a_list_in_which_nothing_tells_the_client_is_no_list(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN], UNKNOWN)
    client = browse(firm.admin)
    answer = client.post(url(made), {**fresh(client, made), "column_0": "city", "column_1": ""})
    assert answer.status_code == 422
    assert "quelle colonne contient le nom du client" in said(answer)


def test_nonsense_is_no_choice(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN], UNKNOWN)
    client = browse(firm.admin)
    for bad in (
        {"column_0": "firm_id"},
        {"header_row": "77"},
        {"header_row": "²", "emptying": "reference; DROP"},
    ):
        assert client.post(url(made), {**fresh(client, made), **bad}).status_code in (200, 302, 422), bad


def test_what_somebody_else_said_meanwhile_is_not_overwritten_in_silence(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN], UNKNOWN)
    client = browse(firm.admin)
    before = fresh(client, made)
    client.post(url(made), {**before, "column_2": "city"})
    read(made)
    answer = client.post(url(made), before)
    assert answer.status_code == 422
    assert "entre-temps" in said(answer)
    again = {**before, "seen": answer.context["form"]["seen"].value()}
    assert client.post(url(made), again).status_code == 302


def test_it_leads_back_once_the_import_has_gone_on(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN], UNKNOWN)
    client = browse(firm.admin)
    sent = fresh(client, made)
    for _ in range(2):
        assert client.post(url(made), sent)["Location"] == firm.firm.url("clients:import", pk=made.pk)
    assert ColumnMapping.objects.count() == 1


def test_forgetting_asks_first_and_is_done_once(firm: World, browse) -> None:
    made = plan(firm.admin, [MARTIN], UNKNOWN)
    client = browse(firm.admin)
    client.post(url(made), fresh(client, made))
    kept = ColumnMapping.objects.get()
    forget = firm.firm.url("clients:forget_mapping", pk=kept.pk)
    assert client.get(forget).status_code == 200
    assert ColumnMapping.objects.exists()
    for _ in range(2):
        assert client.post(forget)["Location"] == firm.firm.url("clients:column_mappings")
    assert "Aucune colonne" in said(client.get(firm.firm.url("clients:column_mappings")))
