"""`python -m tests.facts.fresh PATH...`: requests each path of the café, in a new process."""

import sys

from cafe_site.wsgi import application

from tracer.recording.handlers import environ, serve

if __name__ == "__main__":
    for path in sys.argv[1:]:
        serve(application, environ(path, headers={"host": "127.0.0.1"}))
