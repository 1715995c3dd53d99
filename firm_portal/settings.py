"""Settings of Firm Portal. Whatever differs between installations comes from the environment; see README."""

from pathlib import Path
from typing import Any

import environ
import structlog
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from firm_portal.logs import hide_keys, hide_keys_from_sentry
from firm_portal.mail import mail_service

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- The installation -------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
BASE_URL = env.str("BASE_URL", default="http://localhost:8000").rstrip("/")
# Who runs this installation, by their addresses: they see the queue of mails, and nothing of any firm.
OPERATORS = [address.strip().lower() for address in env.list("OPERATORS", default=[])]
# What a monitoring shows to read /metrics, which is not there without it.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
REGISTRATION_OPEN = env.bool("REGISTRATION_OPEN", default=True)
# May clients open a space of their own, whom no firm has invited?
CLIENT_REGISTRATION_OPEN = env.bool("CLIENT_REGISTRATION_OPEN", default=True)
NOTIFICATION_HOLD_SECONDS = env.int("NOTIFICATION_HOLD_SECONDS", default=60)
# Lines of an export that are written while somebody waits; more are a worker's. The default takes a second or two.
EXPORTS_AT_ONCE = env.int("EXPORTS_AT_ONCE", default=8_000)
# So many invitations are sent while somebody waits; more are a worker's.
INVITATIONS_AT_ONCE = env.int("INVITATIONS_AT_ONCE", default=100)
# Encrypts tokens of other platforms: the first key encrypts, all of them decrypt. See clients/secrets.py.
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[SECRET_KEY, *SECRET_KEY_FALLBACKS])
# Sign what is given of each journal: the first key signs, all of them are known. See activity/heads.py.
JOURNAL_KEYS = env.list("JOURNAL_KEYS", default=[SECRET_KEY, *SECRET_KEY_FALLBACKS])
# Where client lists are fetched from; the third kind is explained in clients/connectors/platforms.py.
PENNYLANE_URL = env.str("PENNYLANE_URL", default="https://app.pennylane.com").rstrip("/")
MYUNISOFT_URL = env.str("MYUNISOFT_URL", default="https://api.myunisoft.fr").rstrip("/")
# MyUnisoft gives it to an installation as its partner; where it is empty, each firm enters the one that it was given.
MYUNISOFT_THIRD_PARTY_SECRET = env.str("MYUNISOFT_THIRD_PARTY_SECRET", default="")
# How MyUnisoft is asked for a page after the first: its documentation counts pages and does not say. See decision 15.
MYUNISOFT_PAGING = env.str("MYUNISOFT_PAGING", default="page={page}")
FETCH_PLATFORMS = env.json("FETCH_PLATFORMS", default=[])
# Who looks at the files that firm and client exchange, and for how long at most: see clients/files/scanning.py. Empty:
# nobody, and they arrive at once.
FILE_SCANNER = env.str("FILE_SCANNER", default="")
FILE_SCANNER_SECONDS = env.int("FILE_SCANNER_SECONDS", default=60)
# What one firm and one client may have exchanged in all, in bytes: it is kept in the database.
EXCHANGE_MOST_BYTES = env.int("EXCHANGE_MOST_BYTES", default=1 << 30)
# The public register of companies, asked when somebody wants a form completed; empty: never.
REGISTER_URL = env.str("REGISTER_URL", default="https://recherche-entreprises.api.gouv.fr").rstrip("/")
SECURE = BASE_URL.startswith("https://")

# --- What the product is made of ----------------------------------------------------------------------

INSTALLED_APPS = [
    "firm_portal",
    "invitations",
    "clients",
    "portfolios",
    "exports",
    "accounts",
    "activity",
    "tenancy",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "guardian",
    "import_export",
    "django_filters",
    "django_htmx",
    "template_partials",
    "django_structlog",
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionActivity",
    "accounts.middleware.PersonLanguage",
    "accounts.middleware.SignInFirst",
    "firm_portal.middleware.NotAllowedPage",
    "accounts.middleware.PlaceScope",
]

ROOT_URLCONF = "firm_portal.urls"
WSGI_APPLICATION = "firm_portal.wsgi.application"
FORM_RENDERER = "firm_portal.forms.PortalRenderer"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "firm_portal.context.portal",
            ],
            "builtins": ["django.templatetags.i18n", "firm_portal.templatetags.portal"],
        },
    },
]

# --- Data: two roles on one database (see docs/decisions) -----------------------------------------------


