"""The ASGI application of the project that `DJANGO_SETTINGS_MODULE` names.

Django has no setting for it; the name `ASGI_APPLICATION`, which other packages introduced, is used
where a project has it, else Django's own application.
"""

from __future__ import annotations

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

from tracer.application import ready

_path = getattr(settings, "ASGI_APPLICATION", None)
application = import_string(_path) if _path else get_asgi_application()
ready.say()
