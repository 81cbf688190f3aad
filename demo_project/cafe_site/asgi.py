"""The ASGI application of the café."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cafe_site.settings")

application = get_asgi_application()
