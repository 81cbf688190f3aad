"""The WSGI application of the project that `DJANGO_SETTINGS_MODULE` names.

It is the one that the setting `WSGI_APPLICATION` names, else Django's own, as with runserver.
"""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from tracer.application import ready

_path = settings.WSGI_APPLICATION
application = import_string(_path) if _path else get_wsgi_application()
ready.report_loaded()
