"""A CGI script: serves the one request that its environment describes, then ends.

Run as `python -m tracer.application.cgi`.
"""

from __future__ import annotations

from wsgiref.handlers import CGIHandler

from tracer.application.wsgi import application

if __name__ == "__main__":
    CGIHandler().run(application)
