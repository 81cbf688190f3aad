"""Settings of the café, a small but real Django project to trace.

Environment: `CAFE_DATABASE` names the SQLite file (default: cafe.sqlite3 beside manage.py; the
archive lies next to it), `CAFE_DEBUG=0` turns DEBUG off, `CAFE_SECRET_KEY` replaces the key.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

# For the demonstration on this machine only.
SECRET_KEY = os.environ.get("CAFE_SECRET_KEY", "for-the-demonstration-only-and-not-a-secret")
DEBUG = os.environ.get("CAFE_DEBUG", "1") != "0"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "cafe",
    "tracer",  # this one line is all that a project adds
]

# Optional: classes of our own to follow; our cache keys and query values are not secret.
TRACER = {
    "WATCH": ["cafe.models.Basket"],
    "CACHE_KEYS": True,
    "QUERY_VALUES": True,
    "WALK": 1.5,
}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cafe.middleware.NightShift",
    "cafe.middleware.doorbell",
    "cafe.middleware.Manners",
    "cafe.middleware.LastGuest",
]

ROOT_URLCONF = "cafe_site.urls"
WSGI_APPLICATION = "cafe_site.wsgi.application"
ASGI_APPLICATION = "cafe_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cafe.lessons.current",
            ],
        },
    }
]

DATABASE = Path(os.environ.get("CAFE_DATABASE") or BASE_DIR / "cafe.sqlite3")

DATABASES = {
    # Opened and closed with each request.
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATABASE,
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    },
    # Stays open for up to a minute: it belongs to its thread, not to its request.
    "archive": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATABASE.with_name(f"{DATABASE.stem}-archive.sqlite3"),
        "CONN_MAX_AGE": 60,
    },
}
DATABASE_ROUTERS = ["cafe.routers.ArchiveRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "cafe",
    }
}

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en-us", "English"), ("fr", "French"), ("de", "German"), ("ja", "Japanese")]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "members"
LOGOUT_REDIRECT_URL = "home"

# How long the slow cooker of the background-thread lesson runs, in seconds.
CAFE_COOKING_SECONDS = 2.0

# The expected 500 has its own page; every other one shows Django's debugging page.
DEFAULT_EXCEPTION_REPORTER = "cafe.errors.CafeExceptionReporter"

# Without the server's access log: the tracer draws every request. The expected 500 is logged in one
# line, without its traceback.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "short": {"()": "cafe.errors.ShortFormatter", "format": "  {message}", "style": "{"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "short"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "loggers": {
        "cafe": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.request": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django.server": {"handlers": ["nowhere"], "propagate": False},
    },
}
