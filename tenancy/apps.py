"""Prepares the database around each migration: roles and functions before; look-ups, rights and the cache after."""

from typing import Any

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


class TenancyConfig(AppConfig):
    name = "tenancy"

    def ready(self) -> None:
        pre_migrate.connect(_before, sender=self, dispatch_uid="tenancy.before")
        post_migrate.connect(_after, sender=self, dispatch_uid="tenancy.after")


def _before(*, using: str, **kwargs: Any) -> None:
    from tenancy.roles import prepare

    if using != "owner":
        raise ImproperlyConfigured("Migrations run as the owner: manage.py migrate --database=owner")
    prepare(connections[using])


def _after(*, using: str, **kwargs: Any) -> None:
    from tenancy.roles import install_look_ups

    install_look_ups(connections[using])
    # Here, so that no way of migrating forgets it: allauth's limits stand in it.
    call_command("createcachetable", database=using, verbosity=0)
