"""The one settings file: environments differ by values only, and every value comes from the environment.

The README's table lists the variables; a test compares the two.
"""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import django_stubs_ext
from csp.constants import NONCE, NONE, SELF

from config import env, places
from progress_app.conf import Settings as ProgressTunables
from tasks_app.conf import Settings as TasksTunables

django_stubs_ext.monkeypatch()  # before any app is imported: classes such as ModelAdmin take a type

BASE_DIR = places.BASE
VAR_DIR = places.VAR
for folder in ("", "run", "media", "static", "vendor/static"):
    (VAR_DIR / folder).mkdir(parents=True, exist_ok=True)

# --- who may talk to us -----------------------------------------------------------------------------------
SECRET_KEY = env.secret("SECRET_KEY", kept_in=VAR_DIR / "secret_key")
DEBUG = env.flag("DEBUG")
# The loopback names always pass: health checks ask from inside.
ALLOWED_HOSTS = [*env.listing("ALLOWED_HOSTS"), "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")
# Set it only behind a proxy that overwrites X-Forwarded-Proto: anybody could send the header otherwise.
if env.flag("BEHIND_TLS_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
X_FRAME_OPTIONS = "SAMEORIGIN"  # the widget without JavaScript is an iframe of our own
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "worker-src": [SELF],  # ours uses none; a page's own would die silently under a nonce policy
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
    },
}

# --- what the project is made of --------------------------------------------------------------------------
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_eventstream",
    "django_celery_beat",
    "csp",
    "progress_app",
    "tasks_app",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.static.serve_static",
    "progress_app.middleware.wait_once",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "tasks_app.origin.remember",
]
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
                "csp.context_processors.nonce",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")  # the renderer above finds Django's own widgets through it

# --- the database -----------------------------------------------------------------------------------------
SQLITE_OPTIONS = {
    # Eight writers for 8 s: no "database is locked" with these, 2,407 with Django's defaults.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
}


def database() -> dict[str, Any]:
    """Return the database that DATABASE_URL names, else the SQLite file under var/."""
    url = env.text("DATABASE_URL")
    found: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "db.sqlite3"}
    try:
        # 0: under ASGI each request has its own thread, and a kept connection would be one that leaks.
        # Checks: after a restart of PostgreSQL every connection of the pool is dead.
        found = dict(dj_database_url.parse(url, conn_max_age=0, conn_health_checks=True)) if url else found
    except (ValueError, KeyError) as fault:
        raise env.BadSettingError(
            "DATABASE_URL: expected postgres://user:password@host:port/name or sqlite:////path; "
            "leave it unset for SQLite under var/."
        ) from fault
    options = found.setdefault("OPTIONS", {})
    if found["ENGINE"].endswith("sqlite3"):
        options.update(SQLITE_OPTIONS)
        # A real file: the tests' worker and server are other processes and must open it too.
        found["TEST"] = {"NAME": str(VAR_DIR / f"test-{Path(found['NAME']).name}")}
    else:
        pool_size = env.integer("DATABASE_POOL_SIZE", 8, at_least=1)
        options["connect_timeout"] = 5
        # The statements of every task are prepared, see tasks_app.statements; a pooler may not know of it.
        options["prepare_threshold"] = env.integer("DATABASE_PREPARE_AFTER", 5, at_least=0) or None
        options["pool"] = {"min_size": 0, "max_size": pool_size, "timeout": 10}
    return found


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- files ------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [VAR_DIR / "vendor" / "static"]  # see config.vendor
MEDIA_ROOT = VAR_DIR / "media"  # uploads and results; only tasks_app's file view gives them out
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.StaticStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o640

# --- accounts ---------------------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
# For tests alone: the real hashers take 0.3 s a login, on purpose.
if env.flag("HEADWAY_WEAK_PASSWORD_HASHES"):
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "German")]
LOCALE_PATHS = [BASE_DIR / "tasks_app" / "locale"]  # the German words of both apps and the templates
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_TZ = True


# --- e-mail -----------------------------------------------------------------------------------------------
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 587, at_least=1, at_most=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10  # seconds; a round of maintenance sends, and must end
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "headway@localhost")
# Without a server the pages offer no e-mail.
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"


# --- progress and tasks -----------------------------------------------------------------------------------
def given(prefix: str, tunables: type) -> dict[str, Any]:
    """Return what the environment sets of an app's tunables; the app's own defaults stand for the rest."""
    found: dict[str, Any] = {}
    for tunable in fields(tunables):
        name = f"{prefix}{tunable.name.upper()}"
        if env.text(name):
            found[name] = READERS[type(tunable.default)](name, tunable)
    return found


READERS: dict[type, Callable[[str, Any], Any]] = {
    str: lambda name, tunable: env.text(name, tunable.default),
    int: lambda name, tunable: env.integer(name, tunable.default, at_least=tunable.metadata.get("least", 0)),
    float: lambda name, tunable: env.seconds(name, tunable.default, at_least=tunable.metadata.get("least", 0)),
}


def hosts_of(values: dict[str, Any]) -> list[str]:
    """Return the hosts besides ours that browsers connect to: the stream's own, and the hosted transport's."""
    found = [values.get(f"PROGRESS_{name}", "") for name in ("EVENTS_URL", "PUSHER_URL", "ABLY_URL")]
    origins = ["{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in found if url]
    origins += [origin.replace("http", "ws", 1) for origin in origins]
    if (chosen := values.get("PROGRESS_TRANSPORT")) == "pusher" and (cluster := values.get("PROGRESS_PUSHER_CLUSTER")):
        origins += [f"wss://ws-{cluster}.pusher.com", f"https://sockjs-{cluster}.pusher.com"]
    if chosen == "ably" and not values.get("PROGRESS_ABLY_URL"):
        origins += [f"{scheme}://*.{zone}" for zone in ("ably.net", "ably-realtime.com") for scheme in ("wss", "https")]
    return origins


REDIS_URL = places.redis_url()
PROGRESS_REDIS_URL = REDIS_URL  # unless the environment names another for the live progress
# Not Django's own GRIP_URL: with it send_event would publish a second time, in the caller's process.
PROGRESS_GRIP_URL = env.text("GRIP_URL")
globals().update(given("PROGRESS_", ProgressTunables) | given("TASKS_", TasksTunables))
PROGRESS_MAY_READ = "tasks_app.permissions.may_read"
PROGRESS_RECORD = "tasks_app.record.recorded_snapshot"
PROGRESS_LISTING = "tasks_app.rows.listing"
PROGRESS_OVERVIEW = "tasks_app.overview.overview"
# A browser asks the policy before it connects to another host.
if hosts := hosts_of(globals()):
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["connect-src"] = [SELF, *hosts]
EVENTSTREAM_CHANNELMANAGER_CLASS = "progress_app.access.ChannelManager"
EVENTSTREAM_STORAGE_CLASS = "progress_app.storage.RedisStreamStorage"
# EVENTSTREAM_REDIS stays unset: the package's own listener is not used, the storage publishes.

# --- log --------------------------------------------------------------------------------------------------
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO", choices=LOG_LEVELS)},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "httpx": {"level": "WARNING"},  # a line a request, with its address
        "urllib3": {"level": "INFO"},  # below it the same: the address of a request to Pusher has its signature
        "ably": {"level": "CRITICAL"},  # what it logs it also raises, and that is logged once, without secrets
    },
}
