"""Processes to show on an HTML page, and a way through the page's pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.render.sample_cafe import Cafe, cafe
from tests.render.sample_process import SampleProcess
from tracer.model import Boot, Imported, Process, Span

VIEWS = ("processes", "requests", "lifelines", "ledger", "boot")
NASTY = "/</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202egnp.exe"


def booted(process: Process) -> Process:
    """Returns the process with a boot that was recorded."""
    spans = (
        Span("interpreter", "python", None, 0, 40_000_000),
        Span("setup", "django.setup", None, 40_000_000, 240_000_000),
        Span("app", "cafe", 1, 60_000_000, 90_000_000),
    )
    heaviest = (Imported("cafe.models", 30_000_000, 55_000_000),)
    return replace(process, boot=Boot(0, spans, 412, 180_000_000, heaviest))


def workers() -> list[Process]:
    """Returns two workers that served the same café; the second served fewer requests."""
    sample = Cafe()
    sample.facts[0] = replace(sample.facts[0], pid=48214)  # type: ignore[type-var]
    sample.menu(2)
    sample.menu(3, keep=True)
    sample.ends()
    return [booted(cafe(end=True)), sample.process()]


def hostile() -> Process:
    """Returns a process that served a request whose path is markup."""
    sample = SampleProcess()
    with sample.request(NASTY) as now:
        now.does("view", NASTY, now.builds("view", f"View {NASTY}"), detail=NASTY)
    return sample.process()


def each_view(page: Any) -> Iterator[str]:
    """Goes to each picture of the page, and yields its name."""
    for view in VIEWS:
        if page.locator(f"#tab-{view}").count():
            page.evaluate(f"location.hash = '#{view}/1/3'")
            page.wait_for_selector(f"body[data-view={view}]")
            yield view
