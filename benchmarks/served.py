"""The measured site as a WSGI application for gunicorn; BENCH_MODE names the contestant."""

from __future__ import annotations

import os

from benchmarks import site
from benchmarks.contestants import ALL

_contestant = ALL[os.environ["BENCH_MODE"]]
_directory = os.environ["BENCH_DIRECTORY"]
site.configure(_contestant.changes(_directory), _directory)
site.add_pages()

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
