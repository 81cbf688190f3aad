"""The measured behaviour of each server, one row each: its processes, threads and builds."""

from __future__ import annotations

from dataclasses import dataclass

ASGI = "ASGI"
SEVERAL = ", one of several processes"


@dataclass(frozen=True)
class Row:
    """A server, and what twenty requests to it show, sent four at a time."""

    name: str
    server: str
    """The server as its processes name it."""
    mode: str
    processes: int = 1
    """How many processes serve before any is replaced."""
    threads: int = 1
    """The most threads that serve in one process; 0: a new thread for each request."""
    recycled_after: int | None = None
    """Requests after which a process is replaced."""
    inherits: bool = False
    """Whether the serving processes were forked from one that had built the application."""
    urlconf_at_boot: bool = False
    """Whether system checks import the URLconf before the first request."""
    bystanders: int = 0
    """How many processes load the settings and serve nothing."""
    exit_handlers: bool = True
    """Whether every process runs Python's exit handlers at the end."""
    requests: int = 20
    options: tuple[str, ...] = ()
    """Further arguments of its command line."""

    @property
    def is_asgi(self) -> bool:
        """Whether it speaks ASGI."""
        return self.mode == ASGI


ROWS = (
    # The parent, which restarts the other, loads apps and models too, no URLconf and no handler.
    Row("runserver", "runserver", "with reloader", threads=0, urlconf_at_boot=True, bystanders=1),
    Row("runserver-nothreading", "runserver", "--noreload --nothreading", urlconf_at_boot=True),
    # Each process takes half a second to build everything; six are enough.
    Row("cgi", "CGI", "one process per request", processes=6, recycled_after=1, requests=6),
    Row("gunicorn", "gunicorn", f"WSGI, one thread{SEVERAL}", processes=2),
    Row("gunicorn-gthread", "gunicorn", f"WSGI, threads{SEVERAL}", processes=2, threads=4),
    Row("gunicorn-gevent", "gunicorn", f"WSGI, greenlets{SEVERAL}", processes=2, threads=0),
    Row("gunicorn-preload", "gunicorn", f"WSGI, one thread{SEVERAL}", processes=2, inherits=True),
    Row(
        "gunicorn-recycling",
        "gunicorn",
        f"WSGI, one thread{SEVERAL}",
        processes=2,
        recycled_after=5,
        exit_handlers=False,
    ),
    Row("gunicorn-asgi", "gunicorn", ASGI, processes=2),
    Row("uwsgi", "uWSGI", f"WSGI, one thread{SEVERAL}", processes=2, inherits=True),
    Row("uwsgi-lazy-apps", "uWSGI", f"WSGI, one thread{SEVERAL}", processes=2),
    Row("uwsgi-threads", "uWSGI", f"WSGI, threads{SEVERAL}", processes=2, threads=4, inherits=True),
    Row(
        "uwsgi-recycling",
        "uWSGI",
        f"WSGI, one thread{SEVERAL}",
        processes=2,
        recycled_after=5,
        inherits=True,
        exit_handlers=False,
    ),
    Row("waitress", "waitress", "WSGI, threads", threads=4),
    Row("cheroot", "cheroot", "WSGI, threads", threads=10),
    Row("uvicorn", "uvicorn", ASGI),
    Row("uvicorn-workers", "uvicorn", ASGI, processes=2, exit_handlers=False),
    Row("daphne", "daphne", ASGI),
    Row("hypercorn", "hypercorn", ASGI, processes=2),
    # Its workers do not know of each other, so wsgi.multiprocess is never set. By default it
    # starts up to 32 threads, as many as the twenty requests happen to find busy.
    Row(
        "granian-wsgi",
        "granian",
        "WSGI, threads",
        processes=2,
        threads=4,
        exit_handlers=False,
        options=("--blocking-threads", "4"),
    ),
    Row("granian-asgi", "granian", ASGI, processes=2, exit_handlers=False),
)
