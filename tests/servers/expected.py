"""What each server does with processes and threads, as it was measured: one row each."""

from __future__ import annotations

from dataclasses import dataclass

ASGI = "ASGI"
SEVERAL = ", one of several processes"


@dataclass(frozen=True)
class Row:
    """A server, and what twenty requests, four at a time, show of it."""

    name: str
    server: str
    """What a process says of itself."""
    mode: str
    processes: int = 1
    """How many serve, before any is replaced."""
    threads: int = 1
    """The most that serve in one process; 0: a new one for each request."""
    each: int | None = None
    """After how many requests a process is replaced."""
    inherits: bool = False
    """Whether the processes that serve were forked off one that had built the application."""
    urlconf_at_boot: bool = False
    """Whether the URLconf is imported before the first request, by checks."""
    bystanders: int = 0
    """How many load the settings and serve nothing."""
    farewell: bool = True
    """Whether every process runs Python's exit handlers at the end."""
    requests: int = 20
    options: tuple[str, ...] = ()
    """What else its command line is given."""

    @property
    def is_asgi(self) -> bool:
        """Whether it speaks ASGI."""
        return self.mode == ASGI


ROWS = (
    # The parent, which restarts the other, loads apps and models too, no URLconf and no handler.
    Row("runserver", "runserver", "with reloader", threads=0, urlconf_at_boot=True, bystanders=1),
    Row("runserver-nothreading", "runserver", "--noreload --nothreading", urlconf_at_boot=True),
    # Every process takes half a second to build everything: six of them make the point.
    Row("cgi", "CGI", "one process per request", processes=6, each=1, requests=6),
    Row("gunicorn", "gunicorn", f"WSGI, one thread{SEVERAL}", processes=2),
    Row("gunicorn-gthread", "gunicorn", f"WSGI, threads{SEVERAL}", processes=2, threads=4),
    Row("gunicorn-gevent", "gunicorn", f"WSGI, greenlets{SEVERAL}", processes=2, threads=0),
    Row("gunicorn-preload", "gunicorn", f"WSGI, one thread{SEVERAL}", processes=2, inherits=True),
    Row(
        "gunicorn-recycling",
        "gunicorn",
        f"WSGI, one thread{SEVERAL}",
        processes=2,
        each=5,
        farewell=False,
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
        each=5,
        inherits=True,
        farewell=False,
    ),
    Row("waitress", "waitress", "WSGI, threads", threads=4),
    Row("cheroot", "cheroot", "WSGI, threads", threads=10),
    Row("uvicorn", "uvicorn", ASGI),
    Row("uvicorn-workers", "uvicorn", ASGI, processes=2, farewell=False),
    Row("daphne", "daphne", ASGI),
    Row("hypercorn", "hypercorn", ASGI, processes=2),
    # Its workers do not know of each other: the flag for several processes is never set.
    # By itself it begins up to 32 threads, as many as twenty requests happen to meet busy.
    Row(
        "granian-wsgi",
        "granian",
        "WSGI, threads",
        processes=2,
        threads=4,
        farewell=False,
        options=("--blocking-threads", "4"),
    ),
    Row("granian-asgi", "granian", ASGI, processes=2, farewell=False),
)
