"""Makes the site's database: its tables, its visitors and their sessions.

    python -m tests.fates.prepare

Prints the keys of the sessions.
"""

from __future__ import annotations

import django
from django.core.management import call_command

from tests.fates.pages import VISITORS


def main() -> None:
    """Makes the database that the settings name."""
    django.setup()
    # Models can be imported only now.
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import Group, User
    from django.contrib.sessions.backends.db import SessionStore

    call_command("migrate", verbosity=0)
    for number in range(VISITORS):
        Group.objects.create(name=f"group {number}")
        user = User.objects.create(username=f"visitor-{number}", password="!")
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        print(session.session_key)


if __name__ == "__main__":
    main()
