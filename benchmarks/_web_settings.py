"""The product's settings, with the contestants' pages beside its own."""

from firm_portal.settings import *  # noqa: F403 - all of them
from firm_portal.settings import BASE_DIR, TEMPLATES

ROOT_URLCONF = "benchmarks._web_urls"
TEMPLATES = [{**TEMPLATES[0], "DIRS": [BASE_DIR / "templates", BASE_DIR / "benchmarks" / "templates"]}]
