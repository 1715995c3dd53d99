"""The migrations go forward and back: policies, composite keys, rights and look-ups with them."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections
from psycopg.conninfo import make_conninfo

from devtools import postgres

DJANGOS_OWN = """
import django
django.setup()
from django.core.management import call_command
from django.core.management.commands.migrate import Command
call_command(Command(), database="owner", verbosity=0)
"""
APPS = ("invitations", "clients", "portfolios", "exports", "activity", "accounts")


@pytest.fixture
def there_and_back(django_db_setup: None) -> Iterator[str]:
    """An empty database of the owner's; how to connect to it."""
    parameters = connections["owner"].get_connection_params()
    there = make_conninfo(host=parameters["host"], user=parameters["user"], dbname="there_and_back")
    start_anew(there)
    yield there
    start_anew(there, and_make=False)


def start_anew(there: str, *, and_make: bool = True) -> None:
    with psycopg.connect(make_conninfo(there, dbname="postgres"), autocommit=True) as owner:
        owner.execute("DROP DATABASE IF EXISTS there_and_back WITH (FORCE)")
        if and_make:
            owner.execute("CREATE DATABASE there_and_back")


@pytest.mark.long
def test_all_our_migrations_go_back_and_forward_again(there_and_back: str) -> None:
    manage("migrate", "--database=owner")
    before = tables(there_and_back)
    for app in APPS:
        manage("migrate", "--database=owner", app, "zero")
    assert not [name for name in tables(there_and_back) if name.startswith(APPS)]
    manage("migrate", "--database=owner")
    assert tables(there_and_back) == before


@pytest.mark.long
def test_the_quicker_migrate_makes_what_djangos_own_makes(there_and_back: str) -> None:
    manage("migrate", "--database=owner", "--verbosity=0")
    ours = schema(there_and_back)
    start_anew(there_and_back)
    python("-c", DJANGOS_OWN)
    assert "CREATE POLICY" in ours
    assert schema(there_and_back) == ours


def manage(*arguments: str) -> None:
    python("manage.py", *arguments)


def python(*arguments: str) -> None:
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "OWNER_DATABASE_URL")}
    here = {name: url.replace("/portal?", "/there_and_back?") for name, url in urls.items()}
    settings = {"DJANGO_SETTINGS_MODULE": "firm_portal.settings"}
    subprocess.run([sys.executable, *arguments], env=os.environ | settings | here, check=True)


def schema(there: str) -> str:
    """All that the database holds but its rows."""
    command = [postgres.tool("pg_dump"), "--schema-only", "--restrict-key=same", "--dbname", there]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def tables(there: str) -> list[str]:
    with psycopg.connect(there) as owner:
        rows = owner.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
    return [name for (name,) in rows]
