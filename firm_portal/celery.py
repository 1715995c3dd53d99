"""The Celery application: `celery -A firm_portal worker` and `beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "firm_portal.settings")
app = Celery("firm_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**kwargs: Any) -> None:
    """Celery's own logging set-up stays out: Django has configured it."""


@worker_init.connect
def refuse_powerful_role(**kwargs: Any) -> None:
    from tenancy.roles import refuse_powerful_role

    refuse_powerful_role()
