"""Exports that a worker makes: asked for once, made as the person may see it, taken away by them alone, deleted."""

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.actions.members import change_role, suspend_member
from accounts.models import Membership, Role
from accounts.permissions import ObjectRole, give, pairs_of, take
from activity.models import Event
from clients.models import Assignment, Dossier
from exports import jobs, making
from exports.actions import NotOpenAnyMore, NotThere, take_away
from exports.jobs import TooManyAtWork, order_export
from exports.kinds import REGISTRY
from exports.making import make_export
from exports.models import Export, ExportPart, ExportState
from exports.sweeping import expire, sweep
from tenancy.keys import uuid7
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_member, make_portfolio

ACCESS, DOSSIERS = "clients.access", "clients.dossiers"


def order(actor: Membership, name: str = ACCESS, **parameters: str) -> Export:
    kind = REGISTRY[name]
    return order_export(actor=actor, kind=kind, parameters=parameters, book=kind.book(actor, parameters))


def work(export: Export) -> None:
    """As a worker does."""
    assert export.firm_id is not None
    make_export(export.firm_id, export.pk)


def made(actor: Membership, name: str = ACCESS, **parameters: str) -> Export:
    export = order(actor, name, **parameters)
    work(export)
    export.refresh_from_db()
    return export


def taken(actor: Membership, export: Export) -> Any:
    target = io.BytesIO()
    take_away(actor=actor, export=export, target=target)
    return openpyxl.load_workbook(target)


def names(workbook: Any) -> list[str]:
    """The legal names of an exported client list."""
    header, *rows = workbook.worksheets[0].iter_rows(values_only=True)
    return [row[header.index("Raison sociale")] for row in rows]


def events() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def assign(member: Membership, *dossiers: Dossier) -> None:
    give(Assignment, pairs_of(dossiers, [member]), role=ObjectRole.READER, by=None)


# --- From asking to the file ------------------------------------------------------------------------------------


def test_what_was_asked_for_is_made_told_by_mail_and_taken_away(firm: World, outbox: Outbox) -> None:
    make_dossier("Boulangerie", portfolio=make_portfolio("Sarah"))
    outbox.clear()
    export = made(firm.admin, q="boulangerie")
    assert (export.state, export.asked) == (ExportState.READY, "Rechercher\xa0: boulangerie")
    assert export.lines == 2
    mail = outbox.to(firm.admin.email)
    assert mail.subject == "[Cabinet Lemoine] Votre export est prêt"
    assert firm.firm.url("exports:export", pk=export.pk) in mail.body
    assert not mail.attachments
    assert "une autre personne" not in mail.body, "nobody else has done anything"
    assert outbox.recipients() == [firm.admin.email]
    workbook = taken(firm.admin, export)
    assert workbook.sheetnames == ["Portefeuilles", "Dossiers", "Lisez-moi"]
    assert events() == ["exports.export.asked", "exports.export.ready", "clients.access.exported"]
    assert Event.objects.latest("id").details == {"lines": 2}


