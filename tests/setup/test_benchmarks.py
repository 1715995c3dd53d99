"""What the benchmarks ask is still there: they write their firms in SQL, which no change of a model corrects."""

import pytest
from django.test import Client

from benchmarks._access_world import make_office
from benchmarks._web_pages import pages_of


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_the_pages_of_a_firm_made_for_the_benchmarks_can_be_read():
    office = make_office(60, portfolios=12, members=3, singles=5)
    for member in (office.admin, office.collaborator):
        assert member.user is not None
        client = Client()
        client.force_login(member.user)
        for name, path in pages_of(office, member).items():
            assert client.get(path).status_code == 200, name
