"""These tests need words, but no database: they also run with `pytest -p no:django`."""

import os
from pathlib import Path

import django
from django.conf import settings

if not settings.configured and "DJANGO_SETTINGS_MODULE" not in os.environ:
    settings.configure(
        LANGUAGE_CODE="fr", USE_I18N=True, LOCALE_PATHS=[Path(__file__).resolve().parents[2] / "locale"]
    )
    django.setup()
