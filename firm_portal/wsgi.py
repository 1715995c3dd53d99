"""What the web server calls. Refuses to start with a database role that could pass the wall between firms."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "firm_portal.settings")
application = get_wsgi_application()

from tenancy.roles import refuse_powerful_role  # noqa: E402 - the settings must be loaded before

refuse_powerful_role()
