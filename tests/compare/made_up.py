"""Made-up processes for tests: what each built, inherited and used."""

from __future__ import annotations

from tests.support.recorded import recorded
from tracer.model import Birth, Boot, Built, History, Process, ProcessStarted, Request, Span, stages

APPLICATION = (
    ("settings", "django.conf.Settings", "settings"),
    ("handler", "django.core.handlers.wsgi.WSGIHandler", "WSGIHandler"),
    ("middleware", "cafe.middleware.Outer", "Outer"),
    ("middleware", "cafe.middleware.Inner", "Inner"),
)
"""Kind, class and name of what the made-up application builds before its first request."""


def process(
    pid: int,
    requests: int,
    *,
    phase: str = "boot",
    boot: bool = True,
    thread: int = 1,
    used: bool = True,
) -> Process:
    """Returns a process that built or inherited (`phase`) the application and served `requests`."""
    history = History()
    history.feed(
        ProcessStarted(pid, 1, "gunicorn", "", "3.11", "5.2", 1e9, 0, inherited=phase != "boot")
    )
    births = tuple(
        Birth(token, kind, cls, name, token, thread, phase)
        for token, (kind, cls, name) in enumerate(APPLICATION, 1)
    )
    if boot:
        history.feed(one_second_boot() if phase == "boot" else Boot(begun=0, modules=3))
    history.feed(Built(births))
    for number in range(1, requests + 1):
        history.feed(recorded(request(number, thread, births if used else ())))
    return history.snapshot()


def one_second_boot() -> Boot:
    """Returns a boot of one second: the settings after 0.2 s, the handler ready after 1 s."""
    second = 1_000_000_000
    return Boot(
        begun=0,
        spans=(
            Span(stages.SETTINGS, "cafe_site.settings", None, 100_000_000, 200_000_000),
            Span(stages.HANDLER, "WSGIHandler", None, 800_000_000, second),
            Span(stages.MIDDLEWARE, "Inner", 1, 800_000_000, 900_000_000),
        ),
        modules=700,
        importing=500_000_000,
    )


def request(number: int, thread: int, used: tuple[Birth, ...]) -> Request:
    """Returns one request; the first imports the URLconf and compiles a template."""
    begun = 10_000_000_000 + number * 1_000_000
    spans = [Span(stages.REQUEST, "GET /", None, 0, 500_000, thread=thread)]
    births: tuple[Birth, ...] = ()
    if number == 1:
        spans.append(Span(stages.URLCONF, "cafe_site.urls", 0, 10, 20, thread=thread))
        births = (Birth(100, "template", "django.template.base.Template", "a", begun, thread),)
    connection = Birth(
        200 + number, "connection", "sqlite3.Connection", "default", begun, thread, owner=9
    )
    return Request(
        number=number, method="GET", path="/", status=200, thread=thread, thread_name="MainThread",
        started=1e9 + number, begun=begun, closed=begun + 500_000, size=2, watching=0,
        spans=tuple(spans), births=(*births, connection),
        seen=tuple((birth.token, thread) for birth in used),
        imports=("cafe_site.urls", "cafe.views") if number == 1 else (),
    )  # fmt: skip
