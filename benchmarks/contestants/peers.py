"""Other tools that show what a Django request does, set up as their documentation says."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.urls import include, path

from benchmarks.contestants.base import Contestant
from benchmarks.site import Changes

DEBUG = {"DEBUG": True, "INTERNAL_IPS": ["127.0.0.1"]}


class Debug(Contestant):
    """Django's own DEBUG, which some tools need."""

    name = "nothing, DEBUG on"
    records = "the statements"

    def changes(self, directory: str) -> Changes:
        """Switches DEBUG on."""
        return Changes(settings=DEBUG)


class Toolbar(Contestant):
    """django-debug-toolbar with its default panels."""

    name = "django-debug-toolbar"
    request_divisor = 20
    packages = ("django-debug-toolbar",)
    records = "a dozen panels: statements, templates, signals, cache, settings, headers"
    note = "DEBUG on"

    def changes(self, directory: str) -> Changes:
        """Follows its installation page."""
        return Changes(
            apps=["django.contrib.staticfiles", "debug_toolbar"],
            first=["debug_toolbar.middleware.DebugToolbarMiddleware"],
            settings=DEBUG | {"STATIC_URL": "static/"},
            urls=lambda: [path("__debug__/", include("debug_toolbar.urls"))],
        )


class Silk(Contestant):
    """django-silk, which writes to the project's database."""

    name = "django-silk"
    request_divisor = 8
    packages = ("django-silk",)
    records = "request and response with bodies and headers, statements with tracebacks"

    def changes(self, directory: str) -> Changes:
        """Follows its README."""
        return Changes(
            apps=["django.contrib.staticfiles", "silk"],
            first=["silk.middleware.SilkyMiddleware"],
            settings={"STATIC_URL": "static/", "MEDIA_ROOT": directory},
            urls=lambda: [path("silk/", include("silk.urls", namespace="silk"))],
        )

    def after_setup(self) -> None:
        """Creates its tables."""
        from django.core.management import call_command

        call_command("migrate", "silk", verbosity=0)

    def recorded(self) -> str:
        """Counts the statements of its newest request."""
        from silk.models import Request

        newest = Request.objects.latest("start_time")
        return f"{newest.num_sql_queries} statements"


class OpenTelemetry(Contestant):
    """opentelemetry-instrumentation-django, exporting to memory."""

    name = "opentelemetry"
    packages = ("opentelemetry-instrumentation-django", "opentelemetry-sdk")
    records = "one span per request"
    note = "in-memory exporter behind a batch processor"

    def before_setup(self, directory: str) -> None:
        """Makes the exporter before Django is set up, as manage.py would."""
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(BatchSpanProcessor(self.exporter))
        self.instrument: Any = DjangoInstrumentor()

    def changes(self, directory: str) -> Changes:
        """Changes nothing: it adds its middleware itself."""
        return Changes()

    def after_setup(self) -> None:
        """Instruments Django; this changes MIDDLEWARE before the handler is built."""
        self.instrument.instrument(tracer_provider=self.provider)

    def catch_up(self) -> None:
        """Exports waiting spans and deletes them."""
        self.provider.force_flush()
        self.exporter.clear()

    def recorded(self) -> str:
        """Counts the spans of the newest request."""
        self.provider.force_flush()
        spans = self.exporter.get_finished_spans()
        newest = spans[-1].context.trace_id
        return f"{sum(span.context.trace_id == newest for span in spans)} spans"


