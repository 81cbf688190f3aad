"""Settings of the site: Django's defaults, DEBUG on, and one database under four aliases."""

import os
from pathlib import Path

SECRET_KEY = "for the fates only"
DEBUG = True
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "tests.fates.site.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "tracer",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "tests.fates.site.middleware.LetsGo",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tests.fates.site.middleware.KeepsOneOfEach",
    "tests.fates.site.middleware.KeepsTheLast",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DATABASES = {
    alias: {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("FATES_DATABASE", "fates.sqlite3"),
        "CONN_MAX_AGE": age,
    }
    for alias, age in {"default": 60, "long": 60, "endless": None, "brief": 0}.items()
}
TRACER = {
    "WATCH": [
        "tests.fates.lasting.Lasting",
        "tests.fates.passing.Passing",
        "tests.fates.left.Left",
    ]
}
