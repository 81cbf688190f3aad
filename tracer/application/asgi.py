"""The ASGI application of the project that `DJANGO_SETTINGS_MODULE` names.

It is the one that the setting `ASGI_APPLICATION` names, else Django's own. Django does not define
that setting; other packages introduced it.
"""

from __future__ import annotations

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

from tracer.application import ready

_path = getattr(settings, "ASGI_APPLICATION", None)
application = import_string(_path) if _path else get_asgi_application()
ready.report_loaded()