def database(url: str) -> dict[str, Any]:
    """The database of a URL, under our own engine. `?host=` names a folder where the server has a socket."""
    return {
        **environ.Env.db_url_config(url),
        "ENGINE": "tenancy.backend",
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": database(env.str("DATABASE_URL"))}
if owner_url := env.str("OWNER_DATABASE_URL", default=""):
    DATABASES["owner"] = database(owner_url)
RUNTIME_ROLE = env.str("RUNTIME_ROLE", default=DATABASES["default"]["USER"])
RESOLVER_ROLE = env.str("RESOLVER_ROLE", default="portal_resolver")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The cache holds allauth's limits: in the database, so that a dead Redis takes nothing away.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "firm_portal.views.errors.csrf_failure"

# --- People ----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "accounts:places"
LOGOUT_REDIRECT_URL = "account_login"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SECURE else "http"
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.FirmSignupForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "add_email": "accounts.forms.AddEmailForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
# How often each may be tried; kept in the cache, hence in the database. A GET counts nowhere but for links with keys.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "signup": "20/m/ip",
    "confirm_email": "1/3m/key",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
    "reauthenticate": "10/m/user",
}
# How many proxies of ours stand before the web server: the address that limits and events go by.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Firm Portal"
# Steps of 30 seconds before and after the present one: who types the code as it changes is let in (RFC 6238, 5.2).
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "accounts.forms.SecondFactorForm",
    "reauthenticate": "accounts.forms.SecondFactorAgainForm",
    "activate_totp": "accounts.forms.ActivateSecondFactorForm",
}
# Who can sign in has confirmed an address. Without this, nobody with a second factor could change theirs.
MFA_ALLOW_UNVERIFIED_EMAIL = True
USERSESSIONS_TRACK_ACTIVITY = True

GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
ANONYMOUS_USER_NAME = None
GUARDIAN_ANONYMOUS_USER_NAME = None
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # guardian decides nothing here: accounts.permissions does

# --- Work in the background --------------------------------------------------------------------------------

CELERY_BROKER_URL = env.str("REDIS_URL")
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "visibility_timeout": 3600,
    # How often the worker asks a broker that says nothing whether it is still there.
    "health_check_interval": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    # What beat says while no worker listens expires, so that thousands do not pile up.
    "compose-notifications": {
        "task": "activity.compose_notifications",
        "schedule": 5.0,
        "options": {"expires": 15},
    },
    "deliver-mails": {"task": "activity.deliver_mails", "schedule": 5.0, "options": {"expires": 15}},
    # Not nudged: each event of each page would call the broker, to be sealed a few seconds sooner.
    "seal-journals": {"task": "activity.seal_journals", "schedule": 5.0, "options": {"expires": 15}},
    # Each hour, of whom nothing was done today yet: a day without a worker is made up for.
    "purge-journals": {"task": "activity.purge_journals", "schedule": 3600.0, "options": {"expires": 3600}},
    "give-heads": {"task": "accounts.give_heads", "schedule": 600.0, "options": {"expires": 600}},
    "resume-journal-checks": {
        "task": "accounts.resume_journal_checks",
        "schedule": 20.0,
        "options": {"expires": 60},
    },
    "resume-imports": {"task": "clients.resume_imports", "schedule": 20.0},
    "resume-fetches": {"task": "clients.resume_fetches", "schedule": 5.0, "options": {"expires": 15}},
    "sweep-exports": {"task": "exports.sweep_exports", "schedule": 20.0},
    "sweep-files": {"task": "clients.sweep_files", "schedule": 20.0, "options": {"expires": 60}},
    "resume-sendings": {
        "task": "invitations.resume_sendings",
        "schedule": 5.0,
        "options": {"expires": 30},
    },
    "remind": {"task": "invitations.remind", "schedule": 60.0, "options": {"expires": 120}},
    "end-support": {"task": "clients.end_support", "schedule": 30.0, "options": {"expires": 60}},
    # They begin and end by themselves, at midnight; this only tells those concerned.
    "tell-replacements": {
        "task": "accounts.tell_replacements",
        "schedule": 60.0,
        "options": {"expires": 120},
    },
}

# --- Mail ----------------------------------------------------------------------------------------------------

MAIL_CATCHER_DIR = env.str("MAIL_CATCHER_DIR", default="")
if MAIL_CATCHER_DIR:
    EMAIL_BACKEND = "activity.catcher.CatcherBackend"
else:
    vars().update(env.email("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)
# In place of EMAIL_URL, a mail service by its own interface, which then tells what came back: see README, "Bounces".
MAIL_SERVICE = env.str("MAIL_SERVICE", default="")
ANYMAIL: dict[str, Any] = {"REQUESTS_TIMEOUT": EMAIL_TIMEOUT}
if MAIL_SERVICE:
    ANYMAIL |= mail_service(
        MAIL_SERVICE,
        env.str("MAIL_SERVICE_KEY"),
        env.str("MAIL_SERVICE_SECRET"),
        env.json("MAIL_SERVICE_OPTIONS", default={}),
        timeout=EMAIL_TIMEOUT,
    )
    if not MAIL_CATCHER_DIR:
        EMAIL_BACKEND = f"anymail.backends.{MAIL_SERVICE}.EmailBackend"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Firm Portal <ne-pas-repondre@localhost>")

# --- Language, time, files ------------------------------------------------------------------------------------

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "firm_portal.formats"
LANGUAGE_COOKIE_NAME = "language"
TIME_ZONE = "Europe/Paris"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# An import is a file of 20 MB at most; the form says so before this limit cuts the request off.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- What a browser may do ---------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_SSL_REDIRECT = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Logs: no names, no query strings ------------------------------------------------------------------------------

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_keys,
                structlog.dev.ConsoleRenderer(colors=False) if DEBUG else structlog.processors.JSONRenderer(),
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # What they tell at a lower level holds headers: tokens, cookies.
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
if dsn := env.str("SENTRY_DSN", default=""):
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        max_request_body_size="never",  # forms hold names
        include_local_variables=False,  # so do variables; and passwords, tokens
        before_send=hide_keys_from_sentry,
    )