def test_the_file_is_kept_in_pieces_and_comes_out_whole(firm: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_PART", 1000)
    export = made(firm.admin)
    sizes = [len(part.content) for part in ExportPart.objects.filter(export=export)]
    assert len(sizes) > 3 and set(sizes[:-1]) == {1000} and sum(sizes) == export.size
    assert taken(firm.admin, export).sheetnames


def test_asked_for_twice_it_is_one_until_it_is_ready(firm: World) -> None:
    first = order(firm.admin)
    assert order(firm.admin) == first
    assert order(firm.admin, q="autre") != first
    work(first)
    assert order(firm.admin) != first
    assert events().count("exports.export.asked") == 3


def test_two_people_who_ask_for_the_same_have_one_each(firm: World) -> None:
    partner = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    assert order(firm.admin) != order(partner)


def test_one_person_does_not_fill_the_queue(firm: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_AT_WORK", 2)
    order(firm.admin, q="a")
    order(firm.admin, q="b")
    with pytest.raises(TooManyAtWork):
        order(firm.admin, q="c")
    assert Export.objects.count() == 2
    order(make_member(firm.firm, "Zoé", role=Role.ADMIN), q="c")


def test_it_is_written_in_the_language_of_whoever_asked(firm: World) -> None:
    assert firm.admin.user is not None
    firm.admin.user.language = "en"
    firm.admin.user.save()
    assert taken(firm.admin, made(firm.admin)).sheetnames == ["Portfolios", "Client files", "Read me"]


# --- The client list --------------------------------------------------------------------------------------------


def test_the_client_list_holds_what_the_member_sees_in_the_lists_order(firm: World) -> None:
    sarah, closed = make_portfolio("Sarah"), make_portfolio("Fermé")
    for name in ("Charpente", "Boulangerie", "Ailleurs"):
        make_dossier(name, portfolio=sarah, reference=f"0{name[0]}", siren="732829320")
    single = make_dossier("=Danger", portfolio=closed)
    assign(firm.collaborator, single, *Dossier.objects.filter(name_key__startswith="b"))
    admins = taken(firm.admin, made(firm.admin, DOSSIERS, sort="-name"))
    assert names(admins) == ["=Danger", "Charpente", "Boulangerie", "Ailleurs"]
    header, _danger, first, *_rest = admins.worksheets[0].iter_rows(values_only=True)
    row = dict(zip(header, first, strict=True))
    assert (row["Code client"], row["SIREN"], row["Portefeuille"]) == ("0C", "732829320", "Sarah")
    theirs = taken(firm.collaborator, made(firm.collaborator, DOSSIERS))
    assert sorted(names(theirs)) == ["=Danger", "Boulangerie"]
    portfolios = {cell.value for cell in theirs.worksheets[0][header.index("Portefeuille") + 1]}
    assert not {"Sarah", "Fermé"} & portfolios, "names of portfolios that are closed to them"


def test_the_client_list_comes_in_lots(firm: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.exports.dossiers._LOT", 2)
    for number in range(5):
        make_dossier(f"D{number}", reference=f"R{number % 2}" if number < 2 else "")
    for sort in ("", "-name", "reference", "created", "-created"):
        asked = {"sort": sort} if sort else {}
        found = names(taken(firm.admin, made(firm.admin, DOSSIERS, **asked)))
        assert sorted(found) == ["D0", "D1", "D2", "D3", "D4"], sort


def test_archived_files_are_exported_where_they_are_listed(firm: World) -> None:
    make_dossier("Là")
    make_dossier("Archivé", archived_at=timezone.now())
    assert names(taken(firm.admin, made(firm.admin, DOSSIERS))) == ["Là"]
    assert names(taken(firm.admin, made(firm.admin, DOSSIERS, archived="1"))) == ["Archivé"]


# --- Rights, asked anew -----------------------------------------------------------------------------------------


def test_who_loses_the_right_before_its_turn_gets_words_and_no_file(firm: World) -> None:
    partner = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    export = order(partner)
    change_role(actor=firm.admin, member=partner, role=Role.COLLABORATOR)
    work(export)
    export.refresh_from_db()
    assert (export.state, export.reason) == (ExportState.FAILED, "not_allowed")
    assert not ExportPart.objects.exists()


def test_who_loses_the_right_while_it_is_written_gets_no_file(
    firm: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    export = order(partner)
    write = REGISTRY[ACCESS].book(partner, {}).__class__.write

    def demoted_meanwhile(*args: Any) -> int:
        lines = write(*args)
        Membership.objects.filter(pk=partner.pk).update(role=Role.COLLABORATOR)
        return lines

    monkeypatch.setattr("clients.exports.access_book.AccessBook.write", demoted_meanwhile)
    work(export)
    export.refresh_from_db()
    assert export.reason == "not_allowed"
    assert not ExportPart.objects.exists()


def test_who_loses_the_right_before_the_download_does_not_get_it(firm: World) -> None:
    partner = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    export = made(partner)
    change_role(actor=firm.admin, member=partner, role=Role.COLLABORATOR)
    with pytest.raises(PermissionDenied):
        taken(Membership.objects.get(pk=partner.pk), export)
    assert "clients.access.exported" not in events()


def test_who_may_not_enter_the_firm_any_more_does_not_get_even_what_everybody_may_have(firm: World) -> None:
    export = made(firm.collaborator, DOSSIERS)
    suspend_member(actor=firm.admin, member=firm.collaborator)
    with pytest.raises(PermissionDenied):
        taken(Membership.objects.get(pk=firm.collaborator.pk), export)


def test_a_file_that_tells_of_a_client_who_is_closed_by_now_is_not_handed_out(firm: World) -> None:
    kept, lost = make_dossier("Gardé"), make_dossier("Perdu")
    assign(firm.collaborator, kept, lost)
    export = made(firm.collaborator, DOSSIERS)
    assert sorted(names(taken(firm.collaborator, export))) == ["Gardé", "Perdu"]
    assign(firm.collaborator, make_dossier("Nouveau"))
    taken(firm.collaborator, export)  # more is no harm
    take(Assignment, pairs_of([lost], [firm.collaborator]))
    with pytest.raises(NotOpenAnyMore):
        taken(firm.collaborator, export)
    assert events().count("clients.dossiers.exported") == 2


def test_an_administrator_who_is_one_no_more_keeps_only_what_is_open_to_them(firm: World) -> None:
    partner = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    dossier = make_dossier("Boulangerie")
    export = made(partner, DOSSIERS)
    change_role(actor=firm.admin, member=partner, role=Role.COLLABORATOR)
    demoted = Membership.objects.get(pk=partner.pk)
    with pytest.raises(NotOpenAnyMore):
        taken(demoted, export)
    assign(demoted, dossier)
    assert names(taken(demoted, export)) == ["Boulangerie"]


def test_who_was_demoted_while_their_request_was_under_way_is_asked_as_what_they_are_now(firm: World) -> None:
    partner = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    make_dossier("Boulangerie")
    export = made(partner, DOSSIERS)
    change_role(actor=firm.admin, member=Membership.objects.get(pk=partner.pk), role=Role.COLLABORATOR)
    assert partner.is_admin, "as it was read when the request began"
    with pytest.raises(NotOpenAnyMore):
        taken(partner, export)


def test_nobody_takes_anothers_away(firm: World) -> None:
    partner = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    with pytest.raises(NotThere):
        taken(partner, made(firm.admin))


@pytest.mark.parametrize("name", [ACCESS, DOSSIERS])
def test_a_filter_that_leads_nowhere_by_now_makes_no_wider_export(firm: World, name: str) -> None:
    """The pages show more where a filter makes no sense; a file that nobody looks at first must not."""
    portfolio = make_portfolio("Sarah")
    export = order(firm.admin, name, portfolio=str(portfolio.pk))
    portfolio.terminated_at = timezone.now()
    portfolio.save()
    work(export)
    export.refresh_from_db()
    assert (export.state, export.reason) == (ExportState.FAILED, "gone")


def test_a_kind_that_no_version_knows_any_more_ends_with_words(firm: World) -> None:
    export = order(firm.admin)
    Export.objects.update(kind="clients.forgotten")
    work(export)
    export.refresh_from_db()
    assert export.reason == "gone"


def test_what_grew_too_long_while_it_waited_is_refused(firm: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assign(firm.collaborator, make_dossier("A"), make_dossier("B"))
    export = order(firm.admin)
    monkeypatch.setattr(making, "MOST_LINES", 1)
    work(export)
    export.refresh_from_db()
    assert export.reason == "too_long"
    monkeypatch.setattr(making, "MOST_LINES", 2)
    assert made(firm.admin).state == ExportState.READY


# --- The end of its time ----------------------------------------------------------------------------------------


def test_after_a_week_the_file_is_deleted_and_that_it_was_made_stays(firm: World) -> None:
    export = made(firm.admin)
    assert export.expires_at is not None
    assert timedelta(days=6) < export.expires_at - timezone.now() <= timedelta(days=7)
    assert sweep() == 0
    expire(export.pk)
    assert Export.objects.get().state == ExportState.READY
    Export.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(NotThere):
        taken(firm.admin, export)  # be the sweep late
    assert sweep() == 1
    assert (Export.objects.get().state, ExportPart.objects.count()) == (ExportState.EXPIRED, 0)
    assert events()[-1] == "exports.export.expired"
    assert sweep() == 0


def test_nothing_is_made_of_what_is_not_there(firm: World) -> None:
    make_export(firm.firm.pk, uuid7())
    assert events() == []
