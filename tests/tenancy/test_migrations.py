"""The migrations go forward and back: policies, composite keys, rights and look-ups with them."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.db import connections

APPS = ("invitations", "clients", "portfolios", "exports", "activity", "accounts")


@pytest.mark.long
def test_all_our_migrations_go_back_and_forward_again(django_db_setup: None) -> None:
    parameters = connections["owner"].get_connection_params()
    with psycopg.connect(
        host=parameters["host"], user=parameters["user"], dbname="postgres", autocommit=True
    ) as owner:
        owner.execute("CREATE DATABASE there_and_back")
        try:
            manage("migrate", "--database=owner")
            before = tables(parameters)
            for app in APPS:
                manage("migrate", "--database=owner", app, "zero")
            assert not [name for name in tables(parameters) if name.startswith(APPS)]
            manage("migrate", "--database=owner")
            assert tables(parameters) == before
        finally:
            owner.execute("DROP DATABASE there_and_back WITH (FORCE)")


def manage(*arguments: str) -> None:
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "OWNER_DATABASE_URL")}
    here = {name: url.replace("/portal?", "/there_and_back?") for name, url in urls.items()}
    subprocess.run([sys.executable, "manage.py", *arguments], env=os.environ | here, check=True)


def tables(parameters: dict[str, str]) -> list[str]:
    with psycopg.connect(host=parameters["host"], user=parameters["user"], dbname="there_and_back") as owner:
        rows = owner.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
    return [name for (name,) in rows]
