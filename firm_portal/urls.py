"""All pages. Each app's `urls.py` holds whole paths: a firm's pages under `/cabinets/<slug>/`, a client's under
`/espace/<key>/`.
"""

from django.conf import settings
from django.urls import include, path

from accounts.places import FIRM
from activity.webhooks import mail_service
from clients.places import SPACE
from firm_portal.views import bell, mails, operators, pages
from firm_portal.views.kit import kit

urlpatterns = [
    path("", pages.start, name="start"),
    path("healthz", operators.healthz, name="healthz"),
    path("readyz", operators.readyz, name="readyz"),
    path("metrics", operators.metrics, name="metrics"),
    path("exploitation/courriels/", operators.mail_queue, name="mail_queue"),
    path(f"{FIRM}", pages.dashboard, name="dashboard"),
    path(f"{FIRM}me-concerne/", bell.of_firm, name="bell"),
    path(f"{FIRM}me-concerne/lu/", bell.read_of_firm, name="read"),
    path(f"{SPACE}me-concerne/", bell.of_space, name="space_bell"),
    path(f"{SPACE}me-concerne/lu/", bell.read_of_space, name="space_read"),
    path("courriels/<slug:service>/", mail_service, name="mail_service"),
    path("", include("accounts.urls")),
    path("", include("portfolios.urls")),
    path("", include("exports.urls")),
    path("", include("clients.urls")),
    path("", include("invitations.urls")),
]
if settings.MAIL_CATCHER_DIR:  # a development run
    urlpatterns += [
        path("", include("activity.urls")),
        path("dev/kit/", kit, name="kit"),
        path("dev/mails/", mails.mails, name="dev_mails"),
        path("dev/mails/<slug:name>/<slug:language>/", mails.mail, name="dev_mail"),
        path("dev/mails/<slug:name>/<slug:language>/contenu/", mails.mail_frame, name="dev_mail_frame"),
    ]

handler403 = "firm_portal.views.errors.forbidden"
handler404 = "firm_portal.views.errors.not_found"
handler500 = "firm_portal.views.errors.server_error"
