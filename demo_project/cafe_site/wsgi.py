"""The WSGI application of the café."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cafe_site.settings")

application = get_wsgi_application()
