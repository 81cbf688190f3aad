"""Every page of the admin and of the café, but for its surprises, for three visitors.

    python -m tests.fates.clean_site [KIND]

Prints what the tracer says was left behind, as JSON: `[[class, holder], …]`. `KIND` is a leak of
`tests.fates.planted` that is planted in the site.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import django

from tracer.recording.client import Client
from tracer.runtime import switch

ROUNDS = 3
WALK_EVERY = {False: 60, True: 150}
"""Requests between two walks, as after a pause of the visitors: fewer walks where there is a leak,
for each takes longer the more was left behind."""
CAFE = (
    "/", "/hello/", "/menu/", "/menu/?page=2", "/specials/", "/guestbook/", "/order/", "/basket/",
    "/bell/", "/tea/", "/tea/green/", "/menu.json", "/menu.csv", "/async/", "/shelf/", "/archive/",
    "/members/", "/log-in/", "/lost/", "/spill/", "/nowhere/",
)  # fmt: skip


def prepare() -> list[str]:
    """Makes the databases and the visitors; returns a cookie for each."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import Group, User
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    for alias in ("default", "archive"):
        call_command("migrate", database=alias, verbosity=0)
    Group.objects.create(name="guests")
    cookies = []
    for number in range(2):
        user = User.objects.create_superuser(f"visitor{number}", password="!")
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        cookies.append(f"sessionid={session.session_key}")
    return [*cookies, ""]


def admin_pages() -> Iterator[str]:
    """Yields every page of the admin, those of one object for each model that has one."""
    from django.contrib import admin

    yield from ("/admin/", "/admin/password_change/", "/admin/jsi18n/", "/admin/login/")
    for app in dict.fromkeys(model._meta.app_label for model in admin.site._registry):
        yield f"/admin/{app}/"
    for model in admin.site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield from (base, f"{base}?q=a", f"{base}add/")
        one = model._default_manager.first()
        if one is not None:
            yield from (f"{base}{one.pk}/{page}/" for page in ("change", "history", "delete"))


def main(kind: str = "") -> None:
    """Serves the site and prints what was left behind."""
    django.setup()
    from tests.fates.planted import Planted

    Planted.kind = kind
    tracer = switch.running()
    assert tracer is not None, "the tracer is off"
    client, cookies = Client(), prepare()
    served = 0
    for page in [page for _ in range(ROUNDS) for page in (*admin_pages(), *CAFE)]:
        for cookie in cookies:
            client.get(page, **({"cookie": cookie} if cookie else {}))
            served += 1
            if served % WALK_EVERY[bool(kind)] == 0:
                tracer.walker.run()
    tracer.settle()
    with tracer.lock:
        lives = tracer.snapshot().lifetimes
    kept = sorted({(life.cls, life.spot) for life in lives if life.scope == "kept"})
    print(json.dumps({"served": served, "kept": kept}))


if __name__ == "__main__":
    main(*sys.argv[1:])
