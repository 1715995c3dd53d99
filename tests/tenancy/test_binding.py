"""A row that holds a file: what it says, and that it goes to the database as it is."""

import pytest
from django.db import ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from clients.models import Import, ImportFile
from tenancy.binding import insert_bound, read_bound
from tenancy.scopes import scope
from tests.worlds import World

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 400


def test_every_byte_arrives_and_the_row_is_as_any_other(firm: World) -> None:
    source = Import.objects.create(created_by=firm.admin, file_name="a.csv", size=len(CONTENT))
    row = ImportFile(source=source, content=CONTENT)
    insert_bound(row)
    assert not row._state.adding
    assert bytes(ImportFile.objects.get(pk=row.pk).content) == CONTENT
    assert read_bound(ImportFile.objects.filter(source=source), "content") == CONTENT


def test_a_file_that_is_kept_no_more_is_said_to_be_gone(firm: World) -> None:
    with pytest.raises(ImportFile.DoesNotExist):
        read_bound(ImportFile.objects.filter(pk=firm.firm.pk), "content")


def test_the_statement_does_not_hold_the_file(firm: World) -> None:
    source = Import.objects.create(created_by=firm.admin, file_name="a.csv", size=len(CONTENT))
    with CaptureQueriesContext(connection) as queries:
        insert_bound(ImportFile(source=source, content=CONTENT))
    assert [len(query["sql"]) < 1_000 for query in queries.captured_queries] == [True]


def test_the_wall_stands_before_it_too(lemoine: World, bertrand: World) -> None:
    with scope(firm=lemoine.firm):
        source = Import.objects.create(created_by=lemoine.admin, file_name="a.csv", size=1)
        row = ImportFile(source=source, content=b"x")
    with pytest.raises(ProgrammingError), scope(firm=bertrand.firm):
        insert_bound(row)