class Sentry(Contestant):
    """sentry-sdk with tracing of every request, without a server."""

    name = "sentry-sdk"
    request_divisor = 8
    packages = ("sentry-sdk",)
    records = "spans of middleware, view, statements, templates"
    note = "traces_sample_rate 1, middleware_spans; envelopes are dropped instead of sent"

    def before_setup(self, directory: str) -> None:
        """Initialises it where the settings would."""
        import sentry_sdk
        from sentry_sdk.integrations.django import DjangoIntegration
        from sentry_sdk.transport import Transport

        held: list[Any] = []
        self.held = held

        class Nowhere(Transport):
            def capture_envelope(self, envelope: Any) -> None:
                held[:] = [envelope]

        sentry_sdk.init(
            dsn="http://public@localhost/1",
            traces_sample_rate=1.0,
            integrations=[DjangoIntegration(middleware_spans=True)],
            transport=Nowhere,
        )

    def recorded(self) -> str:
        """Counts the spans of the newest transaction."""
        event = self.held[-1].get_transaction_event() if self.held else None
        return f"{len(event['spans']) + 1} spans" if event else ""


class Pyinstrument(Contestant):
    """pyinstrument's middleware, profiling every request into a directory."""

    name = "pyinstrument"
    packages = ("pyinstrument",)
    records = "samples of the stack, a page per request"
    note = "PYINSTRUMENT_PROFILE_DIR set; otherwise it profiles only requests that ask for it"
    request_divisor = 8
    pages_not_counted = ("list",)

    def changes(self, directory: str) -> Changes:
        """Adds its middleware, and the directory to write to."""
        self.directory = Path(directory) / "profiles"
        # Otherwise it raises an error under valgrind, where everything is slow.
        os.environ["PYINSTRUMENT_IGNORE_OVERHEAD_WARNING"] = "1"
        return Changes(
            last=["pyinstrument.middleware.ProfilerMiddleware"],
            settings={"PYINSTRUMENT_PROFILE_DIR": str(self.directory)},
        )

    def recorded(self) -> str:
        """Returns the size of a page."""
        sizes = [file.stat().st_size for file in self.directory.iterdir()]
        return f"{max(sizes) / 1000:,.0f} kB of HTML"


class VizTracer(Contestant):
    """viztracer, on for the whole process."""

    name = "viztracer"
    packages = ("viztracer",)
    records = "every function call, the newest million"
    note = "not saved to disk"

    def switch_on(self) -> None:
        """Starts it as its documentation's inline use."""
        from viztracer import VizTracer as Tracing

        self.tracing = Tracing(verbose=0)
        self.tracing.start()

    def catch_up(self) -> None:
        """Deletes the calls of the warm-up."""
        self.tracing.clear()

    def recorded(self) -> str:
        """Returns how many entries its buffer holds."""
        self.tracing.stop()
        return f"{self.tracing.parse():,} entries in all"


class Kolo(Contestant):
    """kolo's middleware."""

    name = "kolo"
    request_divisor = 8
    packages = ("kolo",)
    records = "every function call of the project, with arguments, to a SQLite file"
    note = "DEBUG on"

    def changes(self, directory: str) -> Changes:
        """Puts its middleware first."""
        self.directory = Path(directory)
        return Changes(first=["kolo.middleware.KoloMiddleware"], settings=DEBUG)

    def recorded(self) -> str:
        """Returns the size of its file."""
        size = 0
        for file in self.directory.glob(".kolo/**/*"):
            # SQLite may delete its own files meanwhile.
            with suppress(FileNotFoundError):
                size += file.stat().st_size if file.is_file() else 0
        return f"{size / 1e6:,.1f} MB on disk in all"


class Dozer(Contestant):
    """Dozer, wrapped around the WSGI application."""

    name = "dozer"
    packages = ("dozer",)
    records = "how many objects of each class there are, every five seconds"
    is_async = False

    def wrap(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps the handler as its README does."""
        from dozer import Dozer as Wrapper

        self.dozer = Wrapper(handler)
        wrapped: Callable[..., Any] = self.dozer
        return wrapped

    def recorded(self) -> str:
        """Returns how many classes it follows."""
        return f"{len(self.dozer.history)} classes"


CONTESTANTS = (
    Debug(), Toolbar(), Silk(), OpenTelemetry(), Sentry(), Pyinstrument(), VizTracer(), Kolo(),
    Dozer(),
)  # fmt: skip
